// @vitest-environment node
// The types are those of the API's document as it stands now.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import openapi, { astToString } from "openapi-typescript";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

it("the types of the API are up to date (npm run schema)", async () => {
  const document = new URL(`file://${join(root, "docs/api/openapi.json")}`);
  const fresh = astToString(await openapi(document));
  const kept = readFileSync(join(root, "web/src/schema.gen.ts"), "utf8");
  expect(kept.trimEnd().endsWith(fresh.trimEnd())).toBe(true);
}, 30_000);
