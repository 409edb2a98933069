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
  const plot = page.getElementById("ratings-plot");
  const fixture = plot && readState<FixtureState>(page);
  if (plot && fixture) {
    const { drawRatings } = await import("./ratings");
    drawRatings(plot, fixture.ratings);
  }
  const leaves = [stop];
  if (page.getElementById("what-if")) leaves.push((await import("./whatif")).startWhatIf(around));
  if (page.getElementById("replay")) leaves.push((await import("./replay")).startReplay(around));
  if (page.getElementById("play")) leaves.push((await import("./play")).startPlay(around));
  if (page.getElementById("console")) leaves.push((await import("./console")).startConsole(around));
  if (page.getElementById("live")) {
    leaves.push((await import("./models")).startModels(around));
  }
  // Where the feed is followed anyway, and where alerts are looked at.
  const follows = page.getElementById("play") !== null || (state?.key ?? null) !== null;
  if (follows || page.body.dataset["page"] === "alerts") {
    leaves.push((await import("./fired")).startFired(around));
  }
  // Whoever drives the page from outside may begin.
  page.documentElement.classList.add("started");
  return () => leaves.forEach((leave) => leave());
}

/** A filter counts as soon as it is chosen. */
function submitOnChange(page: Document): void {
  const form = page.querySelector<HTMLFormElement>("#filters");
  form?.addEventListener("change", (event) => {
    if ((event.target as Element).matches("select, [type=checkbox]")) form.requestSubmit();
  });
}
