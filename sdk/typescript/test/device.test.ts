// What the device keeps: every driver, bounds, faults, releases.
import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createClient, type Client, type Key } from "../src/index.js";
import { asyncStorage, deviceCache, indexedDb, memory, mmkv, native, webStorage, type Driver } from "../src/device.js";
import type { Entry } from "../src/store.js";
import { FeedServer } from "./feed.js";

const entry = (n: number, more: Partial<Entry> = {}): Entry => ({ data: { n }, rev: null, at: 1, seen: Date.now(), source: "network", etag: null, tags: ["t"], size: 9, doubt: null, folded: 0, ...more });

const map = (texts = new Map<string, string>()) => ({
  getString: (name: string) => texts.get(name),
  set: (name: string, text: string) => void texts.set(name, text),
  delete: (name: string) => texts.delete(name),
});
const legacy = (texts = new Map<string, string>()) => ({
  multiGet: async (names: string[]) => names.map((name) => [name, texts.get(name) ?? null] as const),
  multiSet: async (put: [string, string][]) => put.forEach(([name, text]) => texts.set(name, text)),
  multiRemove: async (names: string[]) => names.forEach((name) => texts.delete(name)),
});
const modern = (texts = new Map<string, string>()) => ({
  getMany: async (names: string[]) => Object.fromEntries(names.map((name) => [name, texts.get(name) ?? null])),
  setMany: async (put: Record<string, string>) => Object.entries(put).forEach(([name, text]) => texts.set(name, text)),
  removeMany: async (names: string[]) => names.forEach((name) => texts.delete(name)),
});

const DRIVERS: [string, () => Driver][] = [
  ["IndexedDB", () => indexedDb()],
  ["web storage", () => webStorage({ getItem: (n) => map1.getString(n) ?? null, setItem: (n, t) => map1.set(n, t), removeItem: (n) => map1.delete(n) })],
  ["MMKV", () => mmkv(map())],
  ["AsyncStorage 3", () => asyncStorage(modern())],
  ["AsyncStorage 2", () => asyncStorage(legacy())],
  ["memory", () => memory()],
];
const map1 = map();

for (const [name, make] of DRIVERS) {
  it(`${name} keeps, gives back and forgets`, async () => {
    const driver = make();
    await driver.set([["a", "1"], ["b", "2"], ["c", null]]);
    expect((await driver.get(["a", "c", "b"])).map((text) => text ?? null)).toEqual(["1", null, "2"]);
    await driver.set([["a", "3"], ["a", null]]);
    expect((await driver.get(["a"]))[0] ?? null).toBeNull();
  });
}

const opened = async (driver: Driver, more = {}, name = "one") => {
  const device = deviceCache({ driver, gatherMs: 1, ...more });
  await device.open(name, Date.now);
  await device.lead();
  return device;
};

it("bounds what it keeps, oldest first", async () => {
  const device = await opened(memory(), { sizeMax: 500 });
  for (let n = 0; n < 20; n += 1) device.write(`k${n}`, entry(n));
  await device.flush();
  expect(await device.read("k0")).toBeUndefined();
  expect((await device.read("k19"))?.data).toEqual({ n: 19 });
});

it("ignores what is broken or too old, and forgets by tag", async () => {
  const texts = new Map<string, string>();
  const device = await opened(memory(texts), { ttlMs: 1_000 });
  device.write("a", entry(1));
  device.write("b", entry(2, { seen: Date.now() - 5_000 }));
  device.write("c", entry(3, { tags: ["u"] }));
  await device.flush();
  texts.set("one|x", "{broken");
  texts.set("one|y", '{"data":1}');
  for (const key of ["b", "x", "y"]) expect(await device.read(key)).toBeUndefined();
  device.invalidate(["t"]);
  await device.flush();
  expect(await device.read("a")).toBeUndefined();
  expect((await device.read("c"))?.data).toEqual({ n: 3 });
});

it("another release or user clears what was there, even under a broken index", async () => {
  const texts = new Map<string, string>();
  const first = await opened(memory(texts));
  first.write("a", entry(1));
  await first.close();
  await opened(memory(texts), {}, "two");
  expect([...texts]).toEqual([["sports-edge", "two|"]]);
  texts.set("two|", '{"a":"broken"}');
  const again = await opened(memory(texts), {}, "two");
  again.write("b", entry(2));
  await again.flush();
  expect((await again.read("b"))?.data).toEqual({ n: 2 });
});

it("makes room when the device has none, and stops when that does not help", async () => {
  const texts = new Map<string, string>();
  let room = 900;
  const full = memory(texts);
  const driver: Driver = {
    get: full.get,
    async set(put) {
      const size = [...new Map([...texts, ...put.map(([name, text]) => [name, text ?? ""] as const)]).values()].join("").length;
      if (size > room) throw new DOMException("full", "QuotaExceededError");
      await full.set(put);
    },
  };
  const device = await opened(driver);
  for (let n = 0; n < 12; n += 1) {
    device.write(`k${n}`, entry(n));
    await device.flush();
  }
  expect((await device.read("k11"))?.data).toEqual({ n: 11 });
  room = 0;
  device.write("k12", entry(12));
  await device.flush();
  device.write("k13", entry(13));
  await device.flush();
  expect(texts.has("one|k13")).toBe(false);
});

it("a driver that fails costs nothing but the cache", async () => {
  const server = await new FeedServer().start();
  server.set("fixtures/8", { n: 1 });
  const broken: Driver = { get: () => Promise.reject(new Error("no")), set: () => Promise.reject(new Error("no")) };
  const one = createClient({ baseUrl: server.url, live: false, device: deviceCache({ driver: broken }) });
  one.watch("fixtures/8", () => undefined);
  await vi.waitFor(() => expect(one.peek("fixtures/8")?.data).toEqual({ n: 1 }));
  await one.close();
  await server.stop();
});

it("an app tells whether it is seen and has a network", () => {
  let told = 0;
  let net: (state: { isConnected: boolean | null }) => void = () => undefined;
  const app = { currentState: "active", addEventListener: () => ({ remove: () => (told += 10) }) };
  const around = native(app, { addEventListener: (listener) => ((net = listener), () => (told += 100)) });
  const end = around.subscribe(() => (told += 1));
  expect(around.online() && around.visible()).toBe(true);
  net({ isConnected: false });
  expect(around.online()).toBe(false);
  app.currentState = "background";
  expect(around.visible()).toBe(false);
  end();
  expect(told).toBe(111);
});

let server: FeedServer;
const clients: Client[] = [];
beforeEach(async () => void (server = await new FeedServer().start()));
afterEach(async () => {
  for (const one of clients.splice(0)) await one.close();
  await server.stop();
});

it("the next start shows the last known state at once, and then the server's", async () => {
  const key = "fixtures/8" as Key<{ n: number }>;
  server.set(key, { n: 1 });
  const texts = new Map<string, string>();
  const start = () => {
    const one = createClient({ baseUrl: server.url, live: false, device: deviceCache({ driver: memory(texts), gatherMs: 1 }) });
    clients.push(one);
    return one;
  };
  const first = start();
  await first.load(key);
  await vi.waitFor(() => expect(texts.size).toBeGreaterThan(2));
  await first.close();
  server.change(key, { n: 2 });
  const second = start();
  const sources: unknown[] = [];
  second.watch(key, () => sources.push([second.peek(key)?.source, second.peek(key)?.data.n]));
  await vi.waitFor(() => expect(second.peek(key)?.data.n).toBe(2), 5_000);
  expect(sources[0]).toEqual(["device", 1]);
  expect(sources.at(-1)).toEqual(["network", 2]);
});
