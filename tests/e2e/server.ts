// Starts what is tested: imports the sample, trains, serves on a free port, writes one fixture to
// come with prices that disagree. Afterwards asks it to stop, and insists that it does so well.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = resolve(import.meta.dirname, '../..');
export const PROGRAM = process.env['E2E_BINARY'] ?? join(ROOT, 'target/release/sports-edge');
const STOP_MS_MAX = 15_000;

export default async function start(): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'sports-edge-e2e-'));
  const env = { ...process.env, SPORTS_EDGE_DATA_DIR: folder, SPORTS_EDGE_LISTEN: '127.0.0.1:0', SPORTS_EDGE_LOG__LEVEL: 'warn' };
  const run = (...args: string[]) => {
    console.log(`$ sports-edge ${args.join(' ')}`);
    execFileSync(PROGRAM, args, { env, cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  };
  run('import', join(ROOT, 'data/sample'));
  run('train');
  putModels(join(folder, 'models'));
  const server = spawn(PROGRAM, ['serve'], { env, cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const { url, key } = await greeting(server);
  await ready(url);
  const fixture = await writeFixture(url, key);
  process.env['E2E_URL'] = url;
  process.env['E2E_FOLDER'] = folder;
  process.env['E2E_KEY'] = key;
  process.env['E2E_FIXTURE'] = String(fixture);
  const writer = ['key', 'create', '--name', 'writer', '--scope', 'write'];
  const made = execFileSync(PROGRAM, writer, { env, cwd: ROOT, encoding: 'utf8' });
  process.env['E2E_WRITE_KEY'] = /se_\S+/.exec(made)![0];
  const operator = ['key', 'create', '--name', 'operator', '--scope', 'admin'];
  process.env['E2E_ADMIN_KEY'] = /se_\S+/.exec(execFileSync(PROGRAM, operator, { env, cwd: ROOT, encoding: 'utf8' }))![0];
  return async () => {
    await stop(server);
    rmSync(folder, { recursive: true });
  };
}

/** Address and first key, as the program prints them. */
async function greeting(server: ChildProcess): Promise<{ url: string; key: string }> {
  let url = '';
  for await (const line of createInterface({ input: server.stdout! })) {
    url ||= /http:\/\/\S+/.exec(line)?.[0] ?? '';
    const key = /: (se_\S+)$/.exec(line)?.[1];
    if (url && key) return { url: url.replace(/\/$/, ''), key };
  }
  throw new Error('the server ended before it said where it listens');
}

/** Address of a server that has keys already. */
export async function address(server: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: server.stdout! })) {
    const url = /http:\/\/\S+/.exec(line)?.[0];
    if (url) return url.replace(/\/$/, '');
  }
  throw new Error('the server ended before it said where it listens');
}

/** Two models of LightGBM: `corners` is left alone, `goals` is changed and has a broken version. */
function putModels(models: string): void {
  const golden = join(ROOT, 'crates/trees/tests/golden/lightgbm');
  const put = (name: string, version: number, from: string) => {
    const folder = join(models, name, String(version));
    mkdirSync(folder, { recursive: true });
    copyFileSync(join(golden, from), join(folder, 'model.txt'));
    return folder;
  };
  const reported = put('corners', 1, 'multiclass.txt');
  const report = { log_loss: 0.97, features: ['elo_home', 'elo_away'], window: { from: '2022-08-01', until: '2024-05-19' } };
  writeFileSync(join(reported, 'report.json'), JSON.stringify(report));
  put('goals', 1, 'binary.txt');
  put('goals', 2, 'binary.txt');
  writeFileSync(join(put('goals', 3, 'binary.txt'), 'model.txt'), 'tree\nversion=v4\n');
  // Version 3 does not load: version 1 serves until somebody says otherwise.
  writeFileSync(join(models, 'goals/config.toml'), 'versions = "all"\n[labels]\nstable = 1\n');
}

export async function ready(url: string): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error('the server was not ready within a minute');
}

/** A game of tomorrow evening; one bookmaker of three pays more than the others for the home side. */
async function writeFixture(url: string, key: string): Promise<number> {
  const kickoff = new Date(Date.now() + 24 * 3_600_000);
  kickoff.setUTCHours(20, 0, 0, 0);
  const post = async (path: string, data: object[]) => {
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ data }),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json() as Promise<{ data: { fixture_id: number }[] }>;
  };
  const fixtures = await post('/v1/fixtures', [
    { competition: 'E0', season: '2026/27', kickoff, home: 'Arsenal', away: 'Chelsea' },
  ]);
  const id = fixtures.data[0]!.fixture_id;
  const offers = { one: [1.8, 3.6, 4.4], two: [1.82, 3.5, 4.3], three: [1.95, 3.4, 4.2] };
  const quotes = Object.entries(offers).map(([bookmaker, prices]) => ({
    fixture_id: id,
    bookmaker,
    market: 'h2h',
    outcomes: ['home', 'draw', 'away'].map((outcome, index) => ({ outcome, price: prices[index] })),
  }));
  await post('/v1/quotes', quotes);
  return id;
}

export async function stop(server: ChildProcess): Promise<void> {
  const ended = new Promise<number | null>((done) => server.once('exit', done));
  server.kill('SIGTERM');
  const late = new Promise<'late'>((done) => setTimeout(done, STOP_MS_MAX, 'late').unref());
  const code = await Promise.race([ended, late]);
  if (code === 0) return;
  server.kill('SIGKILL');
  throw new Error(`after SIGTERM the server ended with ${code}`);
}
