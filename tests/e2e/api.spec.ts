// The API as a browser meets it: its documentation, trying it out, and refusals that explain.
import { expect, FIXTURE, test } from './page.js';

test('the documentation loads from the program and can be tried out', async ({ page }) => {
  await page.goto('/docs');
  const operation = page.locator('.opblock', { hasText: '/v1/competitions' }).first();
  await operation.locator('.opblock-summary-control').click();
  await operation.getByRole('button', { name: 'Execute' }).click();
  const live = operation.locator('.live-responses-table .response').first();
  await expect(live.locator('.response-col_status')).toContainText('200');
  await expect(live).toContainText('"E0"');
});

test('the document describes every operation it lists', async ({ request }) => {
  const document = await (await request.get('/openapi.json')).json();
  expect(document.openapi).toMatch(/^3\.1/);
  for (const [path, item] of Object.entries<Record<string, { summary?: string }>>(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      expect(operation.summary, `${method} ${path}`).toBeTruthy();
    }
  }
});

test('a read can be asked again for nothing', async ({ request }) => {
  const path = `/v1${FIXTURE}/prediction?as_of=2026-01-01T00:00:00Z`;
  const first = await request.get(path);
  expect(first.status()).toBe(200);
  const again = await request.get(path, { headers: { 'if-none-match': first.headers()['etag']! } });
  expect(again.status()).toBe(304);
});

test('a write without a key is refused with a problem that says why', async ({ request }) => {
  const answer = await request.post('/v1/quotes', { data: { data: [] } });
  expect(answer.status()).toBe(401);
  expect(answer.headers()['content-type']).toContain('application/problem+json');
  const problem = await answer.json();
  expect(problem.type).toMatch(/problems/);
  expect(problem.title).toBeTruthy();
});

test('a list can be paged to its end without gap or repeat', async ({ request }) => {
  const seen = new Set<number>();
  let cursor: string | null = null;
  do {
    const params: Record<string, string> = { competition: 'E0', limit: '100', from: '2023-07-01T00:00:00Z', until: '2024-07-01T00:00:00Z' };
    if (cursor) params['cursor'] = cursor;
    const page = await (await request.get('/v1/fixtures', { params })).json();
    for (const fixture of page.data) {
      expect(seen.has(fixture.id)).toBe(false);
      seen.add(fixture.id);
    }
    cursor = page.next_cursor;
  } while (cursor);
  // A season of twenty teams.
  expect(seen.size).toBe(380);
});
