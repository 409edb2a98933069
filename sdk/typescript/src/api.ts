// What may be asked of the server, read off its own document: paths, parameters, bodies, answers.
import type { components, paths } from "./schema.gen.js";

/** The API's objects by their names in the document. */
export type Schemas = components["schemas"];

/** The methods the API uses. */
export type Verb = "get" | "post" | "put" | "patch" | "delete";

/** Paths that answer to a method. */
export type PathOf<V extends Verb> = {
  [P in keyof paths]: paths[P][V] extends { responses: unknown } ? P : never;
}[keyof paths];

type Content<R> = R extends { content: { "application/json": infer D } } ? D : undefined;
type Asked<O, K extends string> = O extends { parameters: infer R } ? (K extends keyof R ? R[K] : undefined) : undefined;

/** What a call answers with. */
export type Answer<P extends keyof paths, V extends Verb> = paths[P][V] extends { responses: infer R }
  ? R extends { 200: infer D }
    ? Content<D>
    : R extends { 201: infer D }
      ? Content<D>
      : undefined
  : never;

/** Query parameters of a call. */
export type Query<P extends keyof paths, V extends Verb> = NonNullable<Asked<paths[P][V], "query">>;

type PathPart<O> = Asked<O, "path"> extends infer A ? ([A] extends [undefined] ? unknown : { path: A }) : never;
type QueryPart<O> = Asked<O, "query"> extends infer A ? ([A] extends [undefined] ? unknown : { query?: A }) : never;
type BodyPart<O> = O extends { requestBody: { content: infer C } }
  ? C extends { "application/json": infer B }
    ? { body: B }
    : { body: Blob | ArrayBuffer | ArrayBufferView | string }
  : unknown;

/** What every call may say of itself. */
export interface CallOptions {
  /** Ends the call, and its retries, early. */
  signal?: AbortSignal;
  /** How long one attempt may take, in milliseconds. */
  timeoutMs?: number;
  /** Makes a write happen once however often it is sent; made up where a write takes one. */
  idempotencyKey?: string;
}

/** What a call is given: parts of its path, its query, its body. */
export type Args<P extends keyof paths, V extends Verb> = CallOptions &
  PathPart<paths[P][V]> &
  QueryPart<paths[P][V]> &
  BodyPart<paths[P][V]>;

/** The same without a body: what tells one read from another. */
export type Where<P extends keyof paths> = PathPart<paths[P]["get"]> & QueryPart<paths[P]["get"]>;

declare const answer: unique symbol;

/**
 * What one piece of state is called everywhere: the address that answers with it, without the
 * leading `/v1/`, its query in order. The live protocol uses the same names.
 */
export type Key<T = unknown> = string & { readonly [answer]?: T };

/** Whatever parameters an address takes. */
export type Parameters = Record<string, unknown>;

/** Fills the path in and puts the query in order, so that equal reads have one address. */
export function address(path: string, parts: Parameters = {}, query: Parameters = {}): string {
  const filled = path.replace(/{(\w+)}/g, (_, name: string) => {
    if (parts[name] == null) throw new TypeError(`${name} is missing of ${path}`);
    return encodeURIComponent(String(parts[name]));
  });
  const search = new URLSearchParams();
  for (const name of Object.keys(query).sort()) {
    const value = query[name];
    if (value != null) search.append(name, String(value));
  }
  const text = search.toString();
  return text ? `${filled}?${text}` : filled;
}

/** The key of a read. */
export function key<P extends PathOf<"get">>(
  path: P,
  ...where: unknown extends Where<P> ? [] : Record<never, never> extends Where<P> ? [Where<P>?] : [Where<P>]
): Key<Answer<P, "get">> {
  const { path: parts, query } = (where[0] ?? {}) as { path?: Parameters; query?: Parameters };
  return keyOf(path, parts, query);
}

/** The same of parts that nobody has checked. */
export const keyOf = (path: string, parts?: Parameters, query?: Parameters): Key<never> => address(path, parts, query).replace(/^\/v1\//, "");

/** The address of a key. */
export const addressOf = (of: Key): string => (of.startsWith("/") ? of : `/v1/${of}`);

/** Whether the feed could bring a key: what lies below `/v1/`. */
export const followable = (of: Key): boolean => !of.startsWith("/");

/** One fixture. */
export const fixture = (id: number) => key("/v1/fixtures/{id}", { path: { id } });
/** Probabilities of a fixture's markets; those of an earlier moment where one is given. */
export const prediction = (id: number, query: Query<"/v1/fixtures/{id}/prediction", "get"> = {}) =>
  key("/v1/fixtures/{id}/prediction", { path: { id }, query });
/** Fixtures with prediction, market and best edge. */
export const board = (query: Query<"/v1/board", "get"> = {}) => key("/v1/board", { query });
/** Prices that pay more than they should. */
export const edges = (query: Query<"/v1/edges", "get"> = {}) => key("/v1/edges", { query });

/**
 * What a key is about, for invalidation: `fixture:8` for whatever lies below a fixture, else the
 * name of the list.
 */
export function tagsOf(of: Key): string[] {
  const [path = ""] = of.split("?");
  const [first = "", id] = path.split("/");
  return first === "fixtures" && id ? [`fixture:${id}`] : [first];
}
