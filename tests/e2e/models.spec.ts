// Models: the list, one model, and what is done with it by mouse and by keyboard.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { expect, open, sideways, test } from './page.js';

// They change the same model, one after the other.
test.describe.configure({ mode: 'serial' });

const KEY = () => process.env['E2E_KEY']!;
const version = (page: Page, number: number) => page.locator(`#v${number}`);
const dialog = (page: Page) => page.getByRole('dialog');

async function violations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.target.join(' ')).join(', ')}`);
}

/** One row asked of the model, by the protocol its users speak. */
async function infer(page: Page, model: string): Promise<{ model_version: string }> {
  const metadata = await (await page.request.get(`/v2/models/${model}`)).json();
  const [input] = metadata.inputs;
  const width = Number(input.shape.at(-1));
  const body = { inputs: [{ name: input.name, datatype: input.datatype, shape: [1, width], data: new Array(width).fill(0.5) }] };
  const answer = await page.request.post(`/v2/models/${model}/infer`, { data: body });
  expect(answer.status(), await answer.text()).toBe(200);
  return answer.json();
}

test('from the list to a model, a promotion with a key, and back again', async ({ page, shifts }) => {
  await open(page, '/');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Models' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Models');
  const row = page.locator('#m-goals');
  await expect(row).toContainText('version 1');
  await expect(row).toContainText('3 versions');
  await row.getByRole('link', { name: 'goals' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('goals');

  // Loading: the key is asked for once.
  await version(page, 2).getByRole('button', { name: 'Load version 2' }).click();
  await expect(dialog(page)).toContainText('Load version 2 of goals?');
  await dialog(page).getByLabel('API key').fill(KEY());
  await dialog(page).getByRole('button', { name: 'Load' }).click();
  await expect(dialog(page)).toBeHidden();
  await expect(page.locator('#banner')).toContainText('Version 2 of goals is in memory.');
  await expect(version(page, 2)).toContainText('in memory');

  await version(page, 2).getByRole('button', { name: 'Promote version 2' }).click();
  await expect(dialog(page)).toContainText('Version 2 takes all traffic from version 1');
  await expect(dialog(page).getByLabel('API key')).toHaveCount(0);
  await dialog(page).getByRole('button', { name: 'Promote' }).click();
  await expect(version(page, 2).locator('.mark.serving')).toHaveText('serves');
  expect((await infer(page, 'goals')).model_version).toBe('2');

  await page.getByRole('button', { name: 'Roll back to version 1' }).click();
  await dialog(page).getByRole('button', { name: 'Roll back' }).click();
  await expect(version(page, 1).locator('.mark.serving')).toHaveText('serves');
  expect((await infer(page, 'goals')).model_version).toBe('1');

  // The figures follow without a reload, and nothing jumps.
  await expect(page.getByRole('heading', { name: 'Where the time goes' })).toBeVisible();
  await expect(page.locator('#l1')).toHaveText('Version 1');
  expect(page.url()).not.toContain('se_');
  await page.getByRole('button', { name: 'Forget the key' }).click();
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});

test('a share of the traffic goes to a canary and comes back', async ({ page }) => {
  await open(page, '/models/goals');
  await version(page, 2).getByRole('button', { name: 'Try as canary' }).click();
  await dialog(page).getByLabel('Share of the requests').fill('25');
  await dialog(page).getByLabel('API key').fill(KEY());
  await dialog(page).getByRole('button', { name: 'Set share' }).click();
  await expect(version(page, 2)).toContainText('canary 25%');
  await expect(page.locator('#live > .goes')).toContainText('version 1 75%, version 2 25% as canary');
  await version(page, 2).getByRole('button', { name: 'End the canary' }).click();
  await dialog(page).getByRole('button', { name: 'End canary' }).click();
  await expect(version(page, 2)).not.toContainText('canary 25%');
  await expect(page.locator('#live > .goes')).toContainText('version 1 100%');
});

test('a wrong key changes nothing and says so where it was typed', async ({ page }) => {
  // The browser itself reports an answer that failed.
  page.removeAllListeners('console');
  await open(page, '/models/goals');
  await version(page, 2).getByRole('button', { name: 'Promote' }).click();
  await dialog(page).getByLabel('API key').fill('se_wrong');
  await dialog(page).getByRole('button', { name: 'Promote' }).click();
  await expect(dialog(page).getByRole('alert')).toContainText('API key');
  await expect(dialog(page).getByLabel('API key')).toBeFocused();
  // A key that may write, but not change models.
  await dialog(page).getByLabel('API key').fill(process.env['E2E_WRITE_KEY']!);
  await dialog(page).getByRole('button', { name: 'Promote' }).click();
  await expect(dialog(page).getByRole('alert')).toContainText('scope models');
  await page.keyboard.press('Escape');
  await expect(dialog(page)).toBeHidden();
  await expect(version(page, 1).locator('.mark.serving')).toHaveText('serves');
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});

test('a version that does not load says why, where it was asked for and where it stands', async ({ page }) => {
  // The browser itself reports an answer that failed.
  page.removeAllListeners('console');
  await open(page, '/models/goals');
  await version(page, 3).getByRole('button', { name: 'Promote' }).click();
  await dialog(page).getByLabel('API key').fill(KEY());
  await dialog(page).getByRole('button', { name: 'Promote' }).click();
  await expect(dialog(page).getByRole('alert')).toContainText('does not load');
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(version(page, 3)).toContainText('failed');
  await expect(version(page, 3).locator('.reason')).not.toBeEmpty();
  await expect(version(page, 1).locator('.mark.serving')).toHaveText('serves');
});

test('everything is done by keyboard alone', async ({ page }) => {
  await open(page, '/');
  await page.keyboard.press('g');
  await page.keyboard.press('m');
  await expect(page).toHaveURL('/models');
  await page.waitForLoadState('networkidle');
  const goals = page.locator('#m-goals').getByRole('link');
  for (let rows = 0; rows < 10 && !(await goals.evaluate((it) => it === document.activeElement)); rows += 1) {
    await page.keyboard.press('j');
  }
  await expect(goals).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/models/goals');
  await page.waitForLoadState('networkidle');
  const promote = version(page, 2).getByRole('button', { name: 'Promote' });
  for (let tabs = 0; tabs < 40 && !(await promote.evaluate((it) => it === document.activeElement)); tabs += 1) {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  await expect(dialog(page).getByLabel('API key')).toBeFocused();
  await page.keyboard.type(KEY());
  await page.keyboard.press('Enter');
  await expect(version(page, 2).locator('.mark.serving')).toHaveText('serves');
  await expect(page.locator('#main')).toBeFocused();
  const back = page.getByRole('button', { name: 'Roll back to version 1' });
  for (let tabs = 0; tabs < 40 && !(await back.evaluate((it) => it === document.activeElement)); tabs += 1) {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Space');
  await expect(dialog(page).getByRole('button', { name: 'Roll back' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(version(page, 1).locator('.mark.serving')).toHaveText('serves');
});

test('figures rest while paused', async ({ page }) => {
  await open(page, '/models');
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.locator('#controls')).toContainText('Paused');
  let asked = 0;
  page.on('request', (request) => (asked += Number(request.url().endsWith('/models'))));
  await page.waitForTimeout(6_000);
  expect(asked).toBe(0);
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect.poll(() => asked).toBeGreaterThan(0);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the question has no violation in ${colorScheme} and fits a phone`, async ({ page, shifts }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width: 360, height: 740 });
    await open(page, '/models/goals');
    expect(await sideways(page)).toBe(0);
    await version(page, 2).getByRole('button', { name: 'Try as canary' }).click();
    expect(await violations(page)).toEqual([]);
    expect(await sideways(page)).toBe(0);
    await dialog(page).getByRole('button', { name: 'Cancel' }).click();
    expect(await violations(page)).toEqual([]);
    expect(await shifts()).toBe(0);
  });
}

test('a model is whole without script, but for what needs it', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${baseURL}/models/goals`);
  await expect(page.locator('#v1')).toBeVisible();
  await expect(page.locator('noscript .note, .note').first()).toContainText('sports-edge model');
  await expect(page.locator('#promote-2')).toBeHidden();
  await context.close();
});
