// The feed's ladder against a server that speaks the draft contract over real sockets.
import { WebSocket } from "ws";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createClient, type Client, type ClientOptions, type Key } from "../src/index.js";
import { applied, frameOf } from "../src/live/frames.js";
import { poll, sse } from "../src/live.js";
import { FeedServer } from "./feed.js";

const KEY = "fixtures/8" as Key<{ n: number; s?: string }>;
let server: FeedServer;
const clients: Client[] = [];

const client = (options: ClientOptions = {}) => {
  const made = createClient({ baseUrl: server.url, pollMs: 200, ...options });
  clients.push(made);
  return made;
};
const until = (check: () => void) => vi.waitFor(check, { timeout: 8_000, interval: 10 });

beforeEach(async () => {
  vi.stubGlobal("WebSocket", WebSocket);
  server = await new FeedServer().start();
  server.set(KEY, { n: 0 });
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const made of clients.splice(0)) await made.close();
  await server.stop();
});

for (const [way, shut] of [["ws", []], ["sse", ["ws"]], ["poll", ["ws", "sse"]]] as const) {
  it(`follows a key by ${way}, resumes after a cut and after a restart`, async () => {
    server.shut = new Set(shut);
    const one = client();
    const seen: number[] = [];
    one.watch(KEY, () => seen.push(one.peek(KEY)?.data.n ?? -1));
    await until(() => expect(one.connection.now).toMatchObject({ state: "live", way, leader: true }));
    await until(() => expect(one.peek(KEY)?.rev).toBe("1001.00000000abcd"));
    server.change(KEY, { n: 1 });
    await until(() => expect(one.peek(KEY)).toMatchObject({ rev: "1002.00000000abcd", data: { n: 1 }, source: "network" }));
    server.cut();
    server.change(KEY, { n: 2 });
    await until(() => expect(one.peek(KEY)?.data.n).toBe(2));
    server.set(KEY, { n: 9 });
    server.cut();
    await until(() => expect(one.peek(KEY)).toMatchObject({ rev: "2001.00000000abcd", data: { n: 9 } }));
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });
}

it("follows by a socket that was opened for it, wherever it comes from", async () => {
  vi.stubGlobal("WebSocket", undefined);
  const address = `${server.url.replace("http", "ws")}/v1/live`;
  const early = new WebSocket(address);
  const heard: unknown[] = [];
  early.onmessage = (event) => heard.push(event);
  await until(() => expect(early.readyState).toBe(1));
  const asked: string[] = [];
  const socket = (where: string) => {
    asked.push(where);
    if (asked.length > 1) return new WebSocket(where) as unknown as globalThis.WebSocket;
    queueMicrotask(() => heard.forEach((event) => early.onmessage!(event as never)));
    return early as unknown as globalThis.WebSocket;
  };
  const one = client({ socket });
  one.watch(KEY, () => undefined);
  await until(() => expect(one.peek(KEY)?.rev).toBe("1001.00000000abcd"));
  server.cut();
  server.change(KEY, { n: 1 });
  await until(() => expect(one.peek(KEY)?.data.n).toBe(1));
  expect(one.connection.now).toMatchObject({ state: "live", way: "ws" });
  expect(asked).toEqual([address, address]);
});

it("holds what the feed brings to be true for as long as the feed is heard", async () => {
  const one = client({ staleMs: 300 });
  one.watch(KEY, () => undefined);
  await until(() => expect(one.peek(KEY)?.rev).toBe("1001.00000000abcd"));
  const { seen } = one.peek(KEY)!;
  await until(() => expect(one.peek(KEY)!.seen).toBeGreaterThan(seen + 600));
  expect(one.peek(KEY)!.doubt).toBeNull();
});

it("asks where the server has no feed, and takes a 304 for an answer", async () => {
  server.shut = new Set(["ws", "sse", "poll"]);
  const one = client();
  one.watch(KEY, () => undefined);
  await until(() => expect(one.connection.now.state).toBe("polling"));
  server.change(KEY, { n: 5 });
  await until(() => expect(one.peek(KEY)?.data.n).toBe(5));
  const held = one.peek(KEY)!.data;
  const before = server.seen.length;
  await until(() => expect(server.seen.length).toBeGreaterThan(before + 2));
  expect(one.peek(KEY)!.data).toBe(held);
});

it("subscribes and unsubscribes on the open socket, with a ticket for a key of the API", async () => {
  const other = "board" as Key<{ n: number }>;
  server.set(other, { n: 7 });
  const one = client({ apiKey: "se_x" });
  const end = one.watch(KEY, () => undefined);
  await until(() => expect(one.connection.now.way).toBe("ws"));
  one.watch(other, () => undefined);
  await until(() => expect(one.peek(other)?.rev).toBe("1001.00000000abcd"));
  end();
  await until(() => expect([...server.readers][0]!.keys).toEqual(new Set([other])));
  expect(server.opened).toBe(1);
  expect(server.seen.some(({ url }) => url === "/v1/live/tickets")).toBe(true);
});

for (const code of [4401, 4403, 4429]) {
  it(`steps down where its socket is closed with ${code} at once`, async () => {
    server.refuses = code;
    const one = client();
    one.watch(KEY, () => undefined);
    await until(() => expect(one.connection.now).toMatchObject({ state: "live", way: "sse" }));
    expect(server.opened).toBe(code === 4403 ? 2 : 3);
  });
}

it("goes on by server-sent events at once where there are no WebSockets, as in Node.js 20", async () => {
  vi.stubGlobal("WebSocket", undefined);
  const one = client();
  one.watch(KEY, () => undefined);
  await until(() => expect(one.connection.now).toMatchObject({ state: "live", way: "sse" }));
});

it("gives up no way while the server is away, says offline meanwhile, and takes the best way when it is back", async () => {
  // No pauses: what is tried while nobody answers is tried at once.
  vi.spyOn(Math, "random").mockReturnValue(0);
  let tried = 0;
  const counted: typeof fetch = (address, init) => {
    if (String(address).includes("/v1/live?")) tried += 1;
    return fetch(address, init);
  };
  // Nothing is asked for beside the feed, so that nothing else finds the server again.
  const one = client({ live: [["sse", sse], ["poll", poll]], fetch: counted, pollMs: 600_000 });
  one.watch(KEY, () => undefined);
  await until(() => expect(one.connection.now).toMatchObject({ state: "live", way: "sse" }));
  await server.stop();
  await until(() => expect(one.connection.now.state).toBe("offline"));
  const states = new Set<string>();
  one.connection.watch(() => states.add(`${one.connection.now.state} ${one.connection.now.way}`));
  // Every way several times over.
  const before = tried;
  await until(() => expect(tried).toBeGreaterThan(before + 12));
  expect(states).toEqual(new Set());
  await server.start();
  await until(() => expect(one.connection.now).toMatchObject({ state: "live", way: "sse" }));
  expect(states).not.toContain("polling rest");
  expect(states).not.toContain("live poll");
});

it("stays offline when an answer that was under way is read after the network went", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  let online = true;
  let looked = () => undefined as void;
  let tried = 0;
  let release: (() => void) | undefined;
  const surroundings = { online: () => online, visible: () => true, subscribe: (changed: () => void) => ((looked = changed), () => undefined) };
  // The feed has no network where the page has none; one answer is held back until it is released.
  const held: typeof fetch = async (address, init) => {
    const feed = String(address).includes("/v1/live?");
    if (feed) tried += 1;
    if (!online) throw new TypeError("no network");
    const answer = await fetch(address, init);
    if (!feed && release) await new Promise<void>((done) => (release = done));
    return answer;
  };
  const one = client({ live: [["sse", sse], ["poll", poll]], fetch: held, surroundings, pollMs: 600_000 });
  one.watch(KEY, () => undefined);
  await until(() => expect(one.connection.now).toMatchObject({ state: "live", way: "sse" }));
  const waits = () => undefined;
  release = waits;
  const under = one.load(KEY, { maxAgeMs: 0 });
  await until(() => expect(release).not.toBe(waits));
  online = false;
  looked();
  expect(one.connection.now.state).toBe("offline");
  const states = new Set<string>();
  one.connection.watch(() => states.add(one.connection.now.state));
  release();
  await under;
  release = undefined;
  const before = tried;
  await until(() => {
    // One that was being opened meanwhile, too.
    server.cut();
    expect(tried).toBeGreaterThan(before + 4);
  });
  expect(states).toEqual(new Set());
  online = true;
  looked();
  await until(() => expect(one.connection.now).toMatchObject({ state: "live", way: "sse" }));
});

for (const way of ["ws", "sse"]) {
  it(`reads what was written though the feed by ${way} is late with it, and has a revision again`, async () => {
    server.shut = new Set(way === "ws" ? [] : ["ws"]);
    const one = client();
    one.watch(KEY, () => undefined);
    await until(() => expect(one.peek(KEY)?.rev).toBe("1001.00000000abcd"));
    await until(() => expect(one.connection.now.way).toBe(way));
    server.loses = () => true;
    for (let n = 1; n <= 5; n += 1) {
      server.change(KEY, { n });
      expect((await one.get("/v1/fixtures/{id}", { path: { id: 8 } })) as unknown).toEqual({ n });
    }
    await until(() => expect(one.peek(KEY)).toMatchObject({ rev: "1006.00000000abcd", data: { n: 5 } }));
  });
}

it("keeps the feed's revision where an answer says the same, in whatever order", async () => {
  const held = { data: { s: "a", n: 0, as_of: "2026-01-01T00:00:00Z" }, rev: "1001.00000000abcd", at: 1, seen: 1, source: "device", etag: null, tags: [], size: 10, doubt: null, folded: 0 } as const;
  server.set(KEY, { n: 0, s: "a", as_of: "2026-01-02T00:00:00Z" });
  server.states.get(KEY)!.epoch = 1;
  const one = client({ staleMs: 60_000 });
  one.hydrate([[KEY, held]]);
  one.watch(KEY, () => undefined);
  await until(() => expect(one.connection.now.state).toBe("live"));
  for (let turn = 0; turn < 3; turn += 1) await one.get("/v1/fixtures/{id}", { path: { id: 8 } });
  expect(one.peek(KEY)).toMatchObject({ rev: "1001.00000000abcd", data: held.data, etag: '"1001.00000000abcd"' });
  server.change(KEY, { n: 1 });
  await until(() => expect(one.peek(KEY)).toMatchObject({ rev: "1002.00000000abcd", data: { n: 1 } }));
});

it("takes a proxy's word that there is no server for no answer, and is live again as soon as there is one", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  const one = client({ pollMs: 600_000, retries: 0 });
  one.watch(KEY, () => undefined);
  await until(() => expect(one.connection.now).toMatchObject({ state: "live", way: "ws" }));
  server.away = 502;
  server.cut();
  await until(() => expect(one.connection.now.state).toBe("offline"));
  await expect(one.load(KEY, { maxAgeMs: 0 })).rejects.toMatchObject({ kind: "offline", status: 502 });
  server.away = 0;
  await until(() => expect(one.connection.now).toMatchObject({ state: "live", way: "ws" }));
  // By one way alone, too.
  const other = client({ live: [["sse", sse]], pollMs: 600_000, tabs: false });
  other.watch(KEY, () => undefined);
  await until(() => expect(other.connection.now.state).toBe("live"));
  server.away = 503;
  server.cut();
  await until(() => expect(other.connection.now.state).toBe("offline"));
  server.away = 0;
  await until(() => expect(other.connection.now.state).toBe("live"));
});

it("is idle again, not connecting, where a server is back and nothing is watched", async () => {
  const one = client({ retries: 0 });
  await one.load(KEY);
  await server.stop();
  await expect(one.load(KEY, { maxAgeMs: 0 })).rejects.toMatchObject({ kind: "offline" });
  expect(one.connection.now.state).toBe("offline");
  await server.start();
  await one.load(KEY, { maxAgeMs: 0 });
  expect(one.connection.now.state).toBe("idle");
});

it("tries a better way that worked once more as soon as a lesser one finds the server", async () => {
  const one = client();
  one.watch(KEY, () => undefined);
  await until(() => expect(one.connection.now.way).toBe("ws"));
  server.shut = new Set(["ws"]);
  server.took = () => server.shut.clear();
  server.cut();
  await until(() => expect(server.opened).toBeGreaterThan(1));
  await until(() => expect(one.connection.now).toMatchObject({ state: "live", way: "ws" }));
  // One that does not work any more is left alone then.
  server.shut = new Set(["ws"]);
  server.took = () => undefined;
  server.cut();
  await until(() => expect(one.connection.now).toMatchObject({ state: "live", way: "sse" }));
  const { opened } = server;
  server.change(KEY, { n: 1 });
  await until(() => expect(one.peek(KEY)?.data.n).toBe(1));
  expect(server.opened).toBe(opened);
});

it("does not try a way again that the server has said no to since it worked", async () => {
  const one = client();
  one.watch(KEY, () => undefined);
  await until(() => expect(one.connection.now.way).toBe("ws"));
  server.refuses = 4403;
  server.cut();
  await until(() => expect(one.connection.now).toMatchObject({ state: "live", way: "sse" }));
  expect(server.opened).toBe(3);
});

it("says refused where the key does not count any more, and goes on when one does", async () => {
  const one = client({ apiKey: "se_x", staleMs: 100 });
  one.watch(KEY, () => undefined);
  await until(() => expect(one.connection.now.state).toBe("live"));
  server.revoked = true;
  server.cut();
  server.shut = new Set(["ws"]);
  await until(() => expect(one.connection.now).toMatchObject({ state: "refused", way: "rest" }));
  expect(one.store.error(KEY)).toMatchObject({ status: 401, slug: "invalid-key" });
  // What was known stays, and that it grows old does not hide why.
  one.store.mark(KEY, { doubt: "nothing newer came" });
  expect(one.peek(KEY)?.data).toEqual({ n: 0 });
  expect(one.store.error(KEY)).toMatchObject({ status: 401 });
  server.revoked = false;
  server.shut.clear();
  await until(() => expect(one.connection.now).toMatchObject({ state: "live", way: "ws" }));
  expect(one.store.error(KEY)).toBeUndefined();
});

it("asks for a key that the feed does not have", async () => {
  const one = client();
  const other = "edges" as Key;
  one.watch(KEY, () => undefined);
  await until(() => expect(one.connection.now.state).toBe("live"));
  one.watch(other, () => undefined);
  await until(() => expect(server.seen.some(({ url }) => url === "/v1/edges")).toBe(true));
  await until(() => expect(one.refused(other)).toBe(true));
});

it("asks some beats later, over the stream and for a few at once, for keys that were too many, and not by GET meanwhile", async () => {
  const keys = Array.from({ length: 10 }, (_, at) => `fixtures/${at + 1}` as typeof KEY);
  for (const key of keys) server.set(key, { n: 0 });
  server.spent = true;
  const one = client({ staleMs: 300 });
  const ends = keys.map((key) => one.watch(key, () => undefined));
  await until(() => expect(server.asked).toEqual(keys));
  await until(() => expect(keys.map((key) => one.peek(key)?.data.n)).toEqual(keys.map(() => 0)));
  const rest = (ms: number) => new Promise((done) => setTimeout(done, ms));
  const beat = async () => {
    server.tell({ t: "hb", ts: Date.now() });
    await rest(100);
  };
  await beat();
  const got = () => server.seen.filter(({ url }) => url.startsWith("/v1/fixtures/")).length;
  const before = got();
  await rest(1_000);
  expect(got()).toBe(before);
  expect(server.asked).toEqual(keys);
  // What was known stays, and is not held to be current.
  await until(() => expect(one.peek(KEY)).toMatchObject({ data: { n: 0 }, doubt: "nothing newer came" }));
  expect(one.store.error(KEY)).toBeUndefined();
  for (const key of keys) server.change(key, { n: 1 });
  // The first eight are refused once more; of the other two one is let in and one is not wanted any more.
  await beat();
  expect(server.asked).toEqual([...keys, ...keys.slice(0, 8)]);
  server.spent = false;
  ends[9]!();
  await rest(100);
  await beat();
  expect(server.asked.slice(18)).toEqual([keys[8]]);
  await until(() => expect(one.peek(keys[8]!)).toMatchObject({ data: { n: 1 }, doubt: null }));
  await beat();
  expect(server.asked.slice(19)).toEqual(keys.slice(0, 8));
  for (const key of keys.slice(0, 9)) server.change(key, { n: 2 });
  await until(() => expect(keys.map((key) => one.peek(key)?.data.n)).toEqual(keys.map((_, at) => (at < 9 ? 2 : 0))));
  expect(got()).toBe(before);
  expect(server.opened).toBe(1);
});

it("says when the source is silent, what was invalidated, and survives frames it does not know", async () => {
  const one = client();
  one.watch(KEY, () => undefined);
  await until(() => expect(one.peek(KEY)?.rev).toBe("1001.00000000abcd"));
  server.change(KEY, { play: { stale: { since: "2026-05-01T15:10:02Z", reason: "nothing was heard for 5 min" } } });
  server.tell({ t: "stale", k: KEY, age: 300_000 });
  await until(() => expect(one.peek(KEY)?.doubt).toBe("nothing was heard for 5 min"));
  // It stays so, whoever asks and whatever else changes, until the state says otherwise.
  await one.get("/v1/fixtures/{id}", { path: { id: 8 } });
  expect(one.peek(KEY)!.doubt).toBe("nothing was heard for 5 min");
  const other = client();
  await other.load(KEY);
  await other.load(KEY, { maxAgeMs: 0 });
  expect(other.stale(other.peek(KEY)!)).toBe(true);
  server.change(KEY, { n: 1, play: null });
  await until(() => expect(one.peek(KEY)?.doubt).toBeNull());
  server.tell({ t: "new" } as never);
  server.tell({ t: "hb", ts: Date.now() });
  server.tell({ t: "inv", tags: ["fixture:8"] });
  await until(() => expect(one.peek(KEY)?.doubt).toContain("changed"));
});

it("ends at the server's state whatever is lost, doubled, cut or restarted, and never goes back", async () => {
  let seed = 7;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const one = client();
  const revisions: string[] = [];
  one.watch(KEY, () => {
    // What was asked for after a cut is new, and has no revision until the feed says which.
    const rev = one.peek(KEY)?.rev;
    if (rev) revisions.push(rev);
  });
  await until(() => expect(one.peek(KEY)?.rev).toBe("1001.00000000abcd"));
  server.loses = () => random() < 0.2;
  for (let step = 1; step <= 300; step += 1) {
    server.change(KEY, { n: step, [`m${step % 7}`]: step });
    const state = server.states.get(KEY)!;
    if (random() < 0.2) server.tell(state.history.at(-1)!); // twice
    if (random() < 0.1) server.tell(state.history[Math.floor(random() * state.history.length)]!); // late
    if (random() < 0.02) server.cut();
    if (random() < 0.01) server.set(KEY, { n: step });
    if (random() < 0.3) await new Promise((done) => setTimeout(done, 2));
  }
  server.loses = () => false;
  server.change(KEY, { n: 1_000 });
  await until(() => expect(one.peek(KEY)?.data).toEqual(server.states.get(KEY)!.data));
  const order = revisions.map((rev) => Number(rev.split(".")[0]));
  expect(order).toEqual([...order].sort((a, b) => a - b));
});

it("goes on at another server from what it holds, and anew where that is of none of its histories", async () => {
  const one = client();
  one.watch(KEY, () => undefined);
  await until(() => expect(one.peek(KEY)?.rev).toBe("1001.00000000abcd"));
  // What another server calls otherwise leads on from what is held.
  server.tell({ t: "same", k: KEY, id: "1001.00000000abcd", ts: Date.now() });
  server.tell({ t: "d", k: KEY, b: "1001.00000000abcd", id: "5000.00000000ef01", ts: Date.now(), d: [["/n", 5]] });
  await until(() => expect(one.peek(KEY)).toMatchObject({ rev: "5000.00000000ef01", data: { n: 5 } }));
  // A server whose clock is behind does not know of it: nothing older is taken,
  server.why = "unknown";
  server.cut();
  await until(() => expect(server.opened).toBe(2));
  server.tell(server.snap(KEY));
  expect(one.peek(KEY)?.rev).toBe("5000.00000000ef01");
  // unless the server says that what is held is of a future it does not have.
  server.why = "ahead";
  server.cut();
  await until(() => expect(one.peek(KEY)).toMatchObject({ rev: "1001.00000000abcd", data: { n: 0 } }));
});

it("applies changes without touching what did not change", () => {
  const state = { a: { b: [1, 2, 3] }, c: {} };
  const next = applied(state, [["/a/b/1", 9], ["/a/b/-", 4], ["/a/b/0"], ["/d~1e", 1]]) as typeof state;
  expect(next).toEqual({ a: { b: [9, 3, 4] }, c: {}, "d/e": 1 });
  expect(next.c).toBe(state.c);
  expect(state.a.b).toEqual([1, 2, 3]);
  expect(applied(1, [["", 2]])).toBe(2);
  expect(() => applied({}, [["/a/b", 1]])).toThrow("leads nowhere");
  expect(() => applied([], [["/4", 1]])).toThrow("outside");
  expect(({} as { x?: number }).x).toBe(applied({}, [["/__proto__/x", 1]]) && undefined);
  expect(frameOf("{")).toBeUndefined();
  expect(frameOf("null")).toBeUndefined();
});
