// One browser, one connection: tabs elect a leader by a lock that ends with its holder, and talk
// over a channel. Where there is neither, a tab leads itself.
import type { Key } from "./api.js";
import { unique } from "./http.js";
import type { Entry } from "./store.js";
import type { Connection } from "./connection.js";
import type { Frame } from "./live/frames.js";

/** What tabs tell each other. */
export type Word =
  /** What a tab watches; nothing while nobody looks at it. */
  | { t: "want"; from: string; k: Key[] }
  /** A leader begins and asks who wants what. */
  | { t: "lead" }
  /** A tab asks the leader for what it holds. */
  | { t: "get"; k: Key }
  | { t: "put"; k: Key; e: Entry }
  /** An entry still holds. */
  | { t: "held"; k: Key; seen: number }
  | { t: "frame"; f: Frame; n: number }
  | { t: "link"; c: Connection }
  | { t: "drop"; tags: string[] }
  | { t: "position"; p: string };

/** A tab among others. */
export class Tabs {
  readonly id = unique();
  leader = false;
  #channel: BroadcastChannel | undefined;
  readonly #ending = new AbortController();

  /** Joins the tabs of a name. `lead` is called once, if and when this tab leads. */
  constructor(name: string, shared: boolean, hear: (word: Word) => void, lead: () => void) {
    const locks = (globalThis as { navigator?: Partial<Navigator> }).navigator?.locks;
    const { signal } = this.#ending;
    const first = () => {
      if (signal.aborted) return;
      this.leader = true;
      lead();
    };
    if (!shared || !locks || typeof BroadcastChannel === "undefined") {
      queueMicrotask(first);
      return;
    }
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => hear(data as Word);
    // The lock is held until the tab goes or closes its client.
    const hold = () => {
      first();
      if (signal.aborted) return undefined;
      return new Promise<void>((done) => signal.addEventListener("abort", () => done()));
    };
    locks.request(name, { signal }, hold).catch(() => undefined);
  }

  /** Tells all other tabs. */
  tell(word: Word): void {
    this.#channel?.postMessage(word);
  }

  close(): void {
    this.leader = false;
    this.#ending.abort();
    this.#channel?.close();
    this.#channel = undefined;
  }
}
