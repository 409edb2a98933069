// React's part: `@sports-edge/sdk/react`, for React 18 and newer and React Native. A component draws
// again when what it selected changed, and shows from the first moment what is known.
import { createContext, createElement, useCallback, useContext, useEffect, useRef, useState, useSyncExternalStore, type ReactElement, type ReactNode } from "react";
import { board, edges, fixture, prediction, type Key, type Query, type Schemas } from "./api.js";
import { beforePicture, forgo } from "./beat.js";
import type { Client, Dehydrated } from "./client.js";
import type { Connection } from "./connection.js";
import { saysNo } from "./problem.js";
import { REFUSED_TIMES } from "./relay.js";
import type { Entry, Source } from "./store.js";

const Context = createContext<Client | undefined>(undefined);

/** Gives a client to everything below. `initial` is what the server has rendered with. */
export function SportsEdgeProvider(props: { client: Client; initial?: Dehydrated; children?: ReactNode }): ReactElement {
  const { client, initial, children } = props;
  // Before the first child draws, and once.
  useState(() => initial && client.hydrate(initial));
  return createElement(Context.Provider, { value: client }, children);
}

/** The client given by the provider above. */
export function useClient(): Client {
  const client = useContext(Context);
  if (!client) throw new Error("there is no SportsEdgeProvider above this component");
  return client;
}

const never = () => () => undefined;

/** The time by which to draw: where a page is taken over that the server's it is of, so that both say the same. */
function useNow(): () => number {
  const client = useClient();
  const over = useSyncExternalStore(never, () => false, () => true);
  return () => (over ? client.drawn() : client.clock.now());
}

/** A state, and how much it can be trusted. */
export interface View<T> {
  /** What is known; undefined before anything is. */
  readonly data: T | undefined;
  /** The server's revision, where it keeps one. */
  readonly rev: string | null;
  /** How long ago it was last known to hold, in milliseconds, when this was drawn. */
  readonly age: number;
  /** Whether it should not be trusted to be current, and why. */
  readonly stale: boolean;
  readonly doubt: string | null;
  /** Where it came from; `memory` for what another component had already. */
  readonly source: Source | undefined;
  /** Why the last attempt to get a newer one failed, if it did. */
  readonly error: unknown;
}

/** How a hook looks at a state. */
export interface HookOptions<T, S> {
  /** The part that matters: the component draws again only when this changed. */
  select?: (data: T) => S;
  /** Waits by Suspense until there is something, and throws when there cannot be; who draws a second later asks anew. */
  suspense?: boolean;
}

type Frozen<S> = Omit<View<S>, "age">;

/** Follows a key. */
export function useKey<T, S = T>(key: Key<T>, { select, suspense }: HookOptions<T, S> = {}): View<S> {
  const client = useClient();
  const last = useRef<{ key: Key; select: unknown; entry: Entry | undefined; view: Frozen<S> }>(undefined);
  const [early] = useState(() => client.peek(key) && { key, entry: client.peek(key) });
  const now = useNow();
  const snapshot = (): Frozen<S> => {
    const entry = client.peek(key);
    const before = last.current?.key === key ? last.current : undefined;
    const error = client.store.error(key);
    if (before && before.entry === entry && before.select === select && before.view.error === error) return before.view;
    const data = entry && (select ? select(entry.data) : (entry.data as unknown as S));
    const stale = entry !== undefined && client.stale(entry, now());
    const source = entry && (early?.key === key && early.entry === entry ? "memory" : entry.source);
    const view = { data, rev: entry?.rev ?? null, stale, doubt: entry?.doubt ?? null, source, error };
    // Another revision that does not change what is selected is no reason to draw.
    const shown = before && select && alike(before.view, view) ? before.view : view;
    last.current = { key, select, entry, view: shown };
    return shown;
  };
  const subscribe = useCallback(
    (changed: () => void) => {
      const end = client.watch(key, () => beforePicture(changed));
      return () => {
        end();
        forgo(changed);
      };
    },
    [client, key],
  );
  const view = useSyncExternalStore(subscribe, snapshot, snapshot);
  const entry = client.peek(key);
  if (suspense && !entry) {
    if (holds(view.error as object | undefined, client.clock.local())) throw view.error;
    throw client.warm(key).then(() => client.peek(key) ?? client.load(key));
  }
  return { ...view, rev: entry?.rev ?? null, age: entry ? Math.max(0, now() - entry.seen) : 0 };
}

/** How long a failure is thrown to who draws again, in milliseconds; after that it is asked anew. */
const THROWN_MS = 1_000;
const thrown = new WeakMap<object, number>();

/** Whether an error is still to be thrown: React draws more than once before it goes to the boundary. */
function holds(error: object | undefined, now: number): boolean {
  if (!error) return false;
  const first = thrown.get(error) ?? now;
  thrown.set(error, first);
  return now - first < THROWN_MS;
}

/** One fixture. */
export function useFixture<S = Schemas["Fixture"]>(id: number, options?: HookOptions<Schemas["Fixture"], S>): View<S> {
  return useKey(fixture(id), options);
}

/** Probabilities of a fixture's markets. */
export function usePrediction<S = Schemas["Prediction"]>(id: number, options?: HookOptions<Schemas["Prediction"], S>): View<S> {
  return useKey(prediction(id), options);
}

/** Fixtures with prediction, market and best edge. */
export function useBoard<S = Schemas["List_BoardRow"]>(query?: Query<"/v1/board", "get">, options?: HookOptions<Schemas["List_BoardRow"], S>): View<S> {
  return useKey(board(query), options);
}

/** Prices that pay more than they should. */
export function useEdges<S = Schemas["List_Edge"]>(query?: Query<"/v1/edges", "get">, options?: HookOptions<Schemas["List_Edge"], S>): View<S> {
  return useKey(edges(query), options);
}

/** How things stand between here and the server. */
export function useConnection(): Connection {
  const { connection } = useClient();
  const subscribe = useCallback((changed: () => void) => connection.watch(changed), [connection]);
  const now = () => connection.now;
  return useSyncExternalStore(subscribe, now, now);
}

/** How old a state is, told anew every `everyMs` milliseconds and whenever it changes. */
export function useFreshness(key: Key, everyMs = 1_000): { age: number | undefined; stale: boolean; doubt: string | null } {
  const client = useClient();
  const now = useNow();
  const [, tick] = useState(0);
  useEffect(() => {
    const again = () => tick((count) => count + 1);
    const end = client.store.watch(key, again);
    const timer = setInterval(again, everyMs);
    return () => {
      end();
      clearInterval(timer);
    };
  }, [client, key, everyMs]);
  const entry = client.peek(key);
  if (!entry) return { age: undefined, stale: false, doubt: null };
  return { age: Math.max(0, now() - entry.seen), stale: client.stale(entry, now()), doubt: entry.doubt };
}

/** A point of a line: who wins, by what was known at a moment. */
export interface Point {
  /** Milliseconds since 1970. */
  at: number;
  /** Home, draw where there is one, away. */
  probabilities: number[];
}

/** Which stretch of time a line covers, and of how many points. */
export interface SeriesOptions {
  /** Where it begins; a week before its end where not given. */
  from?: string;
  /** Where it ends; the latest that can be known where not given. */
  until?: string;
  /** Points asked for; 30 where not given, at most 200. */
  points?: number;
}

/** A line and what became of the requests for it. */
export type Series = View<Point[]>;

/** Who wins, over time: asked of the server once, then prolonged by every newer prediction. */
export function useWinProbability(id: number, { from, until, points = 30 }: SeriesOptions = {}): Series {
  const client = useClient();
  const now = usePrediction(id);
  const latest = now.data;
  const end = until ?? latest?.as_of;
  const [line, setLine] = useState<Line>({ id, points: [] });
  const [failures, setFailures] = useState(0);
  // Ends where the first prediction is; later ones are put behind it.
  useEffect(() => {
    if (!end) return;
    const last = Date.parse(end);
    let timer: ReturnType<typeof setTimeout>;
    let over = false;
    history(client, id, Date.parse(from ?? "") || last - 7 * 86_400_000, last, Math.min(200, points)).then(
      (found) => over || setLine((held) => ({ id, points: [...found, ...lineOf(held, id).points.filter(({ at }) => !until && at > last)] })),
      (error: unknown) => {
        if (over) return;
        setLine((held) => ({ ...lineOf(held, id), error }));
        timer = setTimeout(() => setFailures((count) => count + 1), client.pollMs * (saysNo(error) ? REFUSED_TIMES : 1));
      },
    );
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [client, id, from, until, points, !end, failures]);
  useEffect(() => {
    if (latest && !until) setLine((held) => ({ ...lineOf(held, id), points: prolonged(lineOf(held, id).points, pointsOf(latest)) }));
  }, [latest, until, id]);
  const { points: data, error = now.error } = lineOf(line, id);
  return { ...now, data: data.length > 0 ? data : undefined, error };
}

/** What is held of a line, and why its beginning could not be had. */
interface Line {
  id: number;
  points: Point[];
  error?: unknown;
}

/** The line where it is that of a fixture. */
const lineOf = (line: Line, id: number): Line => (line.id === id ? line : { id, points: [] });

async function history(client: Client, id: number, from: number, until: number, points: number): Promise<Point[]> {
  const step = (until - from) / Math.max(1, points - 1);
  const data = Array.from({ length: points }, (_, at) => ({ fixture_id: id, as_of: new Date(from + at * step).toISOString() }));
  const answer = await client.post("/v1/predictions/batch", { body: { data, markets: ["h2h"] } });
  // A moment for which there is no prediction yet leaves a gap, not a guess.
  return answer.data.flatMap(({ prediction }) => (prediction ? pointsOf(prediction) : []));
}

/** A point of a prediction; none of a game that was abandoned, of which nothing is forecast. */
function pointsOf({ as_of, markets }: Schemas["Prediction"]): Point[] {
  const h2h = markets.find(({ market }) => market === "h2h");
  return h2h ? [{ at: Date.parse(as_of), probabilities: h2h.outcomes.map(({ probability }) => probability) }] : [];
}

/** Points a line keeps; the oldest go. */
const POINTS_MAX = 2_000;

function prolonged(points: Point[], [point]: Point[]): Point[] {
  const last = points.at(-1);
  if (!point || (last && point.at <= last.at)) return points;
  return [...points.slice(1 - POINTS_MAX), point];
}

function alike<S>(a: Frozen<S>, b: Frozen<S>): boolean {
  return a.stale === b.stale && a.doubt === b.doubt && a.error === b.error && a.source === b.source && same(a.data, b.data);
}

/** Equal, or lists or objects of equal things. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
  const [x, y] = [Object.entries(a), Object.entries(b)];
  return x.length === y.length && x.every(([name, value]) => Object.is(value, (b as Record<string, unknown>)[name]));
}
