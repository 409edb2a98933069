// The table of a season: reached from a game and from the board, any season, without script too.
import { expect, FIXTURE, open, started, test } from './page.js';

const PICTURES = process.env['E2E_PICTURES'];

test('a game leads to the table of its season, and from there to any other', async ({ page, shifts }) => {
  await open(page, FIXTURE);
  await page.locator('.meta a').first().click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Premier League');
  await started(page);
  await page.getByRole('combobox', { name: 'Season' }).selectOption('2023/24');
  await expect(page).toHaveURL('/competitions/E0?season=2023%2F24');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Premier League 2023/24');
  const rows = page.getByRole('row');
  await expect(rows).toHaveCount(21);
  // As the season ended: champions with 91 points, 28 won, 7 drawn, 3 lost, 96 goals to 34.
  await expect(rows.nth(1)).toHaveText(/^1\s*Man(chester)? City\s*91\s*38\s*28\s*7\s*3\s*96\s*34\s*\+62/);
  await expect(rows.nth(20)).toHaveText(/^20\s*Sheffield U\S+\s*16\s*38/);
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/table.png`, fullPage: true });
  await page.setViewportSize({ width: 360, height: 740 });
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/table-phone.png`, fullPage: true });
  expect(await shifts()).toBe(0);
});

test('the board of a competition leads to its table, without script too', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${baseURL}/?competition=SP1`);
  await page.getByRole('link', { name: 'Table' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('La Liga 2023/24');
  await page.getByRole('combobox', { name: 'Season' }).selectOption('2015/16');
  await page.getByRole('button', { name: 'Show' }).click();
  await expect(page.getByRole('row').nth(1)).toContainText('Barcelona');
  const missing = await page.goto(`${baseURL}/competitions/SP1?season=1899`);
  expect(missing!.status()).toBe(404);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await context.close();
});
