// The program of the models' pages and the cache's. The server writes every figure; this keeps them fresh, makes
// rates of counts, and does what the buttons say once it was confirmed.
import { render, type JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { showSecret, startForm } from "./alerts";
import { Confirm } from "./confirm";
import { span } from "./format";
import type { Freshness, Surroundings } from "./live";
import { morph } from "./morph";
import { done, signedIn, taskOf, type Task } from "./operate";
import { pulse, PULSE_MS, type Pulse } from "./pulse";
import { Rates } from "./rates";
import type UploadDialog from "./upload";
import type { Wish } from "./upload";

/** How long the word of what was done stays. */
export const NOTICE_MS = 10_000;

/** Takes over a page of models or the cache; the function returned lets go of it. */
export function startModels(around: Surroundings): () => void {
  const { page } = around;
  const [live, controls] = [page.getElementById("live"), page.getElementById("controls")];
  if (live === null || controls === null) return () => {};
  render(<Panel live={live} around={around} />, controls);
  page.documentElement.classList.add("can-act");
  return () => render(null, controls);
}

/** Says how fresh the page is, pauses it, and asks before something is done. */
function Panel({ live, around }: { live: HTMLElement; around: Surroundings }): JSX.Element {
  const [paused, setPaused] = useState(false);
  const [freshness, setFreshness] = useState<Freshness>({ kind: "fresh" });
  const [notice, setNotice] = useState("");
  const [who, setWho] = useState(() => signedIn(around.page));
  const [task, setTask] = useState<Task | null>(null);
  const [wish, setWish] = useState<Wish | null>(null);
  const [Upload, setUpload] = useState<typeof UploadDialog | null>(null);
  const beats = useRef<Pulse | null>(null);

  useEffect(() => {
    const rates = new Rates();
    rates.show(live, around.now());
    const { pathname, search } = around.page.location;
    const started = pulse(pathname + search, around, {
      page: (fresh) => {
        const root = fresh?.getElementById("live");
        const within = live.contains(around.page.activeElement);
        if (root) morph(live, root);
        // Whoever signed in by a question is shown at the top, too.
        const [visitor, now] = [around.page.getElementById("visitor"), fresh?.getElementById("visitor")];
        if (visitor && now) morph(visitor, now);
        // What had the focus may be gone: a version that serves cannot be promoted again.
        if (within && !live.contains(around.page.activeElement)) around.page.getElementById("main")?.focus();
        rates.show(live, around.now());
      },
      freshness: setFreshness,
    });
    beats.current = started;
    return started.stop;
  }, []);

  useEffect(() => {
    const clicked = (event: Event): void => {
      const button = (event.target as Element).closest<HTMLElement>("button[data-act]");
      if (button === null) return;
      const model = live.dataset["model"] ?? "";
      if (button.dataset["act"] === "upload") void startUpload(button, model);
      else setTask(taskOf(button, model));
    };
    live.addEventListener("click", clicked);
    return () => live.removeEventListener("click", clicked);
  }, []);

  useEffect(() => {
    const form = around.page.querySelector<HTMLFormElement>("#alert-form");
    return form === null ? undefined : startForm(form, setTask);
  }, []);

  useEffect(() => {
    const timer = setTimeout(() => setNotice(""), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [notice]);

  useEffect(() => {
    const banner = around.page.getElementById("banner");
    if (banner !== null) banner.textContent = notice || stale(freshness, around.now());
  }, [notice, freshness]);

  const toggle = (): void => {
    setPaused(!paused);
    beats.current?.pause(!paused);
  };
  const startUpload = async (button: HTMLElement, model: string): Promise<void> => {
    const { says, bytesMax } = button.dataset;
    const loaded = await import("./upload").catch(() => null);
    if (loaded === null) return setNotice("No answer from the server: try again.");
    setUpload(() => loaded.default);
    setWish({ model, says: says ?? "", bytesMax: Number(bytesMax) });
  };
  const confirmed = (task: Task): void => {
    if (task.act === "alert-make") showSecret(around.page, task.answer);
    finished(done(task));
  };
  const finished = (notice: string): void => {
    setTask(null);
    setWish(null);
    setNotice(notice);
    void beats.current?.beat();
  };

  return (
    <>
      <span>{paused ? "Paused" : `Live, every ${PULSE_MS / 1000} s`}</span>
      <button type="button" aria-pressed={paused} onClick={toggle}>
        {paused ? "Resume" : "Pause"}
      </button>
      {task !== null && <Confirm task={task} who={who} setWho={setWho} around={around} close={() => setTask(null)} finished={confirmed} />}
      {wish !== null && Upload !== null && <Upload wish={wish} who={who} setWho={setWho} around={around} close={() => setWish(null)} finished={finished} />}
    </>
  );
}

/** Says that figures are old while there is no answer. */
function stale(freshness: Freshness, now: number): string {
  if (freshness.kind === "fresh") return "";
  return `No answer from the server for ${span((now - freshness.since) / 1000)}: these figures may be old. Trying again.`;
}
