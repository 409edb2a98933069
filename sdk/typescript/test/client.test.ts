// Calls and what is kept of them, against a real HTTP server whose answers can be scripted.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { board, createClient, edges, fixture, key, prediction, Problem, SportsEdgeError, type Client, type ClientOptions, type Key } from "../src/index.js";
import { Clock } from "../src/clock.js";
import { Store, type Entry } from "../src/store.js";
import { page } from "../src/surroundings.js";
import { FeedServer } from "./feed.js";

const KEY = "fixtures/8" as Key<{ n: number }>;
let server: FeedServer;
let one: Client;
const client = (options: ClientOptions = {}) => (one = createClient({ baseUrl: `${server.url}/`, live: false, ...options }));

beforeEach(async () => {
  server = await new FeedServer().start();
  server.set(KEY, { n: 0 });
  client();
});
afterEach(async () => {
  await one.close();
  await server.stop();
  vi.unstubAllGlobals();
});

it("keys are addresses with their query in order", () => {
  expect(fixture(8)).toBe("fixtures/8");
  expect(prediction(8, { as_of: "2024-05-19T14:00:00Z" })).toBe("fixtures/8/prediction?as_of=2024-05-19T14%3A00%3A00Z");
  expect(board({ limit: 5, competition: "E0" })).toBe("board?competition=E0&limit=5");
  expect(edges()).toBe("edges");
  expect(key("/health/live")).toBe("/health/live");
});

it("answers again from what it holds, by a 304", async () => {
  const path = { path: { id: 8 } };
  const first = await one.get("/v1/fixtures/{id}", path);
  expect(await one.get("/v1/fixtures/{id}", path)).toBe(first);
  expect(server.seen.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, '"1001.00000000abcd"']);
  expect(one.peek(KEY)!.tags).toEqual(["fixture:8"]);
  await one.load(KEY);
  expect(server.seen).toHaveLength(2);
});

it("asks for nothing once it was closed, shows what it holds and says why", async () => {
  await one.load(KEY);
  await one.close();
  const ends = [one.watch(KEY, () => undefined), one.watch(board(), () => undefined)];
  const before = server.seen.length;
  await expect(one.get("/v1/board")).rejects.toMatchObject({ kind: "aborted", message: "closed" });
  await expect(one.post("/v1/quotes", { body: { data: [] } })).rejects.toMatchObject({ kind: "aborted" });
  expect(one.peek(KEY)!.data).toEqual({ n: 0 });
  await vi.waitFor(() => expect(one.store.error(board())).toMatchObject({ kind: "aborted" }));
  for (const end of ends) end();
  expect(server.seen.length).toBe(before);
  // One that was closed before it began, too.
  client({ live: true });
  await one.close();
  one.watch(KEY, () => undefined);
  await new Promise((done) => setTimeout(done, 700));
  expect(one.connection.now).toMatchObject({ state: "idle", leader: false });
  expect(server.seen.length).toBe(before);
});

it("calls at the same time share one request", async () => {
  const [a, b] = await Promise.all([one.load(KEY), one.load(KEY)]);
  expect(a).toBe(b);
  expect(server.seen).toHaveLength(1);
});

it("tries again when that may help, and waits as long as the server asks", async () => {
  server.script.push([503, { "retry-after": "0" }, "{}"], [429, { "retry-after": "Wed, 25 Nov 2026 22:00:00 GMT" }, ""]);
  expect((await one.load(KEY)).data).toEqual({ n: 0 });
  expect(server.seen).toHaveLength(3);
});

it("gives up where the server asks for too long, and tells it as a problem", async () => {
  const document = { type: "/docs/problems#overloaded", title: "t", detail: "d", request_id: "req_1", errors: [{ detail: "e" }] };
  server.script.push([503, { "retry-after": "60" }, JSON.stringify(document)]);
  const error = (await one.load(KEY).catch((failed: unknown) => failed)) as Problem;
  expect(error).toBeInstanceOf(Problem);
  expect(error).toMatchObject({ kind: "problem", slug: "overloaded", status: 503, message: "d", requestId: "req_1", retryAfterMs: 60_000 });
  expect(error.errors).toEqual([{ detail: "e" }]);
});

it("writes once: a repeat carries the same key, and reads then carry the position", async () => {
  server.script.push([503, {}, "<html>"]);
  await one.post("/v1/quotes", { body: { data: [] } });
  const [a, b] = server.seen.map(({ headers }) => headers["idempotency-key"]);
  expect(a).toBeTruthy();
  expect(b).toBe(a);
  one.http.advance("7");
  await one.load(KEY);
  expect(server.seen.at(-1)!.headers["sports-edge-position"]).toBe("42");
  await one.close();
  client();
  for (const position of ["9", "10", "8"]) one.http.advance(position);
  expect(one.http.position).toBe("10");
});

it("never repeats a write that could happen twice", async () => {
  server.script.push([503, {}, "{}"]);
  await expect(one.post("/v1/models/{name}/rollback", { path: { name: "goals" } })).rejects.toMatchObject({ status: 503 });
  expect(server.seen).toHaveLength(1);
  await one.put("/v1/models/{name}/labels/{label}", { path: { name: "goals", label: "a" }, body: { version: 1 } as never });
  await one.delete("/v1/models/{name}/canary", { path: { name: "goals" } });
  expect(server.seen.map(({ method }) => method)).toEqual(["POST", "PUT", "DELETE"]);
  await one.post("/v1/models/{name}/versions", { path: { name: "goals" }, body: new Uint8Array([1]) });
  expect(server.seen.at(-1)!.headers["content-type"]).toBe("application/octet-stream");
});

it("a write makes stale what it touched, and asks for what is watched", async () => {
  await one.load(KEY);
  one.watch(KEY, () => undefined);
  server.change(KEY, { n: 1 });
  await one.post("/v1/quotes", { body: { data: [{ fixture_id: 8 }] as never } });
  await vi.waitFor(() => expect(one.peek(KEY)!.data.n).toBe(1), 3_000);
});

it("makes stale what the answer of a write names, though its body does not, and every list", async () => {
  const lists: Key[] = [board(), key("/v1/scoreboard"), edges(), key("/v1/fixtures"), fixture(9)];
  for (const of of lists) server.set(of, { data: [] });
  for (const of of [KEY, ...lists]) await one.load(of);
  await one.post("/v1/fixtures", { body: { data: [{ competition: "E0", season: "2026/27", home: "Arsenal", away: "Chelsea" }] as never } });
  expect([KEY, ...lists].filter((of) => one.peek(of)!.doubt === null)).toEqual([fixture(9)]);
  // What was held is not answered with.
  server.change(KEY, { n: 1 });
  expect((await one.load(KEY)).data.n).toBe(1);
});

it("changes an alert, and then asks for what it lists", async () => {
  const alerts = key("/v1/alerts");
  server.set(alerts, { data: [] });
  await one.load(alerts);
  await one.load(KEY);
  await one.patch("/v1/alerts/{id}", { path: { id: 5 }, body: { enabled: false } as never });
  expect(server.seen.at(-1)).toMatchObject({ method: "PATCH", url: "/v1/alerts/5", body: '{"enabled":false}' });
  expect(one.peek(alerts)!.doubt).toBe("what it shows has changed");
  expect(one.peek(KEY)!.doubt).toBeNull();
});

it("asks after a write, though the same was being asked for before it", async () => {
  let asked = 0;
  await one.close();
  client({ fetch: (address, init) => fetch(address, init).finally(() => (asked += 1)) });
  const before = one.load(KEY);
  await one.post("/v1/quotes", { body: { data: [] } });
  await Promise.all([before, one.load(KEY, { maxAgeMs: 0 })]);
  expect(asked).toBe(3);
});

it("says at once what a programmer got wrong", async () => {
  const wrong = async (options: ClientOptions, run = (it: Client) => it.load(KEY) as Promise<unknown>) => {
    await one.close();
    client(options);
    const fault = await run(one).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(TypeError);
    expect(one.connection.now.state).not.toBe("offline");
    return (fault as Error).message;
  };
  expect(await wrong({ baseUrl: "" })).toBe("baseUrl is no address: ");
  expect(await wrong({ baseUrl: "127.0.0.1:18301" })).toContain("127.0.0.1:18301");
  expect(await wrong({ apiKey: "se_…" })).toBe("apiKey is none");
  expect(await wrong({}, (it) => it.post("/v1/quotes", { body: { data: [1n] } as never }))).toContain("BigInt");
  expect(await wrong({}, (it) => it.get("/v1/fixtures/{id}", {} as never))).toBe("id is missing of /v1/fixtures/{id}");
  expect(server.seen).toEqual([]);
  // What is neither text nor bytes is JSON.
  await one.post("/v1/quotes", { body: Object.assign(Object.create(null), { data: [] }) as never });
  expect(server.seen.at(-1)).toMatchObject({ body: '{"data":[]}', headers: { "content-type": "application/json" } });
  await one.post("/v1/models/{name}/versions", { path: { name: "goals" }, body: new Blob(["x"]) });
  expect(server.seen.at(-1)!.headers["content-type"]).toBe("application/octet-stream");
});

it("tells an answer that was kept on the way for as old as it is, and has a browser ask about its own", async () => {
  let cache: unknown;
  await one.close();
  client({ fetch: (address, init) => ((cache = init?.cache), fetch(address, init)), clock: () => Date.parse("2026-11-27T12:00:00Z") });
  server.script.push([200, { date: "Fri, 27 Nov 2026 11:59:00 GMT", age: "60" }, '{"n":1}']);
  one.clock.atLeast(Date.parse("2026-11-27T12:00:00Z"));
  const entry = await one.load(edges());
  expect(one.clock.now() - entry.seen).toBe(59_000);
  expect(one.stale(entry)).toBe(true);
  expect(cache).toBe("no-cache");
});

it("asks for a few of many at once, and not for what the feed brings meanwhile", async () => {
  await one.close();
  let [now, most, asked] = [0, 0, 0];
  const counted: typeof fetch = async (address, init) => {
    asked += 1;
    most = Math.max(most, (now += 1));
    return fetch(address, init).finally(() => (now -= 1));
  };
  client({ fetch: counted, pollMs: 600_000 });
  const keys = Array.from({ length: 100 }, (_, n) => `fixtures/${100 + n}` as Key);
  for (const each of keys) server.set(each, { n: 1 });
  for (const each of keys) one.watch(each, () => undefined);
  await vi.waitFor(() => expect(one.peek(keys[9]!)).toBeDefined());
  const whole = { ...one.peek(keys[9]!)!, source: "network" as const };
  one.keep(keys[99]!, whole);
  await vi.waitFor(() => expect(keys.every((each) => one.peek(each))).toBe(true), 10_000);
  expect(most).toBe(8);
  expect(asked).toBe(99);
});

it("hands some keys of those it holds to a page", async () => {
  await one.load(KEY);
  server.set("board", { data: [] });
  await one.load(board());
  expect(one.dehydrate([board(), edges()]).map(([of]) => of)).toEqual(["board"]);
  expect(one.dehydrate()).toHaveLength(2);
});

it("tells a time-out, a caller's end, no network and rubbish apart", async () => {
  const kind = (call: Promise<unknown>) => call.then(() => "none", (error: SportsEdgeError) => error.kind);
  const hanging: typeof fetch = (_, init) => new Promise((_done, fail) => {
      const end = () => fail(new Error("aborted"));
      if (init!.signal!.aborted) end();
      init!.signal!.addEventListener("abort", end);
    });
  await one.close();
  client({ fetch: hanging, timeoutMs: 20, retries: 1 });
  expect(await kind(one.load(KEY))).toBe("timeout");
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 5);
  expect(await kind(one.load(KEY, { signal: stop.signal, timeoutMs: 5_000 }))).toBe("aborted");
  expect(await kind(one.load(KEY, { signal: AbortSignal.abort() }))).toBe("aborted");
  await one.close();
  client({ surroundings: { ...page(), online: () => false }, apiKey: () => Promise.resolve("k"), credentials: "include" });
  expect(await kind(one.load(KEY))).toBe("offline");
  await one.close();
  client({ retries: 0 });
  server.script.push([200, {}, "<html>"]);
  expect(await kind(one.load(KEY))).toBe("unreadable");
  await server.stop();
  expect(await kind(one.load(KEY))).toBe("offline");
  expect(one.connection.now.state).toBe("offline");
  await server.start();
  await one.load(KEY);
  expect(one.connection.now.state).not.toBe("offline");
});

it("a server that comes back is found again, and what is watched becomes stale meanwhile", async () => {
  await one.close();
  client({ pollMs: 100, staleMs: 300, retries: 0 });
  let told = 0;
  one.watch(KEY, () => (told += 1));
  await vi.waitFor(() => expect(one.peek(KEY)).toBeDefined());
  await server.stop();
  await vi.waitFor(() => expect(one.peek(KEY)!.doubt).toBe("nothing newer came"), 3_000);
  server.change(KEY, { n: 2 });
  await server.start();
  await vi.waitFor(() => expect(one.peek(KEY)).toMatchObject({ data: { n: 2 }, doubt: null }), 5_000);
  expect(told).toBeGreaterThan(2);
});

it("looks at the page: hidden asks for nothing, seen again asks at once", async () => {
  await one.close();
  let visible = true;
  let look = () => undefined as void;
  const around = { online: () => true, visible: () => visible, subscribe: (changed: () => void) => ((look = changed), () => undefined) };
  client({ surroundings: around, pollMs: 50, staleMs: 10 });
  const end = one.watch(KEY, () => undefined);
  await vi.waitFor(() => expect(one.peek(KEY)).toBeDefined());
  visible = false;
  look();
  await new Promise((done) => setTimeout(done, 700));
  const before = server.seen.length;
  await new Promise((done) => setTimeout(done, 700));
  expect(server.seen.length).toBe(before);
  visible = true;
  look();
  await vi.waitFor(() => expect(server.seen.length).toBeGreaterThan(before));
  end();
  await vi.waitFor(() => expect(one.connection.now.state).toBe("idle"));
});

it("a browser's page tells of its changes", () => {
  expect(page().subscribe(() => undefined)()).toBeUndefined();
  const heard: string[] = [];
  vi.stubGlobal("document", { visibilityState: "hidden" });
  vi.stubGlobal("addEventListener", (name: string) => heard.push(name));
  vi.stubGlobal("removeEventListener", () => heard.pop());
  const end = page().subscribe(() => undefined);
  expect(page().visible()).toBe(false);
  expect(heard).toContain("offline");
  end();
  expect(heard).toEqual([]);
});

const entry = (more: Partial<Entry>): Entry => ({ data: {}, rev: null, at: 0, seen: 0, source: "network", etag: null, tags: [], size: 10, doubt: null, folded: 0, ...more });

it("an older state never takes a newer one's place", () => {
  const store = new Store(1_000);
  const put = (more: Partial<Entry>) => store.put("k", entry(more));
  expect(put({ rev: "15.a", at: 5 })).toBe(true);
  expect(put({ rev: "14.b", at: 9 })).toBe(false);
  expect(put({ rev: "21.c", at: 1 })).toBe(true);
  expect(put({ at: 0 })).toBe(false);
  expect(put({ at: 1, data: { as_of: "b" } })).toBe(true);
  expect(put({ at: 1, data: { as_of: "a" } })).toBe(false);
});

it("what nobody watches makes room, longest unused first", () => {
  const store = new Store(25);
  const end = store.watch("a", () => undefined);
  for (const name of ["a", "b", "c"]) store.put(name, entry({}));
  expect(store.keys()).toEqual(["a", "c"]);
  expect(store.size).toBe(20);
  end();
  store.put("d", entry({}));
  expect(store.keys()).toEqual(["c", "d"]);
});

it("the server's clock is bounded by every answer, and a clock that was set is believed", () => {
  let local = 10_000;
  const clock = new Clock(() => local);
  expect(clock.offset).toBe(0);
  clock.learn(15_000, 9_900, 10_000); // offset between 5,000 and 6,100
  clock.learn(15_000, 9_100, 9_200); // between 5,800 and 6,900
  expect(clock.offset).toBe(5_950);
  clock.atLeast(16_000);
  expect(clock.offset).toBe(6_050);
  local = 100_000;
  clock.atLeast(200_000);
  expect(clock.now()).toBe(200_000);
});
