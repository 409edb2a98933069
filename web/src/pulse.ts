// Keeps a page fresh that the server writes: asks for it again every few seconds while somebody
// looks, less often while there is no answer, not at all while paused. "Unchanged" costs a few bytes.
import { PATIENCE_MS, type Freshness, type Surroundings } from "./live";

/** How often the page is asked for. */
export const PULSE_MS = 5_000;
/** How often at least, where there was no answer. */
export const SLOWEST_MS = 60_000;

/** Told of every answer. */
export interface Listener {
  /** The page as it is now; `null` where it is as it was. */
  page: (fresh: Document | null) => void;
  freshness: (freshness: Freshness) => void;
}

/** A pulse that beats. */
export interface Pulse {
  /** Asks now, also while paused. */
  beat: () => Promise<void>;
  pause: (paused: boolean) => void;
  stop: () => void;
}

/** Starts asking. */
export function pulse(url: string, around: Surroundings, listener: Listener): Pulse {
  let tag: string | null = null;
  let since: number | null = null;
  let wait = PULSE_MS;
  let [paused, stopped] = [false, false];
  let timer: ReturnType<typeof setTimeout>;
  // What was asked last counts; an answer to what was asked before it is dropped.
  let turn = 0;

  const beat = async (): Promise<void> => {
    const mine = ++turn;
    clearTimeout(timer);
    try {
      const headers: Record<string, string> = { accept: "text/html" };
      if (tag !== null) headers["if-none-match"] = tag;
      const answer = await around.fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
      if (!answer.ok && answer.status !== 304) throw new Error(`the server answered ${answer.status}`);
      const text = answer.status === 304 ? null : await answer.text();
      if (mine !== turn || stopped) return;
      // Whose session has ended is sent to sign in, and comes back from there.
      if (answer.redirected && around.page.querySelector("dialog[open]") === null) return around.page.location.assign(answer.url);
      if (answer.redirected) throw new Error("the session has ended, and a question is open that can sign in");
      if (text !== null) tag = answer.headers.get("etag");
      listener.page(text === null ? null : new DOMParser().parseFromString(text, "text/html"));
      [since, wait] = [null, PULSE_MS];
      listener.freshness({ kind: "fresh" });
    } catch {
      if (mine !== turn || stopped) return;
      since ??= around.now();
      wait = Math.min(wait * 2, SLOWEST_MS);
      listener.freshness({ kind: "offline", since });
    }
    next();
  };

  const look = (): void => {
    if (around.page.visibilityState === "hidden" || paused) next();
    else void beat();
  };
  const next = (): void => {
    clearTimeout(timer);
    if (!stopped && !paused) timer = setTimeout(look, wait);
  };
  const seen = (): void => {
    if (around.page.visibilityState !== "hidden" && !paused) void beat();
  };

  timer = setTimeout(look, wait);
  around.page.addEventListener("visibilitychange", seen);
  return {
    beat,
    pause: (now) => {
      paused = now;
      if (now) clearTimeout(timer);
      else void beat();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      around.page.removeEventListener("visibilitychange", seen);
    },
  };
}
