// The picture of the board in README.md: a day on which two leagues played.
import { open, test } from './page.js';

test('the board', async ({ page }) => {
  await page.setViewportSize({ width: 1120, height: 760 });
  await page.emulateMedia({ colorScheme: 'light' });
  await open(page, '/?day=2024-05-19');
  await page.screenshot({ path: '../../docs/images/board.png' });
});
