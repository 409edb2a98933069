// End-to-end tests in a real browser against the real program: one server on a database of its
// own, filled from the sample, trained, with one fixture to come.
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: '.',
  // What one test writes makes answers anew, so those that look at what is kept come by themselves.
  projects: [
    { name: 'pages', testMatch: '*.spec.ts', testIgnore: 'cache.spec.ts' },
    { name: 'cache', testMatch: 'cache.spec.ts', dependencies: ['pages'] },
  ],
  globalSetup: './server.ts',
  outputDir: '../../target/e2e/results',
  reporter: [['list']],
  forbidOnly: process.env['CI'] !== undefined,
  // Two cores, one server; each test writes to games of its own, so two at a time are safe.
  workers: 2,
  fullyParallel: true,
  // A browser on a busy machine: one that fails is tried once more, and named as flaky at the end.
  retries: 1,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  use: {
    viewport: { width: 1280, height: 800 },
    timezoneId: 'UTC',
    locale: 'en-GB',
    launchOptions: {
      executablePath: process.env['E2E_CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
