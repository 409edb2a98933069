// Numbers and moments as people read them, letter for letter as the server writes them.
import type { Edge, OddsFormat } from "./wire";

const MINUS = "\u2212";

/** `52.3%` */
export function percent(probability: number): string {
  return `${(probability * 100).toFixed(1)}%`;
}

/** `+2.1%`, `−1.3%`; a signless zero. */
export function signedPercent(value: number): string {
  const tenths = Math.round(value * 1000) / 10;
  if (tenths > 0) return `+${tenths.toFixed(1)}%`;
  return tenths < 0 ? `${MINUS}${(-tenths).toFixed(1)}%` : "0.0%";
}

/** Seconds from which on a span is told in days: two, or what rounds to them. */
const DAYS_FROM = 171_000;

/** A span to the nearest of its largest sensible unit: `45 s`, `12 min`, `7 h`, `3 d`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3570) return `${Math.floor((whole + 30) / 60)} min`;
  if (whole < DAYS_FROM) return `${Math.floor((whole + 1800) / 3600)} h`;
  return `${Math.floor((whole + 43_200) / 86_400)} d`;
}

/** A game as far as the ages of its prices and forecasts count from it. */
export interface Kickoff {
  kickoff: string;
  kickoff_precision: string;
  /** Whether it is being played. */
  live: boolean;
}

/** How old something is: counted from now while the game is to come or under way, else from kickoff. */
export function age(at: string, { kickoff, kickoff_precision, live }: Kickoff, now: number): string {
  const [taken, start] = [seconds(at), seconds(kickoff)];
  if (live || Date.parse(kickoff) > now) return `${span(Math.floor(now / 1000) - taken)} ago`;
  if (start === taken) return "at kickoff";
  if (start < taken) return `${span(taken - start)} after kickoff`;
  if (kickoff_precision === "day" && start - taken < DAYS_FROM) return "before the game";
  return `${span(start - taken)} before kickoff`;
}

function seconds(at: string): number {
  return Math.floor(Date.parse(at) / 1000);
}

function parts(at: string, zone: string): Record<string, string> {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  return Object.fromEntries(format.formatToParts(new Date(at)).map((it) => [it.type, it.value]));
}

/** `Sat 6 Aug 2022` */
export function day(at: string, zone: string): string {
  const it = parts(at, zone);
  return `${it["weekday"]} ${it["day"]} ${it["month"]} ${it["year"]}`;
}

/** `2022-08-06` */
export function isoDay(at: string, zone: string): string {
  return new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).format(new Date(at));
}

/** `15:00` */
export function time(at: string, zone: string): string {
  const it = parts(at, zone);
  return `${it["hour"]}:${it["minute"]}`;
}

/** Writes decimal odds in a format. */
export function price(decimal: number, format: OddsFormat): string {
  const profit = decimal - 1;
  if (format === "american") {
    return profit >= 1 ? `+${(profit * 100).toFixed(0)}` : `-${(100 / profit).toFixed(0)}`;
  }
  if (format === "fractional") return fraction(profit);
  return decimal.toFixed(profit < 0.1 ? 3 : 2);
}

/** Exact in twentieths or coarser, else the simplest fraction within half a percent. */
function fraction(profit: number): string {
  return (
    simplest(profit, 20, 1e-9) ?? simplest(profit, 100, 0.005) ?? `1/${(1 / profit).toFixed(0)}`
  );
}

/** The first fraction up to a denominator that is close enough. */
function simplest(profit: number, denominatorMax: number, gap: number): string | undefined {
  for (let denominator = 1; denominator <= denominatorMax; denominator += 1) {
    const numerator = Math.round(profit * denominator);
    if (Math.abs(numerator / denominator / profit - 1) <= gap) {
      return `${numerator}/${denominator}`;
    }
  }
  return undefined;
}

/** What an edge bets on: `Home`, `Over 2.5`, `Home −0.5`. */
export function pick(edge: Pick<Edge, "market" | "line" | "outcome">): string {
  const name = edge.outcome.charAt(0).toUpperCase() + edge.outcome.slice(1);
  if (edge.market === "both_teams_to_score") return `Both score: ${edge.outcome}`;
  if (edge.market === "correct_score") return edge.outcome.replace("-", "\u2013");
  if (edge.line == null) return name;
  if (edge.market === "totals") return `${name} ${edge.line}`;
  // The line is what home is given; away is given the opposite.
  const line = edge.outcome === "away" ? 0 - edge.line : edge.line;
  return `${name} ${line > 0 ? "+" : ""}${String(line).replace("-", MINUS)}`;
}

/** `market_average` becomes `market average`. */
export function words(key: string): string {
  return key.replaceAll("_", " ");
}

/** `512 B`, `1.5 KiB`, `256 MiB` */
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [count, 0];
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))} ${units[unit]}`;
}
