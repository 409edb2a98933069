// What is known, one entry per key, in memory. An older state never replaces a newer one, and what
// nobody watches makes room when the bound is reached.
import type { Key } from "./api.js";

/** Where an entry came from: this page, another tab, the device, the server. */
export type Source = "memory" | "tab" | "device" | "network";

/** A state of one key. Entries do not change: a new state is a new entry. */
export interface Entry<T = unknown> {
  readonly data: T;
  /** The server's revision of the key, `moment.digest`; null where the feed has not brought it. */
  readonly rev: string | null;
  /** The server's time whose state this is. */
  readonly at: number;
  /** The server's time when it was last known to hold. */
  readonly seen: number;
  readonly source: Source;
  readonly etag: string | null;
  readonly tags: readonly string[];
  /** Length of its JSON, in characters. */
  readonly size: number;
  /** Why it should not be trusted to be current; null where nothing speaks against it. */
  readonly doubt: string | null;
  /** Updates that were folded into the last one. */
  readonly folded: number;
}

/** A place for one key. */
interface Slot {
  entry: Entry | undefined;
  error: unknown;
  readonly watchers: Set<() => void>;
}

/** When a revision came to be, in milliseconds since 1970 by the server's clock; 0 for none. */
export const momentOf = (rev: string | null | undefined): number => parseInt(rev ?? "0");

/** What a state says against itself: that the source of its game is silent. */
export const doubtOf = (data: unknown): string | null => (data as { play?: { stale?: { reason: string } } } | undefined)?.play?.stale?.reason ?? null;

/** Whether an entry may take another's place. */
export function supersedes(next: Entry, held: Entry): boolean {
  if (next.rev && held.rev) return momentOf(next.rev) >= momentOf(held.rev);
  if (next.at !== held.at) return next.at > held.at;
  // The header's seconds are equal: go by what the states say of themselves.
  return asOf(next) >= asOf(held);
}

const asOf = (entry: Entry): string => (entry.data as { as_of?: string } | null)?.as_of ?? "";

/** Keys that nobody watches of which only the failure is remembered. */
const FAILED_MAX = 100;

/** Entries by key, those first that were taken in or watched longest ago. */
export class Store {
  readonly #slots = new Map<Key, Slot>();
  #size = 0;

  constructor(readonly sizeMax: number) {}

  /** The entry held; the same object until it changes. */
  get<T>(key: Key<T>): Entry<T> | undefined {
    return this.#slots.get(key)?.entry as Entry<T> | undefined;
  }

  /** Why the last attempt to get a newer one failed, if it did. */
  error(key: Key): unknown {
    return this.#slots.get(key)?.error;
  }

  /** Keys held. */
  keys(): Key[] {
    return [...this.#slots.keys()];
  }

  /** Characters held. */
  get size(): number {
    return this.#size;
  }

  /** Keys that somebody watches. */
  watched(): Key[] {
    return this.keys().filter((key) => this.#slots.get(key)!.watchers.size > 0);
  }

  /** Takes an entry, unless a newer one is held; says whether it did. */
  put(key: Key, entry: Entry): boolean {
    const slot = this.#touch(key);
    const held = slot.entry;
    if (held && !supersedes(entry, held)) return false;
    this.#size += entry.size - (held?.size ?? 0);
    slot.entry = entry;
    slot.error = undefined;
    this.#evict();
    this.#tell(slot);
    return true;
  }

  /** Changes what is said of an entry, not its state; of one that was seen to hold only its state's own doubt is left. */
  mark(key: Key, change: Partial<Pick<Entry, "rev" | "at" | "seen" | "doubt" | "etag">>): void {
    const slot = this.#slots.get(key);
    if (!slot?.entry) return;
    const { seen } = change;
    slot.entry = { ...slot.entry, ...(seen && { doubt: doubtOf(slot.entry.data) }), ...change };
    if (seen) slot.error = undefined;
    this.#tell(slot);
  }

  /** Notes that a newer one could not be had. */
  fail(key: Key, error: unknown): void {
    const slot = this.#touch(key);
    slot.error = error;
    this.#tell(slot);
    const bare = this.keys().filter((one) => !this.get(one) && this.#slots.get(one)!.watchers.size === 0);
    if (bare.length > FAILED_MAX) this.drop(bare[0]!);
  }

  /** Calls back at every change of a key; the function returned ends that. */
  watch(key: Key, changed: () => void): () => void {
    const { watchers } = this.#touch(key);
    // A function of its own, so that one callback may watch twice.
    const watcher = () => changed();
    watchers.add(watcher);
    return () => {
      watchers.delete(watcher);
      if (!this.get(key)) this.drop(key);
      this.#evict();
    };
  }

  /** Forgets a key that nobody watches. */
  drop(key: Key): void {
    const slot = this.#slots.get(key);
    if (!slot || slot.watchers.size > 0) return;
    this.#size -= slot.entry?.size ?? 0;
    this.#slots.delete(key);
  }

  #touch(key: Key): Slot {
    const slot = this.#slots.get(key) ?? { entry: undefined, error: undefined, watchers: new Set() };
    this.#slots.delete(key);
    this.#slots.set(key, slot);
    return slot;
  }

  #evict(): void {
    for (const key of this.#slots.keys()) {
      if (this.#size <= this.sizeMax) return;
      this.drop(key);
    }
  }

  #tell(slot: Slot): void {
    for (const watcher of [...slot.watchers]) watcher();
  }
}
