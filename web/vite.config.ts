// Builds the program and, beside each file, its compressed forms, so that the server never
// compresses them again.
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const SDK = join(import.meta.dirname, "../sdk/typescript/src");

function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    async closeBundle() {
      const folder = join(import.meta.dirname, "dist", "assets");
      for (const name of await readdir(folder)) {
        if (/\.(br|gz)$/.test(name)) continue;
        const plain = await readFile(join(folder, name));
        const br = brotliCompressSync(plain, {
          params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY },
        });
        await writeFile(join(folder, `${name}.br`), br);
        await writeFile(join(folder, `${name}.gz`), gzipSync(plain, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  base: "/",
  // The dashboard is the first user of the SDK: it takes it as it is written, not as it is packed.
  resolve: {
    alias: [
      { find: /^@sports-edge\/sdk\/(.*)$/, replacement: `${SDK}/$1.ts` },
      { find: "@sports-edge/sdk", replacement: `${SDK}/index.ts` },
    ],
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    manifest: true,
    modulePreload: { polyfill: false },
    rollupOptions: { input: "src/main.ts" },
  },
  plugins: [compressed()],
  test: {
    environment: "jsdom",
    include: ["test/**/*.test.{ts,tsx}"],
    setupFiles: ["test/setup.ts"],
    coverage: {
      provider: "v8",
      include: ["src/**"],
      exclude: ["src/main.ts", "src/schema.gen.ts"],
      reporter: ["text", "json", "lcov"],
      thresholds: { lines: 95 },
    },
  },
});
