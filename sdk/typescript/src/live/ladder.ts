// Holds one connection to the feed, by the best way that works; steps down where one does not open
// and climbs again later. A connection that falls silent is as good as gone.
import type { Key } from "../api.js";
import type { Http } from "../http.js";
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
  /** `polling` says that no way is of use for now, and asking is left to others. */
  state(state: "live" | "polling" | "connecting", way: string): void;
}

/** The ladder. */
export class Ladder {
  #at = 0;
  /** The way that opened last, unless the server has said no since. */
  #best = Infinity;
  #tries = 0;
  #falls = 0;
  #climbAt = 0;
  /** Which attempt counts: what earlier ones say does not matter any more. */
  #turn = 0;
  #opened = false;
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
    if (this.#running) return;
    this.#running = true;
    this.#open();
  }

  /** Disconnects. */
  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#close();
  }

  /** Starts over at once, from the best way: there is a network again. */
  restart(): void {
    if (!this.#running) return;
    this.#falls = 0;
    this.#climb();
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
      this.ear.state("polling", "rest");
      // Where no server answered, no way is at fault.
      this.#later(this.http.reached ? CLIMB_MS : this.http.tools.backoff(this.#falls), () => this.#climb());
      return;
    }
    const [name, rung] = way;
    const turn = ++this.#turn;
    this.#opened = false;
    this.#hear();
    this.#climbAt = this.#at && (this.#climbAt || this.#heard + CLIMB_MS);
    this.#watch();
    const link = rung(this.http, this.wish, {
      opened: () => turn === this.#turn && this.#up(name),
      frame: (frame, size) => {
        if (turn !== this.#turn) return;
        this.#hear();
        this.ear.frame(frame, size);
      },
      ended: (gone) => turn === this.#turn && this.#ended(gone),
    });
    // One that cannot open here has said so by now.
    if (turn === this.#turn) this.#link = link;
    else link.close();
  }

  #up(name: string): void {
    const lesser = this.#at > this.#best;
    this.#best = this.#at;
    // The server is there: a better way, which opened before it was not, is tried once more.
    if (lesser) return this.#climb();
    if (!this.#opened) this.ear.state("live", name);
    this.#opened = true;
    this.#tries = this.#falls = 0;
    this.#hear();
  }

  #hear(): void {
    this.#heard = this.http.clock.local();
  }

  /** Looks now and then whether the server still says something. */
  #watch(): void {
    this.#later(SILENCE_MS / 4, () => {
      const now = this.http.clock.local();
      if (this.#climbAt && now >= this.#climbAt) this.#climb();
      else if (now - this.#heard < SILENCE_MS) this.#watch();
      else this.#ended(false);
    });
  }

  #ended(gone: boolean): void {
    this.#close();
    if (!this.#opened) this.#tries += 1;
    if (gone) this.#best = Infinity;
    if (gone || this.#tries >= TRIES) {
      this.#at += 1;
      this.#tries = 0;
    }
    this.ear.state("connecting", "rest");
    // A way that there is not costs no pause.
    this.#later(gone ? 0 : this.http.tools.backoff(this.#falls++), () => this.#open());
  }

  #climb(): void {
    this.#close();
    this.#at = this.#tries = this.#climbAt = 0;
    this.#open();
  }

  #close(): void {
    this.#turn += 1;
    this.#link?.close();
    this.#link = undefined;
  }

  #later(ms: number, run: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(run, ms);
  }
}
