// The client: typed calls, what is known, and keeping what is watched current.
import { address, addressOf, keyOf, tagsOf, type Answer, type Args, type CallOptions, type Key, type Parameters, type PathOf, type Verb } from "./api.js";
import { Clock } from "./clock.js";
import { ConnectionBox } from "./connection.js";
import type { DeviceCache } from "./device/cache.js";
import { SHAPE } from "./facts.gen.js";
import { Http, KEYED, parsed, sleep, type HttpOptions } from "./http.js";
import type { Way } from "./live/ladder.js";
import { saysNo } from "./problem.js";
import { Relay } from "./relay.js";
import type { paths } from "./schema.gen.js";
import { doubtOf, Store, supersedes, type Entry, type Source } from "./store.js";
import { page, type Surroundings } from "./surroundings.js";

/** How a client is set up. Everything has a default. */
export interface ClientOptions extends HttpOptions {
  /** After how long an entry counts as stale, in milliseconds; 30,000 where not given. */
  staleMs?: number;
  /** How often what is watched is asked for where nothing is pushed, in milliseconds; 15,000. */
  pollMs?: number;
  /** Characters of JSON kept in memory; 8 million where not given. */
  memoryMax?: number;
  /** Keeps what is known on the device, so that the next start shows it at once. */
  device?: DeviceCache;
  /** Ways to the feed, best first; `false` only asks; all of them where not given. */
  live?: readonly Way[] | boolean;
  /** Whether tabs share one connection; true where not given. */
  tabs?: boolean;
  /** Who is signed in: what one user kept is never shown to another. */
  user?: string;
  /** Whether somebody looks and whether there is a network; a browser's page where not given. */
  surroundings?: Surroundings;
  /** Milliseconds since 1970, by the clock here. */
  clock?: () => number;
}

/** How a state is asked for. */
export interface LoadOptions extends CallOptions {
  /** An entry at most this old is not asked for again, in milliseconds; `staleMs` where not given. */
  maxAgeMs?: number;
}

/** An entry as it travels from a server that renders to the page. */
export type Dehydrated = [key: Key, entry: Entry, drawn?: number][];

/** How long another tab, or the feed, may take to bring what a request would. */
const TAB_MS = 80;
const FEED_MS = 1_500;

/** Reads at once of what is watched; others wait, and may find that the feed has brought theirs meanwhile. */
const READS_MAX = 8;

/** How often a state is asked for again that the feed has changed under way. */
const ASKED_AGAIN = 2;

/** What is new of a state. */
type News = Pick<Entry, "data" | "at" | "size"> & Partial<Pick<Entry, "rev" | "etag" | "seen" | "folded">>;

/** A client of one server. */
export class Client {
  readonly clock: Clock;
  readonly http: Http;
  readonly store: Store;
  readonly around: Surroundings;
  readonly connection: ConnectionBox;
  readonly staleMs: number;
  readonly pollMs: number;
  readonly #relay: Relay;
  readonly #device: DeviceCache | undefined;
  readonly #opened: Promise<void> | undefined;
  readonly #flights = new Map<Key, Promise<Entry>>();
  readonly #waiting: (() => void)[] = [];
  /** Reads under way and waiting. */
  #reads = 0;
  #drawn: number | undefined;
  readonly #leave: () => void;

  constructor(options: ClientOptions = {}) {
    this.clock = new Clock(options.clock);
    this.around = options.surroundings ?? page();
    this.http = new Http(options, this.clock, this.around);
    this.staleMs = options.staleMs ?? 30_000;
    this.pollMs = options.pollMs ?? 15_000;
    this.store = new Store(options.memoryMax ?? 8_000_000);
    this.connection = new ConnectionBox(this.clock.local);
    this.#device = options.device;
    const name = `${SHAPE} ${this.http.base} ${options.user ?? ""}`;
    this.#opened = this.#device?.open(name, this.clock.local).catch(() => undefined);
    this.#relay = new Relay(this, name, options.live ?? true, options.tabs !== false);
    this.http.onPosition = (p) => this.#relay.tabs.tell({ t: "position", p });
    // An answer read after the network went says nothing of what follows.
    this.http.onReach = (reached) => this.#relay.reach(reached && this.around.online());
    this.#leave = this.around.subscribe(() => this.#looked());
  }

  /** Reads; an answer that did not change costs a 304 and is the same object as before. */
  async get<P extends PathOf<"get">>(path: P, ...args: Given<P, "get">): Promise<Answer<P, "get">> {
    const { path: parts, query, ...options } = (args[0] ?? {}) as Loose;
    return (await this.load(keyOf(path, parts, query), { maxAgeMs: 0, ...options })).data as Answer<P, "get">;
  }

  /** Writes, or asks what takes a body. */
  post<P extends PathOf<"post">>(path: P, ...args: Given<P, "post">): Promise<Answer<P, "post">> {
    return this.#write("POST", path, args[0]);
  }

  put<P extends PathOf<"put">>(path: P, ...args: Given<P, "put">): Promise<Answer<P, "put">> {
    return this.#write("PUT", path, args[0]);
  }

  patch<P extends PathOf<"patch">>(path: P, ...args: Given<P, "patch">): Promise<Answer<P, "patch">> {
    return this.#write("PATCH", path, args[0]);
  }

  delete<P extends PathOf<"delete">>(path: P, ...args: Given<P, "delete">): Promise<Answer<P, "delete">> {
    return this.#write("DELETE", path, args[0]);
  }

  async #write<T>(method: string, path: string, args: unknown): Promise<T> {
    const { path: parts, query, ...rest } = (args ?? {}) as Loose;
    const { text } = await this.http.send({ method, address: address(path, parts, query), ...rest });
    // What was asked for before need not see this.
    this.#flights.clear();
    const answer = parsed(text);
    this.invalidate(KEYED.test(path) ? touched(answer) : [path.split("/")[2]!]);
    return answer as T;
  }

  /** What is held of a key now; the same object until it changes. */
  peek<T>(key: Key<T>): Entry<T> | undefined {
    return this.store.get(key);
  }

  /** Whether an entry should not be trusted to be current. */
  stale(entry: Entry, now = this.clock.now()): boolean {
    return entry.doubt !== null || now - entry.seen > this.staleMs;
  }

  /** Gets a state, from memory where it is new enough. Calls at the same time share one request. */
  load<T>(key: Key<T>, { maxAgeMs = this.staleMs, ...options }: LoadOptions = {}): Promise<Entry<T>> {
    const held = this.store.get(key);
    if (maxAgeMs > 0 && held && !held.doubt && this.clock.now() - held.seen < maxAgeMs) return Promise.resolve(held);
    // What one caller may call off is not shared.
    const flight = options.signal ? undefined : this.#flights.get(key);
    if (flight) return flight as Promise<Entry<T>>;
    const started = this.#fetch(key, options).finally(() => {
      if (this.#flights.get(key) === started) this.#flights.delete(key);
    });
    if (!options.signal) this.#flights.set(key, started);
    return started as Promise<Entry<T>>;
  }

  /** Asks for a state whatever is held, in its turn if that is still due; what goes wrong is noted beside it. */
  async reload(key: Key, due = () => true): Promise<void> {
    if (this.#reads++ >= READS_MAX) await new Promise<void>((turn) => this.#waiting.push(turn));
    if (due()) await this.load(key, { maxAgeMs: 0 }).catch(() => undefined);
    this.#reads -= 1;
    this.#waiting.shift()?.();
  }

  async #fetch(key: Key, options: CallOptions, again = ASKED_AGAIN): Promise<Entry> {
    const held = this.store.get(key);
    const headers: Record<string, string> = held?.etag ? { "if-none-match": held.etag } : {};
    try {
      const reply = await this.http.send({ method: "GET", address: addressOf(key), headers, ...options });
      const etag = reply.headers.get("etag");
      // The header counts whole seconds.
      const seen = Math.min(this.clock.now(), reply.at + 1_000);
      const latest = () => this.store.get(key) ?? held;
      const now = latest();
      if (reply.status === 304 && now) {
        if (now.etag !== held?.etag) return now; // something newer came meanwhile
        this.store.mark(key, { seen });
        this.#relay.tabs.tell({ t: "held", k: key, seen });
        return latest()!;
      }
      const news = { data: parsed(reply.text), at: reply.at, seen, size: reply.text.length, etag };
      const followed = now?.rev;
      if (followed && (await this.#brought(key, news.data))) {
        this.store.mark(key, { seen, etag });
        return latest()!;
      }
      const last = latest();
      // What is held came before this was asked for: this is newer, though its header counts whole seconds.
      if (last && last.data === held?.data) news.at = Math.max(news.at, last.at + 1);
      // It came meanwhile: only another answer tells which of the two is newer.
      else if (followed && again > 0) return await this.#fetch(key, options, again - 1);
      const taken = this.take(key, news, "network");
      // What is held now has no revision: the feed is to tell it as a whole.
      if (followed && !taken.rev && this.#relay.brings(key)) (await this.#relay.feed())?.again(key);
      return taken;
    } catch (error) {
      this.store.fail(key, error);
      throw error;
    }
  }

  /** Whether the feed has brought a state, or does so at about this time: with its revision, which what it says next fits. */
  async #brought(key: Key, data: unknown): Promise<boolean | undefined> {
    const alike = async () => (await this.#relay.feed())?.alike(data, this.store.get(key)?.data);
    if (await alike()) return true;
    if (!this.#relay.brings(key)) return false;
    await this.#next(key, TAB_MS);
    return alike();
  }

  /** Takes news of a state in; answers with what is held then. */
  take(key: Key, news: News, source: Source): Entry {
    const held = this.store.get(key);
    const entry: Entry = { rev: null, seen: this.clock.now(), etag: null, folded: 0, ...news, tags: tagsOf(key), doubt: doubtOf(news.data), source };
    if (held && !supersedes(entry, held)) return held;
    this.keep(key, entry);
    // Frames are relayed as they are; what was asked for is told as a whole.
    if (source === "network" && entry.etag) this.#relay.tabs.tell({ t: "put", k: key, e: entry });
    return entry;
  }

  /** Takes an entry, unless a newer one is held. */
  keep(key: Key, entry: Entry): void {
    if (this.store.put(key, entry) && this.#relay.tabs.leader && entry.source !== "device") this.#device?.write(key, entry);
  }

  /** Calls back at every change of a state, shows what the device knows of it and keeps it current. */
  watch(key: Key, changed: () => void): () => void {
    const end = this.store.watch(key, changed);
    this.#relay.changed();
    void this.#refresh(key);
    return () => {
      end();
      // One that is watched again at once costs nothing.
      queueMicrotask(() => this.#relay.changed());
    };
  }

  /** Reads a key from the device. */
  async warm(key: Key): Promise<void> {
    if (!this.#device || this.store.get(key)) return;
    await this.#opened;
    const entry = await this.#device.read(key).catch(() => undefined);
    // The clock may have been set since.
    if (entry) this.keep(key, { ...entry, seen: Math.min(entry.seen, this.clock.now()) });
  }

  async #refresh(key: Key): Promise<void> {
    const fresh = () => {
      const entry = this.store.get(key);
      return entry !== undefined && !this.stale(entry) && entry.source !== "device";
    };
    if (fresh()) return;
    await this.warm(key);
    const { tabs } = this.#relay;
    // The lock is asked for at the start; only then is it known who leads.
    await sleep(0);
    if (!tabs.leader) tabs.tell({ t: "get", k: key });
    const patience = this.#relay.brings(key) ? FEED_MS : tabs.leader ? 0 : TAB_MS;
    if (!fresh() && patience > 0) await this.#next(key, patience);
    await this.reload(key, () => !fresh() && this.store.watched().includes(key));
  }

  /** Waits for a change of a key. */
  #next(key: Key, ms: number): Promise<void> {
    return new Promise((done) => {
      const finish = () => {
        clearTimeout(timer);
        end();
        done();
      };
      const end = this.store.watch(key, finish);
      const timer = setTimeout(finish, ms);
    });
  }

  /** Says that whatever carries one of these tags is no longer current; what is watched is asked for. */
  invalidate(tags: readonly string[], everywhere = true): void {
    if (everywhere) this.#relay.tabs.tell({ t: "drop", tags: [...tags] });
    for (const key of this.store.keys()) {
      if (!this.store.get(key)?.tags.some((tag) => tags.includes(tag))) continue;
      this.store.mark(key, { doubt: "what it shows has changed" });
      if (this.#relay.tabs.leader) this.#device?.write(key, this.store.get(key)!);
      if (this.store.watched().includes(key) && !this.#relay.brings(key) && everywhere) void this.reload(key);
    }
    if (this.#relay.tabs.leader) this.#device?.invalidate(tags);
  }

  /** Whether the server said no to a key, so that asking often is no use. */
  refused(key: Key): boolean {
    return saysNo(this.store.error(key));
  }

  /** Tells those who watch a key when it has become stale; what is `brought` holds while the feed is heard. */
  age(key: Key, brought: boolean): void {
    const entry = this.store.get(key);
    if (!entry || entry.doubt || !this.stale(entry)) return;
    this.store.mark(key, brought ? { seen: this.clock.now() } : { doubt: "nothing newer came" });
  }

  /** This tab leads now: it alone writes to the device. */
  async led(): Promise<void> {
    await this.#opened;
    await this.#device?.lead().catch(() => undefined);
  }

  #looked(): void {
    this.#relay.changed();
    if (!this.around.visible()) return void this.#device?.flush();
    this.http.onReach(true);
    for (const key of this.store.watched()) void this.#refresh(key);
  }

  /** What a server that renders hands to its page: the keys it has loaded, or some of them. */
  dehydrate(keys = this.store.keys()): Dehydrated {
    return keys.flatMap((key) => {
      const entry = this.store.get(key);
      return entry ? [[key, entry, this.drawn()] as Dehydrated[0]] : [];
    });
  }

  /** The server's time that a page drawn by a server is of, at both ends: its first drawing of a state. */
  drawn(): number {
    return (this.#drawn ??= this.clock.now());
  }

  /** Takes over what came with the page; it is as new as the page. */
  hydrate(entries: Dehydrated): void {
    for (const [key, entry, drawn] of entries) {
      this.#drawn ??= drawn;
      this.keep(key, { ...entry, source: "network" });
    }
  }

  /** Ends every connection and writes what is due to the device. Whatever is asked for later fails as `aborted`. */
  async close(): Promise<void> {
    this.http.closed = true;
    this.#leave();
    this.#relay.close();
    await this.#opened;
    await this.#device?.close();
  }
}

type Loose = CallOptions & { path?: Parameters; query?: Parameters; body?: unknown };

/** Arguments that may be left out where none is due. */
type Given<P extends keyof paths, V extends Verb> = Record<never, never> extends Args<P, V> ? [Args<P, V>?] : [Args<P, V>];

/** Makes a client. */
export const createClient = (options?: ClientOptions): Client => new Client(options);

/** What a batch of writes makes stale: the fixtures its answer names, and every list. */
function touched(answer: unknown): string[] {
  const entries = (answer as { data?: { fixture_id?: number }[] } | undefined)?.data ?? [];
  return ["board", "scoreboard", "edges", "fixtures", "competitions", "teams", ...entries.map((entry) => `fixture:${entry.fixture_id}`)];
}

