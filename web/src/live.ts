// Follows what a page shows, on the project's own SDK: from the revision the page was written at, by
// the best way there is, drawn at most once per frame. A page that is paused keeps what it shows.
import type { Client, Connection, Entry, Key } from "@sports-edge/sdk";

/** How a refresh went. */
export type Freshness = { kind: "fresh" } | { kind: "offline"; since: number };

/** What programs need from their surroundings. */
export interface Surroundings {
  fetch: typeof fetch;
  page: Document;
  now: () => number;
}

/** The same with a way to the live feed. */
export interface Connected extends Surroundings {
  /** The client of the SDK that all of a page share; loaded when it is first needed. */
  connect: () => Promise<Client>;
  /** Told when a change of this moment of the server's clock was drawn. */
  drawn?: (at: number) => void;
}

/** How long an answer may take. */
export const PATIENCE_MS = 8_000;
/** How long a connection may be lost before the page says that its figures may be old. */
export const LOST_MS = 2_000;

/** A followed answer, as the server put it into the page. */
export interface Held<T> {
  key: string;
  /** The revision it is told as; null where it was not read from the feed. */
  rev: string | null;
  /** Its moment by the server's clock, in milliseconds since 1970. */
  at: number;
  data: T;
}

/** Told of what is new. */
export interface Ear<T> {
  /** Another state, or another doubt of it. */
  changed: (entry: Entry<T>) => void;
  /** How things stand between here and the server; `""` where nothing is wrong. */
  standing: (connection: Connection, trouble: string) => void;
}

/** Something that is followed. */
export interface Following {
  /** Stops or goes on showing what comes; what came meanwhile is shown at once. */
  pause: (paused: boolean) => void;
  stop: () => void;
}

/** How things stand in a word. */
export const wayOf = ({ state }: Connection): string => WAYS[state];

const WAYS = { idle: "Connecting", connecting: "Connecting", live: "Live", polling: "Asking", offline: "Offline", refused: "Refused" };

/** Starts following. */
export function follow<T>(around: Connected, held: Held<T>, ear: Ear<T>): Following {
  const key = held.key as Key<T>;
  const view = around.page.defaultView!;
  let client: Client | undefined;
  let ends: (() => void)[] = [];
  let [stopped, paused, frame] = [false, false, 0];
  let shown = seal(held.rev, null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  // Whether it has been lost for long enough to say so.
  let late = false;

  const draw = (): void => {
    frame = 0;
    const entry = client?.peek(key);
    if (stopped || paused || entry === undefined || seal(entry.rev ?? entry.etag, entry.doubt) === shown) return;
    shown = seal(entry.rev ?? entry.etag, entry.doubt);
    ear.changed(entry);
    around.drawn?.(entry.at);
  };
  const later = (): void => {
    if (frame === 0) frame = view.requestAnimationFrame(draw);
  };
  const stand = (): void => {
    const { connection, store } = client!;
    const { now } = connection;
    const lost = now.state === "offline" || now.state === "connecting" || store.error(key) !== undefined;
    if (!lost) {
      clearTimeout(timer);
      [timer, late] = [undefined, false];
    } else
      timer ??= setTimeout(() => {
        late = true;
        stand();
        void signInAgain(around);
      }, LOST_MS);
    ear.standing(now, now.state === "offline" || late ? LOST : "");
  };
  const begin = (it: Client): void => {
    if (stopped) return;
    client = it;
    it.clock.atLeast(held.at);
    if (held.rev !== null) it.hydrate([[key, entryOf(held)]]);
    ends = [it.watch(key, () => (later(), stand())), it.connection.watch(stand)];
    stand();
    later();
  };
  // A page that was left open over a release may not find its files: it stays as it is.
  void around.connect().then(begin, () => ear.standing({ state: "offline", way: "rest", leader: false, since: around.now() }, LOST));
  return {
    pause: (now) => {
      paused = now;
      if (!now) draw();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      view.cancelAnimationFrame(frame);
      ends.forEach((end) => end());
    },
  };
}

/** Whose session has ended is refused by every way to the server: the page itself says so, by leading to the form. */
async function signInAgain({ fetch, page }: Connected): Promise<void> {
  const { href } = page.location;
  const answer = await fetch(href, { method: "HEAD", headers: { accept: "text/html" }, redirect: "manual", cache: "no-store" }).catch(() => null);
  if (answer?.type === "opaqueredirect") page.location.reload();
}

const LOST = "The server is out of reach: these figures may be old. Trying again.";

const seal = (rev: string | null, doubt: string | null): string => `${rev} ${doubt}`;

function entryOf<T>({ rev, at, data }: Held<T>): Entry<T> {
  return { data, rev, at, seen: at, source: "network", etag: null, tags: [], size: JSON.stringify(data).length, doubt: null, folded: 0 };
}

/** Writes what is wrong into the page's banner; `""` takes it away. */
export function tell(page: Document, trouble: string): void {
  const banner = page.getElementById("banner");
  if (banner !== null && banner.textContent !== trouble) banner.textContent = trouble;
}

/** Takes over a button that pauses; the function returned lets go of it. */
export function pausing(button: HTMLElement | null, pause: (paused: boolean) => void): () => void {
  if (button === null) return () => {};
  let paused = false;
  const toggle = (): void => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? "Resume" : "Pause";
    pause(paused);
  };
  button.hidden = false;
  button.addEventListener("click", toggle);
  return () => button.removeEventListener("click", toggle);
}
