import { defineConfig } from "vitest/config";

const here = (path: string) => new URL(path, import.meta.url).pathname;

export default defineConfig({
  resolve: {
    // The Expo example, as Expo builds it for a browser.
    alias: [
      { find: /^react-native$/, replacement: "react-native-web" },
      { find: /^@sports-edge\/sdk$/, replacement: here("src/index.ts") },
      { find: /^@sports-edge\/sdk\/(\w+)$/, replacement: here("src/$1.ts") },
    ],
    mainFields: ["module", "main"],
    extensions: [".web.js", ".mjs", ".js", ".mts", ".ts", ".jsx", ".tsx", ".json"],
  },
  test: {
    environment: "node",
    include: ["test/*.test.{ts,tsx}"],
    testTimeout: 20_000,
    server: { deps: { inline: [/react-native/] } },
    coverage: {
      provider: "v8",
      include: ["src/**"],
      exclude: ["src/schema.gen.ts", "src/facts.gen.ts"],
      reporter: ["text", "lcov"],
      thresholds: { lines: 95 },
    },
  },
});
