// @vitest-environment jsdom
// Many changes are one drawing, and none is lost where no pictures come.
import { afterEach, expect, it, vi } from "vitest";
import { beforePicture, forgo } from "../src/beat.js";

afterEach(() => vi.unstubAllGlobals());

const asked = new Map<number, () => void>();
let frames = 0;

/** Pictures that come when a test says so. */
function pictures(): () => void {
  asked.clear();
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => (asked.set((frames += 1), run), frames));
  vi.stubGlobal("cancelAnimationFrame", (frame: number) => asked.delete(frame));
  return () => {
    const due = [...asked.values()];
    asked.clear();
    due.forEach((run) => run());
  };
}

it("calls back once before a picture, however often something changed, and not what was taken back", () => {
  const picture = pictures();
  const [one, other] = [vi.fn(), vi.fn()];
  for (let times = 0; times < 3; times += 1) beforePicture(one);
  beforePicture(other);
  forgo(other);
  expect(one).not.toHaveBeenCalled();
  picture();
  expect([one.mock.calls.length, other.mock.calls.length]).toEqual([1, 0]);
  beforePicture(one);
  picture();
  expect(one).toHaveBeenCalledTimes(2);
});

it("spreads what is much over pictures, in order", () => {
  const picture = pictures();
  const called: number[] = [];
  for (let at = 0; at < 120; at += 1) beforePicture(() => called.push(at));
  picture();
  expect(called).toEqual(Array.from({ length: 50 }, (_, at) => at));
  picture();
  picture();
  expect(called).toEqual(Array.from({ length: 120 }, (_, at) => at));
});

it("calls back without pictures: where there are none, where nobody looks, and where they stop coming", async () => {
  const run = vi.fn();
  vi.stubGlobal("requestAnimationFrame", undefined);
  beforePicture(run);
  expect(run).toHaveBeenCalledTimes(1);
  pictures();
  const hidden = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  beforePicture(run);
  expect(run).toHaveBeenCalledTimes(2);
  hidden.mockRestore();
  beforePicture(run);
  expect(run).toHaveBeenCalledTimes(2);
  await vi.waitFor(() => expect(run).toHaveBeenCalledTimes(3), { timeout: 15_000 });
});

it("asks for one frame at a time where the timer beats in place of pictures", async () => {
  pictures();
  const run = vi.fn();
  for (let times = 1; times <= 3; times += 1) {
    beforePicture(run);
    expect(asked.size).toBe(1);
    await vi.waitFor(() => expect(run).toHaveBeenCalledTimes(times), { timeout: 15_000 });
    expect(asked.size).toBe(0);
  }
});

it("calls the others back though one throws, and says what it threw", () => {
  const picture = pictures();
  const [one, other] = [vi.fn(), vi.fn()];
  const throws = (): never => {
    throw new Error("no drawing");
  };
  for (const run of [one, throws, other]) beforePicture(run);
  expect(picture).toThrow("no drawing");
  picture();
  expect([one.mock.calls.length, other.mock.calls.length, asked.size]).toEqual([1, 1, 0]);
});

it("does not call back what another took back in the same picture, and once more what asks anew", () => {
  const picture = pictures();
  const other = vi.fn();
  const again = vi.fn(() => again.mock.calls.length < 2 && beforePicture(again));
  for (const run of [() => forgo(other), other, again]) beforePicture(run);
  picture();
  expect([other.mock.calls.length, again.mock.calls.length]).toEqual([0, 1]);
  picture();
  picture();
  expect(again).toHaveBeenCalledTimes(2);
});
