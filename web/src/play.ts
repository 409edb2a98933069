// A page that follows a game, under way or to come. The server writes every figure; this hears from the
// SDK that something has changed, fetches the page, and changes what differs. What matters most, score
// and probability, is written at once. Between two words only ages and the clock run on.
import { tickAges, tickClocks, AGES_MS, TICK_MS } from "./clock";
import { follow, pausing, tell, wayOf, type Connected } from "./live";
import { renew } from "./renew";
import { speaker } from "./said";
import type { components } from "./schema.gen";
import { showShares } from "./shares";
import { tinted } from "./tint";
import { readState, type FollowState } from "./wire";

type Play = components["schemas"]["FixturePlay"];

/** Follows what a page says it is made of; the function returned lets go of it. */
export function startPlay(around: Connected): () => void {
  const { page } = around;
  const state = readState<FollowState<Partial<Play>>>(page);
  if (state?.key == null) return () => {};
  const said = speaker(page, "play-said", around.now);
  const ahead = Date.parse(state.now) - around.now();
  let [paused, asking, again] = [false, false, false];
  let shown = "";
  const tick = (): void => tickClocks(page, around.now() + ahead);
  const grow = (): void => tickAges(page, around.now() + ahead);

  const refresh = async (): Promise<void> => {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      do {
        again = false;
        if ((await renew(around)) === "replaced") return;
        page.dispatchEvent(new Event("renewed"));
        said.say(standing(page));
        tick();
      } while (again);
      tell(page, "");
    } catch {
      tell(page, "No answer from the server: these figures may be old.");
    } finally {
      asking = false;
    }
  };

  const held = state.play ?? { key: state.key, rev: null, at: Date.parse(state.now), data: {} };
  if (state.play) shown = seal(state.play.data, null);
  const live = follow<Partial<Play>>(around, held, {
    changed: ({ data, doubt, rev }) => {
      const now = seal(data, doubt);
      const news = now !== shown && (shown !== "" || rev === null || rev !== state.rev);
      shown = now;
      if (!news) return;
      atOnce(page, data);
      void refresh();
    },
    standing: (connection, trouble) => {
      const word = page.getElementById("play-state");
      if (word !== null) {
        word.textContent = paused ? "" : wayOf(connection);
        word.hidden = false;
      }
      tell(page, trouble);
    },
  });
  const letGo = pausing(page.getElementById("play-pause"), (now) => {
    paused = now;
    live.pause(now);
  });
  said.say(standing(page), "silently");
  const timers = [setInterval(() => !paused && tick(), TICK_MS), setInterval(() => !paused && grow(), AGES_MS)];
  return () => {
    live.stop();
    said.stop();
    timers.forEach(clearInterval);
    letGo();
  };
}

/** What of an answer is news: in play not that it was made anew, before the game that it was, for prices came. */
function seal(data: Partial<Play>, doubt: string | null): string {
  return JSON.stringify(data.play ? [data.play, data.probabilities, data.against, doubt] : [data, doubt]);
}

/** Writes what matters most without asking for the page. */
function atOnce(page: Document, { play, probabilities }: Partial<Play>): void {
  if (!play || play.phase === "finished" || play.phase === "abandoned") return;
  const line = page.getElementById("scoreline");
  const score = line?.querySelector(".mid");
  if (line && score) tinted(line, () => (score.textContent = `${play.score.home}\u2013${play.score.away}`));
  const view = page.querySelector("#who-wins .view.model");
  if (view && probabilities) tinted(view, () => showShares(view, probabilities));
}

/** How the game stands in a sentence: what is worth saying when it changes. */
function standing(page: Document): string {
  const sides = [...(page.getElementById("scoreline")?.children ?? [])].map((it) => it.textContent?.trim());
  const phase = page.getElementById("play-title")?.firstChild?.textContent?.replace(" · ", "").trim();
  return [sides.join(" "), phase].filter(Boolean).join(", ");
}
