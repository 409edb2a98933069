// Replay: the scrubber, its keys, its marks, its speed, its address.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startReplay } from "../src/replay";
import { surroundings, testFeed } from "./feed";

const START = Date.parse("2026-05-01T15:00:00Z");
const minute = (count: number) => START + count * 60_000;
const iso = (ms: number) => new Date(ms).toISOString();

/** A game of 60 minutes: a goal after 30, half time after 45. */
const points = Array.from({ length: 61 }, (_, at) => ({
  at: iso(minute(at)),
  phase: at < 45 ? "playing" : at < 60 ? "break" : "finished",
  period: 1,
  seconds: Math.min(at, 45) * 60,
  score: { home: at < 30 ? 0 : 1, away: 0 },
  red_cards: [0, 0],
  probabilities: at < 30 ? [0.5, 0.3, 0.2] : [0.8, 0.15, 0.05],
}));
const timeline = { points, periods: [{ period: 1, start_seconds: 0, length_seconds: 2_700 }], moments: [], swings: [] };
const play = { play: { next_goal: { probabilities: [0.5, 0.3, 0.2], after_home: [0.9, 0.08, 0.02], after_away: [0.4, 0.4, 0.2] } } };

const HTML = `<div id="banner"></div><div id="course"><svg class="chart" data-length="2700" data-x="44 628" data-y="234 40"></svg></div>
<section id="replay" data-timeline="/v1/fixtures/8/timeline" data-play="/v1/fixtures/8/play" data-sport="football" data-home="A" data-away="B">
<strong id="replay-clock">1'</strong><span id="replay-phase"></span><b id="replay-score">A <span class="mid">0–0</span> B</b>
<form><input type="range" id="replay-at" min="${START}" max="${minute(60) + 1}" step="any" value="${START}">
<button type="button" id="replay-run" hidden>Play</button><label id="replay-speeds" hidden><select id="replay-speed"><option value="60" selected>60</option></select></label>
<button id="replay-show">Show</button><a id="replay-link" href="/fixtures/8?at=x#replay">Link</a><span id="replay-said"></span></form>
<div class="view" id="replay-view"><span class="p"><abbr>H</abbr> 1%</span><span class="p"><abbr>D</abbr> 1%</span><span class="p"><abbr>A</abbr> 1%</span></div>
<p id="replay-next"></p><ol><li><a href="?at=" data-at="${minute(30)}">30' Goal</a></li></ol></section>`;

const at = (id: string) => document.getElementById(id)!;
const score = () => document.querySelector("#replay-score .mid")!.textContent;
const scrubber = () => at("replay-at") as HTMLInputElement;

let stop = (): void => {};
let asked: string[];
let fails: boolean;

beforeEach(() => {
  document.body.innerHTML = HTML;
  asked = [];
  fails = false;
  const fetch = vi.fn(async (address: RequestInfo | URL) => {
    asked.push(String(address));
    if (fails) return new Response("", { status: 503 });
    return new Response(JSON.stringify(String(address).includes("timeline") ? timeline : play));
  });
  stop = startReplay(surroundings(testFeed(), { fetch }));
});
afterEach(() => {
  stop();
  history.replaceState(null, "", "/");
});

const move = (to: number) => {
  scrubber().value = String(to);
  scrubber().dispatchEvent(new Event("input"));
};
const press = (key: string) => scrubber().dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true }));

test("a moment is shown as it was known, and the address says it", async () => {
  expect([at("replay-run").hidden, at("replay-show").hidden]).toEqual([false, true]);
  move(minute(30) - 1);
  await vi.waitFor(() => expect(at("replay-clock").textContent).toBe("30'"));
  expect(score()).toBe("0–0");
  move(minute(31) + 20_000);
  await vi.waitFor(() => expect(score()).toBe("1–0"));
  expect([at("replay-clock").textContent, at("replay-phase").textContent]).toEqual(["32'", "First half"]);
  expect(document.querySelector("#replay-view .p")!.textContent).toBe("H 80.0%");
  await vi.waitFor(() => expect(location.search).toBe(`?at=${encodeURIComponent(iso(minute(31)))}`));
  expect(scrubber().getAttribute("aria-valuetext")).toBe("32', A 1, B 0, First half");
  await vi.waitFor(() => expect(at("replay-next").textContent).toContain("A scores next 50.0%, then 90.0% / 8.0% / 2.0%; B scores next 30.0%"));
  expect(document.querySelector("a[data-at]")!.className).toBe("past");
  // 31 of 45 minutes along the axis.
  expect(document.querySelector(".cursor")!.getAttribute("d")).toBe("M446.3 40V234");
  expect(asked.filter((it) => it.includes("timeline")).length).toBe(1);
});

test("keys move by steps within the game, and marks lead to their moment", async () => {
  press("End");
  press("PageUp");
  await vi.waitFor(() => expect(at("replay-clock").textContent).toBe("6'"));
  press("ArrowLeft");
  await vi.waitFor(() => expect(at("replay-clock").textContent).toBe("5'"));
  press("PageDown");
  await vi.waitFor(() => expect(Number(scrubber().value)).toBe(START));
  const link = document.querySelector<HTMLElement>("a[data-at]")!;
  link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
  await vi.waitFor(() => expect([score(), at("replay-clock").textContent]).toEqual(["1–0", "31'"]));
});

test("it runs at the speed chosen, can be stopped, ends with the game and begins anew", async () => {
  const button = at("replay-run");
  button.click();
  await vi.waitFor(() => expect(Number(scrubber().value)).toBeGreaterThan(START + 5_000));
  expect([button.textContent, button.getAttribute("aria-pressed")]).toEqual(["Stop", "true"]);
  button.click();
  expect([button.textContent, button.getAttribute("aria-pressed")]).toEqual(["Play", "false"]);
  const value = scrubber().value;
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  expect(scrubber().value).toBe(value);
  move(minute(60) - 2_000);
  await vi.waitFor(() => expect(at("replay-phase").textContent).toBe("Half time"));
  button.click();
  await vi.waitFor(() => expect(at("replay-phase").textContent).toBe("Finished"), { timeout: 4_000 });
  expect(button.textContent).toBe("Play");
  button.click();
  await vi.waitFor(() => expect(at("replay-clock").textContent).toBe("1'"));
});

test("a game that went on is asked for anew, and a server that does not answer is said", async () => {
  move(minute(10));
  await vi.waitFor(() => expect(at("replay-clock").textContent).toBe("11'"));
  document.querySelector(".cursor")!.remove();
  document.dispatchEvent(new Event("renewed"));
  expect(document.querySelector(".cursor")).not.toBeNull();
  fails = true;
  // What is there already can be shown meanwhile.
  move(minute(20));
  await vi.waitFor(() => expect(at("replay-clock").textContent).toBe("21'"));
  await vi.waitFor(() => expect(at("banner").textContent).toContain("No answer"));
  fails = false;
  move(minute(25));
  await vi.waitFor(() => expect(at("banner").textContent).toBe(""));
  expect(asked.filter((it) => it.includes("timeline")).length).toBe(3);
  document.querySelector("form")!.requestSubmit();
});

test("a page without a replay is left alone", () => {
  document.body.innerHTML = "";
  startReplay(surroundings(testFeed()))();
});
