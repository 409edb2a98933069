// What caches on the way and in clients may do with the answers, by the word of an implementation of
// RFC 9111 that is not ours: a server whose reads are open, and one before which reads need a key.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { request as send, type IncomingHttpHeaders } from 'node:http';
import CachePolicy from 'http-cache-semantics';
import { expect, FIXTURE, test } from './page.js';
import { PROGRAM, address, ready, stop } from './server.js';

const ID = FIXTURE.split('/').at(-1);
/** Where answers are kept, by kind, and how long a copy is fresh. */
const KEPT: Record<string, [path: string, freshS: number]> = {
  competitions: ['/v1/competitions', 60],
  teams: ['/v1/teams?limit=20', 60],
  report: ['/v1/models/elo/report', 60],
  fixtures: ['/v1/fixtures?limit=20', 0],
  fixture: [`/v1/fixtures/${ID}`, 0],
  prediction: [`/v1/fixtures/${ID}/prediction`, 0],
  insight: [`/v1/fixtures/${ID}/insight`, 0],
  play: [`/v1/fixtures/${ID}/play`, 0],
  timeline: [`/v1/fixtures/${ID}/timeline`, 0],
  events: [`/v1/fixtures/${ID}/events`, 0],
  quotes: [`/v1/fixtures/${ID}/quotes`, 0],
  markets: [`/v1/fixtures/${ID}/markets`, 0],
  standings: ['/v1/competitions/E0/standings?season=2023%2F24', 0],
  form: ['/v1/teams/1/form', 0],
  meetings: ['/v1/teams/1/meetings?with=2', 0],
  board: ['/v1/board', 0],
  scoreboard: ['/v1/scoreboard', 0],
  edges: ['/v1/edges', 0],
};
/** How much longer a copy may serve while a new one is fetched, and while that fails. */
const STALE: Record<number, [revalidateS: number, errorS: number]> = { 0: [5, 300], 60: [300, 3600] };

interface Asked { url: string; method: string; headers: Record<string, string> }
interface Answered { status: number; headers: IncomingHttpHeaders }

/** A policy whose clock the test moves. */
class Policy extends CachePolicy {
  static laterS = 0;
  declare useStaleWhileRevalidate: () => boolean;
  now(): number {
    return Date.now() + Policy.laterS * 1000;
  }
}

function at<T>(laterS: number, look: () => T): T {
  Policy.laterS = laterS;
  try {
    return look();
  } finally {
    Policy.laterS = 0;
  }
}

function of(origin: string, path: string, headers: Record<string, string> = {}, method = 'GET'): Asked {
  return { url: path, method, headers: { host: new URL(origin).host, ...headers } };
}

/** Asks as it stands: nothing is added, decoded or kept. */
function ask(origin: string, asked: Asked): Promise<Answered> {
  return new Promise((answered, failed) => {
    const headers = { ...asked.headers, connection: 'close' };
    const request = send(origin + asked.url, { method: asked.method, headers }, (answer) => {
      answer.resume().on('end', () => answered({ status: answer.statusCode!, headers: answer.headers }));
    });
    request.on('error', failed).end();
  });
}

let keyed: ChildProcess;
let closed = '';
let readers: [string, string];
const open = process.env['E2E_URL']!;

test.beforeAll(async () => {
  const env = { ...process.env, SPORTS_EDGE_DATA_DIR: process.env['E2E_FOLDER'], SPORTS_EDGE_LISTEN: '127.0.0.1:0', SPORTS_EDGE_LOG__LEVEL: 'warn', SPORTS_EDGE_ALLOWED_HOSTS: 'edge.example' };
  const make = (name: string) => /se_\S+/.exec(execFileSync(PROGRAM, ['key', 'create', '--name', name, '--scope', 'read'], { env, encoding: 'utf8' }))![0];
  readers = [make('one'), make('two')];
  keyed = spawn(PROGRAM, ['serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  closed = await address(keyed);
  await ready(closed);
});

test.afterAll(() => stop(keyed));

test('the table above has every answer that is kept', async () => {
  const answer = await fetch(`${open}/v1/cache`, { headers: { 'x-api-key': process.env['E2E_ADMIN_KEY']! } });
  const status = (await answer.json()) as { kinds: { kind: string }[] };
  const kinds = status.kinds.map((it) => it.kind).filter((it) => it.startsWith('answer.'));
  expect(Object.keys(KEPT).map((it) => `answer.${it}`).sort()).toEqual(kinds.sort());
});

for (const [kind, [path, freshS]] of Object.entries(KEPT)) {
  test(`${kind}: anybody may keep it, for as long as the server says`, async () => {
    const [revalidateS, errorS] = STALE[freshS]!;
    const asked = of(open, path);
    const answer = await ask(open, asked);
    expect(answer.status, path).toBe(200);
    for (const shared of [true, false]) {
      const policy = new Policy(asked, answer, { shared });
      expect(policy.storable()).toBe(true);
      // The server's own copy may have been a while old; a cache counts that.
      const ageS = Number(answer.headers['age']);
      const fresh = (laterS: number) => at(laterS, () => policy.satisfiesWithoutRevalidation(asked));
      const useful = (laterS: number) => at(laterS, () => policy.useStaleWhileRevalidate());
      const failed = { status: 503, headers: {} };
      const kept = (laterS: number) => at(laterS, () => !policy.revalidatedPolicy(asked, failed).modified);
      const slackS = 3; // what the test itself takes
      if (freshS > 0) expect(fresh(freshS - ageS - slackS)).toBe(true);
      expect(fresh(freshS - ageS + slackS)).toBe(false);
      if (freshS > 0) expect(useful(freshS - ageS + revalidateS - slackS)).toBe(true);
      expect(useful(freshS - ageS + revalidateS + slackS)).toBe(false);
      expect(kept(freshS - ageS + errorS - slackS)).toBe(true);
      expect(kept(freshS - ageS + errorS + slackS)).toBe(false);
    }
  });

  test(`${kind}: a copy is made good again by 304, whichever form it has`, async () => {
    for (const coding of ['identity', 'br', 'zstd']) {
      const asked = of(open, path, { 'accept-encoding': coding });
      // What another test writes meanwhile makes an answer new; then it is asked again.
      await expect(async () => {
        const answer = await ask(open, asked);
        const policy = new Policy(asked, answer, { shared: true });
        const again = at(7200, () => ({ ...asked, headers: policy.revalidationHeaders(asked) as Record<string, string> }));
        expect(again.headers['if-none-match']).toBe(answer.headers['etag']);
        const word = await ask(open, again);
        expect(word.status).toBe(304);
        const { policy: renewed, modified, matches } = policy.revalidatedPolicy(again, word);
        expect([modified, matches]).toEqual([false, true]);
        // As fresh as the answer that made it good.
        expect(renewed.age()).toBeLessThanOrEqual(Number(word.headers['age']) + 3);
        expect(renewed.responseHeaders()['etag']).toBe(answer.headers['etag']);
        expect(word.headers['cache-control']).toBe(answer.headers['cache-control']);
        expect(word.headers['vary']).toBe(answer.headers['vary']);
      }).toPass();
    }
  });

  test(`${kind}: one form is not taken for another, nor one caller's copy for another's`, async () => {
    const plain = of(open, path, { 'accept-encoding': 'identity' });
    const packed = of(open, path, { 'accept-encoding': 'br' });
    const policy = new Policy(plain, await ask(open, plain), { shared: true });
    const answer = await ask(open, packed);
    if (answer.headers['content-encoding'] !== undefined) {
      expect(answer.headers['etag']).not.toBe((await ask(open, plain)).headers['etag']);
    }
    const fits = (other: Asked) => policy.revalidatedPolicy(other, { status: 503, headers: {} }).policy === policy && policy.satisfiesWithoutRevalidation(other);
    expect(fits(packed)).toBe(false);
    for (const header of ['x-api-key', 'authorization', 'sports-edge-position']) {
      const other = of(open, path, { 'accept-encoding': 'identity', [header]: 'another' });
      expect(fits(other), header).toBe(false);
    }
  });

  test(`${kind}: where reads need a key, only the caller's own cache keeps it`, async () => {
    const [one, two] = readers;
    for (const header of ['x-api-key', 'authorization']) {
      const as = (key: string) => of(closed, path, { [header]: header === 'authorization' ? `Bearer ${key}` : key });
      const answer = await ask(closed, as(one));
      expect(answer.status, path).toBe(200);
      expect(new Policy(as(one), answer, { shared: true }).storable()).toBe(false);
      const own = new Policy(as(one), answer, { shared: false });
      expect(own.storable()).toBe(true);
      expect(own.satisfiesWithoutRevalidation(as(one))).toBe(freshS > 0);
      expect(own.satisfiesWithoutRevalidation(as(two))).toBe(false);
      expect(own.satisfiesWithoutRevalidation(of(closed, path))).toBe(false);
    }
    const refused = await ask(closed, of(closed, path));
    expect(refused.status).toBe(401);
    for (const shared of [true, false]) {
      expect(new Policy(of(closed, path), refused, { shared }).storable()).toBe(false);
    }
  });
}

test('nothing that is one caller\'s, or of this moment, is kept anywhere', async () => {
  const admin = { 'x-api-key': process.env['E2E_ADMIN_KEY']! };
  const private_: [string, Record<string, string>][] = [
    ['/v1/cache', admin],
    ['/v1/cache/entries', admin],
    ['/v1/alerts', { 'x-api-key': process.env['E2E_WRITE_KEY']! }],
    ['/v1/sources', {}],
    ['/v1/models', {}],
    ['/health/ready', {}],
    ['/v1/fixtures/999999999', {}],
    ['/v1/fixtures?limit=0', {}],
    ['/nowhere', {}],
  ];
  for (const [path, headers] of private_) {
    for (const shared of [true, false]) {
      const asked = of(open, path, headers);
      const answer = await ask(open, asked);
      const policy = new Policy(asked, answer, { shared });
      expect(policy.storable() && policy.timeToLive() > 0, `${path} ${answer.status}`).toBe(false);
      if (shared) expect(policy.storable(), `${path} ${answer.status} ${answer.headers['cache-control']}`).toBe(false);
    }
  }
});

test('pages are nobody\'s to share, their files everybody\'s for ever', async () => {
  for (const path of ['/', FIXTURE, '/edges', '/models', '/alerts', '/cache']) {
    const asked = of(open, path, { accept: 'text/html' });
    const answer = await ask(open, asked);
    expect(new Policy(asked, answer, { shared: true }).storable(), `${path} ${answer.headers['cache-control']}`).toBe(false);
  }
  const page = await (await fetch(open)).text();
  const file = /\/assets\/[^"']+\.js/.exec(page)![0];
  const asked = of(open, file);
  const policy = new Policy(asked, await ask(open, asked), { shared: true });
  expect(at(300 * 24 * 3600, () => policy.satisfiesWithoutRevalidation(asked))).toBe(true);
});
