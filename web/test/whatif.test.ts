// What if: the last question counts, refusals are told, nothing is asked without need.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { REST_MS, startWhatIf } from "../src/whatif";

const FORM = `<form id="what-if" action="/v1/fixtures/8/what-if"><input type="range" name="minute" max="90" value="31"><output>31'</output>
  <input type="number" name="home" value="1"><span class="p"><abbr>H</abbr> 50%</span><svg class="bar"><rect x="0%" width="50%"/></svg>
  <p id="what-if-next"></p><p id="what-if-said"></p></form>`;
const answer = (home: number, next = false) =>
  new Response(JSON.stringify({ probabilities: [home], next_goal: next ? { probabilities: [0.5, 0.3, 0.2], after_home: [0.9], after_away: [0.4] } : null }));
const text = (selector: string) => document.querySelector(selector)!.textContent;
const move = (name: string, value: string) => {
  const field = document.querySelector<HTMLInputElement>(`[name=${name}]`)!;
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
};

let fetch = vi.fn<typeof globalThis.fetch>();
let stop = (): void => {};
beforeEach(() => {
  vi.useFakeTimers();
  document.body.innerHTML = FORM;
  fetch = vi.fn<typeof globalThis.fetch>();
  stop = startWhatIf({ fetch, page: document, now: () => 0 });
});
afterEach(() => {
  stop();
  vi.useRealTimers();
});

test("one question while the hand moves, and the last one counts", async () => {
  let late = (_: Response): void => {};
  fetch.mockReturnValueOnce(new Promise((done) => (late = done))).mockResolvedValueOnce(answer(0.75, true));
  move("minute", "40");
  move("minute", "60");
  expect(text("output")).toBe("60'");
  await vi.advanceTimersByTimeAsync(REST_MS);
  expect(fetch).toHaveBeenCalledTimes(1);
  expect(fetch.mock.calls[0]![0]).toBe("/v1/fixtures/8/what-if?minute=60&home=1");
  move("home", "2");
  await vi.advanceTimersByTimeAsync(REST_MS);
  expect(fetch.mock.calls[0]![1]!.signal!.aborted).toBe(true);
  late(answer(0.1));
  await vi.advanceTimersByTimeAsync(1);
  expect(text(".p")).toBe("H 75.0%");
  expect(document.querySelector("rect")!.getAttribute("width")).toBe("75.0%");
  expect(text("#what-if-next")).toBe("Next goal: home 50.0% (then 90.0%), away 30.0% (then 40.0%), none 20.0%.");
});

test("a refusal and a server that is away are told, and forgotten with the next answer", async () => {
  const refused = { detail: "d", errors: [{ parameter: "home", detail: "must be at most 15, not 99" }] };
  fetch.mockResolvedValueOnce(new Response(JSON.stringify(refused), { status: 400 }));
  move("home", "99");
  await vi.advanceTimersByTimeAsync(REST_MS);
  expect(text("#what-if-said")).toBe("home must be at most 15, not 99");
  expect([text(".p"), document.querySelector("rect")!.getAttribute("width")]).toEqual(["H –", "0%"]);
  fetch.mockResolvedValueOnce(new Response(JSON.stringify({ detail: "no model" }), { status: 422 }));
  document.querySelector("form")!.dispatchEvent(new Event("submit", { cancelable: true }));
  await vi.advanceTimersByTimeAsync(1);
  expect(text("#what-if-said")).toBe("no model");
  fetch.mockRejectedValueOnce(new TypeError("away"));
  move("home", "3");
  await vi.advanceTimersByTimeAsync(REST_MS);
  expect(text("#what-if-said")).toContain("No answer");
  fetch.mockResolvedValueOnce(answer(0.6));
  move("home", "4");
  await vi.advanceTimersByTimeAsync(REST_MS);
  expect([text("#what-if-said"), text("#what-if-next"), text(".p")]).toEqual(["", "", "H 60.0%"]);
});

test("what the form itself refuses is said and not asked", async () => {
  const field = document.querySelector<HTMLInputElement>("[name=home]")!;
  field.max = "15";
  field.required = true;
  for (const odd of ["99", ""]) {
    move("home", odd);
    await vi.advanceTimersByTimeAsync(REST_MS);
    expect(text("#what-if-said")).toMatch(/^home: ./);
    expect(text(".p")).toBe("H –");
  }
  expect(fetch).not.toHaveBeenCalled();
  fetch.mockResolvedValueOnce(answer(0.6));
  move("home", "3");
  await vi.advanceTimersByTimeAsync(REST_MS);
  expect([text("#what-if-said"), text(".p")]).toEqual(["", "H 60.0%"]);
});

test("a page without the form is left alone", () => {
  document.body.innerHTML = "";
  startWhatIf({ fetch, page: document, now: () => 0 })();
  expect(fetch).not.toHaveBeenCalled();
});
