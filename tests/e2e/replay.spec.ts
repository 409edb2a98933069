// Replay of a game that was recorded: by scrubber, keys, marks, at speed, by its address, without script.
import { AxeBuilder } from '@axe-core/playwright';
import { recorded } from './game.js';
import { expect, sideways, test } from './page.js';

const PICTURES = process.env['E2E_PICTURES'];

test('a game is replayed as it was known: scrubber, keys, marks, speed, address', async ({ page, request, shifts }) => {
  const { id } = await recorded(request, ['Everton', 'Fulham'], '2036/37');
  await page.goto(`/fixtures/${id}`);
  const [clock, score, scrubber] = [page.locator('#replay-clock'), page.locator('#replay-score .mid'), page.locator('#replay-at')];
  await expect(page.locator('#replay-run')).toBeVisible();
  await expect(score).toHaveText('0–0');
  // The goal that was taken back counted for two minutes.
  await page.locator('#replay-marks a', { hasText: 'Goal: Fulham' }).first().click();
  await expect(score).toHaveText('0–1');
  await expect(clock).toHaveText("13'");
  await expect(page.locator('#replay-next')).toContainText('Everton scores next');
  await expect(page).toHaveURL(/\?at=.*#replay$/);
  await scrubber.focus();
  for (let press = 0; press < 9; press += 1) await page.keyboard.press('ArrowRight');
  await expect(score).toHaveText('0–0');
  await expect(scrubber).toHaveAttribute('aria-valuetext', /^15', Everton 0, Fulham 0/);
  await page.keyboard.press('PageUp');
  await expect(clock).toHaveText("20'");
  // What is shown is what the API says of that moment.
  const at = new URL(page.url()).searchParams.get('at')!;
  const play = (await (await request.get(`/v1/fixtures/${id}/play?as_of=${encodeURIComponent(at)}`)).json()) as { probabilities: number[] };
  // What is followed is told to five places: on the edge between two tenths it may round the other way.
  const share = async () => Number(/([\d.]+)%/.exec((await page.locator('#replay-view .p.home').textContent()) ?? '')?.[1]);
  await expect.poll(async () => Math.abs((await share()) - 100 * play.probabilities[0]!)).toBeLessThan(0.1);
  await expect(page.locator('#course .cursor')).toHaveCount(1);

  await page.locator('#replay-speed').selectOption('60');
  await page.locator('#replay-run').click();
  await expect(page.locator('#replay-run')).toHaveText('Stop');
  await expect(score).toHaveText('1–0', { timeout: 60_000 });
  await page.locator('#replay-run').click();
  await expect(page.locator('#replay-run')).toHaveText('Play');
  expect(await shifts()).toBe(0);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((it) => it.id)).toEqual([]);
    if (PICTURES) await page.locator('#replay').screenshot({ path: `${PICTURES}/replay-${colorScheme}.png` });
  }
  // Whoever opens the address sees the same moment.
  const shown = await clock.textContent();
  await page.reload();
  await expect(clock).toHaveText(shown!);
  await expect(score).toHaveText('1–0');
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await sideways(page)).toBe(0);
  if (PICTURES) await page.locator('#replay').screenshot({ path: `${PICTURES}/replay-phone.png` });
});

test('without script every moment has its address', async ({ browser, baseURL, request }) => {
  const { id } = await recorded(request, ['Everton', 'Fulham'], '2037/38');
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${baseURL}/fixtures/${id}`);
  await page.locator('#replay-marks a', { hasText: 'Goal: Everton' }).click();
  await expect(page.locator('#replay-score .mid')).toHaveText('1–0');
  await expect(page.locator('#course .cursor')).toHaveCount(1);
  await expect(page.locator('#replay-run')).toBeHidden();
  await page.locator('#replay-show').click();
  await expect(page.locator('#replay-score .mid')).toHaveText('1–0');
  await context.close();
});
