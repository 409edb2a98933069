// The page of a game under way: it follows, waits while paused, and says when it cannot.
import { afterEach, expect, test, vi } from "vitest";
import { shown, startPlay } from "../src/play";

class Stream extends EventTarget {
  closed = false;
  close(): void {
    this.closed = true;
  }
  send(frame: unknown): void {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(frame) }));
  }
}

const html = (score: string, running = true) => `<div id="banner"></div>
  <h1 id="scoreline" data-live>${score}</h1>
  <section id="play" data-live data-key="fixtures/8/play">
    <strong id="play-clock" data-period="1" data-seconds="600" data-at="2026-05-01T15:10:00Z" data-half="45" data-running="${running}">11'</strong>
  </section><button id="play-pause" hidden>Pause</button>`;

function followed(fetch: typeof globalThis.fetch) {
  document.body.innerHTML = html("0–0");
  const stream = new Stream();
  let now = Date.parse("2026-05-01T15:10:00Z");
  const opened: string[] = [];
  const stop = startPlay({ fetch, page: document, now: () => now }, (address) => {
    opened.push(address);
    return stream;
  });
  return { stream, stop, opened, at: (time: string) => (now = Date.parse(time)) };
}

const score = () => document.getElementById("scoreline")!.textContent;
const banner = () => document.getElementById("banner")!.textContent;

afterEach(() => vi.useRealTimers());

test("a frame brings the page up to date, and what it was drawn from does not", async () => {
  const fetch = vi.fn(async () => new Response(html("1–0")));
  const { stream, stop, opened } = followed(fetch);
  expect(opened).toEqual(["/v1/live?k=fixtures%2F8%2Fplay"]);
  stream.send({ t: "hb", ts: 1 });
  expect(fetch).not.toHaveBeenCalled();
  stream.send({ t: "snap", id: "7.1" });
  stream.send({ t: "d", id: "7.2" });
  stream.send({ t: "d", id: "7.2" });
  await vi.waitFor(() => expect(score()).toBe("1–0"));
  await vi.waitFor(() => expect(fetch).toHaveBeenCalledTimes(2));
  stop();
  expect(stream.closed).toBe(true);
});

test("while paused nothing moves, and afterwards everything is caught up with", async () => {
  const fetch = vi.fn(async () => new Response(html("2–0")));
  const { stream, stop } = followed(fetch);
  const button = document.getElementById("play-pause") as HTMLButtonElement;
  expect(button.hidden).toBe(false);
  button.click();
  expect([button.textContent, button.getAttribute("aria-pressed")]).toEqual(["Resume", "true"]);
  stream.send({ t: "d", id: "7.2" });
  expect(fetch).not.toHaveBeenCalled();
  button.click();
  await vi.waitFor(() => expect(score()).toBe("2–0"));
  stop();
});

test("the clock runs between two frames and stands where it was told to", () => {
  vi.useFakeTimers();
  const { stop, at } = followed(vi.fn());
  at("2026-05-01T15:12:30Z");
  vi.advanceTimersByTime(1_000);
  expect(document.getElementById("play-clock")!.textContent).toBe("13'");
  document.getElementById("play-clock")!.dataset["running"] = "false";
  at("2026-05-01T15:20:30Z");
  vi.advanceTimersByTime(1_000);
  expect(document.getElementById("play-clock")!.textContent).toBe("13'");
  stop();
});

test("a lost connection and a server that fails are said", async () => {
  const answers = [new Response("", { status: 503 }), new Response(html("0–1"))];
  const { stream, stop } = followed(async () => answers.shift()!);
  stream.dispatchEvent(new Event("error"));
  expect(banner()).toContain("lost");
  stream.dispatchEvent(new Event("open"));
  expect(banner()).toBe("");
  stream.send({ t: "d", id: "7.2" });
  await vi.waitFor(() => expect(banner()).toContain("No answer"));
  stream.send({ t: "stale" });
  await vi.waitFor(() => expect(score()).toBe("0–1"));
  expect(banner()).toBe("");
  stop();
});

test("a page without a game is left alone, and clocks read as the server writes them", () => {
  document.body.innerHTML = "";
  startPlay({ fetch: vi.fn(), page: document, now: () => 0 })();
  expect([shown(45, 1, 0), shown(45, 1, 2761), shown(45, 2, 600), shown(0, 3, 61)]).toEqual(["1'", "45+2'", "56'", "1:01"]);
});
