// Alerts: from a fixture's page to a rule of its own, a test that is told at once, a pause, and the end.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { expect, FIXTURE, open, sideways, test } from './page.js';

// They look at the same list.
test.describe.configure({ mode: 'serial' });

// What an earlier try left is gone.
test.beforeAll(async ({ request }) => {
  const headers = { authorization: `Bearer ${KEY()}` };
  const { data } = (await (await request.get('/v1/alerts')).json()) as { data: { id: number }[] };
  for (const { id } of data) expect((await request.delete(`/v1/alerts/${id}`, { headers })).ok()).toBe(true);
});

const KEY = () => process.env['E2E_WRITE_KEY']!;
const dialog = (page: Page) => page.getByRole('dialog');
const row = (page: Page, name: string) => page.locator('.alerts .row', { hasText: name });

async function violations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.target.join(' ')).join(', ')}`);
}

test('from a fixture to an alert, a test that is said aloud, a pause and the end', async ({ page }) => {
  await open(page, FIXTURE);
  await page.getByRole('link', { name: 'Alert me' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Alerts');
  await expect(page.getByText('No alerts yet')).toBeVisible();
  await expect(page.getByText('Nothing yet')).toBeVisible();
  expect(await violations(page)).toEqual([]);

  // What is not asked for is not shown.
  const form = page.locator('#alert-form');
  await expect(form.getByLabel('Name')).toHaveValue('Arsenal – Chelsea');
  await expect(form.getByLabel('Line')).toBeHidden();
  await form.getByLabel('Tell me when').selectOption('swing');
  await expect(form.getByLabel('Level, in percent')).toBeHidden();
  await expect(form.getByLabel('By, in percentage points')).toBeVisible();
  await form.getByLabel('Market').selectOption('totals');
  await expect(form.getByLabel('Line')).toBeVisible();
  await expect(form.getByLabel('Outcome')).toHaveValue('over');
  await form.getByLabel('Market').selectOption('h2h');
  await form.getByLabel('Tell me when').selectOption('probability');
  await form.getByLabel('Outcome').selectOption('home');
  await form.getByLabel('Level, in percent').fill('97.5');
  await form.getByLabel('Name').fill('Home nearly there');
  await form.getByRole('button', { name: 'Make it' }).click();
  await expect(dialog(page)).toContainText('Make the alert “Home nearly there”?');
  await dialog(page).getByLabel('API key').fill(KEY());
  expect(await violations(page)).toEqual([]);
  await dialog(page).getByRole('button', { name: 'Make it' }).click();
  await expect(dialog(page)).toBeHidden();
  const made = row(page, 'Home nearly there');
  await expect(made).toContainText('home crosses 97.5%');
  await expect(made).toContainText('Arsenal – Chelsea');
  await expect(made.locator('.mark')).toHaveText('watching');

  await made.getByRole('button', { name: 'Test' }).click();
  await dialog(page).getByRole('button', { name: 'Send the test' }).click();
  await expect(page.locator('#fired')).toHaveText('Alert “Home nearly there”: a test.');
  await expect(page.locator('.firings .row')).toContainText('a test');
  expect(await violations(page)).toEqual([]);

  await made.getByRole('button', { name: 'Pause' }).click();
  await dialog(page).getByRole('button', { name: 'Pause' }).click();
  await expect(made.locator('.mark')).toHaveText('paused');
  await made.getByRole('button', { name: 'Resume' }).click();
  await dialog(page).getByRole('button', { name: 'Resume' }).click();
  await expect(made.locator('.mark')).toHaveText('watching');

  await made.getByRole('link', { name: 'Home nearly there' }).click();
  await expect(page.getByRole('heading', { name: 'What fired: Home nearly there' })).toBeVisible();
  await expect(page.locator('.firings .row')).toHaveCount(1);
  expect(await sideways(page)).toBe(0);
  await row(page, 'Home nearly there').getByRole('button', { name: 'Delete' }).click();
  await expect(dialog(page)).toContainText('for good');
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  await open(page, '/alerts');
  await row(page, 'Home nearly there').getByRole('button', { name: 'Delete' }).click();
  await dialog(page).getByRole('button', { name: 'Delete for good' }).click();
  await expect(page.getByText('No alerts yet')).toBeVisible();
});

test('what the server refuses is said, and what was typed stays', async ({ page }) => {
  // The browser itself reports an answer that failed.
  page.removeAllListeners('console');
  await open(page, '/alerts');
  const form = page.locator('#alert-form');
  await form.getByLabel('Name').fill('Inside');
  await form.getByLabel('Webhook').fill('http://192.168.0.1/in');
  await form.getByRole('button', { name: 'Make it' }).click();
  await dialog(page).getByLabel('API key').fill(KEY());
  await dialog(page).getByRole('button', { name: 'Make it' }).click();
  await expect(dialog(page).getByRole('alert')).toContainText('not public');
  expect(await violations(page)).toEqual([]);
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(form.getByLabel('Name')).toHaveValue('Inside');
});

test('a secret of a webhook is shown once', async ({ page }) => {
  await open(page, '/alerts');
  const form = page.locator('#alert-form');
  await form.getByLabel('Name').fill('Hooked');
  await form.getByLabel('Webhook').fill('http://1.1.1.1:9/in');
  await form.getByLabel('How often').selectOption('60');
  await form.getByRole('button', { name: 'Make it' }).click();
  await dialog(page).getByLabel('API key').fill(KEY());
  await dialog(page).getByRole('button', { name: 'Make it' }).click();
  await expect(page.locator('#secret')).toContainText('whsec_');
  await expect(row(page, 'Hooked')).toContainText('and to http://1.1.1.1:9');
  await expect(row(page, 'Hooked')).toContainText('again after');
  await page.reload();
  await expect(page.locator('#secret')).toHaveText('');
  await row(page, 'Hooked').getByRole('button', { name: 'Delete' }).click();
  await dialog(page).getByRole('button', { name: 'Delete for good' }).click();
  await expect(page.getByText('No alerts yet')).toBeVisible();
});

test('what fires is said on every page', async ({ page, request }) => {
  const headers = { authorization: `Bearer ${KEY()}` };
  const rule = { name: 'Everywhere', condition: { on: 'edge', level: 0.99 }, scope: {} };
  const { id } = (await (await request.post('/v1/alerts', { headers, data: rule })).json()) as { id: number };
  for (const path of ['/report', '/models', '/competitions/E0']) {
    // What had fired before a page heard of it first is no news to it.
    const heard = page.waitForEvent('websocket').then((it) => it.waitForEvent('framereceived', { predicate: ({ payload }) => payload.includes('alerts/fired') }));
    await page.goto(path);
    await heard;
    await expect(async () => {
      expect((await request.post(`/v1/alerts/${id}/test`, { headers })).ok()).toBe(true);
      await expect(page.locator('#fired')).toHaveText('Alert “Everywhere”: a test.', { timeout: 2_000 });
    }).toPass();
  }
  expect((await request.delete(`/v1/alerts/${id}`, { headers })).ok()).toBe(true);
});
