// Tints figures that have changed, briefly. Under reduced motion the style does nothing.

/** Figures on pages. */
const FIGURES = ".p, .mid, td, .score, .value, output";

/** Runs a change of `part` and tints the figures whose text is another afterwards. */
export function tinted(part: Element, change: () => void): void {
  const before = new Map(figures(part).map((it) => [it, it.textContent]));
  change();
  for (const it of figures(part)) {
    const text = before.get(it);
    // Started anew, where it changes again before the last tint has faded.
    it.classList.remove("changed");
    if (text === undefined || text === it.textContent) continue;
    it.getBoundingClientRect();
    it.classList.add("changed");
  }
}

/** Tints one figure of many, without making the browser lay the page out in between. */
export function tint(figure: Element): void {
  figure.classList.remove("changed");
  requestAnimationFrame(() => figure.classList.add("changed"));
}

function figures(part: Element): Element[] {
  return [...part.querySelectorAll(FIGURES)];
}
