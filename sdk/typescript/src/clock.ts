// The server's time, learnt from its answers. `Date` counts whole seconds, so one answer bounds the
// offset to an interval of a second and the way there and back; the cut of many is narrower.

/** The server's clock as far as it is known here. Times are milliseconds since 1970. */
export class Clock {
  #low = -Infinity;
  #high = Infinity;

  constructor(readonly local: () => number = Date.now) {}

  /** Learns from a `Date` header, given when the request left and when its answer came. */
  learn(date: number, sent: number, received: number): void {
    // Written at some moment between the two, and cut to its second.
    this.#cut(date - received, date + 1000 - sent);
  }

  /** Learns from a time in a frame: it was the server's before the frame came. */
  atLeast(time: number): void {
    this.#cut(time - this.local(), Infinity);
  }

  #cut(low: number, high: number): void {
    if (low > this.#high || high < this.#low) [this.#low, this.#high] = [low, high]; // a clock was set
    else [this.#low, this.#high] = [Math.max(low, this.#low), Math.min(high, this.#high)];
  }

  /** What to add to the local time. */
  get offset(): number {
    if (this.#high === Infinity) return this.#low === -Infinity ? 0 : this.#low;
    return (this.#low + this.#high) / 2;
  }

  /** The server's time now. */
  now(): number {
    return this.local() + this.offset;
  }
}
