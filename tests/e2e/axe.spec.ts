// No page keeps anybody out: axe finds no violation, in light and in dark.
import { AxeBuilder } from '@axe-core/playwright';

import { expect, open, PAGES, test } from './page.js';

const MORE: [string, string][] = [
  ['empty board', '/?day=1990-01-01'],
  ['results', '/?day=2024-05-19'],
];

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [name, path] of [...PAGES, ...MORE]) {
    test(`${name} in ${colorScheme} has no violation`, async ({ page }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await open(page, path);
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.target.join(' ')).join(', ')}`);
      expect(found).toEqual([]);
    });
  }
}

test('an error page has no violation', async ({ page }) => {
  // The browser itself reports a page that is not there.
  page.removeAllListeners('console');
  await page.goto('/no/such/page');
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map((it) => it.id)).toEqual([]);
});
