// The developers' console: frames as they come, a connection that is broken by hand and converges.
import { AxeBuilder } from '@axe-core/playwright';
import { begun } from './game.js';
import { expect, sideways, test } from './page.js';

const PICTURES = process.env['E2E_PICTURES'];

test('frames are shown as they come, and a broken connection ends with the state of the server', async ({ page, request }) => {
  const game = await begun(request, ['Luton', 'Burnley'], '2038/39', 6);
  await game.tell({ kind: 'period_start', period: 1, clock: { period: 1, seconds: 300 } });
  await page.goto(`/console?key=fixtures/${game.id}/play`);
  const [state, word, list] = [page.locator('#console-state'), page.locator('#console-word'), page.locator('#console-list')];
  await expect(state).toHaveText('Live by ws');
  await expect(list).toContainText('snapshot');
  await game.tell({ kind: 'scored', side: 'home' });
  await expect(list.locator('tr', { hasText: 'delta' }).first()).toContainText('ws');
  await expect(page.locator('#console-latency')).toContainText('p50');
  await expect(page.locator('#console-offset')).toContainText('±');

  await page.getByRole('button', { name: 'Break the connection' }).click();
  await game.tell({ kind: 'scored', side: 'home' });
  await expect(word).toContainText("equals the server's", { timeout: 20_000 });
  await page.getByRole('button', { name: 'Go offline' }).click();
  await expect(state).toHaveText('Offline');
  await game.tell({ kind: 'scored', side: 'away' });
  await page.getByRole('button', { name: 'Go online' }).click();
  await expect(word).toContainText("equals the server's", { timeout: 20_000 });
  for (const way of ['sse', 'poll']) {
    await page.getByRole('button', { name: 'Force the next way' }).click();
    await expect(state).toHaveText(`Live by ${way}`, { timeout: 20_000 });
    await game.tell({ kind: 'scored', side: 'away' });
    await expect(list.locator('tr', { hasText: 'delta' }).first()).toContainText(way, { timeout: 20_000 });
    await expect(word).toContainText("equals the server's", { timeout: 20_000 });
  }
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((it) => it.id)).toEqual([]);
    if (PICTURES) await page.screenshot({ path: `${PICTURES}/console-${colorScheme}.png` });
  }
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await sideways(page)).toBe(0);
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/console-phone.png`, fullPage: true });
});

test('what was measured is told to the operators, and a key that cannot be followed is said', async ({ page, request }) => {
  const told = await request.post('/v1/live/latency', { data: { samples_ms: [12.5, 40] } });
  expect(told.status()).toBe(200);
  const answer = (await told.json()) as { now_ms: number; count: number };
  expect(answer.count).toBeGreaterThanOrEqual(2);
  expect(Math.abs(answer.now_ms - Date.now())).toBeLessThan(60_000);
  // The browser itself reports an answer that failed.
  page.removeAllListeners('console');
  await page.goto('/');
  await page.getByRole('contentinfo').getByRole('link', { name: 'Console' }).click();
  await page.locator('#console-key').fill('no/such/key');
  await page.getByRole('button', { name: 'Follow' }).click();
  await expect(page.locator('#console-word')).toContainText('no/such/key cannot be had', { timeout: 20_000 });
});
