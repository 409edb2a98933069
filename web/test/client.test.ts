import { afterEach, expect, it, vi } from "vitest";
import { connect, drawn, REPORT_MS } from "../src/client";

afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  await connect().close();
});

it("a page has one client, which tells now and then how long changes took to the screen", async () => {
  expect(connect()).toBe(connect());
  vi.useFakeTimers({ toFake: ["setInterval"] });
  const told: number[][] = [];
  vi.stubGlobal("fetch", async (_: unknown, init: RequestInit) => {
    told.push((JSON.parse(String(init.body)) as { samples_ms: number[] }).samples_ms);
    return new Response(JSON.stringify({ now_ms: Date.now(), count: told.length, p50_ms: null, p99_ms: null }));
  });
  drawn(Date.now());
  await vi.waitFor(() => expect(told.length).toBe(5));
  expect(told.flat()).toEqual([]);
  vi.advanceTimersByTime(REPORT_MS);
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => setTimeout(run, 0));
  drawn(Date.now() - 12);
  await new Promise((done) => setTimeout(done, 50));
  vi.advanceTimersByTime(REPORT_MS);
  await vi.waitFor(() => expect(told.length).toBe(6));
  expect(told[5]!.length).toBe(1);
  expect(told[5]![0]).toBeGreaterThan(5);
  expect(told[5]![0]).toBeLessThan(10_000);
});
