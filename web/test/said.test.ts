// What is said aloud, and what is tinted.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SAY_MS, speaker } from "../src/said";
import { tinted } from "../src/tint";

let now = 0;
beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());
const pass = (ms: number) => {
  now += ms;
  vi.advanceTimersByTime(ms);
};
const said = () => document.getElementById("said")!.textContent;

test("the newest sentence is said, at a bounded rate, and none twice", () => {
  document.body.innerHTML = '<p id="said"></p>';
  const speak = speaker(document, "said", () => now);
  speak.say("0-0", "silently");
  speak.say("0-0");
  pass(10);
  expect(said()).toBe("");
  speak.say("1-0");
  pass(10);
  expect(said()).toBe("1-0");
  speak.say("2-0");
  speak.say("2-1");
  pass(SAY_MS / 2);
  expect(said()).toBe("1-0");
  pass(SAY_MS);
  expect(said()).toBe("2-1");
  speak.say("3-1");
  speak.say("2-1"); // It did not count: nothing is new.
  pass(2 * SAY_MS);
  expect(said()).toBe("2-1");
  speak.say("2-2");
  speak.stop();
  pass(2 * SAY_MS);
  expect(said()).toBe("2-1");
});

test("only figures that changed are tinted", () => {
  document.body.innerHTML = '<div id="part"><b class="p">1%</b><b class="p">2%</b></div>';
  const part = document.getElementById("part")!;
  const [one, two] = [...part.children];
  tinted(part, () => {
    one!.textContent = "3%";
    part.insertAdjacentHTML("beforeend", '<b class="p">new</b>');
  });
  expect([...part.children].map((it) => it.classList.contains("changed"))).toEqual([true, false, false]);
  tinted(part, () => (two!.textContent = "4%"));
  expect([...part.children].map((it) => it.classList.contains("changed"))).toEqual([false, true, false]);
});
