// Keeps the board fresh: asks now and then, and when somebody looks again; costs nothing while
// nobody does. The server answers "unchanged" in a few bytes.
import type { BoardAnswer, BoardRow, BoardState } from "./wire";

/** How a refresh went. */
export type Freshness = { kind: "fresh" } | { kind: "offline"; since: number };

/** What the poller needs from its surroundings. */
export interface Surroundings {
  fetch: typeof fetch;
  page: Document;
  now: () => number;
}

/** Told of every answer. */
export interface Listener {
  rows: (rows: BoardRow[], serverNow: number | null) => void;
  freshness: (freshness: Freshness) => void;
}

/** How often the board is asked for. */
export const EVERY_MS = 30_000;
/** How long an answer may take. */
export const PATIENCE_MS = 8_000;

/** The address of the board's rows. */
export function boardUrl(state: Pick<BoardState, "competition" | "from" | "until" | "limit">): string {
  const query = new URLSearchParams();
  if (state.competition !== null) query.set("competition", state.competition);
  if (state.from !== null) query.set("from", state.from);
  if (state.until !== null) query.set("until", state.until);
  query.set("limit", String(state.limit));
  return `/v1/board?${query}`;
}

/** Starts asking; the function returned stops it. */
export function keepFresh(url: string, around: Surroundings, listener: Listener): () => void {
  let tag: string | null = null;
  let since: number | null = null;
  let asking = false;

  const ask = async (): Promise<void> => {
    if (asking || around.page.visibilityState === "hidden") return;
    asking = true;
    try {
      const headers: Record<string, string> = tag === null ? {} : { "if-none-match": tag };
      const answer = await around.fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
      if (answer.status !== 304) {
        if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
        const body = (await answer.json()) as BoardAnswer;
        tag = answer.headers.get("etag");
        const date = Date.parse(answer.headers.get("date") ?? "");
        listener.rows(body.data, Number.isNaN(date) ? null : date);
      }
      since = null;
      listener.freshness({ kind: "fresh" });
    } catch {
      since ??= around.now();
      listener.freshness({ kind: "offline", since });
    } finally {
      asking = false;
    }
  };

  const look = (): void => void ask();
  const timer = setInterval(look, EVERY_MS);
  const view = around.page.defaultView;
  around.page.addEventListener("visibilitychange", look);
  view?.addEventListener("focus", look);
  view?.addEventListener("online", look);
  return () => {
    clearInterval(timer);
    around.page.removeEventListener("visibilitychange", look);
    view?.removeEventListener("focus", look);
    view?.removeEventListener("online", look);
  };
}
