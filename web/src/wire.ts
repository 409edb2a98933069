// What the API answers, as far as the dashboard reads it.

/** A fixture. */
export interface Fixture {
  id: number;
  competition: string;
  competition_name: string;
  kickoff: string;
  kickoff_precision: "day" | "minute";
  home: { name: string };
  away: { name: string };
  status: "scheduled" | "finished" | "postponed" | "cancelled";
  score: { home: number; away: number } | null;
}

/** A price that pays more than it should. */
export interface Edge {
  market: "h2h" | "totals" | "spreads" | "both_teams_to_score" | "correct_score";
  line: number | null;
  outcome: string;
  bookmaker: string;
  price: number;
  expected_value: number;
}

/** One row of the board. */
export interface BoardRow {
  fixture: Fixture;
  prediction: { model: string; probabilities: number[] } | null;
  as_of: string | null;
  market: { probabilities: number[]; taken_at: string } | null;
  edge: Edge | null;
}

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
