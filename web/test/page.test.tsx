import { cleanup, fireEvent, render, waitFor } from "@testing-library/preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { App, Fallback, tell, TICK_MS } from "../src/app";
import { boot } from "../src/boot";
import { EVERY_MS, type Surroundings } from "../src/live";
import { showOdds } from "../src/preferences";
import { align, dates, drawRatings } from "../src/ratings";
import { readState, type BoardState } from "../src/wire";
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
const around: Surroundings = { fetch: vi.fn<typeof fetch>(), page: document, now: () => now };

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
    expect(document.querySelectorAll("#help[open] kbd").length).toBe(10);
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
    tell(around, { kind: "fresh" });
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
    expect(document.querySelectorAll("#board .row").length).toBe(served.rows.length);
  });

  it("shows new rows, ticks, follows the odds format, and says when it cannot", async () => {
    vi.useFakeTimers();
    const fetched = vi.fn<typeof fetch>();
    const { container } = render(<App state={served} around={{ ...around, fetch: fetched }} />);
    await act(async () => {
      await vi.advanceTimersByTimeAsync(0);
    });
    expect(container.textContent).toContain("predicted 45 s ago");
    now += 60_000;
    await act(async () => {
      await vi.advanceTimersByTimeAsync(TICK_MS);
    });
    expect(container.textContent).toContain("predicted 1 min ago");
    await act(async () => showOdds(document, "fractional"));
    expect(container.textContent).toContain("Over 2.5 at 3/2");
    fetched.mockRejectedValueOnce(new Error("down"));
    await act(async () => {
      await vi.advanceTimersByTimeAsync(EVERY_MS);
    });
    expect(document.getElementById("banner")?.textContent).toContain("No answer from the server for 0 s");
    const answer = { data: served.rows.slice(0, 1) };
    fetched.mockResolvedValueOnce(new Response(JSON.stringify(answer), { headers: { date: new Date(now).toUTCString() } }));
    await act(async () => {
      await vi.advanceTimersByTimeAsync(EVERY_MS);
    });
    expect(container.querySelectorAll(".row").length).toBe(1);
    expect(document.getElementById("banner")?.textContent).toBe("");
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
    (document.getElementById("state") as Element).textContent = JSON.stringify({ now: "", odds: "decimal", ratings });
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
