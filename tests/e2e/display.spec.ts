// How pages look and feel: theme, odds, keyboard, phone, layout that stays where it is.
import type { Page } from '@playwright/test';

import { expect, FIXTURE, open, PAGES, sideways, test } from './page.js';

const background = 'getComputedStyle(document.body).backgroundColor';

test('the theme follows the device until one chooses', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await open(page, '/');
  const dark = await page.evaluate(background);
  await page.emulateMedia({ colorScheme: 'light' });
  const light = await page.evaluate(background);
  expect(dark).not.toBe(light);

  await page.locator('#display summary').click();
  await page.getByLabel('dark').check();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  expect(await page.evaluate(background)).toBe(dark);
  await page.reload();
  expect(await page.evaluate(background)).toBe(dark);
});

test('odds are written the way one chooses, everywhere', async ({ page }) => {
  await open(page, FIXTURE);
  const price = page.locator('#prices ~ details data.odds[value="1.95"]').first();
  await expect(price).toHaveText('1.95');
  await page.locator('#display summary').click();
  await page.getByLabel('american').check();
  await expect(price).toHaveText(/^[-−]105$/);
  await page.reload();
  await expect(price).toHaveText(/^[-−]105$/);
  await page.locator('#display summary').click();
  await page.getByLabel('fractional').check();
  await expect(price).toHaveText('19/20');
});

test('the keyboard reaches the content first', async ({ page }) => {
  await open(page, '/');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('#main')).toBeFocused();
});

/** Loads a page that hears nothing new: what other tests do meanwhile may well be a new line on it. */
async function openStill(page: Page, path: string): Promise<void> {
  const later = (url: URL) => url.pathname + url.search === path;
  await page.route(later, (route) => (route.request().resourceType() === 'fetch' ? route.fulfill({ status: 304 }) : route.fallback()));
  await page.routeWebSocket(/\/v1\/live/, () => {});
  await open(page, path);
}

for (const [name, path] of PAGES) {
  test(`${name}: nothing moves while it loads`, async ({ page, shifts }) => {
    await openStill(page, path);
    await page.mouse.wheel(0, 2000);
    await page.waitForTimeout(500);
    expect(await shifts()).toBe(0);
  });

  test(`${name}: fits a phone`, async ({ page, shifts }) => {
    await page.setViewportSize({ width: 360, height: 740 });
    await openStill(page, path);
    expect(await sideways(page)).toBe(0);
    expect(await shifts()).toBe(0);
  });
}

test('the board is whole without script', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(baseURL!);
  await expect(page.locator('.row').first()).toBeVisible();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Report card' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Report card');
  await context.close();
});

test('keys walk the board, open help and lead to the other pages', async ({ page }) => {
  await open(page, '/?day=2024-05-19');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await expect(page.locator('.row .teams').nth(1)).toBeFocused();
  await page.keyboard.press('k');
  await expect(page.locator('.row .teams').nth(0)).toBeFocused();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeHidden();
  await page.keyboard.press('/');
  await expect(page.getByLabel('Competition')).toBeFocused();
  await page.locator('.row .teams').first().focus();
  await page.keyboard.press('g');
  await page.keyboard.press('e');
  await expect(page).toHaveURL('/edges');
});
