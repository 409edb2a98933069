// @vitest-environment jsdom
// Many changes are one drawing, and none is lost where no pictures come.
import { afterEach, expect, it, vi } from "vitest";
import { beforePicture, forgo } from "../src/beat.js";

afterEach(() => vi.unstubAllGlobals());

/** Pictures that come when a test says so. */
function pictures(): () => void {
  const due: (() => void)[] = [];
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => due.push(run));
  return () => due.splice(0).forEach((run) => run());
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
