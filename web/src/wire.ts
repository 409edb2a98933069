// What the API answers, by its own document, and what the server puts into pages.
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

/** A fixture. */
export type Fixture = Schemas["Fixture"];
/** A price that pays more than it should. */
export type Edge = Schemas["Edge"];
/** One row of the board. */
export type BoardRow = Schemas["BoardRow"];

/** How odds are written. */
export type OddsFormat = "decimal" | "american" | "fractional";

/** What the server put into the board's page. */
export interface BoardState {
  now: string;
  odds: OddsFormat;
  zone: string;
  competition: string | null;
  day: string | null;
  from: string | null;
  until: string | null;
  limit: number;
  rows: BoardRow[];
}

/** What the server put into a fixture's page. */
export interface FixtureState {
  now: string;
  odds: OddsFormat;
  ratings: { name: string; points: [number, number][] }[];
}

/** Reads the state a page came with; nothing where it has none or it is broken. */
export function readState<T>(page: Document): T | null {
  const text = page.getElementById("state")?.textContent;
  if (!text) return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
