// Clocks and ages, run on between two words of the server.
import { span } from "./format";

/** A clock as last heard. */
export interface Heard {
  period: number;
  /** Seconds played of the period at `at`. */
  seconds: number;
  at: string;
  running: boolean;
}

/** How often a running clock is written. */
export const TICK_MS = 1_000;
/** How often ages are written anew. */
export const AGES_MS = 10_000;
/** A clock that nobody has told of for so long stands. */
const RAN_SECONDS_MAX = 7_200;
/** The period of football that is a shoot-out. */
const SHOOTOUT = 5;

/** Regular periods of a sport of points. */
const QUARTERS = 4;

/** Minutes of a period as scoreboards count them. */
function minutes(sport: string, period: number): number {
  if (sport === "football") return period <= 2 ? 45 : 15;
  if (sport === "basketball") return period <= QUARTERS ? 12 : 5;
  return period <= QUARTERS ? 15 : 10;
}

/** A place on the clock, as the server writes it: the minute under way in football, else what is left of the period. */
export function shown(sport: string, period: number, seconds: number): string {
  const length = minutes(sport, period);
  if (sport !== "football") {
    const left = Math.max(0, 60 * length - Math.floor(seconds));
    return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  }
  if (period === SHOOTOUT) return "Pens";
  let before = 0;
  for (let it = 1; it < period; it += 1) before += minutes(sport, it);
  const played = Math.floor(seconds / 60);
  return played >= length ? `${before + length}+${played - length + 1}'` : `${before + played + 1}'`;
}

/** A period of a sport of points: `Q4`, `OT`, `OT2`. */
export function quarter(period: number): string {
  if (period <= QUARTERS) return `Q${period}`;
  return period === QUARTERS + 1 ? "OT" : `OT${period - QUARTERS}`;
}

/** What stands for the clock where none runs. */
export function wordOf(sport: string, phase: string, period: number): string {
  if (phase === "finished") return "FT";
  if (phase !== "break") return "\u2013";
  if (sport === "football") return ["", "HT", "FT 90'", "ET HT"][period] ?? "ET end";
  return period === 2 ? "HT" : `${quarter(period)} end`;
}

/** The clock as it stands now, by the server's time. */
export function standing(heard: Heard, sport: string, now: number): string {
  const ran = heard.running ? Math.min(RAN_SECONDS_MAX, Math.max(0, Math.floor((now - Date.parse(heard.at)) / 1000))) : 0;
  return shown(sport, heard.period, heard.seconds + ran);
}

/** Writes every running clock of a page as it stands now. */
export function tickClocks(page: Document, now: number): void {
  for (const clock of page.querySelectorAll<HTMLElement>('[data-running="true"]')) {
    const { period, seconds, at, sport } = clock.dataset;
    const text = standing({ period: Number(period), seconds: Number(seconds), at: at ?? "", running: true }, sport ?? "", now);
    const node = clock.firstChild;
    if (node !== null && node.nodeValue !== text) node.nodeValue = text;
  }
}

/** Writes every age of a page that counts from now. */
export function tickAges(page: Document, now: number): void {
  for (const age of page.querySelectorAll<HTMLTimeElement>("time[data-ago]")) {
    const text = `${span((now - Date.parse(age.dateTime)) / 1000)} ago`;
    if (age.textContent !== text) age.textContent = text;
  }
}

/** What a phase is called, by sport. */
export function phaseOf(sport: string, phase: string, period: number): string {
  const football = sport === "football";
  const name = football ? (["", "First half", "Second half", "Extra time", "Extra time", "Shoot-out"][period] ?? "Extra time") : period >= 1 && period <= 4 ? `Quarter ${period}` : "Overtime";
  if (phase === "playing") return football && period === 0 ? "Extra time" : name;
  if (phase === "break") {
    if (period === (football ? 1 : 2)) return "Half time";
    if (!football) return `After ${name.toLowerCase()}`;
    return ["", "", "After 90 minutes", "Half time of extra time"][period] ?? "After extra time";
  }
  return { before: "Not begun", finished: "Finished", abandoned: "Abandoned" }[phase] ?? "";
}
