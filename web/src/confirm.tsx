// Asks before something is done: what will change, the figures it takes, and, where a gate
// refuses a promotion, once more with the gate's reason.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Dialog, Fault, KeyField, signInFirst, whoAfter, type Visitor } from "./dialog";
import type { Surroundings } from "./live";
import { filled, perform, question, rightOf, verb, type Refusal, type Task } from "./operate";

/** What the server takes for a label, but for `stable`, which a promotion moves. */
const LABEL = "(?!stable$)(?![0-9]+$)[A-Za-z0-9_\\-][A-Za-z0-9_.\\-]{0,63}";
const INSIST = "It takes all traffic although it did not show what was asked of it. It can be rolled back.";

interface ConfirmProps extends Visitor {
  task: Task;
  around: Surroundings;
  close: () => void;
  finished: (task: Task) => void;
}

/** Says what will change, asks for a key where nobody is signed in, and does it. */
export function Confirm({ task: asked, who, setWho, around, close, finished }: ConfirmProps): JSX.Element {
  const form = useRef<HTMLFormElement>(null);
  const [task, setTask] = useState(asked);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const gated = refusal?.gate === true && task.act === "promote";

  useEffect(() => {
    const next = refusal?.key ? "[name=key]" : task.force || gated ? ".back" : "input, .go";
    form.current?.querySelector<HTMLElement>(next)?.focus();
  }, [who, refusal, task.force]);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const wanted = filled(task, new FormData(form.current ?? undefined));
    // What was typed is still there if it is refused.
    setTask(wanted);
    setBusy(true);
    // The gate's reason stays in sight while it is passed over.
    if (!wanted.force) setRefusal(null);
    const refused = (await signInFirst({ who, setWho }, form.current, around)) ?? (await perform(wanted, around));
    setBusy(false);
    setWho(whoAfter(refused, around));
    if (refused === null) finished(wanted);
    else setRefusal(refused);
  };
  const insist = (): void => setTask({ ...task, force: true });

  return (
    <Dialog title={question(task)} says={task.force ? INSIST : task.says} locked={busy} around={around} form={form} close={close} submit={submit}>
      <Fields task={task} />
      <KeyField who={who} setWho={setWho} right={rightOf(task)} />
      {refusal !== null && <Fault refusal={refusal} />}
      <div class="buttons">
        <button type="button" class="back" disabled={busy} onClick={close}>
          Cancel
        </button>
        {gated && !task.force ? (
          <button key="insist" type="button" class="danger" onClick={insist}>
            Promote all the same…
          </button>
        ) : (
          <button key="go" class={task.force || task.act.endsWith("delete") ? "go grave" : "go"} disabled={busy}>
            {busy ? "Working…" : verb(task)}
          </button>
        )}
      </div>
    </Dialog>
  );
}

/** The figures that a task takes. */
function Fields({ task }: { task: Task }): JSX.Element | null {
  if (task.act === "label") {
    return (
      <label>
        Label
        <input name="label" required maxLength={64} pattern={LABEL} autocomplete="off" autocapitalize="off" spellcheck={false} defaultValue={task.label ?? ""} aria-describedby="label-why" title="Letters, digits, _, - and ., not a number alone, and not stable" />
        <small id="label-why">
          Letters, digits, <code>_</code>, <code>-</code> and <code>.</code>, not a number alone. <code>stable</code> is what serves: promote for that.
        </small>
      </label>
    );
  }
  if (task.share === null) return null;
  return (
    <>
      <label>
        Share of the requests, in percent
        <input name="share" type="number" min="0" max="100" step="any" required inputMode="decimal" defaultValue={String(task.share)} />
      </label>
      {task.act === "shadow" && <GateFields task={task} />}
    </>
  );
}

function GateFields({ task: { gate } }: { task: Task }): JSX.Element {
  return (
    <fieldset>
      <legend>May be promoted once</legend>
      <label>
        this many rows were compared
        <input name="rows" type="number" min="0" step="1" inputMode="numeric" placeholder="any number" defaultValue={gate.rows?.toString() ?? ""} />
      </label>
      <label>
        their outputs differ by no more than, on average
        <input name="difference" type="number" min="0" step="any" inputMode="decimal" placeholder="any difference" defaultValue={gate.difference?.toString() ?? ""} />
      </label>
      <label class="check">
        <input name="auto" type="checkbox" defaultChecked={gate.auto} />
        and is then promoted by itself
      </label>
    </fieldset>
  );
}
