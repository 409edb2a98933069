// What is generated is up to date, and what an app pays stays within its budget.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
// @ts-expect-error a plain script
import { generated } from "../scripts/generate.mjs";
// @ts-expect-error a plain script
import { size } from "../scripts/size.mjs";

it("types and facts are those of the server's documents (npm run generate)", async () => {
  for (const [name, text] of Object.entries((await generated()) as Record<string, string>)) {
    expect(readFileSync(join(import.meta.dirname, "../src", name), "utf8") === text, name).toBe(true);
  }
}, 30_000);

it("the core is at most 6 kB, with hooks and device cache 9 kB, the feed 2.7 kB more once watched", async () => {
  const core = (await size(["index"])) as { first: number; later: number };
  expect(core.first).toBeLessThanOrEqual(6_000);
  expect(core.later).toBeLessThanOrEqual(2_700);
  expect(((await size(["index", "react", "device"])) as { first: number }).first).toBeLessThanOrEqual(9_000);
}, 30_000);

it("its types can be read without those of browsers", () => {
  const folder = mkdtempSync(join(tmpdir(), "sports-edge-types-"));
  const root = join(import.meta.dirname, "..");
  const tsc = (...args: string[]) => execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...args], { cwd: root });
  try {
    tsc("-p", "tsconfig.build.json", "--outDir", folder, "--emitDeclarationOnly");
    const entries = ["index", "device", "live", "tanstack"].map((name) => join(folder, `${name}.d.ts`));
    tsc("--noEmit", "--strict", "--skipLibCheck", "false", "--lib", "ES2022", "--types", "node", "--module", "NodeNext", ...entries);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 120_000);
