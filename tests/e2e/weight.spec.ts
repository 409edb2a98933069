// What a page's program weighs as it goes over the wire: every script of a page that follows the feed,
// those loaded later too, compressed by brotli, against the budget of docs and of bench/first_paint.mjs.
import { expect, FIXTURE, open, test } from './page.js';

const JS_BYTES_MAX = 60_000;

for (const [name, path] of [['board', '/'], ['fixture', FIXTURE], ['alerts', '/alerts'], ['edges', '/edges?flagged=1&min=0'], ['console', '/console']] as const) {
  test(`all scripts of the page ${name} are at most 60 kB, compressed`, async ({ page }) => {
    const asked: Promise<{ url: string; bytes: number; coding: string | undefined }>[] = [];
    page.on('response', (response) => {
      if (response.request().resourceType() !== 'script') return;
      const weighed = async () => ({
        url: response.url(),
        bytes: (await response.request().sizes()).responseBodySize,
        coding: (await response.allHeaders())['content-encoding'],
      });
      asked.push(weighed());
    });
    await open(page, path);
    const scripts = await Promise.all(asked);
    expect(scripts.length).toBeGreaterThan(0);
    for (const { url, bytes, coding } of scripts) expect([coding, bytes > 0], url).toEqual(['br', true]);
    expect(scripts.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(JS_BYTES_MAX);
  });
}
