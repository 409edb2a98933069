// A board left open: it takes in what is new, and says so when it cannot.
import { expect, open, test } from './page.js';

test('a fixture written elsewhere appears without a reload', async ({ page, request }) => {
  await open(page, '/');
  await expect(page.locator('.row', { hasText: 'Everton' })).toHaveCount(0);
  const kickoff = new Date(Date.now() + 48 * 3_600_000).toISOString();
  const entry = { competition: 'E0', season: '2026/27', kickoff, home: 'Liverpool', away: 'Everton' };
  const answer = await request.post('/v1/fixtures', {
    headers: { authorization: `Bearer ${process.env['E2E_KEY']}` },
    data: { data: [entry] },
  });
  expect(answer.status()).toBe(200);
  await page.evaluate(() => window.dispatchEvent(new Event('focus')));
  const row = page.locator('.row', { hasText: 'Everton' });
  await expect(row).toContainText('Liverpool');
  // The first row is still the earlier one.
  await expect(page.locator('.row').first()).toContainText('Chelsea');
});

test('a board that gets no answer says that its numbers may be old', async ({ page }) => {
  // The browser itself reports an answer that failed.
  page.removeAllListeners('console');
  await open(page, '/');
  await expect(page.locator('#banner')).toHaveText('');
  await page.route('**/v1/board*', (route) => route.fulfill({ status: 503 }));
  await page.evaluate(() => window.dispatchEvent(new Event('focus')));
  await expect(page.locator('#banner')).toContainText('may be old');
  await page.unroute('**/v1/board*');
  await page.evaluate(() => window.dispatchEvent(new Event('focus')));
  await expect(page.locator('#banner')).toHaveText('');
});
