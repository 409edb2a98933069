// Keeps what this tab watches current, together with the other tabs: the leader follows the feed and
// asks where there is none, the others listen to it.
import { followable, type Key } from "./api.js";
import type { Client } from "./client.js";
import type { State } from "./connection.js";
import type { Feed } from "./live/feed.js";
import type { Way } from "./live/ladder.js";
import { Tabs, type Word } from "./tabs.js";

/** How often a tab repeats what it watches, and after how long a silent one is forgotten. */
const REPEAT_MS = 20_000;
const FORGET_MS = 150_000;
/** How often it is looked whether something is due. */
const TICK_MS = 500;
/** An answer that says no is asked for again after so many times the usual pause. */
export const REFUSED_TIMES = 10;

/** What a client shares with the other tabs of its browser. */
export class Relay {
  readonly tabs: Tabs;
  readonly #wants = new Map<string, { keys: Key[]; at: number }>();
  readonly #asked = new Map<Key, number>();
  #feed: Feed | undefined;
  #loading: Promise<Feed | undefined> | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #repeated = 0;
  #mine: Key[] = [];

  constructor(
    readonly client: Client,
    name: string,
    readonly live: readonly Way[] | boolean,
    shared: boolean,
  ) {
    this.tabs = new Tabs(name, shared, (word) => this.#hear(word), () => this.#lead());
  }

  /** Whether the feed brings a key, so that nobody needs to ask. */
  brings(key: Key): boolean {
    return this.client.connection.now.state === "live" && followable(key) && !this.#feed?.refused.has(key);
  }

  /** What is watched here, or whether somebody looks, has changed. */
  changed(): void {
    const { around, http, store } = this.client;
    const before = this.#mine.join();
    this.#mine = around.visible() && !http.closed ? store.watched() : [];
    if (this.#mine.join() === before) return;
    this.#say();
    this.#follow();
    this.#run();
  }

  /** An answer came or none did, or whether there is a network has changed. */
  reach(reached: boolean): void {
    const { around, connection, http } = this.client;
    // Where the feed is heard, a call without an answer says nothing of the server.
    if (!reached && around.online() && connection.now.state === "live") return;
    const back = !http.reached;
    http.reached = reached;
    if (!reached) connection.set({ state: "offline" });
    else if (back) this.tabs.leader ? this.#restart() : this.#say();
  }

  close(): void {
    this.#mine = [];
    this.#say();
    clearInterval(this.#timer);
    this.#feed?.ladder.stop();
    this.tabs.close();
    this.#state("idle", "rest");
  }

  /** The feed, loaded when it is first needed. */
  feed(): Promise<Feed | undefined> {
    return (this.#loading ??= import("./live/feed.js")
      .then(({ Feed, WAYS }) => {
        const sharing = {
          keys: () => this.#all().filter(followable),
          leads: () => this.tabs.leader,
          ask: (k: Key) => this.tabs.tell({ t: "get", k }),
          relay: (f: Parameters<Feed["receive"]>[0], n: number) => this.tabs.tell({ t: "frame", f, n }),
          state: (state: State, way: string) => {
            // A server that is not there stays so until something reaches it.
            if ((this.client.http.reached ||= state === "live" && this.client.around.online())) this.#state(state, way);
          },
        };
        return (this.#feed = new Feed(this.client, sharing, this.live === true ? WAYS : (this.live as readonly Way[])));
      })
      // A page that was left open over a release may not find its files: asking still works.
      .catch(() => void this.#state("polling", "rest")));
  }

  #hear(word: Word): void {
    const { client, tabs } = this;
    if (word.t === "want") {
      this.#wants.set(word.from, { keys: word.k, at: client.clock.local() });
      this.#follow();
      if (tabs.leader) tabs.tell({ t: "link", c: client.connection.now });
    } else if (word.t === "lead") this.#say();
    else if (word.t === "get") {
      if (!tabs.leader) return;
      const e = client.store.get(word.k);
      if (e) tabs.tell({ t: "put", k: word.k, e });
      else this.#feed?.ladder.again(word.k);
    } else if (word.t === "put") {
      this.#feed?.whole(word.k);
      client.keep(word.k, { ...word.e, source: "tab" });
    } else if (word.t === "held") client.store.mark(word.k, { seen: word.seen });
    else if (word.t === "frame") void this.feed().then((feed) => feed?.receive(word.f, word.n));
    else if (word.t === "link") {
      if (!tabs.leader) client.connection.set({ ...word.c, leader: false });
    } else if (word.t === "drop") client.invalidate(word.tags, false);
    else client.http.advance(word.p);
  }

  #lead(): void {
    this.client.connection.set({ leader: true, state: "idle" });
    this.tabs.tell({ t: "lead" });
    void this.client.led();
    this.#follow();
  }

  #say(): void {
    this.#repeated = this.client.clock.local();
    this.tabs.tell({ t: "want", from: this.tabs.id, k: this.#mine });
  }

  /** Keys that any tab wants. */
  #all(): Key[] {
    const oldest = this.client.clock.local() - FORGET_MS;
    for (const [id, want] of this.#wants) if (want.at < oldest) this.#wants.delete(id);
    return [...new Set([...this.#mine, ...[...this.#wants.values()].flatMap((want) => want.keys)])];
  }

  /** How things stand before anything was tried. */
  #first(): State {
    return this.#all().length === 0 ? "idle" : this.live ? "connecting" : "polling";
  }

  #restart(): void {
    this.#state(this.#first(), "rest");
    this.#feed?.ladder.restart();
  }

  #follow(): void {
    if (!this.tabs.leader) return;
    const first = this.#first();
    if (first === "idle") {
      this.#feed?.ladder.stop();
      this.#state(first, "rest");
      return;
    }
    this.#run();
    if (this.client.connection.now.state === "idle") this.#state(first, "rest");
    if (!this.live) return;
    void this.feed().then((feed) => {
      if (!feed || !this.tabs.leader || this.#all().length === 0) return;
      feed.ladder.start();
      feed.ladder.changed();
    });
  }

  #state(state: State, way: string): void {
    this.client.connection.set({ state, way, leader: this.tabs.leader });
    this.tabs.tell({ t: "link", c: this.client.connection.now });
  }

  #run(): void {
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
  }

  #tick(): void {
    const { client, tabs } = this;
    if (this.#mine.length > 0 && client.clock.local() - this.#repeated >= REPEAT_MS) this.#say();
    for (const key of this.#mine) client.age(key, this.brings(key));
    if (tabs.leader) this.#poll();
    if ((tabs.leader ? this.#all() : this.#mine).length > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#follow();
  }

  /** Asks for what is due and what the feed does not bring. */
  #poll(): void {
    const { client } = this;
    const now = client.clock.local();
    if (!client.around.online()) return;
    const wanted = this.#all();
    const { state } = client.connection.now;
    // A server that says no to all that is watched says it of who asks.
    const refused = wanted.length > 0 && wanted.every((key) => client.refused(key));
    if (refused && state === "polling") this.#state("refused", "rest");
    else if (!refused && state === "refused") this.#restart();
    for (const key of this.#asked.keys()) if (!wanted.includes(key)) this.#asked.delete(key);
    for (const key of wanted) {
      const entry = client.store.get(key);
      const pause = client.pollMs * (client.refused(key) ? REFUSED_TIMES : 1);
      const held = entry && !entry.doubt ? entry.seen - client.clock.offset : 0;
      // What was too many is asked for again over the stream, as long as there is one.
      const again = state === "live" && this.#feed?.refused.get(key);
      if (this.brings(key) || again || now - Math.max(this.#asked.get(key) ?? 0, held) < pause) continue;
      this.#asked.set(key, now);
      void client.reload(key, () => client.store.get(key) === entry);
    }
  }
}
