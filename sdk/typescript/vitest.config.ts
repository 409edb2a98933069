import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    include: ["test/*.test.{ts,tsx}"],
    testTimeout: 20_000,
    coverage: {
      provider: "v8",
      include: ["src/**"],
      exclude: ["src/schema.gen.ts", "src/facts.gen.ts"],
      reporter: ["text", "lcov"],
      thresholds: { lines: 95 },
    },
  },
});
