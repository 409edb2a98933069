// Latencies: clocks that differ, measurements that are told in handfuls.
import { expect, it, vi } from "vitest";
import { createClient } from "../src/index.js";
import { afterPaint, Latency } from "../src/live/latency.js";

/** A server whose clock is ahead, and whose answers take so long each way. */
function world(ahead: number, ways: number[]) {
  let now = 1_000_000;
  const told: number[][] = [];
  const fetch = async (_: unknown, init?: RequestInit) => {
    told.push((JSON.parse(String(init?.body)) as { samples_ms: number[] }).samples_ms);
    const way = ways.shift() ?? 50;
    now += way;
    const now_ms = now + ahead;
    now += way;
    return new Response(JSON.stringify({ now_ms, count: told.length, p50_ms: 20, p99_ms: null }));
  };
  const client = createClient({ baseUrl: "http://server.test", fetch: fetch as typeof globalThis.fetch, live: false, tabs: false, clock: () => now });
  return { client, told, pass: (ms: number) => (now += ms), server: () => now + ahead };
}

it("compares the clocks by the quickest answer and measures by it", async () => {
  const { client, told, pass, server } = world(5_000, [80, 3, 40, 60, 60]);
  const latency = new Latency(client);
  latency.painted(server());
  expect([latency.count, latency.quantile(0.5)]).toEqual([0, undefined]);
  await latency.sync();
  expect([latency.offset, latency.error]).toEqual([5_000, 3]);
  for (const took of [10, 20, 30, 40]) {
    const at = server();
    pass(took);
    latency.painted(at);
  }
  latency.painted(server() - 3_600_000);
  expect([latency.count, latency.quantile(0.5), latency.quantile(0.99)]).toEqual([4, 30, 40]);
  await latency.sync(1);
  expect(told.at(-1)).toEqual([10, 20, 30, 40]);
  await latency.sync(1);
  expect(told.at(-1)).toEqual([]);
  expect(latency.all).toMatchObject({ count: 7, p99_ms: null });
  await client.close();
});

it("keeps no more than it may, and tells no more at once", async () => {
  const { client, told, server } = world(0, []);
  const latency = new Latency(client);
  await latency.sync(1);
  for (let count = 0; count < 700; count += 1) latency.painted(server());
  expect(latency.count).toBe(500);
  await latency.sync(1);
  expect(told.at(-1)!.length).toBe(50);
  await client.close();
});

it("calls back in the task after a frame", async () => {
  const order: string[] = [];
  const view = { requestAnimationFrame: (run: FrameRequestCallback) => (setTimeout(() => (run(0), order.push("frame"), queueMicrotask(() => order.push("microtask"))), 0), 1) };
  afterPaint(view, () => order.push("painted"));
  await vi.waitFor(() => expect(order).toEqual(["frame", "microtask", "painted"]));
});
