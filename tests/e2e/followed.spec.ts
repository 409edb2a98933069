// Pages that follow what is to come: prices of a fixture, the game once it begins, the list of edges.
import { ownSeason, priced } from './game.js';
import { expect, FIXTURE, sideways, test } from './page.js';
import type { APIRequestContext, Page } from '@playwright/test';

const PICTURES = process.env['E2E_PICTURES'];
const LONG = 'Wolverhamptonwanderersassociationfootballclubofstaffordshire1877';

async function post(request: APIRequestContext, path: string, entry: object): Promise<{ data: { fixture_id: number }[] }> {
  const headers = { authorization: `Bearer ${process.env['E2E_KEY']}` };
  const answer = await request.post(path, { headers, data: { data: [entry] } });
  expect(answer.status(), await answer.text()).toBe(200);
  return (await answer.json()) as { data: { fixture_id: number }[] };
}

/** Makes a game that begins in so many minutes. */
async function toCome(request: APIRequestContext, [home, away]: [string, string], season: string, minutes: number): Promise<number> {
  const kickoff = new Date(Date.now() + minutes * 60_000).toISOString();
  const game = { competition: 'E0', season: ownSeason(season), kickoff, home, away };
  return (await post(request, '/v1/fixtures', game)).data[0]!.fixture_id;
}

const stays = (page: Page) => page.evaluate(() => Object.assign(window, { stayed: true }));
const stayed = (page: Page) => page.evaluate(() => 'stayed' in window);
const live = (page: Page) => expect(page.locator('#play-state')).toHaveText('Live');

test('the page of a game to come follows its prices, its age, and the game once it begins', async ({ page, request }) => {
  const id = await toCome(request, ['Fulham', 'Everton'], '2052/53', 3);
  await page.goto(`/fixtures/${id}`);
  await live(page);
  await stays(page);
  const age = page.locator('#who-wins .view.model time');
  await expect(age).toHaveText(/^\d+ s ago$/);
  // It grows, and begins anew with every prediction.
  await expect(age).toHaveText(/^[1-9]\d* s ago$/, { timeout: 30_000 });
  await expect(page.locator('#quotes')).toHaveCount(0);
  await priced(request, id, [1.9, 3.6, 4.4]);
  await expect(page.locator('#quotes')).toContainText('pinnacle');
  await live(page);
  await priced(request, id, [1.8, 3.7, 4.8]);
  await expect(page.locator('#quotes')).toContainText('1.80');

  const tell = (sequence: number, event: object) => post(request, '/v1/events', { fixture_id: id, sequence, at: new Date().toISOString(), ...event });
  await tell(1, { kind: 'period_start', period: 1 });
  await expect(page.locator('#play-title')).toContainText('First half');
  await expect(page.locator('#scoreline')).toContainText('0–0');
  // Who wins comes first, below the score.
  const place = (id: string) => page.locator(id).evaluate((it) => it.getBoundingClientRect().top);
  expect(await place('#who-wins')).toBeLessThan(await place('#play'));
  await live(page);
  await tell(2, { kind: 'scored', side: 'home' });
  await expect(page.locator('#scoreline')).toContainText('1–0');
  expect(await stayed(page)).toBe(true);
  for (const [name, width] of [['wide', 1280], ['phone', 390]] as const) {
    await page.setViewportSize({ width, height: 900 });
    if (PICTURES) await page.screenshot({ path: `${PICTURES}/game-${name}.png`, fullPage: true });
  }
  expect(await sideways(page)).toBe(0);
  // No name breaks into letters.
  const first = page.locator('.next-goal tbody th').first();
  expect(await first.evaluate((it) => it.getBoundingClientRect().width)).toBeGreaterThan(90);
  const table = page.locator('.next-goal');
  expect(await table.evaluate((it) => it.scrollWidth - it.parentElement!.clientWidth)).toBeLessThanOrEqual(0);
});

test('a market that is suspended is off its page and the list of edges without a reload', async ({ page, request, context }) => {
  const id = await toCome(request, ['Brighton', 'Southampton'], '2054/55', 36 * 60);
  await priced(request, id, [2.4, 3.2, 3.1]);
  await page.goto(`/fixtures/${id}`);
  await live(page);
  await stays(page);
  await expect(page.locator('#worth')).toHaveCount(1);
  const edges = await context.newPage();
  await edges.goto('/edges?flagged=1&min=-100');
  await live(edges);
  const row = edges.locator(`#edges a[href="/fixtures/${id}"]`);
  await expect(row).toHaveCount(1);
  await post(request, '/v1/quotes', { fixture_id: id, bookmaker: 'pinnacle', market: 'h2h', stage: 'suspended' });
  await expect(page.locator('#quotes tbody th').first()).toContainText('suspended');
  await expect(page.locator('#worth')).toHaveCount(0);
  await expect(row).toHaveCount(0);
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/suspended.png`, fullPage: true });
  await priced(request, id, [2.3, 3.2, 3.3]);
  await expect(page.locator('#worth')).toHaveCount(1);
  await expect(row).toHaveCount(1);
  expect(await stayed(page)).toBe(true);
});

test('edges appear and go without a reload', async ({ page, request }) => {
  const id = await toCome(request, ['Wolves', 'Leicester'], '2053/54', 36 * 60);
  await page.goto('/edges?flagged=1&min=-100');
  await live(page);
  await stays(page);
  const row = page.locator(`#edges a[href="/fixtures/${id}"]`);
  await expect(row).toHaveCount(0);
  await priced(request, id, [2.4, 3.2, 3.1]);
  await expect(row).toHaveCount(1);
  expect(await stayed(page)).toBe(true);
  for (const [name, width] of [['wide', 1280], ['phone', 390]] as const) {
    await page.setViewportSize({ width, height: 900 });
    if (PICTURES) await page.screenshot({ path: `${PICTURES}/edges-${name}.png`, fullPage: true });
    expect(await sideways(page)).toBe(0);
  }
});

test('a board without games becomes one once there is one', async ({ page, request }) => {
  const day = `${2061 + 20 * test.info().retry}-01-08`;
  await page.goto(`/?day=${day}`);
  await expect(page.locator('#empty')).toContainText('Nothing on this board');
  await stays(page);
  const game = { competition: 'E0', season: ownSeason('2060/61'), kickoff: `${day}T15:00:00Z`, home: 'Burnley', away: 'Watford' };
  const id = (await post(request, '/v1/fixtures', game)).data[0]!.fixture_id;
  await expect(page.locator('#empty')).toHaveCount(0);
  await expect(page.locator(`#f${id}`)).toContainText('Burnley');
  await expect(page.locator('#live-state')).toHaveText('Live');
  // It follows from now on.
  await priced(request, id, [2.4, 3.2, 3.1]);
  await expect(page.locator(`#f${id} .view.market`)).toHaveCount(1);
  expect(await stayed(page)).toBe(true);
});

test('the first page is in the time zone of the visitor', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ timezoneId: 'Asia/Tokyo', baseURL: baseURL! });
  const page = await context.newPage();
  const asked: string[] = [];
  page.on('request', (it) => it.url() === `${baseURL}/` && asked.push(it.resourceType()));
  await page.goto('/');
  await expect(page.locator('footer')).toContainText('Times in Asia/Tokyo');
  const time = page.locator(`.row:has(a[href="${FIXTURE}"]) .when time`);
  await expect(time).toHaveText('05:00');
  await expect(page.locator('#live-state')).toHaveText('Live');
  expect(asked).toEqual(['document', 'fetch']);
  await page.goto('/');
  await expect(time).toHaveText('05:00');
  expect(asked).toEqual(['document', 'fetch', 'document']);
  await context.close();
});

test('names of 64 letters fit a phone', async ({ page, request }) => {
  // A page that was put in the server's place may not open a socket, which the browser reports.
  page.removeAllListeners('console');
  const id = await toCome(request, ['Chelsea', 'Newcastle'], '2054/55', 2);
  await post(request, '/v1/events', { fixture_id: id, sequence: 1, at: new Date().toISOString(), kind: 'period_start', period: 1 });
  await page.setViewportSize({ width: 390, height: 800 });
  for (const [name, path] of [['to-come', FIXTURE], ['under-way', `/fixtures/${id}`], ['edges', '/edges?flagged=1&min=-100'], ['board', '/']] as const) {
    await page.route((url) => url.pathname + url.search === path, async (route) => {
      const answer = await route.fetch();
      const body = (await answer.text()).replaceAll('Chelsea', LONG);
      await route.fulfill({ response: answer, body });
    });
    await page.goto(path);
    await expect(page.getByText(LONG).first()).toBeVisible();
    if (PICTURES) await page.screenshot({ path: `${PICTURES}/long-${name}.png`, fullPage: true });
    expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(390);
    // The page asks for itself again now and then, and what was asked last has nobody left to tell.
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  }
});
