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

/** A place on the clock, as the server writes it. */
export function shown(halfMinutes: number, period: number, seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  if (halfMinutes === 0) return `${minutes}:${String(rest).padStart(2, "0")}`;
  const before = halfMinutes * Math.max(0, period - 1);
  return minutes >= halfMinutes ? `${before + halfMinutes}+${minutes - halfMinutes + 1}'` : `${before + minutes + 1}'`;
}

/** The clock as it stands now, by the server's time. */
export function standing(heard: Heard, halfMinutes: number, now: number): string {
  const ran = heard.running ? Math.min(RAN_SECONDS_MAX, Math.max(0, Math.floor((now - Date.parse(heard.at)) / 1000))) : 0;
  return shown(halfMinutes, heard.period, heard.seconds + ran);
}

/** Writes every running clock of a page as it stands now. */
export function tickClocks(page: Document, now: number): void {
  for (const clock of page.querySelectorAll<HTMLElement>('[data-running="true"]')) {
    const { period, seconds, at, half } = clock.dataset;
    const text = standing({ period: Number(period), seconds: Number(seconds), at: at ?? "", running: true }, Number(half), now);
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
  if (phase === "break") return football && period === 1 ? "Half time" : `After: ${name.toLowerCase()}`;
  return { before: "Not begun", finished: "Finished", abandoned: "Abandoned" }[phase] ?? "";
}
