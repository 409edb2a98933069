// Keeps entries on the device, so that the next start shows the last known state at once. One record
// per key, written in small batches; an index bounds the whole. Whatever cannot be read is ignored.
import type { Key } from "../api.js";
import type { Entry } from "../store.js";

/** A place that keeps texts by name. `null` is nothing there, and to remove. */
export interface Driver {
  get(names: string[]): Promise<(string | null | undefined)[]>;
  set(texts: [name: string, text: string | null][]): Promise<void>;
}

/** How a device cache is set up. */
export interface DeviceOptions {
  driver: Driver;
  /** Characters kept; 4 million where not given. */
  sizeMax?: number;
  /** How long an entry is worth showing, in milliseconds; a week where not given. */
  ttlMs?: number;
  /** How long writes are gathered, in milliseconds; 2,000 where not given. */
  gatherMs?: number;
}

/** What a client does with its device. */
export interface DeviceCache {
  open(name: string, clock: () => number): Promise<void>;
  lead(): Promise<void>;
  read(key: Key): Promise<Entry | undefined>;
  write(key: Key, entry: Entry): void;
  invalidate(tags: readonly string[]): void;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Per key: size, when it was written, tags. */
type Index = Record<Key, [size: number, at: number, tags: readonly string[]]>;

/** What says which release and user the records are of. */
const CURRENT = "sports-edge";
/** How long one stretch of writing may keep the thread, in milliseconds. */
const STRETCH_MS = 4;
/** What of an entry is kept. */
type Kept = Pick<Entry, "data" | "rev" | "at" | "seen" | "etag" | "tags" | "doubt">;

/** A device cache over a driver. */
export function deviceCache(options: DeviceOptions): DeviceCache {
  return new Device(options);
}

class Device implements DeviceCache {
  #prefix = "";
  #clock: () => number = Date.now;
  #index: Index = {};
  #size = 0;
  #leads = false;
  #refuses = false;
  readonly #dirty = new Map<Key, Entry | null>();
  #wanted: { key: Key; done: (text: string | null | undefined) => void; fail: (error: unknown) => void }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #flushing: Promise<void> | undefined;

  constructor(readonly options: DeviceOptions) {}

  async open(name: string, clock: () => number): Promise<void> {
    this.#prefix = `${name}|`;
    this.#clock = clock;
  }

  /** Reads the index and clears what another release or user has left. */
  async lead(): Promise<void> {
    const { driver } = this.options;
    const [last] = await driver.get([CURRENT]);
    if (last && last !== this.#prefix) {
      const [text] = await driver.get([last]);
      const names = Object.keys(indexOf(text)).map((key) => last + key);
      await driver.set([...names, last].map((name) => [name, null]));
    }
    const [text] = await driver.get([this.#prefix]);
    this.#index = indexOf(text);
    this.#size = Object.values(this.#index).reduce((sum, [size]) => sum + size, 0);
    if (last !== this.#prefix) await driver.set([[CURRENT, this.#prefix]]);
    this.#leads = true;
    if (this.#dirty.size > 0) this.#later();
  }

  /** Reads a key; those asked for together are read together. */
  async read(key: Key): Promise<Entry | undefined> {
    const text = await new Promise<string | null | undefined>((done, fail) => {
      this.#wanted.push({ key, done, fail });
      if (this.#wanted.length > 1) return;
      queueMicrotask(() => {
        const wanted = this.#wanted;
        this.#wanted = [];
        this.options.driver.get(wanted.map((one) => this.#prefix + one.key)).then(
          (texts) => wanted.forEach((one, at) => one.done(texts[at])),
          (error: unknown) => wanted.forEach((one) => one.fail(error)),
        );
      });
    });
    const kept = keptOf(text);
    if (!kept || this.#clock() - kept.seen > (this.options.ttlMs ?? 7 * 86_400_000)) return undefined;
    return { ...kept, source: "device", size: text!.length, folded: 0 };
  }

  write(key: Key, entry: Entry): void {
    if (this.#refuses) return;
    this.#dirty.set(key, entry);
    this.#later();
  }

  /** Forgets what carries a tag, save what is about to be written anyway. */
  invalidate(tags: readonly string[]): void {
    for (const [key, [, , has]] of Object.entries(this.#index)) {
      if (has.some((tag) => tags.includes(tag)) && !this.#dirty.has(key)) this.#dirty.set(key, null);
    }
    if (this.#dirty.size > 0) this.#later();
  }

  #later(): void {
    this.#timer ??= setTimeout(() => void this.flush(), this.options.gatherMs ?? 2_000);
  }

  /** Writes what is due, in stretches that leave the thread to others. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#leads) return Promise.resolve();
    this.#flushing ??= this.#stretches().finally(() => (this.#flushing = undefined));
    return this.#flushing;
  }

  async #stretches(): Promise<void> {
    while (this.#dirty.size > 0 && !this.#refuses) {
      const began = performance.now();
      const texts: [string, string | null][] = [];
      for (const [key, entry] of this.#dirty) {
        this.#dirty.delete(key);
        const text = entry && textOf(entry);
        this.#count(key, text ? [text.length, this.#clock(), entry!.tags] : undefined);
        texts.push([this.#prefix + key, text]);
        if (performance.now() - began > STRETCH_MS) break;
      }
      this.#shrink(this.options.sizeMax ?? 4_000_000, texts);
      await this.#put(texts);
    }
  }

  /** Writes; when there is no room makes some, and when that does not help keeps nothing more. */
  async #put(texts: [string, string | null][]): Promise<void> {
    const all = (): [string, string | null][] => [...texts, [this.#prefix, JSON.stringify(this.#index)]];
    try {
      await this.options.driver.set(all());
    } catch {
      const gone: [string, null][] = [];
      this.#shrink(this.#size / 2, gone);
      const names = new Set(gone.map(([name]) => name));
      texts = texts.filter(([name]) => !names.has(name));
      try {
        await this.options.driver.set(gone);
        await this.options.driver.set(all());
      } catch {
        this.#refuses = true;
        this.#dirty.clear();
      }
    }
  }

  #count(key: Key, line: Index[string] | undefined): void {
    this.#size += (line?.[0] ?? 0) - (this.#index[key]?.[0] ?? 0);
    // Behind all others: the index is in order of writing.
    delete this.#index[key];
    if (line) this.#index[key] = line;
  }

  /** Removes the oldest until the rest fits. */
  #shrink(most: number, texts: [string, string | null][]): void {
    for (const key of Object.keys(this.#index)) {
      if (this.#size <= most) return;
      this.#count(key, undefined);
      texts.push([this.#prefix + key, null]);
    }
  }

  async close(): Promise<void> {
    await this.flush();
    this.#leads = false;
    clearTimeout(this.#timer);
  }
}

// Where it came from and what that brought along is of this page alone.
const textOf = (entry: Entry): string => JSON.stringify({ ...entry, source: undefined, size: undefined, folded: undefined });

function keptOf(text: string | null | undefined): Kept | undefined {
  try {
    const kept = JSON.parse(text ?? "null") as Kept | null;
    const whole = kept && "data" in kept && Array.isArray(kept.tags) && typeof kept.seen === "number" && typeof kept.at === "number";
    return whole ? kept : undefined;
  } catch {
    return undefined;
  }
}

function indexOf(text: string | null | undefined): Index {
  try {
    const index = JSON.parse(text ?? "{}") as Index;
    const whole = Object.values(index).every(([size, at, tags]) => typeof size === "number" && typeof at === "number" && Array.isArray(tags));
    return whole ? index : {};
  } catch {
    return {};
  }
}
