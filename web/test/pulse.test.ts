import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Freshness } from "../src/live";
import { pulse, PULSE_MS, SLOWEST_MS, type Pulse } from "../src/pulse";

const asked = vi.fn<typeof fetch>();
const page = vi.fn<(fresh: Document | null) => void>();
const freshness = vi.fn<(it: Freshness) => void>();
let beats: Pulse;

const answer = (status: number, body: string | null = null): Response => new Response(body, { status, headers: { etag: '"a"' } });
const visibility = (state: DocumentVisibilityState): void => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
};

beforeEach(() => {
  vi.useFakeTimers();
  visibility("visible");
  for (const mock of [asked, page, freshness]) mock.mockReset();
  beats = pulse("/models", { fetch: asked, page: document, now: () => Date.now() }, { page, freshness });
});
afterEach(() => {
  beats.stop();
  vi.useRealTimers();
});

describe("a pulse", () => {
  it("hands on what changed and asks for no more than that", async () => {
    asked.mockResolvedValueOnce(answer(200, "<p id=live>1</p>")).mockResolvedValueOnce(answer(304));
    await vi.advanceTimersByTimeAsync(PULSE_MS * 2);
    expect(page.mock.calls[0]?.[0]?.getElementById("live")?.textContent).toBe("1");
    expect(page.mock.calls[1]?.[0]).toBeNull();
    expect(asked.mock.calls[0]?.[1]?.headers).toEqual({ accept: "text/html" });
    expect(asked.mock.calls[1]?.[1]?.headers).toEqual({ accept: "text/html", "if-none-match": '"a"' });
  });

  it("slows down while there is no answer, to a bound, and recovers", async () => {
    asked.mockRejectedValue(new TypeError("down"));
    await vi.advanceTimersByTimeAsync(10 * 60_000);
    const first = freshness.mock.calls[0]?.[0];
    expect(freshness.mock.lastCall?.[0]).toEqual(first);
    const sofar = asked.mock.calls.length;
    expect(sofar).toBeLessThan(16);
    asked.mockResolvedValue(answer(304));
    await vi.advanceTimersByTimeAsync(SLOWEST_MS);
    expect(freshness).toHaveBeenLastCalledWith({ kind: "fresh" });
    await vi.advanceTimersByTimeAsync(PULSE_MS);
    expect(asked.mock.calls.length).toBeGreaterThanOrEqual(sofar + 2);
  });

  it("counts an answer that is none as none", async () => {
    asked.mockResolvedValueOnce(answer(404, "gone"));
    await vi.advanceTimersByTimeAsync(PULSE_MS);
    expect(page).not.toHaveBeenCalled();
    expect(freshness.mock.lastCall?.[0].kind).toBe("offline");
  });

  it("rests while nobody looks and beats at once when somebody does", async () => {
    visibility("hidden");
    document.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(PULSE_MS * 3);
    expect(asked).not.toHaveBeenCalled();
    visibility("visible");
    asked.mockResolvedValue(answer(304));
    document.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("drops an answer that a later one overtook, and everything once stopped", async () => {
    const waiting: ((it: Response) => void)[] = [];
    asked.mockImplementation(() => new Promise((done) => waiting.push(done)));
    void beats.beat();
    void beats.beat();
    waiting[1]?.(answer(200, "<p id=live>new</p>"));
    await vi.advanceTimersByTimeAsync(0);
    waiting[0]?.(answer(200, "<p id=live>old</p>"));
    await vi.advanceTimersByTimeAsync(0);
    expect(page).toHaveBeenCalledTimes(1);
    asked.mockRejectedValueOnce(new TypeError("down"));
    void beats.beat();
    beats.stop();
    await vi.advanceTimersByTimeAsync(PULSE_MS);
    expect(freshness).toHaveBeenCalledTimes(1);
  });
});
