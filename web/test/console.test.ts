// The console: frames as they come, and a connection that is broken and converges.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Rung, Way } from "@sports-edge/sdk/live";
import { startConsole } from "../src/console";
import { equal } from "../src/equal";
import { surroundings, testFeed } from "./feed";

const IDS = ["state", "rev", "frames", "bytes", "folded", "offset", "latency", "all", "word"];
const HTML = `<section id="console" data-key="scoreboard?limit=30">${IDS.map((id) => `<span id="console-${id}"></span>`).join("")}
<p id="console-acts" hidden><button data-act="cut">x</button><button data-act="offline" aria-pressed="false">Go offline</button><button data-act="next">x</button><button data-act="compare">x</button></p>
<table><tbody id="console-list"></tbody></table></section>`;
const KEY = "scoreboard?limit=30" as never;

let ears: [string, Parameters<Rung>[2]][];
let served: unknown;
let fails: boolean;
let stop = (): void => {};

const way = (name: string): Way => [
  name,
  (_http, _wish, ear) => {
    ears.push([name, ear]);
    queueMicrotask(() => ear.opened());
    return { changed: () => {}, again: () => {}, close: () => {} };
  },
];
const fetch = async (address: RequestInfo | URL) => {
  if (String(address).includes("latency")) return new Response(JSON.stringify({ now_ms: Date.now(), count: 7, p50_ms: 20, p99_ms: 50 }));
  return fails ? new Response("", { status: 404 }) : new Response(JSON.stringify(served));
};

beforeEach(() => {
  [ears, served, fails] = [[], { n: 1 }, false];
  document.body.innerHTML = HTML;
  stop = startConsole(surroundings(testFeed()), { baseUrl: "http://server.test", fetch, retries: 0 }, [way("ws"), way("sse")]);
});
afterEach(() => stop());

const text = (id: string) => document.getElementById(`console-${id}`)!.textContent;
const press = (act: string) => document.querySelector<HTMLElement>(`[data-act=${act}]`)!.click();
const send = (n: number, rev: number, folded = 0) => {
  served = { n };
  const ear = ears.at(-1)![1];
  // A WebSocket is open with every frame.
  ear.opened();
  if (rev === 1) ear.frame({ t: "snap", k: KEY, id: "1.7", ts: Date.now(), d: { n } }, 60);
  else ear.frame({ t: "d", k: KEY, b: `${rev - 1}.7`, id: `${rev}.7`, ts: Date.now(), d: [["/n", n]], cf: folded }, 40);
};

test("frames are listed with their bytes, folds, way and revision, and measured to the pixel", async () => {
  await vi.waitFor(() => expect(text("state")).toBe("Live by ws"));
  await vi.waitFor(() => expect(text("offset")).toMatch(/±/));
  send(1, 1);
  send(2, 2, 3);
  await vi.waitFor(() => expect([text("rev"), text("frames"), text("bytes"), text("folded")]).toEqual(["2.7", "2", "100 B", "3"]));
  const first = document.querySelector("#console-list tr")!;
  expect([...first.children].slice(1, 6).map((it) => it.textContent)).toEqual(["delta", "ws", "2.7", "40", "3"]);
  expect(first.querySelector("code")!.textContent).toContain('"t":"d"');
  await vi.waitFor(() => expect(text("latency")).toMatch(/^p50 [\d.]+ ms, p99/));
  expect(text("all")).toBe("p50 ≤ 20 ms, p99 ≤ 50 ms");
  for (let rev = 3; rev < 120; rev += 1) send(rev, rev);
  expect(document.querySelectorAll("#console-list tr").length).toBe(100);
});

test("a connection that is broken comes back and ends with the server's state", async () => {
  await vi.waitFor(() => expect(text("state")).toBe("Live by ws"));
  send(1, 1);
  press("cut");
  expect(text("word")).toBe("The connection is broken.");
  await vi.waitFor(() => expect(ears.length).toBe(2), { timeout: 5_000 });
  send(2, 2);
  await vi.waitFor(() => expect([text("rev"), text("word")?.includes("equals the server's")]).toEqual(["2.7", true]), { timeout: 5_000 });
  press("next");
  await vi.waitFor(() => expect(text("state")).toBe("Live by sse"), { timeout: 5_000 });
  press("compare");
  await vi.waitFor(() => expect(text("word")).toContain("equals"), { timeout: 5_000 });
}, 30_000);

test("offline nothing comes, and online everything is caught up with", async () => {
  await vi.waitFor(() => expect(text("state")).toBe("Live by ws"));
  send(1, 1);
  press("offline");
  const button = document.querySelector("[data-act=offline]")!;
  expect([button.textContent, button.getAttribute("aria-pressed")]).toEqual(["Go online", "true"]);
  await vi.waitFor(() => expect(text("state")).toBe("Offline"));
  press("offline");
  await vi.waitFor(() => expect(text("state")).toMatch(/^Live/), { timeout: 8_000 });
  await vi.waitFor(() => expect(text("word")).toContain("equals the server's"), { timeout: 8_000 });
}, 20_000);

test("a key that cannot be had is said, and a page without a console is left alone", async () => {
  fails = true;
  await vi.waitFor(() => expect(text("word")).toContain("cannot be had"), { timeout: 8_000 });
  document.body.innerHTML = "";
  startConsole(surroundings(testFeed()))();
}, 20_000);

test("answers are equal whatever the order of members", () => {
  expect(equal({ a: [1, { b: null }], c: "x" }, { c: "x", a: [1, { b: null }] })).toBe(true);
  for (const other of [{ a: 1 }, { a: 1, b: 3 }, { a: 1, c: 2 }, [1, 2], null, 1]) expect(equal({ a: 1, b: 2 }, other)).toBe(false);
  expect(equal([1, 2], [2, 1])).toBe(false);
});

test("a first connection is no return, and a snapshot no measure", async () => {
  await vi.waitFor(() => expect(text("state")).toBe("Live by ws"));
  await vi.waitFor(() => expect(text("offset")).toMatch(/±/));
  ears.at(-1)![1].frame({ t: "snap", k: KEY, id: "1.7", ts: Date.now() - 14_000, d: { n: 1 } }, 60);
  await vi.waitFor(() => expect(text("rev")).toBe("1.7"));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
  expect([text("latency"), text("word")]).toEqual(["\u2013", ""]);
  send(2, 2);
  await vi.waitFor(() => expect(text("latency")).toMatch(/^p50 \d{1,3}\.\d ms/));
});

test("what is refused is said, and not asked for again", async () => {
  stop();
  fails = true;
  let asked = 0;
  const counted = async (address: RequestInfo | URL) => {
    if (!String(address).includes("latency")) asked += 1;
    return fetch(address);
  };
  stop = startConsole(surroundings(testFeed()), { baseUrl: "http://server.test", fetch: counted, retries: 0 }, [way("ws")]);
  await vi.waitFor(() => expect(text("word")).toContain("cannot be had"), { timeout: 5_000 });
  const before = asked;
  press("compare");
  await new Promise((done) => setTimeout(done, 600));
  expect(asked - before).toBe(0);
});
