// The developers' console: a client of its own, without other tabs, whose frames are looked at on
// their way, and whose connection can be broken to see that it ends with the server's state.
import { createClient, page as surroundings, type Client, type ClientOptions, type Entry, type Key } from "@sports-edge/sdk";
import { afterPaint, Latency, WAYS, type Frame, type Way } from "@sports-edge/sdk/live";
import { bytes } from "./format";
import { equal } from "./equal";
import { wayOf, type Surroundings } from "./live";

/** Frames that are listed. */
const LISTED_MAX = 100;
/** Characters of a frame that are shown. */
const SHOWN_MAX = 300;
/** How often figures are written, and latencies told. */
const FIGURES_MS = 500;
const REPORT_MS = 10_000;
/** How long the state here may take to equal the server's, and how often that is looked at. */
const CONVERGE_MS = 15_000;
const LOOK_MS = 250;

/** What breaks a connection. */
interface Taps {
  ways: Way[];
  /** Ends the connection there is; `gone` says that its way is no use any more. */
  cut: (gone: boolean) => void;
  off: boolean;
}

/** Ways whose frames are seen on their way, and which can be cut. */
function tapped(ways: readonly Way[], seen: (way: string, frame: Frame, size: number) => void, begins: () => void): Taps {
  const taps: Taps = { ways: [], cut: () => {}, off: false };
  taps.ways = ways.map(([name, rung]) => [
    name,
    (http, wish, ear) => {
      // Without a network nothing opens, and nobody says so.
      if (taps.off) return { changed: () => {}, again: () => {}, close: () => {} };
      begins();
      const link = rung(http, wish, {
        ...ear,
        ended: (gone) => ear.ended(gone),
        frame: (frame, size) => {
          seen(name, frame, size);
          ear.frame(frame, size);
        },
      });
      taps.cut = (gone) => {
        ear.ended(gone);
        link.close();
      };
      return link;
    },
  ]);
  return taps;
}

/** Starts the console; the function returned ends it. */
export function startConsole(around: Surroundings, options: ClientOptions = {}, ways: readonly Way[] = WAYS): () => void {
  const block = around.page.getElementById("console");
  const key = block?.dataset["key"];
  return block === null || key === undefined ? () => {} : new Console(around, key as Key, options, ways).start();
}

class Console {
  private readonly taps: Taps;
  private readonly client: Client;
  private readonly latency: Latency;
  private readonly counts = { frames: 0, bytes: 0, folded: 0 };
  private readonly ends: (() => void)[] = [];
  private stopped = false;
  /** Whether a connection that was live was lost, or broken by hand. */
  private lost = false;
  /** Whether the state of the key came over this connection: what comes after it is live. */
  private current = false;
  private was = "";
  private changed: () => void = () => {};

  constructor(
    private readonly around: Surroundings,
    private readonly key: Key,
    options: ClientOptions,
    ways: readonly Way[],
  ) {
    const begins = (): void => void (this.current = false);
    this.taps = tapped(ways, (way, frame, size) => this.seen(way, frame, size), begins);
    const outside = surroundings();
    this.client = createClient({
      ...options,
      live: this.taps.ways,
      tabs: false,
      surroundings: {
        ...outside,
        online: () => !this.taps.off && outside.online(),
        subscribe: (changed) => {
          this.changed = changed;
          return outside.subscribe(changed);
        },
      },
    });
    this.latency = new Latency(this.client);
  }

  start(): () => void {
    // The server does not know whether it is reached by TLS.
    this.around.page.getElementById("console-origin")?.replaceChildren(this.around.page.location.origin);
    const acts = this.at("console-acts");
    acts.hidden = false;
    const clicked = (event: Event): void => this.act((event.target as Element).closest<HTMLElement>("button[data-act]"));
    acts.addEventListener("click", clicked);
    const figures = setInterval(() => this.figures(), FIGURES_MS);
    const report = setInterval(() => void this.sync(1), REPORT_MS);
    this.ends.push(
      this.client.watch(this.key, () => this.figures()),
      this.client.connection.watch(() => this.connected()),
      () => (clearInterval(figures), clearInterval(report), acts.removeEventListener("click", clicked)),
    );
    void this.sync();
    this.figures();
    return () => {
      this.stopped = true;
      this.ends.forEach((end) => end());
      void this.client.close();
    };
  }

  private at(id: string): HTMLElement {
    return this.around.page.getElementById(id)!;
  }

  private write(id: string, text: string): void {
    const place = this.at(id);
    if (place.textContent !== text) place.textContent = text;
  }

  private async sync(questions?: number): Promise<void> {
    await this.latency.sync(questions).catch(() => undefined);
    if (!this.stopped) this.figures();
  }

  /** A frame comes: it is counted and listed, and how long it took to the screen is measured. */
  private seen(way: string, frame: Frame, size: number): void {
    const { page } = this.around;
    this.counts.frames += 1;
    this.counts.bytes += size;
    if (frame.t === "d") this.counts.folded += frame.cf ?? 0;
    const ts = "ts" in frame ? frame.ts : undefined;
    const under = ts !== undefined && this.latency.offset !== undefined ? `${Math.max(0, Date.now() + this.latency.offset - ts).toFixed(1)} ms` : "";
    const text = JSON.stringify(frame);
    const cells = [
      new Date().toISOString().slice(11, 23),
      KINDS[frame.t] ?? frame.t,
      way,
      "id" in frame ? frame.id : "",
      String(size),
      frame.t === "d" && frame.cf ? String(frame.cf) : "",
      under,
    ];
    const row = page.createElement("tr");
    for (const [index, cell] of cells.entries()) {
      const place = page.createElement("td");
      place.textContent = cell;
      if (index === 1 || index === 2) place.className = "l";
      row.append(place);
    }
    const place = page.createElement("td");
    const code = page.createElement("code");
    place.className = "l";
    code.textContent = text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
    place.append(code);
    row.append(place);
    const list = this.at("console-list");
    list.prepend(row);
    while (list.children.length > LISTED_MAX) list.lastElementChild!.remove();
    // What a connection begins with may have been so for long.
    if (frame.t === "d" && this.current) afterPaint(page.defaultView!, () => this.latency.painted(frame.ts));
    if (frame.t === "snap" || frame.t === "d" || frame.t === "same") this.current = true;
  }

  private figures(): void {
    const { connection } = this.client;
    const entry = this.client.peek(this.key);
    const { count, offset, error, all } = this.latency;
    const ms = (value: number | undefined): string => (value === undefined ? "\u2013" : `${value.toFixed(1)} ms`);
    this.write("console-state", connection.now.state === "live" ? `Live by ${connection.now.way}` : wayOf(connection.now));
    this.write("console-rev", entry ? (entry.rev ?? "none yet") : "\u2013");
    this.write("console-frames", String(this.counts.frames));
    this.write("console-bytes", bytes(this.counts.bytes));
    this.write("console-folded", String(this.counts.folded));
    this.write("console-offset", offset === undefined ? "\u2013" : `${offset.toFixed(1)} ± ${error.toFixed(1)} ms`);
    this.write("console-latency", count === 0 ? "\u2013" : `p50 ${ms(this.latency.quantile(0.5))}, p99 ${ms(this.latency.quantile(0.99))}`);
    this.write("console-all", all?.p50_ms == null ? "\u2013" : `p50 ≤ ${all.p50_ms} ms, p99 ${all.p99_ms === null ? "> 5000" : `≤ ${all.p99_ms}`} ms`);
    const refused = this.client.store.error(this.key);
    if (refused !== undefined && entry === undefined) this.write("console-word", `${this.key} cannot be had: ${String((refused as Error).message)}`);
  }

  /** A connection that was broken and is there again has to end with the server's state. */
  private connected(): void {
    const { state } = this.client.connection.now;
    if (this.was === "live" && state !== "live") this.lost = true;
    if (state === "live" && this.lost) {
      this.lost = false;
      void this.converge("Connected again");
    }
    this.was = state;
    this.figures();
  }

  private act(button: HTMLElement | null): void {
    const act = button?.dataset["act"];
    if (act === "cut") this.broken("The connection is broken.", () => this.taps.cut(false));
    else if (act === "next") this.broken("The way is given up; the next one is tried.", () => this.taps.cut(true));
    else if (act === "compare") void this.converge("Compared");
    else if (act === "offline") this.offline(button!);
  }

  private broken(word: string, run: () => void): void {
    this.write("console-word", word);
    this.lost = true;
    this.was = "broken";
    run();
  }

  private offline(button: HTMLElement): void {
    this.taps.off = !this.taps.off;
    button.setAttribute("aria-pressed", String(this.taps.off));
    button.textContent = this.taps.off ? "Go online" : "Go offline";
    this.broken(this.taps.off ? "Offline: nothing comes, and what is here grows old." : "Online again.", () => this.taps.cut(false));
    this.changed();
  }

  /** Waits until the state here is what a request for it answers. */
  private async converge(word: string): Promise<void> {
    const address = `/v1/${this.key}`;
    const began = Date.now();
    while (!this.stopped && Date.now() - began < CONVERGE_MS) {
      // What is refused will not come by asking again.
      if (this.client.refused(this.key)) return this.figures();
      try {
        const answer: unknown = JSON.parse((await this.client.http.send({ method: "GET", address, once: true })).text);
        const entry: Entry | undefined = this.client.peek(this.key);
        if (entry && equal(entry.data, answer)) return this.write("console-word", `${word}: the state here equals the server's${entry.rev === null ? "" : `, at ${entry.rev}`}.`);
      } catch {
        // It is asked again until time is up.
      }
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
    if (!this.stopped) this.write("console-word", `${word}: after ${CONVERGE_MS / 1000} s the state here still differs from the server's.`);
  }
}

/** Kinds of frames in words. */
const KINDS: Record<string, string> = { snap: "snapshot", d: "delta", hb: "heartbeat", same: "still holds", gap: "gap", stale: "stale", err: "refused", inv: "invalidated" };
