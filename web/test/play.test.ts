// The page of a game under way: it follows, waits while paused, and says when it cannot.
import { afterEach, expect, test, vi } from "vitest";
import { phaseOf, shown, tickAges, wordOf } from "../src/clock";
import { startPlay } from "../src/play";
import { surroundings, testFeed, type TestFeed } from "./feed";

const KEY = "fixtures/8/play" as never;
const NOW = "2026-05-01T15:10:00Z";
const VIEW = `<section id="who-wins"><div class="view model"><span class="p home"><abbr>H</abbr> 50.0%</span><svg class="bar"><rect/></svg></div></section>`;

const html = (score: string, running = true) => `<div id="banner"></div>
  <h1 id="scoreline" data-live><span>A</span><span class="mid">${score}</span><span>B</span></h1>
  <section id="play" data-live data-key="fixtures/8/play">
    <strong id="play-clock" data-period="1" data-seconds="600" data-at="${NOW}" data-sport="football" data-running="${running}">11'</strong>
  </section>${VIEW}<span id="play-state"></span><button id="play-pause" hidden>Pause</button>`;

const play = (home: number) => ({ play: { score: { home, away: 0 } }, probabilities: [0.75] });

let feed: TestFeed;
let stop = (): void => {};

async function followed(fetch: typeof globalThis.fetch) {
  const state = { now: NOW, key: KEY, rev: "1.7", odds: "decimal", ratings: [], play: { key: KEY, rev: "1.7", at: Date.now(), data: play(0) } };
  document.body.innerHTML = `${html("0–0")}<script type="application/json" id="state">${JSON.stringify(state)}</script>`;
  feed = testFeed();
  let now = Date.parse(NOW);
  stop = startPlay(surroundings(feed, { fetch, now: () => now }));
  await vi.waitFor(() => expect(document.getElementById("play-state")?.textContent).toBe("Live"));
  return { at: (time: string) => (now = Date.parse(time)) };
}

const scored = (rev: number, home: number) => feed.send({ t: "d", k: KEY, b: `${rev - 1}.7`, id: `${rev}.7`, ts: Date.now(), d: [["/play/score/home", home], ["/probabilities/0", 0.9]] });
const score = () => document.querySelector(".mid")!.textContent;
const banner = () => document.getElementById("banner")!.textContent;

afterEach(async () => {
  stop();
  await feed?.client.close();
  vi.useRealTimers();
});

test("a frame writes the score at once and brings the page up to date, what it was drawn from does not", async () => {
  let answer: (response: Response) => void = () => {};
  const fetch = vi.fn(() => new Promise<Response>((done) => (answer = done)));
  await followed(fetch);
  expect(feed.asked()).toEqual({ "fixtures/8/play": "1.7" });
  feed.send({ t: "same", k: KEY, id: "1.7", ts: Date.now() });
  feed.send({ t: "hb", ts: 1 });
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  expect(fetch).not.toHaveBeenCalled();
  scored(2, 1);
  await vi.waitFor(() => expect(score()).toBe("1–0"));
  expect(document.querySelector(".view .p")?.textContent).toBe("H 90.0%");
  expect(document.querySelector(".view rect")?.getAttribute("width")).toBe("90.0%");
  // What comes while the page is asked for is asked for once more.
  scored(3, 2);
  await vi.waitFor(() => expect(score()).toBe("2–0"));
  expect(fetch).toHaveBeenCalledTimes(1);
  answer(new Response(html("1–0")));
  await vi.waitFor(() => expect(fetch).toHaveBeenCalledTimes(2));
  answer(new Response(html("2–0")));
  await vi.waitFor(() => expect(score()).toBe("2–0"));
});

test("while paused nothing moves, and afterwards everything is caught up with", async () => {
  const fetch = vi.fn(async () => new Response(html("2–0")));
  await followed(fetch);
  const button = document.getElementById("play-pause") as HTMLButtonElement;
  expect(button.hidden).toBe(false);
  button.click();
  expect([button.textContent, button.getAttribute("aria-pressed")]).toEqual(["Resume", "true"]);
  scored(2, 2);
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  expect([fetch.mock.calls.length, score()]).toEqual([0, "0–0"]);
  button.click();
  await vi.waitFor(() => expect(score()).toBe("2–0"));
});

test("the clock runs between two frames and stands where it was told to", async () => {
  const { at } = await followed(vi.fn());
  at("2026-05-01T15:12:30Z");
  const clock = document.getElementById("play-clock")!;
  await vi.waitFor(() => expect(clock.textContent).toBe("13'"), { timeout: 5_000 });
  clock.dataset["running"] = "false";
  at("2026-05-01T15:20:30Z");
  await new Promise((done) => setTimeout(done, 1_200));
  expect(clock.textContent).toBe("13'");
});

test("a server that fails is said, until it answers", async () => {
  const answers = [new Response("", { status: 503 }), new Response(html("0–1"))];
  await followed(async () => answers.shift()!);
  scored(2, 1);
  await vi.waitFor(() => expect(banner()).toContain("No answer"));
  scored(3, 0);
  await vi.waitFor(() => expect(score()).toBe("0–1"));
  await vi.waitFor(() => expect(banner()).toBe(""));
});

test("a page of a game to come is asked for again when its answer is made anew, and begins anew once the game does", async () => {
  const before = { as_of: "2026-05-01T14:00:00Z", play: null, probabilities: [0.5] };
  const state = { now: NOW, key: KEY, rev: "1.7", play: { key: KEY, rev: "1.7", at: Date.now(), data: before } };
  const main = (prices: string, more = "") => `<main>${more}<section id="quotes" data-live>${prices}<details><summary>x</summary></details></section>
    <section id="what-if-card" data-live data-touched><input value="1"></section><p><time data-ago datetime="${NOW}">0 s ago</time></p></main>
    <script type="application/json" id="state">${JSON.stringify({ ...state, key: more ? null : KEY })}</script>`;
  document.body.innerHTML = main("1.80");
  document.querySelector("details")!.open = true;
  feed = testFeed();
  const answers = [main("1.90").replace('value="1"', 'value="2"'), main("1.90", `<section id="play" data-live>First half</section>`)];
  const fetch = vi.fn(async () => new Response(answers.shift()));
  const replaced = vi.fn();
  document.addEventListener("replaced", replaced, { once: true });
  stop = startPlay(surroundings(feed, { fetch, now: () => Date.parse(NOW) }));
  await vi.waitFor(() => expect(feed.asked()).toEqual({ "fixtures/8/play": "1.7" }));
  feed.send({ t: "d", k: KEY, b: "1.7", id: "2.7", ts: Date.now(), d: [["/as_of", "2026-05-01T14:10:00Z"]] });
  await vi.waitFor(() => expect(document.getElementById("quotes")?.textContent).toContain("1.90"));
  // What a reader folded out, and what they filled in, is theirs.
  expect([document.querySelector("details")!.open, document.querySelector("input")!.getAttribute("value")]).toEqual([true, "1"]);
  expect(replaced).not.toHaveBeenCalled();
  feed.send({ t: "d", k: KEY, b: "2.7", id: "3.7", ts: Date.now(), d: [["/play", { phase: "playing", score: { home: 0, away: 0 } }]] });
  await vi.waitFor(() => expect(replaced).toHaveBeenCalled());
  expect(document.getElementById("play")?.textContent).toBe("First half");
  expect(JSON.parse(document.getElementById("state")!.textContent!)).toMatchObject({ key: null });
});

test("ages that count from now grow", () => {
  document.body.innerHTML = `<time data-ago datetime="${NOW}">0 s ago</time><time datetime="${NOW}">at kickoff</time>`;
  tickAges(document, Date.parse("2026-05-01T15:12:40Z"));
  expect([...document.querySelectorAll("time")].map((it) => it.textContent)).toEqual(["3 min ago", "at kickoff"]);
});

test("a page without a game is left alone, and clocks and phases read as the server writes them", () => {
  document.body.innerHTML = "";
  startPlay(surroundings(testFeed()))();
  const clocks = [[1, 0], [1, 2761], [2, 600], [3, 0], [3, 900], [4, 0], [4, 510], [5, 60]].map(([period, seconds]) => shown("football", period!, seconds!));
  expect(clocks).toEqual(["1'", "45+2'", "56'", "91'", "105+1'", "106'", "114'", "Pens"]);
  expect([shown("basketball", 3, 61.5), shown("basketball", 5, 300), shown("american_football", 4, 901)]).toEqual(["10:59", "0:00", "0:00"]);
  expect([1, 2, 3, 4].map((it) => wordOf("football", "break", it))).toEqual(["HT", "FT 90'", "ET HT", "ET end"]);
  expect([1, 2, 4, 5, 6].map((it) => wordOf("basketball", "break", it))).toEqual(["Q1 end", "HT", "Q4 end", "OT end", "OT2 end"]);
  expect([wordOf("football", "finished", 2), wordOf("football", "before", 0)]).toEqual(["FT", "–"]);
  const football = (phase: string, period: number) => phaseOf("football", phase, period);
  expect([football("playing", 1), football("break", 1), football("playing", 3), football("playing", 5), football("abandoned", 1), football("finished", 2), football("before", 0)]).toEqual(
    ["First half", "Half time", "Extra time", "Shoot-out", "Abandoned", "Finished", "Not begun"],
  );
  expect([2, 3, 4].map((it) => football("break", it))).toEqual(["After 90 minutes", "Half time of extra time", "After extra time"]);
  const basketball = (phase: string, period: number) => phaseOf("basketball", phase, period);
  expect([basketball("playing", 4), basketball("break", 1), basketball("break", 2), basketball("break", 5), basketball("playing", 5)]).toEqual(
    ["Quarter 4", "After quarter 1", "Half time", "After overtime", "Overtime"],
  );
});
