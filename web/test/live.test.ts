import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { boardUrl, EVERY_MS, keepFresh, type Freshness } from "../src/live";

const asked = vi.fn<typeof fetch>();
const rows = vi.fn();
const freshness = vi.fn<(it: Freshness) => void>();
let stop: () => void;

function answer(status: number, headers: Record<string, string> = {}): Response {
  const body = status === 304 ? null : JSON.stringify({ data: [] });
  return new Response(body, { status, headers });
}

function visibility(state: DocumentVisibilityState): void {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
}

beforeEach(() => {
  vi.useFakeTimers();
  visibility("visible");
  for (const mock of [asked, rows, freshness]) mock.mockReset();
  stop = keepFresh("/v1/board?limit=50", { fetch: asked, page: document, now: () => Date.now() }, { rows, freshness });
});
afterEach(() => {
  stop();
  vi.useRealTimers();
});

describe("the address of the board", () => {
  it("asks for what the page shows", () => {
    const everything = boardUrl({ competition: null, from: null, until: null, limit: 50 });
    expect(everything).toBe("/v1/board?limit=50");
    const one = boardUrl({ competition: "E0", from: "2024-05-11T00:00:00Z", until: "2024-05-12T00:00:00Z", limit: 5 });
    expect(one).toContain("competition=E0&from=2024-05-11T00%3A00%3A00Z&until=");
  });
});

describe("keeping fresh", () => {
  it("asks every half minute and hands on what changed", async () => {
    asked.mockResolvedValueOnce(answer(200, { etag: '"a"', date: "Sat, 18 May 2024 12:00:00 GMT" }));
    asked.mockResolvedValueOnce(answer(304));
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    expect(rows).toHaveBeenCalledWith([], Date.parse("2024-05-18T12:00:00Z"));
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    expect(rows).toHaveBeenCalledTimes(1);
    expect(asked.mock.calls[1]?.[1]?.headers).toEqual({ "if-none-match": '"a"' });
    expect(freshness).toHaveBeenLastCalledWith({ kind: "fresh" });
  });

  it("says since when there is no answer, and when there is one again", async () => {
    asked.mockRejectedValueOnce(new TypeError("no network"));
    asked.mockResolvedValueOnce(answer(503));
    asked.mockResolvedValueOnce(answer(200));
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    const first = freshness.mock.lastCall?.[0];
    expect(first?.kind).toBe("offline");
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    expect(freshness.mock.lastCall?.[0]).toEqual(first);
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    expect(freshness).toHaveBeenLastCalledWith({ kind: "fresh" });
    expect(rows).toHaveBeenCalledWith([], null);
  });

  it("asks nothing while nobody looks, and at once when somebody does", async () => {
    visibility("hidden");
    await vi.advanceTimersByTimeAsync(EVERY_MS * 3);
    expect(asked).not.toHaveBeenCalled();
    visibility("visible");
    asked.mockResolvedValue(answer(304));
    window.dispatchEvent(new Event("focus"));
    document.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("stops when told to", async () => {
    stop();
    await vi.advanceTimersByTimeAsync(EVERY_MS * 2);
    window.dispatchEvent(new Event("online"));
    expect(asked).not.toHaveBeenCalled();
  });
});
