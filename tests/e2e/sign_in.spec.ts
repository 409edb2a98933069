// Signing in: where reads need a key every page leads to the form and back, what is followed comes by
// the session, and signing out ends it everywhere.
import { AxeBuilder } from '@axe-core/playwright';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { expect, FIXTURE, sideways, started, test as base } from './page.js';
import { PROGRAM, address, ready, stop } from './server.js';

let server: ChildProcess;
let origin = '';
let [reader, admin] = ['', ''];

base.beforeAll(async () => {
  const env = { ...process.env, SPORTS_EDGE_DATA_DIR: process.env['E2E_FOLDER'], SPORTS_EDGE_LISTEN: '127.0.0.1:0', SPORTS_EDGE_LOG__LEVEL: 'warn', SPORTS_EDGE_ALLOWED_HOSTS: 'edge.example' };
  const make = (scope: string) => /se_\S+/.exec(execFileSync(PROGRAM, ['key', 'create', '--name', 'person', '--scope', scope], { env, encoding: 'utf8' }))![0];
  [reader, admin] = [make('read'), make('admin')];
  server = spawn(PROGRAM, ['serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  origin = await address(server);
  await ready(origin);
});

base.afterAll(() => stop(server));

const test = base.extend({ baseURL: async ({}, use) => use(origin) });

test('a page leads to the form, the form back, and the page follows the game by the session', async ({ page }) => {
  // The browser itself reports an answer that failed.
  page.removeAllListeners('console');
  await page.goto(`${origin}${FIXTURE}?tab=prices`);
  await expect(page).toHaveURL(`${origin}/sign-in?back=${encodeURIComponent(`${FIXTURE}?tab=prices`)}`);
  await expect(page.getByLabel('API key')).toBeFocused();
  await page.getByLabel('API key').fill('se_mistyped');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('Not signed in: the API key is mistyped');
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map((it) => it.id)).toEqual([]);
  await page.getByLabel('API key').fill(reader);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(`${origin}${FIXTURE}?tab=prices`);
  await expect(page.getByRole('button', { name: 'Sign out' })).toHaveAttribute('title', `Signed in with the key ${reader.slice(0, 11)}`);

  const answer = await page.evaluate(() => fetch('/v1/session').then((it) => it.json()));
  expect(answer).toMatchObject({ key: reader.slice(3, 11), name: 'person', scopes: ['read'] });
  expect(await page.evaluate(() => document.cookie)).not.toContain(reader.slice(12));
  // What is followed needs no key of its own.
  await page.goto(`${origin}/`);
  await started(page);
  await expect(page.locator('#live-state')).toHaveClass(/on/);
});

test('who reads does not operate, is told so, and may sign in as who does', async ({ page }) => {
  page.removeAllListeners('console');
  await page.goto(`${origin}/sign-in`);
  await page.getByLabel('API key').fill(reader);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(`${origin}/`);
  await page.getByRole('link', { name: 'Cache' }).click();
  await expect(page.locator('main')).toContainText('lacks the scope admin');
  await page.goto(`${origin}/sign-in?back=/cache`);
  await expect(page.locator('main')).toContainText(`signed in with the key ${reader.slice(0, 11)}`);
  await page.getByLabel('API key').fill(admin);
  await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Cache');
});

test('signing out ends the session in every tab', async ({ page, context }) => {
  page.removeAllListeners('console');
  await page.goto(`${origin}/sign-in?back=/models`);
  await page.getByLabel('API key').fill(reader);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Models');
  await started(page);
  const second = await context.newPage();
  await second.goto(`${origin}/`);
  await second.getByRole('button', { name: 'Sign out' }).click();
  await expect(second).toHaveURL(`${origin}/sign-in?back=%2F`);
  expect(await context.cookies()).not.toContainEqual(expect.objectContaining({ name: expect.stringContaining('sports-edge-session') }));
  // The page that is still open finds out by itself, and comes back once somebody signs in.
  await expect(page).toHaveURL(`${origin}/sign-in?back=%2Fmodels`, { timeout: 20_000 });
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the form fits a phone and has no violation in ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(`${origin}/sign-in?back=/edges`);
    expect(await sideways(page)).toBe(0);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((it) => it.id)).toEqual([]);
  });
}

test('without script one signs in and out', async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${origin}/edges`);
  await page.getByLabel('API key').fill(reader);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Edges');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(`${origin}/sign-in?back=%2F`);
  await context.close();
});

test('over plain HTTP, where a browser says less, the form works and leads back', async ({ playwright }) => {
  // A name that is not the browser's own machine: no `Sec-Fetch-Site`, and the origin alone tells.
  const port = new URL(origin).port;
  const browser = await playwright.chromium.launch({ executablePath: process.env['E2E_CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox', '--host-resolver-rules=MAP edge.example 127.0.0.1'] });
  try {
    const page = await browser.newPage();
    await page.goto(`http://edge.example:${port}/edges`);
    await page.getByLabel('API key').fill(reader);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page).toHaveURL(`http://edge.example:${port}/edges`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page).toHaveURL(`http://edge.example:${port}/sign-in?back=%2F`);
  } finally {
    await browser.close();
  }
});

test('a board that is open when the session ends leads to the form', async ({ page, context }) => {
  test.setTimeout(120_000);
  page.removeAllListeners('console');
  page.removeAllListeners('requestfailed');
  await page.goto(`${origin}/sign-in?back=/`);
  await page.getByLabel('API key').fill(reader);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await started(page);
  await expect(page.locator('#live-state')).toHaveClass(/on/);
  const second = await context.newPage();
  await second.goto(`${origin}/report`);
  await second.getByRole('button', { name: 'Sign out' }).click();
  await expect(second).toHaveURL(`${origin}/sign-in?back=%2F`);
  // Its stream ends within two beats of 15 s, and is refused when it comes again.
  await expect(page).toHaveURL(/\/sign-in\?back=%2F/, { timeout: 90_000 });
});

test('two servers of one host have a session each', async ({ page, context }) => {
  const signIn = async (url: string, key: string) => {
    await page.goto(`${url}/sign-in?back=/models`);
    await page.getByLabel('API key').fill(key);
    await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Models');
  };
  page.removeAllListeners('request');
  const other = process.env['E2E_URL']!;
  await signIn(origin, reader);
  await signIn(other, process.env['E2E_ADMIN_KEY']!);
  for (const [url, key] of [[origin, reader], [other, process.env['E2E_ADMIN_KEY']!]] as const) {
    await page.goto(`${url}/models`);
    await started(page);
    await expect(page.getByRole('button', { name: 'Sign out' })).toHaveAttribute('title', `Signed in with the key ${key.slice(0, 11)}`);
  }
  expect((await context.cookies()).map((it) => it.name)).toContain(`sports-edge-session-${new URL(origin).port}`);
});

test('over TLS cookies are the host\u2019s own, and a planted one counts for nothing', async ({ playwright }) => {
  const ends: (() => unknown)[] = [];
  try {
    const folder = mkdtempSync(join(tmpdir(), 'sports-edge-tls-'));
    ends.push(() => rmSync(folder, { recursive: true }));
    const file = (name: string) => join(folder, name);
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=edge.example', '-keyout', file('key'), '-out', file('cert')], { stdio: 'ignore' });
    const behind = Number(new URL(origin).port);
    const door = createServer({ key: readFileSync(file('key')), cert: readFileSync(file('cert')) }, (outside) => {
      const inside = connect(behind, '127.0.0.1');
      outside.pipe(inside).pipe(outside);
      for (const it of [outside, inside]) it.on('error', () => [outside, inside].forEach((both) => both.destroy()));
    });
    ends.push(() => door.close());
    await new Promise<void>((done) => door.listen(0, '127.0.0.1', done));
    const { port } = door.address() as AddressInfo;
    const url = `https://edge.example:${port}`;
    const browser = await playwright.chromium.launch({ executablePath: process.env['E2E_CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox', '--host-resolver-rules=MAP edge.example 127.0.0.1'] });
    ends.push(() => browser.close());
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(`${url}/models`);
    await page.getByLabel('API key').fill(reader);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page).toHaveURL(`${url}/models`);
    const hidden = (await context.cookies()).find((it) => it.httpOnly)!;
    expect(hidden).toMatchObject({ name: `__Host-sports-edge-session-${port}`, secure: true, path: '/', domain: 'edge.example', sameSite: 'Lax' });
    expect(await page.evaluate(() => document.cookie)).toContain(`__Host-signed-in-${port}=${reader.slice(3, 11)}`);
    await context.clearCookies();
    await context.addCookies([{ name: hidden.name.replace('__Host-', ''), value: hidden.value, url }]);
    await page.goto(`${url}/models`);
    await expect(page).toHaveURL(`${url}/sign-in?back=%2Fmodels`);
  } finally {
    for (const end of ends.reverse()) await end();
  }
});
