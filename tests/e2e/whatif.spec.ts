// What if: the engine answers while one moves a minute, a score, a card.
import { AxeBuilder } from '@axe-core/playwright';
import { expect, FIXTURE, open, test } from './page.js';

test('a supposed game is answered while one moves, by keyboard too, and what cannot be is said and not asked', async ({ page, request, shifts }) => {
  await open(page, FIXTURE);
  const form = page.locator('#what-if');
  const home = form.locator('.p.home');
  const share = async () => parseFloat((await home.textContent())!.replace(/[^\d.]/g, ''));
  const before = await share();
  await form.getByLabel('Goals Arsenal').fill('2');
  await expect.poll(share).toBeGreaterThan(before + 10);
  const ahead = await share();
  await form.getByLabel('Minute played').focus();
  for (let press = 0; press < 70; press += 1) await page.keyboard.press('ArrowRight');
  await expect(form.locator('output')).toHaveText("70'");
  await expect.poll(share).toBeGreaterThan(ahead);
  await expect(page.locator('#what-if-next')).toContainText('Next goal: home');
  // What is shown is what the API says of the last question.
  const asked = `/v1${FIXTURE}/what-if?minute=70&home=2&away=0&home_red=0&away_red=0`;
  const { probabilities } = (await (await request.get(asked)).json()) as { probabilities: number[] };
  await expect.poll(share).toBeCloseTo(100 * probabilities[0]!, 0);
  expect(await shifts()).toBe(0);
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map((it) => it.id)).toEqual([]);
  if (process.env['E2E_PICTURES']) await form.screenshot({ path: `${process.env['E2E_PICTURES']}/what-if.png` });
  // Nothing is asked that cannot be: the form's own limits speak.
  const asks: string[] = [];
  page.on('request', (it) => it.url().includes('what-if') && asks.push(it.url()));
  for (const odd of ['99', '-1', '1.5', '']) {
    await form.getByLabel('Goals Arsenal').fill(odd);
    await expect(page.locator('#what-if-said')).toHaveText(/^Goals Arsenal: ./);
  }
  expect(asks).toEqual([]);
  await form.getByLabel('Goals Arsenal').fill('0');
  await expect(page.locator('#what-if-said')).toHaveText('');
});
