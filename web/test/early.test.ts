import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { socketTo } from "../src/early";

const SCRIPT = readFileSync(join(import.meta.dirname, "../../crates/api/templates/early.js"), "utf8");
const ADDRESS = "ws://localhost:3000/v1/live";

/** A socket that is told what to do. */
class Socket {
  static readonly OPEN = 1;
  readyState = 1;
  closed = false;
  onmessage: ((event: { data: string }) => void) | null = null;
  constructor(readonly url: string) {
    made.push(this);
  }
  close(): void {
    this.closed = true;
  }
}

let made: Socket[] = [];

beforeEach(() => {
  made = [];
  vi.stubGlobal("WebSocket", Socket);
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  delete (globalThis as { early?: unknown }).early;
});

/** Runs the page's script, with tabs that hold locks of such names. */
async function opened(held?: string[], visible = true): Promise<void> {
  const locks = held && { query: async () => ({ held: held.map((name) => ({ name })) }) };
  vi.stubGlobal("navigator", { locks });
  vi.stubGlobal("document", { visibilityState: visible ? "visible" : "hidden" });
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  new Function(SCRIPT)();
  await vi.advanceTimersByTimeAsync(0);
}

it("a page's socket is opened before its program is there, and what was heard on it is told", async () => {
  await opened([]);
  expect(made.map((it) => it.url)).toEqual([ADDRESS]);
  made[0]!.onmessage!({ data: "hello" });
  const heard: string[] = [];
  const socket = socketTo(ADDRESS);
  socket.onmessage = ({ data }) => heard.push(data as string);
  await vi.advanceTimersByTimeAsync(0);
  expect(socket).toBe(made[0]);
  expect(heard).toEqual(["hello"]);
  // Once: whoever comes back after it was lost opens another.
  expect(socketTo(ADDRESS)).toBe(made[1]);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(made.map((it) => it.closed)).toEqual([false, false]);
});

it("none is opened where another tab has one for both, or where nobody looks", async () => {
  await opened(["7 http://localhost:3000 "]);
  await opened([], false);
  expect(made).toEqual([]);
  await opened(["another program's"]);
  await opened();
  expect(made.length).toBe(2);
});

it("one that nobody takes is closed, and one that is of no use is not taken", async () => {
  await opened([]);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(made[0]!.closed).toBe(true);
  made[0]!.readyState = 3;
  expect(socketTo(ADDRESS)).toBe(made[1]);
  await opened([]);
  expect(socketTo(`${ADDRESS}?ticket=1`)).toBe(made[3]);
  expect(made[2]!.closed).toBe(true);
});
