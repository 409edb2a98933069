// Takes over the page the server wrote.
import { listen } from "./keys";
import type { Connected } from "./live";
import { rememberZone, takeMenu } from "./preferences";
import { fetched, replace, REPLACED } from "./renew";
import { readState, type BoardState, type FixtureState, type StillState } from "./wire";

/** How long it is waited for a browser that is busy. */
const IDLE_MS_MAX = 500;

/** Starts whatever the page has use for; the function returned lets go of the keyboard. */
export async function boot(around: Connected, go: (address: string) => void): Promise<() => void> {
  const { page } = around;
  page.documentElement.classList.add("js");
  takeMenu(page);
  const stop = listen(page, go);
  const fired = told(around);
  let leaves = await begin(around);
  const anew = async (): Promise<void> => {
    leaves.forEach((leave) => leave());
    leaves = await begin(around);
  };
  page.addEventListener(REPLACED, anew);
  // What browsers take long to say is asked for once they have nothing else to do.
  await idle();
  if (await inZone(around, Intl.DateTimeFormat().resolvedOptions().timeZone)) await anew();
  // Whoever drives the page from outside may begin.
  page.documentElement.classList.add("started");
  return () => {
    stop();
    void fired.then((leave) => leave());
    page.removeEventListener(REPLACED, anew);
    leaves.forEach((leave) => leave());
  };
}

/** Until the browser has nothing to do, or half a second is over. */
function idle(): Promise<void> {
  return new Promise((done) => {
    if (typeof requestIdleCallback === "undefined") setTimeout(done, IDLE_MS_MAX);
    else requestIdleCallback(() => done(), { timeout: IDLE_MS_MAX });
  });
}

/** A first page does not know the visitor's time zone: once the server is told, it is written anew. Says whether
 * it was, and what ran on it has to begin again. */
async function inZone(around: Connected, zone: string): Promise<boolean> {
  const { page } = around;
  const shown = page.body.dataset["zone"];
  if (!rememberZone(page, zone) || shown === undefined || shown === zone) return false;
  // The times that stand there are right, if elsewhere.
  const fresh = await fetched(around).catch(() => null);
  if (fresh !== null) replace(page, fresh);
  return fresh !== null;
}

/** Says on every page what fires, but where nobody is let in yet. */
async function told(around: Connected): Promise<() => void> {
  const { page } = around;
  if (page.body.dataset["page"] === "sign-in" || page.getElementById("fired") === null) return () => {};
  // A page that was left open over a release may not find the file.
  return import("./fired").then((it) => it.startFired(around), () => () => {});
}

/** Starts whatever the main part of the page has use for; each function returned lets go of one. */
async function begin(around: Connected): Promise<(() => void)[]> {
  submitOnChange(around.page);
  // A page that was left open over a release may not find a file: the rest of it works.
  const started = await Promise.allSettled(parts(around));
  return started.flatMap((it) => (it.status === "fulfilled" ? [it.value] : []));
}

/** Starts what the page has, each as soon as its file is there. */
function parts(around: Connected): Promise<() => void>[] {
  const { page } = around;
  const started: Promise<() => void>[] = [];
  const has = (id: string, start: () => Promise<() => void>): void => {
    if (page.getElementById(id) !== null) started.push(start());
  };
  const board = page.getElementById("board");
  const state = readState<BoardState | StillState>(page);
  const fixture = state as Partial<FixtureState> | null;
  if (board && state) started.push(import("./app").then((it) => it.startBoard(around, board, state)));
  else if (fixture?.key != null) started.push(import("./play").then((it) => it.startPlay(around)));
  has("what-if", async () => (await import("./whatif")).startWhatIf(around));
  has("replay", async () => (await import("./replay")).startReplay(around));
  has("console", async () => (await import("./console")).startConsole(around));
  has("live", async () => (await import("./models")).startModels(around));
  has("ratings-plot", async () => {
    const { drawRatings } = await import("./ratings");
    if (fixture?.ratings) drawRatings(page.getElementById("ratings-plot")!, fixture.ratings);
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
