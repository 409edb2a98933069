// The live protocol's words and how a change is applied. docs/api/live.md is the contract.
import type { Key } from "../api.js";

/** A change: a JSON pointer and its new value, or a pointer alone for what went. */
export type Change = [pointer: string, value?: unknown];

/** What the server sends. `id` is `moment.digest`, `ts` the server's time in milliseconds. */
export type Frame =
  /** The whole state. */
  | { t: "snap"; k: Key; id: string; ts: number; d: unknown }
  /** What changed since revision `b`; `cf` updates were folded into it. */
  | { t: "d"; k: Key; b: string; id: string; ts: number; d: Change[]; cf?: number }
  /** The state asked to resume from still holds. */
  | { t: "same"; k: Key; id: string; ts: number }
  /** What was asked to resume from is gone; a snapshot follows. */
  | { t: "gap"; k: Key; why: string }
  /** The source is silent, for so many milliseconds; the state says so, too, and is believed. */
  | { t: "stale"; k: Key; age: number }
  /** What carries one of these tags is no longer current. */
  | { t: "inv"; tags: string[] }
  /** Still there. */
  | { t: "hb"; ts: number }
  /** A key that cannot be followed, or a request that cannot be read. */
  | { t: "err"; k?: Key; code: string; detail: string };

/** What a client asks for. `since` holds the id per key that it has. */
export type Ask =
  | { op: "sub"; k: Key[]; since: Record<Key, string | undefined> }
  | { op: "unsub"; k: Key[] };

/** Applies changes to a state. What did not change stays the same object. */
export function applied(state: unknown, changes: Change[]): unknown {
  return changes.reduce((now, change) => replaced(now, change[0].split("/").slice(1), change), state);
}

function replaced(state: unknown, path: string[], change: Change): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return change[1];
  if (typeof state !== "object" || state === null) throw new TypeError(`${change[0]} leads nowhere`);
  const name = step.includes("~") ? step.replace(/~1/g, "/").replace(/~0/g, "~") : step;
  const gone = rest.length === 0 && change.length === 1;
  if (Array.isArray(state)) {
    const copy: unknown[] = [...state];
    const at = name === "-" ? copy.length : Number(name);
    if (!(at >= 0 && at <= copy.length)) throw new TypeError(`${change[0]} is outside its list`);
    if (gone) copy.splice(at, 1);
    else copy[at] = replaced(copy[at], rest, change);
    return copy;
  }
  const members = state as Record<string, unknown>;
  // Not by assignment, which would reach the prototype by the name `__proto__`.
  const copy = gone ? { ...members } : { ...members, [name]: replaced(members[name], rest, change) };
  if (gone) delete copy[name];
  return copy;
}

/** Whether two states say the same, as revisions see it: in any order, whenever they were made. */
export function alike(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return a === b;
  const [x, y] = [a, b] as Record<string, unknown>[];
  return Object.keys({ ...x, ...y }).every((name) => alike(x![name], y![name]) || (name === "as_of" && typeof x![name] === typeof y![name] && typeof x![name] === "string"));
}

/** Reads a frame; nothing where it is none. */
export function frameOf(text: string): Frame | undefined {
  try {
    const frame = JSON.parse(text) as Frame | null;
    return typeof frame?.t === "string" ? frame : undefined;
  } catch {
    return undefined;
  }
}
