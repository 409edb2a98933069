// The page of a game under way. The server writes every figure; this hears from the SDK that the game
// has changed, fetches the page, and changes what differs. What matters most, score and probability,
// is written at once. Between two words only the clock runs on.
import { tickClocks, TICK_MS } from "./clock";
import { follow, PATIENCE_MS, pausing, tell, wayOf, type Connected, type Surroundings } from "./live";
import { morph } from "./morph";
import { speaker } from "./said";
import type { components } from "./schema.gen";
import { showShares } from "./shares";
import { tinted } from "./tint";
import { readState, type FixtureState } from "./wire";

type Play = components["schemas"]["FixturePlay"];

/** Follows the game of a page; the function returned lets go of it. */
export function startPlay(around: Connected): () => void {
  const { page } = around;
  const state = readState<FixtureState>(page);
  const key = page.getElementById("play")?.dataset["key"];
  if (key === undefined || state === null) return () => {};
  const said = speaker(page, "play-said", around.now);
  const ahead = Date.parse(state.now) - around.now();
  let [paused, asking, again] = [false, false, false];
  let shown = "";

  const refresh = async (): Promise<void> => {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      do {
        again = false;
        await renew(around);
        page.dispatchEvent(new Event("renewed"));
        said.say(standing(page));
        tickClocks(page, around.now() + ahead);
      } while (again);
      tell(page, "");
    } catch {
      tell(page, "No answer from the server: these figures may be old.");
    } finally {
      asking = false;
    }
  };

  const held = state.play ?? { key, rev: null, at: Date.parse(state.now), data: null as unknown as Play };
  const live = follow<Play>(around, held, {
    changed: ({ data, doubt }) => {
      // An answer that was only made anew is no news.
      const now = JSON.stringify([data.play, data.probabilities, data.against, doubt]);
      if (now === shown) return;
      shown = now;
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
  const timer = setInterval(() => !paused && tickClocks(page, around.now() + ahead), TICK_MS);
  return () => {
    live.stop();
    said.stop();
    clearInterval(timer);
    letGo();
  };
}

/** Fetches the page and changes what differs in its parts that follow the game. */
async function renew({ fetch, page }: Surroundings): Promise<void> {
  const { pathname, search } = page.location;
  const answer = await fetch(pathname + search, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of page.querySelectorAll("[data-live]")) {
    const other = fresh.getElementById(part.id);
    if (other) tinted(part, () => morph(part, other));
  }
}

/** Writes what matters most without asking for the page. */
function atOnce(page: Document, { play, probabilities }: Play): void {
  const line = page.getElementById("scoreline");
  const score = line?.querySelector(".mid");
  if (line && score && play) tinted(line, () => (score.textContent = `${play.score.home}\u2013${play.score.away}`));
  const view = page.querySelector("#who-wins .view.model");
  if (view) tinted(view, () => showShares(view, probabilities));
}

/** How the game stands in a sentence: what is worth saying when it changes. */
function standing(page: Document): string {
  const sides = [...(page.getElementById("scoreline")?.children ?? [])].map((it) => it.textContent?.trim());
  const phase = page.getElementById("play-title")?.firstChild?.textContent?.replace(" · ", "").trim();
  return `${sides.join(" ")}, ${phase}`;
}
