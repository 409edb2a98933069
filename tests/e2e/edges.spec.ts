// An edge comes with a price while a page is open: the alert that waits for it is said aloud, and
// listed with the bookmaker. On a server of its own, for edges need a history of closing prices.
import { AxeBuilder } from '@axe-core/playwright';
import type { APIRequestContext } from '@playwright/test';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { leagueCsv } from './league.js';
import { expect, open, sideways, test as base } from './page.js';
import { PROGRAM, address, ready, stop } from './server.js';

let server: ChildProcess;
let [origin, folder, key] = ['', '', ''];

base.beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sports-edge-edges-'));
  const env = { ...process.env, SPORTS_EDGE_DATA_DIR: folder, SPORTS_EDGE_LISTEN: '127.0.0.1:0', SPORTS_EDGE_LOG__LEVEL: 'warn' };
  const run = (...args: string[]) => execFileSync(PROGRAM, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const csv = join(folder, 'league.csv');
  // The year of the last May that is over: before it, the last season's games are yet to come.
  writeFileSync(csv, leagueCsv(new Date(Date.now() - 120 * 86_400_000).getUTCFullYear()));
  run('import', csv);
  run('train');
  key = /se_\S+/.exec(run('key', 'create', '--name', 'edges', '--scope', 'write'))![0];
  server = spawn(PROGRAM, ['serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  origin = await address(server);
  await ready(origin);
});

base.afterAll(async () => {
  await stop(server);
  rmSync(folder, { recursive: true });
});

const test = base.extend({ baseURL: async ({}, use) => use(origin) });

async function post<T>(request: APIRequestContext, path: string, data: object): Promise<T> {
  const answer = await request.post(origin + path, { headers: { authorization: `Bearer ${key}` }, data });
  expect(answer.ok(), await answer.text()).toBe(true);
  return (await answer.json()) as T;
}

test('an edge that a price brings is said aloud on the page that is open, and listed', async ({ page, request }) => {
  const kickoff = new Date(Date.now() + 30 * 3_600_000).toISOString();
  const game = { competition: 'E0', season: 'to-come', kickoff, home: 'Fulham', away: 'Brentford' };
  const fixture_id = (await post<{ data: { fixture_id: number }[] }>(request, '/v1/fixtures', { data: [game] })).data[0]!.fixture_id;
  const quote = async (bookmaker: string, home: number) => {
    const outcomes = [{ outcome: 'home', price: home }, { outcome: 'draw', price: 3.4 }, { outcome: 'away', price: 4.2 }];
    await post(request, '/v1/quotes', { data: [{ fixture_id, bookmaker, market: 'h2h', outcomes }] });
  };
  for (const bookmaker of ['pinnacle', 'one', 'two', 'three', 'four']) await quote(bookmaker, 1.84);
  await post(request, '/v1/alerts', { name: 'Worth a look', condition: { on: 'edge', level: 0.01, market: 'h2h' }, scope: { fixture_id } });

  // What had fired before a page heard of it first is no news to it.
  const heard = page.waitForEvent('websocket').then((it) => it.waitForEvent('framereceived', { predicate: ({ payload }) => payload.includes('alerts/fired') }));
  await open(page, '/');
  await heard;
  const fired = page.locator('#fired');
  await expect(fired).toHaveText('');
  // Should the rule's first look come after the first such price, that is no news.
  await expect(async () => {
    await quote('three', 1.84);
    await page.waitForTimeout(500);
    await quote('three', 2.08);
    await expect(fired).toHaveText(/^Alert “Worth a look”, Fulham – Brentford: home up from -0\.\d% to 1\.\d%\.$/, { timeout: 3_000 });
  }).toPass();
  expect(await sideways(page)).toBe(0);

  await open(page, '/alerts');
  const row = page.locator('.firings .row');
  await expect(row).toHaveCount(1);
  await expect(row).toContainText('at three');
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map((it) => it.id)).toEqual([]);
  await page.screenshot({ path: test.info().outputPath('fired.png'), fullPage: true });
});
