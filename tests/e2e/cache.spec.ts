// The cache: what is kept, a preview of a purge, the purge itself, by mouse, by keyboard, without script.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { expect, open, sideways, test } from './page.js';

// They purge the same cache, one after the other.
test.describe.configure({ mode: 'serial' });

const dialog = (page: Page) => page.getByRole('dialog');
const preview = (page: Page) => page.locator('#preview');

/** An address that nobody else asks for, answered twice. */
async function kept(page: Page, mark: number): Promise<string> {
  const address = `/v1/fixtures?limit=${mark}`;
  for (let times = 0; times < 2; times += 1) expect((await page.request.get(address)).status()).toBe(200);
  return address;
}

/** Which tier answers now. */
async function tier(page: Page, address: string): Promise<string> {
  return (await page.request.get(address)).headers()['server-timing']!;
}

async function violations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.target.join(' ')).join(', ')}`);
}

test('what is kept is shown, previewed, and gone after a purge with a key', async ({ page }) => {
  const address = await kept(page, 41);
  expect(await tier(page, address)).toContain('memory');
  await open(page, '/');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Cache' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Cache');
  await expect(page.getByRole('row', { name: /^fixtures / })).toBeVisible();

  const form = page.getByRole('form', { name: 'What to purge' });
  await form.getByLabel('Address').fill(address);
  await form.getByRole('button', { name: 'Preview' }).click();
  await expect(preview(page)).toContainText('A purge would drop 1 answer');
  await expect(preview(page)).toContainText(`sports-edge cache purge --address '${address}'`);
  expect(await tier(page, address)).toContain('memory');
  await page.waitForLoadState('networkidle');
  await preview(page).getByRole('button', { name: /^Purge 1 answer/ }).click();
  await expect(dialog(page)).toContainText('Purge the cache?');
  await expect(dialog(page)).toContainText('--scope admin');
  await dialog(page).getByLabel('API key').fill(process.env['E2E_ADMIN_KEY']!);
  await dialog(page).getByRole('button', { name: 'Purge' }).click();
  await expect(dialog(page)).toBeHidden();
  await expect(page.locator('#banner')).toContainText('It is forgotten');
  await expect(preview(page)).toContainText('A purge would drop 0 answers');
  expect(await tier(page, address)).toContain('loader');
});

test('the first key may not purge, and the page says which may', async ({ page }) => {
  // The browser itself reports an answer that failed.
  page.removeAllListeners('console');
  const address = await kept(page, 42);
  await open(page, `/cache?address=${encodeURIComponent(address)}`);
  await preview(page).getByRole('button', { name: /^Purge/ }).click();
  await dialog(page).getByLabel('API key').fill(process.env['E2E_KEY']!);
  await dialog(page).getByRole('button', { name: 'Purge' }).click();
  await expect(dialog(page).getByRole('alert')).toContainText('sports-edge key create --name NAME --scope admin');
  await page.keyboard.press('Escape');
  expect(await tier(page, address)).toContain('memory');
});

test('a tag that is none is said to be none', async ({ page }) => {
  await open(page, '/cache?tag=weather:1');
  await expect(preview(page).getByRole('alert')).toContainText('"weather:1" is no tag');
  await expect(preview(page).getByRole('button')).toHaveCount(0);
  expect(await violations(page)).toEqual([]);
});

test('a purge by keyboard alone', async ({ page }) => {
  const address = await kept(page, 43);
  await open(page, '/');
  await page.keyboard.press('g');
  await page.keyboard.press('c');
  await expect(page).toHaveURL('/cache');
  await page.waitForLoadState('networkidle');
  const field = page.getByLabel('Address');
  for (let tabs = 0; tabs < 80 && !(await field.evaluate((it) => it === document.activeElement)); tabs += 1) {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.type(address);
  await page.keyboard.press('Enter');
  await expect(preview(page)).toContainText('1 answer');
  await page.waitForLoadState('networkidle');
  const purge = preview(page).getByRole('button');
  for (let tabs = 0; tabs < 80 && !(await purge.evaluate((it) => it === document.activeElement)); tabs += 1) {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  await expect(dialog(page).getByLabel('API key')).toBeFocused();
  await page.keyboard.type(process.env['E2E_ADMIN_KEY']!);
  await page.keyboard.press('Enter');
  await expect(page.locator('#banner')).toContainText('It is forgotten');
  expect(await tier(page, address)).toContain('loader');
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the question fits a phone and has no violation in ${colorScheme}`, async ({ page, shifts }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width: 360, height: 740 });
    await open(page, '/cache?kind=answer.board');
    expect(await sideways(page)).toBe(0);
    await preview(page).getByRole('button').click();
    expect(await violations(page)).toEqual([]);
    await dialog(page).getByRole('button', { name: 'Cancel' }).click();
    expect(await sideways(page)).toBe(0);
    expect(await shifts()).toBe(0);
  });
}

test('without script the page is whole and says how to purge', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${baseURL}/cache`);
  await page.locator('select[name=kind]').selectOption('answer.teams');
  await page.getByRole('button', { name: 'Preview' }).click();
  await expect(page.locator('#preview')).toContainText("sports-edge cache purge --kind 'answer.teams'");
  await expect(page.locator('#preview button')).toBeHidden();
  await page.locator('select[name=window]').selectOption('day');
  await page.getByRole('button', { name: 'Show' }).click();
  await expect(page.locator('.stats')).toContainText('last day');
  await context.close();
});
