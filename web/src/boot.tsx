// Takes over the page the server wrote.
import { hydrate } from "preact";
import { App, Fallback } from "./app";
import { listen } from "./keys";
import type { Connected } from "./live";
import { rememberZone, takeMenu } from "./preferences";
import { readState, type BoardState, type FixtureState, type StillState } from "./wire";

/** Starts whatever the page has use for; the function returned lets go of the keyboard. */
export async function boot(around: Connected, go: (address: string) => void): Promise<() => void> {
  const { page } = around;
  page.documentElement.classList.add("js");
  takeMenu(page);
  const stop = listen(page, go);
  rememberZone(page, Intl.DateTimeFormat().resolvedOptions().timeZone);
  submitOnChange(page);
  const board = page.getElementById("board");
  const state = board && readState<BoardState | StillState>(page);
  if (board && state) {
    const app = (
      <Fallback html={board.innerHTML}>
        <App state={state} around={around} />
      </Fallback>
    );
    hydrate(app, board);
  }
  // A page that was left open over a release may not find a file: the rest of it works.
  const started = await Promise.allSettled(parts(around, (state?.key ?? null) !== null));
  const leaves = [stop, ...started.flatMap((it) => (it.status === "fulfilled" ? [it.value] : []))];
  // Whoever drives the page from outside may begin.
  page.documentElement.classList.add("started");
  return () => leaves.forEach((leave) => leave());
}

/** Starts what else the page has, each as soon as its file is there; `follows` where a board is followed. */
function parts(around: Connected, follows: boolean): Promise<() => void>[] {
  const { page } = around;
  const started: Promise<() => void>[] = [];
  const has = (id: string, start: () => Promise<() => void>): boolean => {
    const there = page.getElementById(id) !== null;
    if (there) started.push(start());
    return there;
  };
  const plays = has("play", async () => (await import("./play")).startPlay(around));
  // Where the feed is followed anyway, and where alerts are looked at.
  if (plays || follows || page.body.dataset["page"] === "alerts") {
    started.push(import("./fired").then((it) => it.startFired(around)));
  }
  has("what-if", async () => (await import("./whatif")).startWhatIf(around));
  has("replay", async () => (await import("./replay")).startReplay(around));
  has("console", async () => (await import("./console")).startConsole(around));
  has("live", async () => (await import("./models")).startModels(around));
  const fixture = readState<FixtureState>(page);
  has("ratings-plot", async () => {
    const { drawRatings } = await import("./ratings");
    if (fixture) drawRatings(page.getElementById("ratings-plot")!, fixture.ratings);
    return () => {};
  });
  return started;
}

/** A filter counts as soon as it is chosen. */
function submitOnChange(page: Document): void {
  const form = page.querySelector<HTMLFormElement>("#filters");
  form?.addEventListener("change", (event) => {
    if ((event.target as Element).matches("select, [type=checkbox]")) form.requestSubmit();
  });
}
