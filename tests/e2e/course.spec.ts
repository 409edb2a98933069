// How a game went: its line, what happened, what moved it most; live, and after the end.
import { AxeBuilder } from '@axe-core/playwright';
import { begun, recorded } from './game.js';
import { expect, open, sideways, test } from './page.js';

const PICTURES = process.env['E2E_PICTURES'];

test('a game that was recorded shows its line, its marks and what moved it', async ({ page, request, shifts }) => {
  const { id } = await recorded(request, ['Everton', 'Fulham'], '2031/32');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.goto(`/fixtures/${id}`);
    await expect(page.locator('#replay-run')).toBeVisible();
    const course = page.locator('#course');
    await expect(course.locator('path.line')).toHaveCount(6);
    await expect(course.locator('.mark circle')).toHaveCount(3);
    await expect(course.locator('.mark.off title')).toContainText('did not count');
    await expect(course.locator('tbody tr').first()).toContainText('Goal: Fulham');
    // At the end it is a draw: the line that stands for it ends at the top.
    const draw = await course.locator('path.line.c-base').first().getAttribute('d');
    expect(draw!.split('L').at(-1)).toMatch(/ 40\.0$/);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((it) => it.id)).toEqual([]);
    // Time never runs back along a line.
    const places = [...draw!.matchAll(/[ML]([\d.]+)/g)].map((it) => Number(it[1]));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    if (PICTURES) await page.screenshot({ path: `${PICTURES}/course-${colorScheme}.png`, fullPage: true });
  }
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(`/fixtures/${id}`);
  await expect(page.locator('#replay-run')).toBeVisible();
  expect(await sideways(page)).toBe(0);
  expect(await shifts()).toBe(0);
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/course-phone.png`, fullPage: true });
});

test('the line grows with the game, and changed figures are tinted only where motion is welcome', async ({ page, request }) => {
  const game = await begun(request, ['Everton', 'Fulham'], '2032/33', 4);
  await game.tell({ kind: 'period_start', period: 1 }, 0);
  await game.tell({ kind: 'clock', running: true }, 2);
  await page.goto(`/fixtures/${game.id}`);
  await expect(page.locator('#play-pause')).toBeVisible();
  const line = page.locator('#course path.line.c-home').first();
  const before = (await line.getAttribute('d'))!.split('L').length;
  await page.evaluate(() => {
    const tints: string[] = [];
    Object.assign(window, { tints });
    document.addEventListener('animationstart', (event) => tints.push(event.animationName));
  });
  await game.tell({ kind: 'scored', side: 'home' });
  await expect(page.locator('#course .mark circle')).toHaveCount(1);
  expect((await line.getAttribute('d'))!.split('L').length).toBeGreaterThan(before);
  await expect(page.locator('#play-said')).toHaveText(/Everton 1–0 Fulham, First half/);
  await expect.poll(() => page.evaluate(() => (window as unknown as { tints: string[] }).tints.length)).toBeGreaterThan(0);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  expect(await page.locator('.changed').first().evaluate((it) => getComputedStyle(it).animationName)).toBe('none');
});

test('without script the line is there', async ({ browser, baseURL, request }) => {
  const { id } = await recorded(request, ['Everton', 'Fulham'], '2033/34');
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${baseURL}/fixtures/${id}`);
  await expect(page.locator('#course path.line.c-away').first()).toBeVisible();
  await expect(page.locator('#course').getByRole('img').first()).toHaveAttribute('aria-label', /Probability that Everton wins/);
  await expect(page.locator('#replay-run')).toBeHidden();
  await context.close();
});
