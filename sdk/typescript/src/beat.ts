// Many changes, one drawing: what wants to draw is called back together, right before the next picture.
// A page that draws nothing does not beat, so a timer stands behind it.

/** How many are called back for one picture, so that none takes long to draw. */
const CALLED_MAX = 50;
/** Longer than a picture takes on any screen, in milliseconds. */
const BEAT_MS_MAX = 100;

const waiting = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | undefined;
let frame: number;

/** Calls back once before the next picture however often it is asked to; at once where none are drawn. */
export function beforePicture(run: () => void): void {
  const scope = globalThis as Partial<Pick<typeof globalThis, "document" | "requestAnimationFrame">>;
  if (!scope.requestAnimationFrame || scope.document?.visibilityState === "hidden") return run();
  waiting.add(run);
  if (timer === undefined) ask();
}

/** Takes back what has not been called yet. */
export function forgo(run: () => void): void {
  waiting.delete(run);
}

function ask(): void {
  timer = setTimeout(beat, BEAT_MS_MAX);
  frame = requestAnimationFrame(beat);
}

// Whichever comes first ends the other: frames pile up where no pictures are drawn.
function beat(): void {
  clearTimeout(timer);
  cancelAnimationFrame(frame);
  timer = undefined;
  try {
    for (const run of [...waiting].slice(0, CALLED_MAX)) if (waiting.delete(run)) run();
  } finally {
    // What is left, after one that threw, too, is for the next picture.
    if (waiting.size > 0 && timer === undefined) ask();
  }
}
