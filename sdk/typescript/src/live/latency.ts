// How long a change takes from the server to the screen, measured here and told to the server in
// handfuls, so that who runs it sees it. The clocks are compared by the quickest of a few questions.
import type { Client } from "../client.js";
import { parsed } from "../http.js";

/** Where measurements go, and what answers with the server's time. */
const ADDRESS = "/v1/live/latency";
/** Measurements kept until they are told, and for the figures here. */
const UNTOLD_MAX = 50;
const KEPT_MAX = 500;
/** Questions by which the clocks are compared. */
const QUESTIONS = 5;

/** What the server says: its clock, and how all clients fare. */
export interface LatencyAnswer {
  now_ms: number;
  count: number;
  p50_ms: number | null;
  p99_ms: number | null;
}

/** Measures one client. */
export class Latency {
  /** What to add to the clock here to get the server's, in milliseconds; undefined before it is known. */
  offset: number | undefined;
  /** Half of the quickest way there and back: the offset is right to within so much. */
  error = Infinity;
  /** What the server last said of all its clients. */
  all: LatencyAnswer | undefined;
  #kept: number[] = [];
  #untold: number[] = [];

  constructor(readonly client: Client) {}

  /** Compares the clocks, and tells what was measured. */
  async sync(questions = QUESTIONS): Promise<void> {
    for (let question = 0; question < questions; question += 1) {
      const samples_ms = this.#untold.splice(0, UNTOLD_MAX);
      const sent = this.client.clock.local();
      const { text } = await this.client.http.send({ method: "POST", address: ADDRESS, body: { samples_ms }, once: true });
      const received = this.client.clock.local();
      this.all = parsed(text) as LatencyAnswer;
      const error = (received - sent) / 2;
      if (error > this.error) continue;
      this.error = error;
      this.offset = this.all.now_ms - (sent + received) / 2;
    }
  }

  /** Something that happened at a moment of the server's clock is on the screen now. */
  painted(at: number): void {
    if (this.offset === undefined) return;
    const took = Math.max(0, this.client.clock.local() + this.offset - at);
    // Half-right clocks and tabs that slept say nothing.
    if (took > 60_000) return;
    this.#kept.push(took);
    if (this.#kept.length > KEPT_MAX) this.#kept.shift();
    if (this.#untold.length < UNTOLD_MAX) this.#untold.push(took);
  }

  /** Measurements here. */
  get count(): number {
    return this.#kept.length;
  }

  /** What a share of the measurements here was below, in milliseconds. */
  quantile(share: number): number | undefined {
    const sorted = [...this.#kept].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  }
}

/** Calls back once what was changed before is on the screen. */
export function afterPaint(view: { requestAnimationFrame(run: () => void): unknown }, done: () => void): void {
  view.requestAnimationFrame(() => afterFrame(done));
}

/** The same for what is changed in a frame's own callback: a frame less. */
export function afterFrame(done: () => void): void {
  // The task after a frame's callbacks comes when it was drawn.
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    done();
  };
  port2.postMessage(undefined);
}
