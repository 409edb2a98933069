// Models: the list, one model, and what is done with it by mouse and by keyboard.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { expect, open, sideways, test } from './page.js';

// They change the same model, one after the other.
test.describe.configure({ mode: 'serial' });

const MODEL = resolve(import.meta.dirname, '../../crates/trees/tests/golden/lightgbm/binary.txt');
const KEY = () => process.env['E2E_KEY']!;

// What an earlier try left is taken back: what is already as it should be is refused, and that is fine.
test.beforeAll(async ({ request }) => {
  if (test.info().retry === 0) return;
  const headers = { authorization: `Bearer ${KEY()}` };
  const goals = '/v1/models/goals';
  for (const path of [`${goals}/canary`, `${goals}/shadow`, `${goals}/labels/candidate`]) await request.delete(path, { headers });
  await request.post(`${goals}/promote`, { headers, data: { version: 1, force: true } });
  await request.delete(`${goals}/versions/4`, { headers });
  await request.delete('/v1/models/shots/versions/1', { headers });
  await request.post(`${goals}/unload`, { headers, data: {} });
});

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
  // Nothing that a script could read would be a key.
  expect(await page.evaluate(() => document.cookie + JSON.stringify(sessionStorage) + JSON.stringify(localStorage))).not.toContain('se_');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('link', { name: 'Sign in' })).toBeVisible();
  await open(page, '/models/goals');
  await version(page, 2).getByRole('button', { name: 'Promote version 2' }).click();
  await expect(dialog(page).getByLabel('API key')).toBeVisible();
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

test('a gate that refuses takes a second question, and the promotion is then forced', async ({ page }) => {
  // The browser itself reports an answer that failed.
  page.removeAllListeners('console');
  await open(page, '/models/goals');
  await version(page, 2).getByRole('button', { name: 'Run in the shadow' }).click();
  await dialog(page).getByLabel('Share of the requests').fill('50');
  await dialog(page).getByLabel('this many rows').fill('1000');
  await dialog(page).getByLabel('outputs differ').fill('0.01');
  await dialog(page).getByLabel('API key').fill(KEY());
  expect(await violations(page)).toEqual([]);
  await dialog(page).getByRole('button', { name: 'Run in the shadow' }).click();
  await expect(page.locator('#banner')).toContainText('runs in the shadow of 50%');
  await expect(version(page, 2).locator('.mark.shadow')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'In the shadow' })).toBeVisible();
  await expect(page.locator('.gates')).toContainText('at least 1,000 rows compared');

  // Its form begins with what was set.
  await version(page, 2).getByRole('button', { name: 'Change its shadow' }).click();
  await expect(dialog(page).getByLabel('this many rows')).toHaveValue('1000');
  await expect(dialog(page).getByLabel('outputs differ')).toHaveValue('0.01');
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();

  await version(page, 2).getByRole('button', { name: 'Promote version 2' }).click();
  await dialog(page).getByRole('button', { name: 'Promote' }).click();
  await expect(dialog(page).getByRole('alert')).toContainText('was compared on 0 rows where 1000 are wanted');
  await expect(version(page, 1).locator('.mark.serving')).toHaveText('serves');
  await dialog(page).getByRole('button', { name: 'Promote all the same' }).click();
  await expect(dialog(page)).toContainText('although its gate refuses?');
  await expect(dialog(page).getByRole('alert')).toContainText('was compared on 0 rows');
  await expect(dialog(page).getByRole('button', { name: 'Cancel' })).toBeFocused();
  expect(await violations(page)).toEqual([]);
  await dialog(page).getByRole('button', { name: 'Promote against the gate' }).click();
  await expect(version(page, 2).locator('.mark.serving')).toHaveText('serves');
  await expect(page.getByRole('heading', { name: 'In the shadow' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Roll back to version 1' }).click();
  await dialog(page).getByRole('button', { name: 'Roll back' }).click();
  await expect(version(page, 1).locator('.mark.serving')).toHaveText('serves');
});

test('a shadow ends when told to', async ({ page }) => {
  await open(page, '/models/goals');
  await version(page, 2).getByRole('button', { name: 'Run in the shadow' }).click();
  await dialog(page).getByLabel('API key').fill(KEY());
  await dialog(page).getByRole('button', { name: 'Run in the shadow' }).click();
  await version(page, 2).getByRole('button', { name: 'End the shadow' }).click();
  await dialog(page).getByRole('button', { name: 'End shadow' }).click();
  await expect(version(page, 2).locator('.mark.shadow')).toHaveCount(0);
});

test('a label is set, leads to its version, and is taken away', async ({ page }) => {
  await open(page, '/models/goals');
  await version(page, 2).getByRole('button', { name: 'Label' }).first().click();
  await dialog(page).getByLabel('Label', { exact: false }).first().fill('12');
  await dialog(page).getByLabel('API key').fill(KEY());
  await dialog(page).getByRole('button', { name: 'Set label' }).click();
  // The browser holds back what cannot be a label.
  await expect(dialog(page)).toBeVisible();
  await dialog(page).getByLabel('Label', { exact: false }).first().fill('candidate');
  await dialog(page).getByRole('button', { name: 'Set label' }).click();
  await expect(version(page, 2)).toContainText('label candidate');
  const model = await (await page.request.get('/v1/models/goals/versions/2')).json();
  expect(model.labels).toContain('candidate');
  // What bears a label is needed.
  await expect(page.locator('#delete-2')).toHaveCount(0);
  await version(page, 2).getByRole('button', { name: 'Take label candidate away' }).click();
  await expect(dialog(page)).toContainText('Requests that name candidate are refused');
  await dialog(page).getByRole('button', { name: 'Take it away' }).click();
  await expect(version(page, 2)).not.toContainText('label candidate');
  await expect(page.locator('#delete-2')).toBeVisible();
});

test('a version is uploaded with its hash, is there for all, and is deleted', async ({ page }) => {
  await open(page, '/models/goals');
  await page.getByRole('button', { name: 'Upload a version' }).click();
  await dialog(page).getByLabel('File of the model').setInputFiles(MODEL);
  await dialog(page).getByText('More about it').click();
  const report = { name: 'report.json', mimeType: 'application/json', buffer: Buffer.from('{"log_loss": 0.5}') };
  await dialog(page).getByLabel('Report of its trainer').setInputFiles(report);
  await dialog(page).getByLabel('API key').fill(KEY());
  expect(await violations(page)).toEqual([]);
  const sent = page.waitForRequest((it) => it.url().includes('/v1/models/goals/versions?'));
  await dialog(page).getByRole('button', { name: 'Upload' }).click();
  const sha256 = createHash('sha256').update(readFileSync(MODEL)).digest('hex');
  expect(new URL((await sent).url()).searchParams.get('sha256')).toBe(sha256);
  await expect(page.locator('#banner')).toContainText('Version 4 of goals is there.');
  await expect(version(page, 4).getByTitle(sha256)).toBeVisible();
  await expect(version(page, 4).getByRole('link', { name: 'read it' })).toBeVisible();
  await expect(version(page, 1).locator('.mark.serving')).toHaveText('serves');

  await version(page, 4).getByRole('button', { name: 'Delete version 4' }).click();
  await expect(dialog(page)).toContainText('deleted from disk with everything beside it, for good');
  await dialog(page).getByRole('button', { name: 'Delete for good' }).click();
  await expect(version(page, 4)).toHaveCount(0);
  await expect(page.locator('#banner')).toContainText('Version 4 of goals is deleted.');
  expect((await page.request.get('/v1/models/goals/versions/4')).status()).toBe(404);
});

test('what is no model is refused with the reason, and leaves nothing behind', async ({ page }) => {
  // The browser itself reports an answer that failed.
  page.removeAllListeners('console');
  await open(page, '/models/goals');
  await page.getByRole('button', { name: 'Upload a version' }).click();
  const file = (text: string) => ({ name: 'model.txt', mimeType: 'text/plain', buffer: Buffer.from(text) });
  await dialog(page).getByLabel('File of the model').setInputFiles(file('tree\nversion=v4\n'));
  await dialog(page).getByLabel('API key').fill(KEY());
  await dialog(page).getByRole('button', { name: 'Upload' }).click();
  await expect(dialog(page).getByRole('alert')).not.toBeEmpty();
  expect(await violations(page)).toEqual([]);
  await dialog(page).getByText('More about it').click();
  await dialog(page).getByLabel('File of the model').setInputFiles(MODEL);
  await dialog(page).getByLabel('Number of the version').fill('1');
  await dialog(page).getByRole('button', { name: 'Upload' }).click();
  await expect(dialog(page).getByRole('alert')).toContainText('has version 1 already');
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog(page)).toHaveCount(0);
  await expect(page.locator('ol.versions > li')).toHaveCount(3);
});

test('a slow upload shows how far it is and is stopped', async ({ page }) => {
  await open(page, '/models/goals');
  const session = await page.context().newCDPSession(page);
  await page.getByRole('button', { name: 'Upload a version' }).click();
  const buffer = Buffer.alloc(8 << 20, 'a');
  await dialog(page).getByLabel('File of the model').setInputFiles({ name: 'model.txt', mimeType: 'text/plain', buffer });
  await dialog(page).getByLabel('API key').fill(KEY());
  const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 100 << 10 };
  await session.send('Network.emulateNetworkConditions', slow);
  await dialog(page).getByRole('button', { name: 'Upload' }).click();
  await expect(dialog(page).locator('.progress')).toContainText('Sending it');
  expect(await violations(page)).toEqual([]);
  // It cannot be left by accident while it is at work.
  await page.keyboard.press('Escape');
  await expect(dialog(page)).toBeVisible();
  await dialog(page).getByRole('button', { name: 'Stop' }).click();
  await expect(dialog(page).locator('.progress')).toHaveCount(0);
  await expect(dialog(page).getByRole('alert')).toHaveCount(0);
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(page.locator('ol.versions > li')).toHaveCount(3);
});

test('a model that is not there yet is uploaded from the list', async ({ page }) => {
  await open(page, '/models');
  await page.getByRole('button', { name: 'Upload a model' }).click();
  await dialog(page).getByLabel('Name of the model').fill('shots');
  await dialog(page).getByLabel('File of the model').setInputFiles(MODEL);
  await dialog(page).getByLabel('API key').fill(KEY());
  await dialog(page).getByRole('button', { name: 'Upload' }).click();
  await expect(page.locator('#m-shots')).toContainText('version 1');
  expect((await infer(page, 'shots')).model_version).toBe('1');
});

test('one question after another comes and goes, and the focus with it', async ({ page }) => {
  await open(page, '/models/goals');
  for (const id of ['upload', 'label-2', 'delete-3', 'shadow-2', 'promote-2', 'upload', 'canary-2']) {
    await page.locator(`#${id}`).click();
    await expect(dialog(page)).toBeVisible();
    await dialog(page).getByRole('button', { name: 'Cancel' }).click();
    await expect(dialog(page)).toHaveCount(0);
    await expect(page.locator(`#${id}`)).toBeFocused();
  }
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
