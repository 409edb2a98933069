// Holds one connection to the feed, by the best way that works; steps down where one does not open
// and climbs again later. A connection that falls silent is as good as gone.
import type { Key } from "../api.js";
import type { Http } from "../http.js";
import { backoff } from "../http.js";
import type { Frame } from "./frames.js";
import type { Link, Rung, Wish } from "./rungs.js";

/** The server says something at least every 15 s; after this long it is not there. */
const SILENCE_MS = 40_000;
/** Attempts that do not open before the next way is tried. */
const TRIES = 2;
/** How long to stay with a lesser way before the best is tried again. */
const CLIMB_MS = 300_000;

/** A way with its name. */
export type Way = readonly [name: string, rung: Rung];

/** What the ladder tells. */
export interface LadderEar {
  frame(frame: Frame, size: number): void;
  /** `way` is open; nothing where none is, and asking is left to others. `lost` says that the last way is no use. */
  state(way: string | undefined, lost: boolean): void;
}

/** The ladder. */
export class Ladder {
  #at = 0;
  #tries = 0;
  #falls = 0;
  #climbAt = 0;
  #link: Link | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heard = 0;
  #running = false;

  constructor(
    readonly ways: readonly Way[],
    readonly http: Http,
    readonly wish: Wish,
    readonly ear: LadderEar,
  ) {}

  /** Connects, if it has not. */
  start(): void {
    if (this.#running || this.ways.length === 0) return;
    this.#running = true;
    this.#open();
  }

  /** Disconnects. */
  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#link?.close();
    this.#link = undefined;
  }

  /** Starts over at once, from the best way: there is a network again. */
  restart(): void {
    if (!this.#running) return;
    this.stop();
    this.#at = this.#tries = this.#falls = 0;
    this.start();
  }

  /** The keys to follow have changed. */
  changed(): void {
    this.#link?.changed();
  }

  /** Asks for the whole of a key. */
  again(key: Key): void {
    this.#link?.again(key);
  }

  #open(): void {
    const way = this.ways[this.#at];
    if (!way) {
      this.ear.state(undefined, true);
      this.#later(CLIMB_MS, () => this.#climb());
      return;
    }
    const [name, rung] = way;
    let open = false;
    let mine = true;
    const link = rung(this.http, this.wish, {
      opened: () => {
        if (!mine) return;
        if (!open) this.ear.state(name, false);
        open = true;
        this.#tries = this.#falls = 0;
        this.#heard = this.http.clock.local();
      },
      frame: (frame, size) => {
        if (!mine) return;
        this.#heard = this.http.clock.local();
        this.ear.frame(frame, size);
      },
      ended: (gone) => {
        if (!mine) return;
        mine = false;
        this.#ended(gone, open);
      },
    });
    // One that cannot open here has said so by now.
    if (!mine) return link.close();
    this.#link = {
      ...link,
      close: () => {
        mine = false;
        link.close();
      },
    };
    this.#heard = this.http.clock.local();
    this.#climbAt ||= this.#at > 0 ? this.#heard + CLIMB_MS : 0;
    this.#watch();
  }

  /** Looks now and then whether the server still says something. */
  #watch(): void {
    this.#later(SILENCE_MS / 4, () => {
      const now = this.http.clock.local();
      const climb = this.#climbAt > 0 && now >= this.#climbAt;
      if (!climb && now - this.#heard < SILENCE_MS) return this.#watch();
      this.#link?.close();
      if (climb) this.#climb();
      else this.#ended(false, true);
    });
  }

  #ended(gone: boolean, open: boolean): void {
    this.#link = undefined;
    if (!this.#running) return;
    if (!open) this.#tries += 1;
    if (gone || this.#tries >= TRIES) {
      this.#at += 1;
      this.#tries = 0;
    }
    this.ear.state(undefined, false);
    this.#falls += 1;
    this.#later(backoff(this.#falls - 1), () => this.#open());
  }

  #climb(): void {
    this.#at = this.#tries = this.#climbAt = 0;
    this.#open();
  }

  #later(ms: number, run: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(run, ms);
  }
}
