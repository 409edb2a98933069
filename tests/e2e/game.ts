// A game under way, told to the server as a source would.
import type { APIRequestContext } from '@playwright/test';
import { expect, test } from './page.js';

/** A game, and a way to tell of it. */
export interface Told {
  id: number;
  tell: (event: object, minute?: number) => Promise<void>;
}

async function post(request: APIRequestContext, path: string, data: object[]): Promise<{ data: { fixture_id: number }[] }> {
  const headers = { authorization: `Bearer ${process.env['E2E_KEY']}` };
  const answer = await request.post(path, { headers, data: { data } });
  expect(answer.status(), await answer.text()).toBe(200);
  return (await answer.json()) as { data: { fixture_id: number }[] };
}

/** A season for this try alone: a test that is tried again must not meet the game it began before. */
export function ownSeason(season: string): string {
  const year = Number(season.slice(0, 4)) + 20 * test.info().retry;
  return `${year}/${String((year + 1) % 100).padStart(2, '0')}`;
}

/** Makes a game that began so many minutes ago. `season` tells it from those of other tests. */
export async function begun(request: APIRequestContext, [home, away]: [string, string], season: string, minutesAgo: number): Promise<Told> {
  const kickoff = Date.now() - minutesAgo * 60_000;
  const entry = { competition: 'E0', season: ownSeason(season), kickoff: new Date(kickoff).toISOString(), home, away };
  const id = (await post(request, '/v1/fixtures', [entry])).data[0]!.fixture_id;
  let sequence = 0;
  const tell = async (event: object, minute?: number) => {
    sequence += 1;
    const at = new Date(minute === undefined ? Date.now() : kickoff + minute * 60_000).toISOString();
    const told = minute === undefined ? {} : { told_at: at };
    await post(request, '/v1/events', [{ fixture_id: id, sequence, at, ...told, ...event }]);
  };
  return { id, tell };
}

/** Prices of who wins, taken now. */
export async function priced(request: APIRequestContext, fixture_id: number, prices: [number, number, number]): Promise<void> {
  const outcomes = (['home', 'draw', 'away'] as const).map((outcome, index) => ({ outcome, price: prices[index]! }));
  await post(request, '/v1/quotes', [{ fixture_id, bookmaker: 'pinnacle', market: 'h2h', taken_at: new Date().toISOString(), outcomes }]);
}

/** A whole game, recorded: two goals, one of them taken back, a red card. */
export async function recorded(request: APIRequestContext, teams: [string, string], season: string): Promise<Told> {
  const game = await begun(request, teams, season, 24 * 60);
  const { tell } = game;
  await tell({ kind: 'period_start', period: 1 }, 0);
  for (let minute = 2; minute < 112; minute += 2) {
    if (minute === 12) await tell({ kind: 'scored', side: 'away' }, minute);
    else if (minute === 14) await tell({ kind: 'cancelled', of: 7 }, minute);
    else if (minute === 34) await tell({ kind: 'scored', side: 'home' }, minute);
    else if (minute === 46) await tell({ kind: 'period_end', period: 1 }, minute);
    else if (minute === 62) await tell({ kind: 'period_start', period: 2 }, minute);
    else if (minute === 80) await tell({ kind: 'red_card', side: 'home' }, minute);
    else if (minute === 98) await tell({ kind: 'scored', side: 'away' }, minute);
    else if (minute < 46 || minute > 62) await tell({ kind: 'clock', running: true }, minute);
  }
  await tell({ kind: 'finished' }, 112);
  return game;
}
