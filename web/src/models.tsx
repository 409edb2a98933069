// The program of the models' pages. The server writes every figure; this keeps them fresh, makes
// rates of counts, and does what the buttons say once it was confirmed.
import { render, type JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { span } from "./format";
import type { Freshness, Surroundings } from "./live";
import { morph } from "./morph";
import { done, keepKey, keptKey, perform, publicPart, question, taskOf, verb, type Refusal, type Task } from "./operate";
import { pulse, PULSE_MS, type Pulse } from "./pulse";
import { Rates } from "./rates";

/** How long the word of what was done stays. */
export const NOTICE_MS = 10_000;

/** Takes over a page of models; the function returned lets go of it. */
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
  const [key, setKey] = useState(keptKey);
  const [task, setTask] = useState<Task | null>(null);
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
      if (button !== null) setTask(taskOf(button, live.dataset["model"] ?? ""));
    };
    live.addEventListener("click", clicked);
    return () => live.removeEventListener("click", clicked);
  }, []);

  useEffect(() => {
    const timer = setTimeout(() => setNotice(""), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [notice]);

  useEffect(() => {
    const banner = around.page.getElementById("banner");
    if (banner !== null) banner.textContent = notice || stale(freshness, around.now());
  }, [notice, freshness]);

  const keep = (key: string | null): void => {
    keepKey(key);
    setKey(key);
  };
  const toggle = (): void => {
    setPaused(!paused);
    beats.current?.pause(!paused);
  };
  const finished = (task: Task): void => {
    setTask(null);
    setNotice(done(task));
    void beats.current?.beat();
  };

  return (
    <>
      {key !== null && (
        <button type="button" class="link" onClick={() => keep(null)}>
          Forget the key
        </button>
      )}
      <span>{paused ? "Paused" : `Live, every ${PULSE_MS / 1000} s`}</span>
      <button type="button" aria-pressed={paused} onClick={toggle}>
        {paused ? "Resume" : "Pause"}
      </button>
      {task !== null && <Confirm task={task} kept={key} keep={keep} around={around} close={() => setTask(null)} finished={finished} />}
    </>
  );
}

/** Says that figures are old while there is no answer. */
function stale(freshness: Freshness, now: number): string {
  if (freshness.kind === "fresh") return "";
  return `No answer from the server for ${span((now - freshness.since) / 1000)}: these figures may be old. Trying again.`;
}

interface ConfirmProps {
  task: Task;
  kept: string | null;
  keep: (key: string | null) => void;
  around: Surroundings;
  close: () => void;
  finished: (task: Task) => void;
}

/** Says what will change, asks for the key where none is kept, and does it. */
function Confirm({ task, kept, keep, around, close, finished }: ConfirmProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);

  useEffect(() => {
    // Where it was closed and what was pressed is gone, focus falls to the page's beginning.
    const before = around.page.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => (before?.isConnected ? before : around.page.getElementById("main"))?.focus();
  }, []);
  useEffect(() => {
    const next = refusal?.key ? "[name=key]" : "input, .go";
    form.current?.querySelector<HTMLElement>(next)?.focus();
  }, [kept, refusal]);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(form.current ?? undefined);
    const key = kept ?? String(fields.get("key") ?? "").trim();
    const share = task.share === null ? null : Number(fields.get("share"));
    const wanted = { ...task, share };
    setBusy(true);
    setRefusal(null);
    const refused = await perform(wanted, key, around);
    setBusy(false);
    // A key that was refused is not kept; one that was not is, whatever else went wrong.
    if (refused === null || !refused.key) keep(key);
    else keep(null);
    if (refused === null) finished(wanted);
    else setRefusal(refused);
  };

  return (
    <dialog ref={dialog} aria-labelledby="act-title" aria-describedby="act-says" onClose={close} onCancel={(event) => busy && event.preventDefault()}>
      <form ref={form} onSubmit={submit}>
        <h2 id="act-title">{question(task)}</h2>
        <p id="act-says">{task.says}</p>
        {task.share !== null && (
          <label>
            Share of the requests, in percent
            <input name="share" type="number" min="0" max="100" step="any" required inputMode="decimal" defaultValue={String(task.share)} />
          </label>
        )}
        {kept === null ? (
          <label>
            API key
            <input name="key" type="password" required autocomplete="off" spellcheck={false} aria-describedby="key-why" />
            <small id="key-why">
              One that may change models: the one that the first start printed, or what <code>sports-edge key create --name me --scope models</code> prints. It stays in this tab until the tab is closed or you forget it.
            </small>
          </label>
        ) : (
          <p class="kept">
            Done with the key {publicPart(kept)}….
            <button type="button" class="link" onClick={() => keep(null)}>
              Use another
            </button>
          </p>
        )}
        {refusal !== null && (
          <p class="fault" role="alert">
            <strong>{refusal.title}</strong>
            {refusal.detail}
          </p>
        )}
        <div class="buttons">
          <button type="button" disabled={busy} onClick={close}>
            Cancel
          </button>
          <button class="go" disabled={busy}>
            {busy ? "Working…" : verb(task.act)}
          </button>
        </div>
      </form>
    </dialog>
  );
}
