// What the API answers, by its own document, and what the server puts into pages.
import type { Held } from "./live";
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

/** One row of the board. */
export type BoardRow = Schemas["ScoreRow"];
/** A fixture, as far as the board shows it. */
export type Fixture = Schemas["ScoreFixture"];
/** A price that pays more than it should, as far as the board shows it. */
export type Edge = Schemas["ScoreEdge"];
/** What the board follows. */
export type Scoreboard = Schemas["List_ScoreRow"];

/** How odds are written. */
export type OddsFormat = "decimal" | "american" | "fractional";

/** What the server put into the board's page. */
export interface BoardState extends Held<Scoreboard> {
  now: string;
  odds: OddsFormat;
  zone: string;
  /** What to follow. */
  key: string;
}

/** The same where nothing will change any more. */
export type StillState = Omit<BoardState, "key"> & { key: null };

/** What the server put into a fixture's page. */
export interface FixtureState {
  now: string;
  odds: OddsFormat;
  ratings: { name: string; points: [number, number][] }[];
  /** How the game stands; null before it is under way, and where it cannot be followed. */
  play: Held<Schemas["FixturePlay"]> | null;
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
