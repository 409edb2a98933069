// Real Chromium against the real program: two tabs, no network, a killed server, the device.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.ts",
  outputDir: "../../../../target/e2e/sdk-results",
  reporter: [["list"]],
  workers: 1,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  use: {
    launchOptions: {
      executablePath: process.env["E2E_CHROMIUM"] ?? "/usr/bin/chromium",
      // A page that a test puts in place is from nowhere, and must not reach this machine otherwise.
      args: ["--disable-features=LocalNetworkAccessChecks", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    },
  },
});
