// The page of a game under way. The server writes every figure; this hears by the live feed that
// the game has changed, fetches the page, and changes what differs. Between two frames only the
// clock runs on.
import type { Surroundings } from "./live";
import { morph } from "./morph";
import { speaker } from "./said";
import { tinted } from "./tint";

/** How long an answer may take. */
const PATIENCE_MS = 8_000;
/** How often a running clock is written. */
const TICK_MS = 1_000;

/** What opens a stream; the browser's own where not given. */
export type Opener = (address: string) => EventTarget & { close(): void };

/** Follows the game of a page; the function returned lets go of it. */
export function startPlay(around: Surroundings, open: Opener = (address) => new EventSource(address)): () => void {
  const { page } = around;
  const block = page.getElementById("play");
  const key = block?.dataset["key"];
  if (block === null || key === undefined) return () => {};
  const said = speaker(page, "play-said", around.now);
  let [paused, missed, asking, again, held] = [false, false, false, false, ""];

  const refresh = async (): Promise<void> => {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      do {
        again = false;
        const answer = await around.fetch(page.location.pathname, { signal: AbortSignal.timeout(PATIENCE_MS) });
        if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of page.querySelectorAll("[data-live]")) {
          const other = fresh.getElementById(part.id);
          if (other) tinted(part, () => morph(part, other));
        }
        said.say(standing(page));
        write(page, around.now());
      } while (again);
      tell("");
    } catch {
      tell("No answer from the server: these figures may be old.");
    } finally {
      asking = false;
    }
  };

  const tell = (text: string): void => {
    const banner = page.getElementById("banner");
    if (banner !== null && banner.textContent !== text) banner.textContent = text;
  };

  const stream = open(`/v1/live?k=${encodeURIComponent(key)}`);
  stream.addEventListener("message", (event) => {
    const frame = JSON.parse((event as MessageEvent<string>).data) as { t: string; id?: string };
    // What the page was drawn from comes first, once.
    const news = frame.t === "stale" || ((frame.t === "snap" || frame.t === "d") && frame.id !== held);
    if (frame.id !== undefined) held = frame.id;
    if (!news) return;
    if (paused) missed = true;
    else void refresh();
  });
  stream.addEventListener("error", () => tell("The connection to the server is lost: these figures may be old. Trying again."));
  stream.addEventListener("open", () => tell(""));

  const button = page.getElementById("play-pause");
  const toggle = (): void => {
    paused = !paused;
    if (button === null) return;
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? "Resume" : "Pause";
    if (!paused && missed) void refresh();
    missed = false;
  };
  said.say(standing(page), "silently");
  if (button !== null) button.hidden = false;
  button?.addEventListener("click", toggle);
  const timer = setInterval(() => !paused && write(page, around.now()), TICK_MS);
  return () => {
    stream.close();
    said.stop();
    clearInterval(timer);
    button?.removeEventListener("click", toggle);
  };
}

/** How the game stands in a sentence: what is worth saying when it changes. */
function standing(page: Document): string {
  const sides = [...(page.getElementById("scoreline")?.children ?? [])].map((it) => it.textContent?.trim());
  const phase = page.getElementById("play-title")?.firstChild?.textContent?.replace(" · ", "").trim();
  return `${sides.join(" ")}, ${phase}`;
}

/** Writes the clock as it stands now. */
function write(page: Document, now: number): void {
  const clock = page.getElementById("play-clock");
  if (clock === null || clock.dataset["running"] !== "true") return;
  const ran = Math.max(0, now - Date.parse(clock.dataset["at"] ?? "")) / 1000;
  const seconds = Math.floor(Number(clock.dataset["seconds"]) + Math.min(ran, 7_200));
  clock.textContent = shown(Number(clock.dataset["half"]), Number(clock.dataset["period"]), seconds);
}

/** A place on the clock, as the server writes it. */
export function shown(halfMinutes: number, period: number, seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  if (halfMinutes === 0) return `${minutes}:${String(rest).padStart(2, "0")}`;
  const before = halfMinutes * Math.max(0, period - 1);
  return minutes >= halfMinutes ? `${before + halfMinutes}+${minutes - halfMinutes + 1}'` : `${before + minutes + 1}'`;
}
