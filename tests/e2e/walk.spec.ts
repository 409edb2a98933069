// The way a visitor goes: board, fixture, edges, report card.
import { expect, FIXTURE, open, test } from './page.js';

test('from the board to a fixture, its edges and the report card', async ({ page }) => {
  await open(page, '/');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Coming up');
  const row = page.locator(`#f${process.env['E2E_FIXTURE']}`);
  await expect(row).toContainText('Arsenal');
  await expect(row.locator('svg').first()).toBeVisible();

  await row.getByRole('link').first().click();
  await expect(page).toHaveURL(FIXTURE);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Arsenal');
  for (const title of ['Who wins', 'Score by score', 'Why the model thinks so', 'Prices by bookmaker', 'Head to head']) {
    await expect(page.getByRole('heading', { name: title, exact: true })).toBeVisible();
  }

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Edges' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Edges');

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Report card' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Report card');
  await expect(page.getByRole('heading', { name: 'Every model' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Worst misses' })).toBeVisible();
});

test('the board shows what the API says', async ({ page, request }) => {
  const answer = await request.get(`/v1${FIXTURE}/prediction`);
  expect(answer.status()).toBe(200);
  const prediction = await answer.json();
  const h2h = prediction.markets.find((market: { market: string }) => market.market === 'h2h');
  const shares: number[] = h2h.outcomes.map((outcome: { probability: number }) => outcome.probability);
  expect(shares.reduce((sum, it) => sum + it, 0)).toBeCloseTo(1, 9);
  await open(page, '/');
  const row = page.locator(`#f${process.env['E2E_FIXTURE']}`);
  const text = (await row.textContent()) ?? '';
  expect(text).toContain(String(Math.round(shares[0]! * 100)));
  expect(text).toContain(String(Math.round(shares[2]! * 100)));
});

test('the score grid adds up to the home side’s probability', async ({ page }) => {
  await open(page, FIXTURE);
  const rows = await page.locator('table.heat tbody tr').count();
  expect(rows).toBeGreaterThanOrEqual(5);
  const cells = await page.locator('table.heat tbody td').allTextContents();
  const percent = cells.map((text) => Number.parseFloat(text.replace('<', '')) || 0);
  expect(Math.min(...percent)).toBeGreaterThanOrEqual(0);
  expect(percent.reduce((sum, it) => sum + it, 0)).toBeGreaterThan(90);
});

test('filters narrow the board and are kept in the address', async ({ page }) => {
  await open(page, '/?day=2024-05-19');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Results');
  const all = await page.locator('.row').count();
  expect(all).toBe(await page.locator('.row', { has: page.locator('.score') }).count());
  await page.getByLabel('Competition').selectOption('E0');
  await expect(page).toHaveURL(/competition=E0/);
  // The last day of the English season: ten games at once.
  await expect(page.locator('.row')).toHaveCount(10);
  expect(all).toBeGreaterThan(10);
  await page.reload();
  await expect(page.locator('.row')).toHaveCount(10);
  await page.getByRole('link', { name: 'Previous day' }).click();
  await expect(page).toHaveURL(/day=2024-05-1\d/);
  await expect(page).toHaveURL(/competition=E0/);
});

test('a board with nothing on it says what to do', async ({ page }) => {
  await open(page, '/?day=1990-01-01');
  await expect(page.getByRole('heading', { name: 'Nothing on this board' })).toBeVisible();
  await page.getByRole('link', { name: 'Show the whole board' }).click();
  await expect(page.locator('.row').first()).toBeVisible();
});

test('edges are sorted by what one clicks', async ({ page }) => {
  await open(page, '/edges?flagged=1&min=0');
  const rows = page.locator('#edges tbody tr');
  expect(await rows.count()).toBeGreaterThan(0);
  await page.locator('#edges thead').getByRole('link', { name: 'Price', exact: true }).click();
  await expect(page).toHaveURL(/sort=price/);
  await expect(page.locator('#edges th[aria-sort]')).toContainText('Price');
  const prices = await page.locator('#edges tbody td:nth-child(3) data').evaluateAll((cells) =>
    cells.map((cell) => Number((cell as HTMLDataElement).value)),
  );
  expect(prices).toEqual([...prices].sort((a, b) => b - a));
});

test('a doubtful edge is hidden until one asks for it', async ({ page }) => {
  await open(page, '/edges?min=0');
  expect(await page.locator('#edges tr.flagged').count()).toBe(0);
  await page.getByLabel('Doubtful ones too').check();
  await expect(page).toHaveURL(/flagged=1/);
});

test('a fixture nobody knows is a page that helps', async ({ page }) => {
  // The browser itself reports a page that is not there.
  page.removeAllListeners('console');
  const answer = await page.goto('/fixtures/999999999');
  expect(answer?.status()).toBe(404);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await page.getByRole('link', { name: 'Back to the board' }).click();
  await expect(page).toHaveURL('/');
});
