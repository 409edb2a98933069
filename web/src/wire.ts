// What the API answers, by its own document, and what the server puts into pages.
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

/** A fixture, as far as the board shows it. */
export type Fixture = Pick<
  Schemas["Fixture"],
  "id" | "competition" | "competition_name" | "kickoff" | "kickoff_precision" | "status" | "score"
> & { home: Pick<Schemas["Team"], "name">; away: Pick<Schemas["Team"], "name"> };
/** A price that pays more than it should, as far as the board shows it. */
export type Edge = Pick<Schemas["Edge"], "market" | "line" | "outcome" | "bookmaker" | "price" | "expected_value">;
/** One row of the board: the API's, or what the server put of it into the page. */
export interface BoardRow {
  fixture: Fixture;
  prediction?: Pick<Schemas["Opinion"], "probabilities"> | null;
  as_of?: string | null;
  market?: Pick<Schemas["MarketView"], "probabilities" | "taken_at"> | null;
  edge?: Edge | null;
}
/** What the API answers: a compile-time proof that its rows are rows of the board. */
export type BoardAnswer = { data: Schemas["BoardRow"][] };

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
