// Says what changed to those who listen instead of looking, at a bounded rate: the newest of what
// came meanwhile, never a flood.

/** The least time between two sentences. */
export const SAY_MS = 15_000;

/** Says sentences. */
export interface Speaker {
  /** Says a sentence when its time has come, unless it was the last one said. */
  say: (sentence: string, how?: "silently") => void;
  stop: () => void;
}

/** Speaks through the element with this id, which must be a live region. */
export function speaker(page: Document, id: string, now: () => number): Speaker {
  let [last, at] = ["", -Infinity];
  let next: string | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const speak = (): void => {
    timer = undefined;
    const place = page.getElementById(id);
    if (next === null || place === null) return;
    [last, at] = [next, now()];
    next = null;
    place.textContent = last;
  };
  return {
    say: (sentence, how) => {
      if (how === "silently") last = sentence;
      next = sentence === last ? null : sentence;
      if (next !== null) timer ??= setTimeout(speak, Math.max(0, at + SAY_MS - now()));
    },
    stop: () => clearTimeout(timer),
  };
}
