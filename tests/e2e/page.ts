// A page that is watched: errors in the console, failed requests, requests to anywhere else and
// layout that shifts make its test fail.
import { expect, test as base, type Page } from '@playwright/test';

export { expect };

export const FIXTURE = `/fixtures/${process.env['E2E_FIXTURE']}`;

export const PAGES: [string, string][] = [
  ['board', '/'],
  ['fixture', FIXTURE],
  ['table', '/competitions/E0?season=2023%2F24'],
  ['edges', '/edges?flagged=1&min=0'],
  ['alerts', '/alerts'],
  ['report card', '/report'],
  ['console', '/console'],
  ['models', '/models'],
  ['one model', '/models/corners'],
  ['cache', '/cache'],
  ['cache with a preview', '/cache?window=day&kind=answer.board'],
];

export const test = base.extend<{ shifts: () => Promise<number> }>({
  baseURL: async ({}, use) => use(process.env['E2E_URL']),

  page: async ({ page, baseURL }, use) => {
    const faults: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('requestfailed', (request) => {
      // A navigation cuts off what the page before it still asked for.
      const cutOff = request.failure()?.errorText === 'net::ERR_ABORTED';
      if (!cutOff) faults.push(`${request.url()} failed: ${request.failure()?.errorText}`);
    });
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(baseURL!) && !/^(data|blob):/.test(url)) faults.push(`asked ${url}`);
    });
    await slow(page);
    await page.addInitScript(() => {
      const shifts: number[] = [];
      Object.assign(window, { shifts });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
          if (!entry.hadRecentInput) shifts.push(entry.value);
        }
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await use(page);
    expect(faults).toEqual([]);
  },

  /**
   * The sum of every layout shift of the page so far that nobody asked for, in thousandths: a word that
   * moves by a few pixels while a busy machine lays it out is below, whatever a reader could notice is not.
   */
  shifts: async ({ page }, use) => {
    await use(async () => {
      const sum = await page.evaluate(() => (window as unknown as { shifts: number[] }).shifts.reduce((sum, it) => sum + it, 0));
      return Math.round(sum * 1_000);
    });
  },
});

/** What a page fetches comes late, where it is asked for: to find what holds only on a quick machine. */
async function slow(page: Page): Promise<void> {
  const ms = Number(process.env['E2E_SLOW_MS'] ?? 0);
  if (ms === 0) return;
  await page.route('**/*', async (route) => {
    if (['fetch', 'xhr', 'script'].includes(route.request().resourceType())) await new Promise((done) => setTimeout(done, ms));
    await route.fallback();
  });
}

/** How long a page may go on asking: one that follows by a stream, or by requests that wait, never rests. */
const REST_MS_MAX = 5_000;

/** Waits until the program of a page has taken over: before it, what is pressed or chosen is the browser's own. */
export async function started(page: Page): Promise<void> {
  await page.locator('html.started, html:not(:has(script[type=module]))').waitFor({ state: 'attached' });
}

/** Loads a page and waits until its program has taken over. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await started(page);
  await page.waitForLoadState('networkidle', { timeout: REST_MS_MAX }).catch(() => undefined);
}

/** Whether the page can be pushed sideways. */
export async function sideways(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
