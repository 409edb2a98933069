// How things stand between here and the server, as one value that can be watched.

/**
 * `live`: changes are pushed; `polling`: asked for now and then; `idle`: nothing is watched; `offline`: no
 * answer comes, or a proxy's that there is none; `refused`: the server says no to all that is watched, as it does to a key that was revoked.
 */
export type State = "idle" | "connecting" | "live" | "polling" | "offline" | "refused";

/** How things stand. The same object until something changes. */
export interface Connection {
  readonly state: State;
  /** The way in use: `ws`, `sse`, `poll` or `rest`. */
  readonly way: string;
  /** Whether this tab holds the connection for all. */
  readonly leader: boolean;
  /** Since when, by the clock here. */
  readonly since: number;
}

/** The current connection and who watches it. */
export class ConnectionBox {
  #now: Connection;
  readonly #watchers = new Set<() => void>();

  constructor(readonly clock: () => number) {
    this.#now = { state: "idle", way: "rest", leader: false, since: clock() };
  }

  get now(): Connection {
    return this.#now;
  }

  /** Changes it, and tells where that makes a difference. */
  set(change: Partial<Connection>): void {
    const next = { ...this.#now, ...change };
    const { state, way, leader } = this.#now;
    if (next.state === state && next.way === way && next.leader === leader) return;
    this.#now = { ...next, since: this.clock() };
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** Calls back at every change; the function returned ends that. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }
}
