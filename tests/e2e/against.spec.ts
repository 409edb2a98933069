// A game under way: the model beside the prices of now, momentum, the swing of the game.
import { AxeBuilder } from '@axe-core/playwright';
import { begun, priced } from './game.js';
import { expect, sideways, test } from './page.js';

const PICTURES = process.env['E2E_PICTURES'];

test('prices that are taken in the game stand beside the model, until the next goal', async ({ page, request }) => {
  const game = await begun(request, ['Wolves', 'Burnley'], '2039/40', 20);
  await game.tell({ kind: 'period_start', period: 1 }, 0);
  await game.tell({ kind: 'scored', side: 'home' }, 12);
  await page.goto(`/fixtures/${game.id}`);
  await expect(page.locator('#play-state')).toBeVisible();
  await expect(page.locator('#play-state')).toHaveText('Live');
  const against = page.locator('#against');
  await expect(against).toContainText('No price of who wins was taken since');
  await priced(request, game.id, [1.5, 4.2, 8.5]);
  // The game is heard of again: the page is brought up to date.
  await game.tell({ kind: 'clock', running: true, clock: { period: 1, seconds: 1_200 } });
  const rows = against.locator('tbody tr');
  await expect(rows).toHaveCount(3);
  await expect(rows.first()).toContainText('Wolves wins');
  await expect(rows.first()).toContainText('1.50');
  const cells = await rows.first().locator('td').allTextContents();
  const model = parseFloat(cells[0]!) / 100;
  const value = parseFloat(cells[3]!.replace('\u2212', '-').replace('+', '')) / 100;
  expect(value).toBeCloseTo(model * 1.5 - 1, 2);
  await page.goto('/');
  await expect(page.locator(`#f${game.id} .view.market .age`)).toHaveText('priced in play');

  await page.goto(`/fixtures/${game.id}`);
  await expect(page.locator('#course')).toContainText('Momentum');
  await expect(page.locator('#pulse')).toContainText(/points for Wolves in the last ten minutes of play; in all [\d.]+ percentage points of winning probability changed hands/);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((it) => it.id)).toEqual([]);
    if (PICTURES) await page.screenshot({ path: `${PICTURES}/against-${colorScheme}.png`, fullPage: true });
  }
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await sideways(page)).toBe(0);
  await expect(page.locator('#play-state')).toBeVisible();
  await expect(page.locator('#play-state')).toHaveText('Live');
  await game.tell({ kind: 'scored', side: 'away' });
  await expect(against).toContainText('No price of who wins was taken since');
});
