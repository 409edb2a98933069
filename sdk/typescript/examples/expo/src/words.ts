// How numbers and moments are put into words.
import type { Schemas } from "@sports-edge/sdk";

export const percent = (probability: number | undefined) => (probability === undefined ? "–" : `${(100 * probability).toFixed(1)} %`);

export const names = ({ home, away }: Schemas["Fixture"]) => `${home.name} – ${away.name}`;

/** How long ago, in the largest unit that fits. */
export function ago(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** Where a game stands: its score and minute, its final score, or when it begins. */
export function standing({ fixture, play }: Pick<Schemas["BoardRow"], "fixture" | "play">): string {
  const score = play?.score ?? fixture.score;
  const result = score ? `${score.home}:${score.away}` : "";
  if (play?.clock?.running) return `${result} · ${Math.floor(play.clock.seconds / 60) + 1}′ of period ${play.clock.period}`;
  if (play) return `${result} · ${play.phase.replaceAll("_", " ")}`;
  return result || `${fixture.kickoff.slice(0, 10)} ${fixture.kickoff.slice(11, 16)} UTC`;
}

/** Probabilities of who wins, as the outcomes they belong to. */
export function outcomes(probabilities: readonly number[]): { outcome: "home" | "draw" | "away"; probability: number }[] {
  const order = probabilities.length === 3 ? (["home", "draw", "away"] as const) : (["home", "away"] as const);
  return order.map((outcome, at) => ({ outcome, probability: probabilities[at] ?? 0 }));
}

/** The same of a prediction's first market. */
export function winners({ markets }: Schemas["Prediction"]): number[] | undefined {
  return markets.find(({ market }) => market === "h2h")?.outcomes.map(({ probability }) => probability);
}
