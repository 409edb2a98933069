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

/** What the server put into a page that follows something and is asked for again when that changes. */
export interface FollowState<T> {
  now: string;
  /** What to follow; null where nothing will change any more. */
  key: string | null;
  /** The revision that the page was made of; null where it was not read from the feed. */
  rev: string | null;
  /** What is followed, where the page carries it. */
  play: Held<T> | null;
}

/** What the server put into a fixture's page. */
export interface FixtureState extends FollowState<Schemas["FixturePlay"]> {
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
