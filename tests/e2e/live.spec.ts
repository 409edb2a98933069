// A board left open: it follows the games, by whichever way is open, and says so when it cannot.
import { AxeBuilder } from '@axe-core/playwright';
import { begun } from './game.js';
import { expect, open, sideways, test } from './page.js';
import type { Page } from '@playwright/test';

const PICTURES = process.env['E2E_PICTURES'];
const lived = (page: Page) => expect(page.locator('#live-state.on')).toHaveText('Live');

test('a fixture written elsewhere appears without a reload', async ({ page, request }) => {
  const away = ['Tottenham', 'Wolves'][test.info().retry]!;
  await page.goto('/');
  await lived(page);
  const row = page.locator('.row', { hasText: away });
  await expect(row).toHaveCount(0);
  const kickoff = new Date(Date.now() + 48 * 3_600_000).toISOString();
  const entry = { competition: 'E0', season: '2026/27', kickoff, home: 'Liverpool', away };
  const answer = await request.post('/v1/fixtures', {
    headers: { authorization: `Bearer ${process.env['E2E_KEY']}` },
    data: { data: [entry] },
  });
  expect(answer.status()).toBe(200);
  await expect(row).toContainText('Liverpool');
  // In order of kickoff: behind the earlier one.
  const names = await page.locator('.row').allTextContents();
  const place = (name: string) => names.findIndex((it) => it.includes(name));
  expect(place('Chelsea')).toBeLessThan(place(away));
});

test('a socket is opened while the program is on its way, one for all tabs', async ({ page, context }) => {
  let [sockets, letGo] = [0, () => {}];
  const held = new Promise<void>((done) => (letGo = done));
  page.on('websocket', () => (sockets += 1));
  await page.route('**/assets/**', async (route) => {
    await held;
    await route.continue();
  });
  await page.goto('/', { waitUntil: 'commit' });
  await expect.poll(() => sockets).toBe(1);
  await expect(page.locator('#live-state.on')).toHaveCount(0);
  letGo();
  await lived(page);
  const other = await context.newPage();
  other.on('websocket', () => (sockets += 1));
  await other.goto('/');
  await lived(other);
  expect(sockets).toBe(1);
  await other.close();
});

test('score, clock and probabilities on the board follow the game, and no page is asked for twice', async ({ page, request, shifts }) => {
  const game = await begun(request, ['Brighton', 'Burnley'], '2034/35', 6);
  await game.tell({ kind: 'period_start', period: 1, clock: { period: 1, seconds: 300 } });
  const asked: string[] = [];
  page.on('request', (it) => asked.push(new URL(it.url()).pathname));
  await page.goto('/');
  await lived(page);
  const row = page.locator(`#f${game.id}`);
  const home = row.locator('.view.model .p.home');
  const share = async () => parseFloat((await home.textContent())!.replace(/[^\d.]/g, ''));
  await expect(row.locator('.score')).toHaveText(['0', '0']);
  await expect(row.locator('.clock')).toContainText("6'");
  await expect(row.locator('.badge')).toHaveText('First half');
  const before = await share();
  await page.evaluate(() => {
    const tints: string[] = [];
    Object.assign(window, { tints });
    document.addEventListener('animationstart', (event) => tints.push(event.animationName));
  });
  await game.tell({ kind: 'scored', side: 'home', clock: { period: 1, seconds: 1_800 } });
  await expect(row.locator('.score')).toHaveText(['1', '0']);
  await expect(row.locator('.clock')).toContainText("31'");
  await expect.poll(share).toBeGreaterThan(before);
  await expect.poll(() => page.evaluate(() => (window as unknown as { tints: string[] }).tints.length)).toBeGreaterThan(0);
  await expect(page.locator('#live-said')).toContainText(/Brighton 1, Burnley 0/, { timeout: 20_000 });
  await game.tell({ kind: 'red_card', side: 'away' });
  await expect(row.locator('.reds')).toContainText('1 sent off');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((it) => it.id)).toEqual([]);
    if (PICTURES) await page.screenshot({ path: `${PICTURES}/board-${colorScheme}.png` });
  }
  // The first paint carried everything: neither the board nor its answer was asked for again.
  expect(asked.filter((it) => it === '/' || it === '/v1/scoreboard' || it === '/v1/board')).toEqual(['/']);
  expect(await page.locator('.changed').first().evaluate((it) => getComputedStyle(it).animationName)).toBe('none');

  await page.locator('#live-pause').click();
  await expect(page.locator('#live-state')).toHaveText('Paused');
  await game.tell({ kind: 'cancelled', of: 2 });
  await expect.poll(async () => (await (await request.get(`/v1/fixtures/${game.id}/play`)).json()).play.score.home).toBe(0);
  await expect(row.locator('.score')).toHaveText(['1', '0']);
  await page.locator('#live-pause').click();
  await expect(row.locator('.score')).toHaveText(['0', '0']);
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto('/');
  await lived(page);
  expect(await sideways(page)).toBe(0);
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/board-phone.png` });
  void shifts;
});

test('a board falls back to streams, then to requests that wait, and says when nothing is left', async ({ page, request, context }) => {
  // The browser itself reports what did not come through.
  page.removeAllListeners('console');
  page.removeAllListeners('requestfailed');
  const game = await begun(request, ['Brentford', 'Burnley'], '2035/36', 6);
  await game.tell({ kind: 'period_start', period: 1, clock: { period: 1, seconds: 300 } });
  await page.routeWebSocket(/\/v1\/live/, (socket) => void socket.close());
  const streams: string[] = [];
  page.on('request', (it) => new URL(it.url()).pathname === '/v1/live' && streams.push(it.headers()['accept'] ?? ''));
  await page.goto('/');
  await lived(page);
  expect(streams[0]).toContain('text/event-stream');
  const scores = page.locator(`#f${game.id} .score`);
  await game.tell({ kind: 'scored', side: 'away' });
  await expect(scores).toHaveText(['0', '1']);
  await context.setOffline(true);
  await expect(page.locator('#banner')).toContainText('may be old');
  await context.setOffline(false);
  await lived(page);
  await expect(page.locator('#banner')).toHaveText('');
  await game.tell({ kind: 'scored', side: 'away' });
  await expect(scores).toHaveText(['0', '2']);
});

test('a day that is over is not followed', async ({ page }) => {
  await open(page, '/?day=2024-05-19');
  await expect(page.locator('#livebar')).toHaveCount(0);
});
