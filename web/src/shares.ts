// Probabilities of who wins, written over those before.
import { percent } from "./format";

/** Writes figures and bar of a view that the server wrote. */
export function showShares(view: Element, probabilities: readonly number[]): void {
  const [figures, bars] = [view.querySelectorAll(".p"), view.querySelectorAll(".bar rect")];
  let start = 0;
  probabilities.forEach((share, index) => {
    const figure = figures[index]?.querySelector("abbr")?.nextSibling;
    if (figure) figure.nodeValue = ` ${percent(share)}`;
    bars[index]?.setAttribute("x", percent(start));
    bars[index]?.setAttribute("width", percent(share));
    start += share;
  });
}

/** Takes away figures and bar that answer another question. */
export function showNone(view: Element): void {
  for (const name of view.querySelectorAll(".p abbr")) if (name.nextSibling) name.nextSibling.nodeValue = " \u2013";
  for (const bar of view.querySelectorAll(".bar rect")) bar.setAttribute("width", "0%");
}
