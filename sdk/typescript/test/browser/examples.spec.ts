// What the viewer at `/docs` fills in before it is asked works on the sample: every example of the
// server's own document.
import { expect, test } from "@playwright/test";
import { Program } from "./program.js";

interface Operation {
  parameters?: { name: string; in: string; example?: unknown }[];
  requestBody?: { content: Record<string, { example?: unknown }> };
}

const program = new Program();

test.beforeAll(async () => {
  program.prepare();
  await program.start();
});

test.afterAll(async () => {
  await program.kill();
  program.clear();
});

/** The address with what is filled in. */
function filled(path: string, { parameters = [] }: Operation): string {
  const query = new URLSearchParams();
  for (const { name, in: where, example } of parameters) {
    if (example === undefined) continue;
    if (where === "path") path = path.replace(`{${name}}`, encodeURIComponent(String(example)));
    else if (where === "query") query.append(name, String(example));
  }
  return `${path}?${query}`;
}

test("the examples of reads and writes work as they are", async () => {
  const { paths } = (await (await fetch(`${program.url}/openapi.json`)).json()) as { paths: Record<string, Record<string, Operation>> };
  const failed: string[] = [];
  let asked = 0;
  for (const [path, item] of Object.entries(paths)) {
    // Models of the repository and alerts are there once somebody has made them, and the cache is for another key.
    if (/\/models\/|\/alerts\/|\/cache|\/live|\/session/.test(path)) continue;
    for (const [method, operation] of Object.entries(item)) {
      const body = operation.requestBody?.content["application/json"]?.example;
      if (method !== "get" && body === undefined) continue;
      const headers = { authorization: `Bearer ${program.key}`, "content-type": "application/json" };
      const answer = await fetch(program.url + filled(path, operation), { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
      asked += 1;
      if (!answer.ok) failed.push(`${method} ${filled(path, operation)}: ${answer.status} ${await answer.text()}`);
    }
  }
  expect(failed).toEqual([]);
  expect(asked).toBeGreaterThan(20);
});
