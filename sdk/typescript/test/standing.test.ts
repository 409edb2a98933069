// What is held beside the feed: revisions of what was asked for before, the pace of requests that wait,
// and what tabs and failed calls make of a connection.
import { WebSocket } from "ws";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createClient, key, type Client, type ClientOptions, type Key } from "../src/index.js";
import type { Frame } from "../src/live/frames.js";
import { FeedServer } from "./feed.js";

const KEY = "fixtures/8" as Key<{ n: number }>;
let server: FeedServer;
const clients: Client[] = [];

const client = (options: ClientOptions = {}) => {
  const made = createClient({ baseUrl: server.url, pollMs: 200, ...options });
  clients.push(made);
  return made;
};
const rest = (ms: number) => new Promise((done) => setTimeout(done, ms));
const until = (check: () => void) => vi.waitFor(check, { timeout: 8_000, interval: 10 });

/** Node has channels but no locks before version 24: a queue stands in for the browser's. */
function queue() {
  let last = Promise.resolve();
  const request = (_: string, { signal }: { signal: AbortSignal }, hold: () => Promise<void> | undefined) => {
    const mine = last.then(() => (signal.aborted ? undefined : hold()));
    last = mine.then(() => undefined);
    return mine;
  };
  return { request };
}

beforeEach(async () => {
  vi.stubGlobal("WebSocket", WebSocket);
  server = await new FeedServer().start();
  server.set(KEY, { n: 0 });
});

afterEach(async () => {
  for (const made of clients.splice(0)) await made.close();
  await server.stop();
  vi.unstubAllGlobals();
});

for (const [way, shut] of [["ws", []], ["sse", ["ws"]], ["poll", ["ws", "sse"]]] as const) {
  it(`has a revision by ${way} of what it asked for before, and waits for what follows`, async () => {
    server.shut = new Set(shut);
    // As the state was for long: it came to be before the second that the answer names.
    server.states.get(KEY)!.at -= 60_000;
    const one = client();
    const { data } = await one.load(KEY);
    one.watch(KEY, () => undefined);
    await until(() => expect(one.peek(KEY)?.rev).toBe("1001.00000000abcd"));
    // What says the same stays the same object, and is asked for by its tag.
    expect(one.peek(KEY)).toMatchObject({ etag: '"1001.00000000abcd"', source: "network" });
    expect(one.peek(KEY)!.data).toBe(data);
    await rest(1_500);
    expect(server.opened).toBeLessThanOrEqual(way === "poll" ? 2 : 1);
    server.change(KEY, { n: 1 });
    await until(() => expect(one.peek(KEY)).toMatchObject({ rev: "1002.00000000abcd", data: { n: 1 } }));
  });
}

it("asks once more where the feed tells an earlier state than an answer did, and never goes back", async () => {
  server.states.get(KEY)!.at -= 60_000;
  const one = client();
  // A server that lags answers so, and the one asked next does not.
  server.script.push([200, { date: new Date().toUTCString() }, '{"n":-1}']);
  await one.load(KEY);
  one.watch(KEY, () => undefined);
  await until(() => expect(one.peek(KEY)?.data.n).toBe(0));
  // A feed that lags is not believed: the answer stands, and what follows is taken.
  const other = client();
  server.script.push([200, { date: new Date().toUTCString(), etag: '"new"' }, '{"n":5}'], [304, { etag: '"new"' }, ""]);
  await other.load(KEY);
  const seen = new Set<number>();
  other.watch(KEY, () => seen.add(other.peek(KEY)!.data.n));
  await until(() => expect(other.connection.now.state).toBe("live"));
  await rest(300);
  server.change(KEY, { n: 6 });
  await until(() => expect(other.peek(KEY)).toMatchObject({ rev: "1002.00000000abcd", data: { n: 6 } }));
  expect([...seen]).toEqual([5, 6]);
});

it("asks once a second at most by a long poll whose answers lead no further, whatever they are", async () => {
  server.shut = new Set(["ws", "sse"]);
  const one = client();
  one.watch(KEY, () => undefined);
  await until(() => expect(one.connection.now.way).toBe("poll"));
  await until(() => expect(one.peek(KEY)?.rev).toBe("1001.00000000abcd"));
  const id = "1001.00000000abcd";
  for (const frames of [[], [{ t: "same", k: KEY, id, ts: 1 }, { t: "stale", k: KEY, age: 400_000 }], [{ t: "snap", k: KEY, id: "1.0", ts: 1, d: {} }]]) {
    server.polled = frames as Frame[];
    server.cut();
    await until(() => expect(one.connection.now.way).toBe("poll"));
    const { opened } = server;
    await rest(2_500);
    expect(server.opened - opened).toBeLessThanOrEqual(4);
  }
  server.polled = undefined;
  server.change(KEY, { n: 1 });
  await until(() => expect(one.peek(KEY)?.data.n).toBe(1));
});

it("stays live when a call gets no answer while the feed is heard, in every tab", async () => {
  vi.stubGlobal("navigator", { locks: queue(), onLine: true });
  const hanging: typeof fetch = (address, init) =>
    String(address).includes("competitions") ? new Promise((_, fail) => init!.signal!.addEventListener("abort", () => fail(new Error("aborted")))) : fetch(address, init);
  const [one, two] = [client({ fetch: hanging, retries: 0 }), client({ fetch: hanging, retries: 0 })];
  for (const each of [one, two]) each.watch(KEY, () => undefined);
  for (const each of [one, two]) await until(() => expect(each.connection.now).toMatchObject({ state: "live", way: "ws" }));
  const states = new Set<string>();
  for (const each of [one, two]) {
    each.connection.watch(() => states.add(each.connection.now.state));
    await expect(each.get("/v1/competitions", { timeoutMs: 5 })).rejects.toMatchObject({ kind: "timeout" });
    const body = { data: [], markets: ["h2h" as const] };
    server.script.push([502, {}, "<html>nobody is there</html>"]);
    await expect(each.post("/v1/predictions/batch", { body })).rejects.toMatchObject({ kind: "offline" });
    // An answer after it is no reason to connect anew.
    await each.load(key("/v1/fixtures/{id}", { path: { id: 8 } }), { maxAgeMs: 0 });
  }
  server.change(KEY, { n: 3 });
  for (const each of [one, two]) await until(() => expect(each.peek(KEY)?.data.n).toBe(3));
  expect(states).toEqual(new Set());
  expect(server.opened).toBe(1);
  // Once the feed is lost, it counts.
  await server.stop();
  await expect(one.get("/v1/competitions", { timeoutMs: 5 })).rejects.toMatchObject({ kind: "timeout" });
  await until(() => expect(one.connection.now.state).toBe("offline"));
});

it("tabs elect a leader, share one connection and hand over", async () => {
  vi.stubGlobal("navigator", { locks: queue(), onLine: true });
  const [one, two] = [client(), client()];
  one.watch(KEY, () => undefined);
  two.watch(KEY, () => undefined);
  server.change(KEY, { n: 3 });
  await until(() => expect(one.connection.now.state).toBe("live"));
  await until(() => expect(two.connection.now).toMatchObject({ state: "live", leader: false }));
  await until(() => expect(two.peek(KEY)?.rev).toBe("1002.00000000abcd"));
  server.change(KEY, { n: 4 });
  await until(() => expect(two.peek(KEY)).toMatchObject({ data: { n: 4 }, source: "tab" }));
  expect(server.opened).toBe(1);
  await two.post("/v1/quotes", { body: { data: [] } });
  await until(() => expect(one.http.position).toBe("42"));
  await one.close();
  await until(() => expect(two.connection.now).toMatchObject({ state: "live", leader: true }));
  server.change(KEY, { n: 5 });
  await until(() => expect(two.peek(KEY)?.data.n).toBe(5));
});
