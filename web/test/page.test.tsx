import { cleanup, fireEvent, render, waitFor } from "@testing-library/preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { App, Fallback } from "../src/app";
import { boot } from "../src/boot";
import { AGES_MS } from "../src/clock";
import { showOdds } from "../src/preferences";
import { align, dates, drawRatings } from "../src/ratings";
import { readState, type BoardState } from "../src/wire";
import { surroundings, testFeed } from "./feed";
import { state as served } from "./served";

/** What was drawn last. */
const drawn = vi.hoisted(() => ({ options: null as unknown, data: null as unknown, sizes: [] as unknown[] }));
vi.mock("uplot", () => ({
  default: class {
    constructor(options: unknown, data: unknown) {
      drawn.options = options;
      drawn.data = data;
    }
    setSize(size: unknown): void {
      drawn.sizes.push(size);
    }
  },
}));

const go = vi.fn<(address: string) => void>();
let stop = (): void => {};
let now = Date.parse(served.now);
const feed = testFeed();
const around = surroundings(feed, { fetch: vi.fn<typeof fetch>(), now: () => now });

const MENU = `<details id="display" open><summary>Display</summary><form><input type="radio" name="theme" value="dark">
  <input type="radio" name="odds" value="american"><button>Apply</button></form></details>`;
const ROWS = `<div id="banner"></div><form id="filters"><select><option>a<option>b</select><input type="date"></form>
  <div class="row"><a class="teams" href="/fixtures/1">1</a></div><div class="row"><a class="teams" href="/fixtures/2">2</a></div>
  <data class="odds" value="2.5">2.50</data>`;

class Observer {
  constructor(private readonly told: () => void) {}
  observe(): void {
    this.told();
  }
}

beforeEach(() => {
  now = Date.parse(served.now);
  go.mockReset();
  vi.stubGlobal("ResizeObserver", Observer);
  HTMLDialogElement.prototype.showModal = vi.fn(function (this: HTMLDialogElement) {
    this.open = true;
  });
  document.body.innerHTML = MENU + ROWS;
});
afterEach(() => {
  stop();
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const press = (key: string, target: Element = document.body): boolean => fireEvent.keyDown(target, { key });

describe("taking over", () => {
  beforeEach(async () => {
    stop = await boot(around, go);
  });

  it("counts a choice of display at once and remembers it", () => {
    fireEvent.click(document.querySelector("[value=dark]") as Element);
    expect(document.documentElement.dataset["theme"]).toBe("dark");
    fireEvent.click(document.querySelector("[value=american]") as Element);
    expect(document.querySelector("data.odds")?.textContent).toBe("+150");
    expect(document.cookie).toContain("theme=dark");
    expect(document.cookie).toContain("odds=american");
    expect(document.querySelector("#display button")?.hasAttribute("hidden")).toBe(true);
  });

  it("submits a filter as soon as it is chosen, but not a day half typed", () => {
    const form = document.querySelector("#filters") as HTMLFormElement;
    form.requestSubmit = vi.fn();
    fireEvent.change(form.querySelector("select") as Element);
    fireEvent.change(form.querySelector("input") as Element);
    expect(form.requestSubmit).toHaveBeenCalledTimes(1);
  });

  it("walks rows by j and k and goes to the filter by /", () => {
    const focused = (): string | null => document.activeElement?.getAttribute("href") ?? null;
    press("j");
    expect(focused()).toBe("/fixtures/1");
    press("j");
    press("j");
    expect(focused()).toBe("/fixtures/2");
    press("k");
    expect(focused()).toBe("/fixtures/1");
    (document.activeElement as HTMLElement).blur();
    press("k");
    expect(focused()).toBe("/fixtures/2");
    press("/");
    expect(document.activeElement?.tagName).toBe("SELECT");
  });

  it("leaves keys alone in fields and with modifiers", () => {
    press("?", document.querySelector("select") as Element);
    fireEvent.keyDown(document.body, { key: "?", ctrlKey: true });
    expect(document.querySelector("#help")).toBeNull();
  });

  it("explains keys, goes places, and closes the menu", () => {
    press("?");
    press("?");
    expect(document.querySelectorAll("#help[open] kbd").length).toBe(11);
    press("g");
    press("e");
    expect(go).toHaveBeenCalledWith("/edges");
    press("e");
    expect(go).toHaveBeenCalledTimes(1);
    press("Escape");
    expect(document.querySelector("#display")?.hasAttribute("open")).toBe(false);
  });
});

describe("a page without what the program looks for", () => {
  it("is left as it is", async () => {
    document.body.innerHTML = '<div id="board">as served</div><div id="ratings-plot">drawn</div><script type="application/json" id="state">{broken</script>';
    stop = await boot(around, go);
    expect(document.getElementById("board")?.textContent).toBe("as served");
    expect(readState<BoardState>(document)).toBeNull();
    document.body.innerHTML = "";
    expect(readState<BoardState>(document)).toBeNull();
  });
});

describe("the board's program", () => {
  it("takes the board over from the state in the page", async () => {
    document.body.innerHTML = `<div id="board"></div><script type="application/json" id="state"></script>`;
    (document.getElementById("state") as Element).textContent = JSON.stringify(served);
    stop = await boot(around, go);
    expect(document.querySelectorAll("#board .row").length).toBe(served.data.data.length);
  });

  it("shows what comes, ticks, follows the odds format, can be paused and says when it cannot", async () => {
    document.body.innerHTML = '<div id="banner"></div><p id="livebar" hidden><span id="live-state"></span><button id="live-pause">Pause</button><span id="live-said"></span></p>';
    const it = testFeed();
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const { container } = render(<App state={served} around={surroundings(it, { now: () => now })} />);
    const word = () => document.getElementById("live-state")?.textContent;
    await waitFor(() => expect(word()).toBe("Live"));
    expect(document.getElementById("livebar")?.hidden).toBe(false);
    expect(container.textContent).toContain("predicted 45 s ago");
    now += 60_000;
    await act(async () => void vi.advanceTimersByTime(AGES_MS));
    expect(container.textContent).toContain("predicted 2 min ago");
    await act(async () => showOdds(document, "fractional"));
    expect(container.textContent).toContain("Over 2.5 at 3/2");
    const key = served.key as never;
    // The test's own frames stand on the timers that are held here.
    const frame = () => act(async () => void vi.advanceTimersByTime(20));
    const row = served.data.data.findIndex(({ play }) => play && !play.stale);
    const goal = (b: number, home: number) => it.send({ t: "d", k: key, b: `${b}.3`, id: `${b + 1}.3`, ts: Date.now(), d: [[`/data/${row}/play/score/home`, home]] });
    goal(7, 2);
    await frame();
    await waitFor(() => expect(container.querySelectorAll(".live .score")[0]?.textContent).toBe("2"));
    await waitFor(() => expect(document.getElementById("live-said")?.textContent).toBe("Arsenal 2, Brighton & Hove 0, First half"));
    fireEvent.click(document.getElementById("live-pause") as Element);
    goal(8, 3);
    await frame();
    it.cut();
    await waitFor(() => expect(word()).toBe("Paused"));
    expect(container.querySelectorAll(".live .score")[0]?.textContent).toBe("2");
    fireEvent.click(document.getElementById("live-pause") as Element);
    await frame();
    await waitFor(() => expect(container.querySelectorAll(".live .score")[0]?.textContent).toBe("3"));
    cleanup();
    await it.client.close();
  });

  it("does not follow a day on which nothing will change any more", () => {
    const it = testFeed();
    render(<App state={{ ...served, key: null }} around={surroundings(it)} />);
    expect(it.opened()).toBe(0);
  });

  it("gives the server's page back when it fails", async () => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    const Broken = (): never => {
      throw new Error("broken");
    };
    const { container } = render(
      <Fallback html="<p>as served</p>">
        <Broken />
      </Fallback>,
    );
    await waitFor(() => expect(container.innerHTML).toContain("<p>as served</p>"));
    quiet.mockRestore();
  });
});

describe("ratings", () => {
  const ratings = [
    { name: "A", points: [[1, 1500], [3, 1510]] as [number, number][] },
    { name: "B", points: [[2, 1400]] as [number, number][] },
  ];

  it("share one axis of time with gaps", () => {
    expect(align(ratings)).toEqual([[1, 2, 3], [1500, null, 1510], [null, 1400, null]]);
  });

  it("name each year once", () => {
    const times = ["2023-12-15", "2023-12-30", "2024-01-09"].map((it) => Date.parse(it) / 1000);
    expect(dates(times)).toEqual(["15 Dec\n2023", "30 Dec", "9 Jan\n2024"]);
  });

  it("are drawn in place of the server's drawing and follow its width", async () => {
    document.body.innerHTML = '<div id="ratings-plot">drawn</div><script type="application/json" id="state"></script>';
    (document.getElementById("state") as Element).textContent = JSON.stringify({ now: "", odds: "decimal", ratings, play: null });
    stop = await boot(around, go);
    expect(document.getElementById("ratings-plot")?.textContent).toBe("");
    expect(drawn.data).toEqual(align(ratings));
    expect(drawn.sizes).toEqual([{ width: 0, height: 220 }]);
    const { axes } = drawn.options as { axes: { values: (plot: null, times: number[]) => string[] }[] };
    expect(axes[0]?.values(null, [0])).toEqual(["1 Jan\n1970"]);
    const { series } = drawn.options as { series: { label?: string; value: unknown }[] };
    expect(series.map((it) => it.label)).toEqual([undefined, "A", "B"]);
    const value = series[1]?.value as (plot: null, value: number | null) => string;
    expect([value(null, 1499.6), value(null, null)]).toEqual(["1500", "\u2013"]);
  });

  it("leave the server's drawing where there is too little to draw", () => {
    const place = document.createElement("div");
    place.textContent = "drawn";
    expect(drawRatings(place, [])).toBeNull();
    expect(place.textContent).toBe("drawn");
  });
});
