// Follows the server's feed and takes its frames in. Loaded when something is first watched: a
// program that only calls does not pay for it.
import type { Key } from "../api.js";
import type { Client } from "../client.js";
import { alike, applied, type Frame } from "./frames.js";
import { Ladder, type Way } from "./ladder.js";
import { poll, sse, ws } from "./rungs.js";

/** Every way there is, best first. */
export const WAYS: readonly Way[] = [
  ["ws", ws],
  ["sse", sse],
  ["poll", poll],
];

/** A key that was one request too many is asked for again at the server's second beat, 15 to 30 s later. */
const AGAIN_BEATS = 2;
/** So many are asked for again at one beat; the rest at those that follow. */
const AGAIN_MAX = 8;

/** What the feed needs of those who share it. */
export interface Sharing {
  /** Keys that any tab watches and the feed can bring. */
  keys(): Key[];
  /** Whether this tab holds the connection. */
  leads(): boolean;
  /** Asks the tab that does for a whole state. */
  ask(key: Key): void;
  /** Hands a frame to the other tabs. */
  relay(frame: Frame, size: number): void;
  state(state: "live" | "polling" | "connecting", way: string): void;
}

/** The feed, as one client follows it. */
export class Feed {
  readonly ladder: Ladder;
  readonly alike = alike;
  /** Keys the feed does not bring, with the beats until they are asked for again; 0 for those it does not have. */
  readonly refused = new Map<Key, number>();
  /** Keys whose state does not fit what comes, until a whole one does. */
  readonly #broken = new Set<Key>();

  constructor(
    readonly client: Client,
    readonly sharing: Sharing,
    ways: readonly Way[],
  ) {
    const wish = {
      keys: () => sharing.keys().filter((key) => this.refused.get(key) !== 0),
      held: (key: Key) => {
        const rev = client.store.get(key)?.rev ?? null;
        // What does not fit is of no use, but a server that comes next must not be behind it.
        return rev && this.#broken.has(key) ? `${client.http.tools.momentOf(rev)}.0` : rev;
      },
    };
    this.ladder = new Ladder(ways, client.http, wish, {
      frame: (frame, size) => {
        sharing.relay(frame, size);
        this.receive(frame, size);
      },
      state: (state, way) => {
        // Another connection may lead to another server.
        this.refused.clear();
        sharing.state(state, way);
      },
    });
  }

  /** Another tab brought a whole state. */
  whole(key: Key): void {
    this.#broken.delete(key);
  }

  /** Takes a frame in, whoever got it. */
  receive(frame: Frame, size: number): void {
    const { store, clock } = this.client;
    if ("ts" in frame) clock.atLeast(frame.ts);
    if (frame.t === "inv") return this.client.invalidate(frame.tags, false);
    if (frame.t === "hb") return this.#beat();
    const { k } = frame as { k?: Key };
    if (!k) return;
    if (frame.t === "snap") this.#snapshot(frame, size);
    else if (frame.t === "d") this.#change(frame);
    else if (frame.t === "same") store.mark(k, { seen: clock.now() });
    else if (frame.t === "gap") {
      this.#broken.add(k);
      // What is held is of no history of this server: whatever comes is newer.
      if (frame.why === "ahead") store.mark(k, { rev: null, at: 0 });
    } else if (frame.t === "err") this.refused.set(k, frame.code === "too-many-requests" ? AGAIN_BEATS : 0);
  }

  /** Asks again for some of the keys that were too many. */
  #beat(): void {
    let room = AGAIN_MAX;
    for (const [key, beats] of this.refused) {
      if (beats > 1) this.refused.set(key, beats - 1);
      else if (beats && room-- > 0) {
        this.refused.delete(key);
        this.ladder.again(key);
      }
    }
  }

  #snapshot(frame: Frame & { t: "snap" }, size: number): void {
    const { clock, store } = this.client;
    const { k, id: rev, d: data } = frame;
    this.#broken.delete(k);
    const held = store.get(k);
    // An answer is of the moment it was given, a frame of the one its state came to be: where they say the
    // same, what is held has a revision now.
    if (!held?.rev && alike(held?.data, data)) store.mark(k, { rev, seen: clock.now() });
    else this.#take(frame, data, size);
    // An answer said otherwise, and later: only another tells which of the two is behind.
    if (store.get(k)?.rev === null && this.sharing.leads()) void this.client.reload(k);
  }

  #take({ k, id: rev, ts: at, cf: folded = 0 }: { k: Key; id: string; ts: number; cf?: number }, data: unknown, size: number): void {
    this.client.take(k, { data, rev, at, size, folded }, this.sharing.leads() ? "network" : "tab");
  }

  #change(frame: Frame & { t: "d" }): void {
    const { momentOf } = this.client.http.tools;
    const held = this.client.store.get(frame.k);
    // Twice, or late.
    if (momentOf(frame.id) <= momentOf(held?.rev)) return;
    if (frame.b !== held?.rev) return this.again(frame.k);
    try {
      this.#take(frame, applied(held.data, frame.d), held.size);
    } catch {
      this.again(frame.k);
    }
  }

  /** Asks for a whole state, once until it comes. */
  again(key: Key): void {
    // What is neither held nor watched here is another tab's.
    if (this.#broken.has(key) || !(this.client.store.get(key) || this.client.store.watched().includes(key))) return;
    this.#broken.add(key);
    if (this.sharing.leads()) this.ladder.again(key);
    else this.sharing.ask(key);
  }
}
