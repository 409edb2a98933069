// What changed on a board, in a sentence for those who listen: scores and phases, not every figure.
import { phaseOf } from "./clock";
import type { BoardRow } from "./wire";

/** Games named in one sentence. */
const NAMED_MAX = 4;

/** Whatever is worth saying of a row: score and where the game stands. */
function standing({ fixture, play }: BoardRow): string {
  const score = fixture.score ?? play?.score;
  if (score == null) return "";
  const phase = play == null || fixture.score != null ? "Finished" : phaseOf(fixture.sport, play.phase, play.clock?.period ?? 0);
  const kicks = play?.shootout;
  const [home, away] = [kicks && ` (${kicks.home})`, kicks && ` (${kicks.away})`].map((it) => it ?? "");
  return `${fixture.home.name} ${score.home}${home}, ${fixture.away.name} ${score.away}${away}, ${phase}`;
}

/**
 * Compares boards. What is returned makes a sentence of everything that changed since the last one
 * that was said; it is given the new rows and what was said last, and answers `""` for no news.
 */
export function standings(first: BoardRow[]): (rows: BoardRow[], said: string) => string {
  const before = new Map(first.map((row) => [row.fixture.id, standing(row)]));
  const news = new Map<number, string>();
  let last = "";
  return (rows, said) => {
    if (said === last) news.clear();
    for (const row of rows) {
      const now = standing(row);
      if (now !== "" && before.get(row.fixture.id) !== now) news.set(row.fixture.id, now);
      before.set(row.fixture.id, now);
    }
    const all = [...news.values()];
    const more = all.length > NAMED_MAX ? `; and ${all.length - NAMED_MAX} more` : "";
    last = all.slice(-NAMED_MAX).join("; ") + more;
    return last;
  };
}
