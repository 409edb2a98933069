// A game under way: the page follows what is told of it, without a reload.
import { ownSeason } from './game.js';
import { expect, test } from './page.js';
import type { APIRequestContext } from '@playwright/test';

const post = async (request: APIRequestContext, path: string, entry: object) => {
  const headers = { authorization: `Bearer ${process.env['E2E_KEY']}` };
  const answer = await request.post(path, { headers, data: { data: [entry] } });
  expect(answer.status(), await answer.text()).toBe(200);
  return (await answer.json()) as { data: { fixture_id: number }[] };
};

test('score, clock and probabilities of a game follow its events', async ({ page, request }) => {
  const kickoff = new Date(Date.now() - 5 * 60_000).toISOString();
  const game = { competition: 'E0', season: ownSeason('2027/28'), kickoff, home: 'Arsenal', away: 'Chelsea' };
  const fixture_id = (await post(request, '/v1/fixtures', game)).data[0]!.fixture_id;
  const tell = (sequence: number, event: object) =>
    post(request, '/v1/events', { fixture_id, sequence, at: new Date().toISOString(), ...event });
  await tell(1, { kind: 'period_start', period: 1, clock: { period: 1, seconds: 300 } });
  // A page that follows something never has an idle network.
  await page.goto(`/fixtures/${fixture_id}`);
  await expect(page.locator('#play-pause')).toBeVisible();
  await page.evaluate(() => Object.assign(window, { stayed: true }));
  const [scoreline, block] = [page.locator('#scoreline'), page.locator('#play')];
  await expect(scoreline).toContainText('0–0');
  await expect(page.locator('#play-title')).toContainText('First half');
  await expect(page.locator('#play-clock')).toHaveText("6'");
  const home = page.locator('#who-wins .view.model .p.home').first();
  const before = parseFloat((await home.textContent())!.replace(/[^\d.]/g, ''));

  await tell(2, { kind: 'scored', side: 'home', clock: { period: 1, seconds: 1_800 } });
  await expect(scoreline).toContainText('1–0');
  await expect(page.locator('#play-clock')).toHaveText("31'");
  await expect(block.locator('.moments li').first()).toContainText('Goal: Arsenal (1–0)');
  await expect.poll(async () => parseFloat((await home.textContent())!.replace(/[^\d.]/g, ''))).toBeGreaterThan(before);
  if (process.env['E2E_PICTURES']) await page.screenshot({ path: `${process.env['E2E_PICTURES']}/play.png`, fullPage: true });

  await page.locator('#play-pause').click();
  await tell(3, { kind: 'cancelled', of: 2 });
  await page.waitForTimeout(500);
  await expect(scoreline).toContainText('1–0');
  await page.locator('#play-pause').click();
  await expect(scoreline).toContainText('0–0');
  await expect(block.locator('.moments s')).toContainText('Goal: Arsenal');

  await tell(4, { kind: 'finished' });
  await expect(page.locator('#play-title')).toHaveText('Finished');
  expect(await page.evaluate(() => 'stayed' in window)).toBe(true);
});

test('the first page that somebody in another time zone opens follows the game as any', async ({ browser, request, baseURL }) => {
  const kickoff = new Date(Date.now() - 5 * 60_000).toISOString();
  const game = { competition: 'E0', season: ownSeason('2028/29'), kickoff, home: 'Everton', away: 'Fulham' };
  const fixture_id = (await post(request, '/v1/fixtures', game)).data[0]!.fixture_id;
  const tell = (sequence: number, event: object) =>
    post(request, '/v1/events', { fixture_id, sequence, at: new Date().toISOString(), ...event });
  await tell(1, { kind: 'period_start', period: 1, clock: { period: 1, seconds: 300 } });
  const first = async (path: string) => {
    // Nobody has told the server yet where the visitor is.
    const context = await browser.newContext({ timezoneId: 'Asia/Kolkata', baseURL: baseURL! });
    const page = await context.newPage();
    await page.goto(path);
    await page.locator('html.started').waitFor();
    return page;
  };
  const [board, fixture, alerts] = [await first('/'), await first(`/fixtures/${fixture_id}`), await first('/alerts')];
  const score = board.locator(`#f${fixture_id} .score`).first();
  await expect(score).toHaveText('0');
  await expect(board.locator('#live-state')).toHaveText('Live');
  await expect(fixture.locator('#play-pause')).toBeVisible();
  await tell(2, { kind: 'scored', side: 'home', clock: { period: 1, seconds: 600 } });
  await expect(fixture.locator('#scoreline')).toContainText('1–0');
  await expect(score).toHaveText('1');
  // What belongs to another choice is in nobody's way.
  await expect(alerts.locator('[name="team"]')).toBeDisabled();
  await tell(3, { kind: 'finished' });
  for (const page of [board, fixture, alerts]) await page.context().close();
});
