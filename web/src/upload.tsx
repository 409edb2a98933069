// Uploads a version: which file, how far it is, and what the server has to say about it.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Dialog, Fault, KeyField, signInFirst, whoAfter, type Visitor } from "./dialog";
import { bytes } from "./format";
import type { Surroundings } from "./live";
import { refusal as refusalOf, type Refusal } from "./operate";
import { send, type Progress, type Upload } from "./send";

/** What the page says about uploads. */
export interface Wish {
  /** Which model; empty where its name is asked for. */
  model: string;
  says: string;
  bytesMax: number;
}

interface UploadProps extends Visitor {
  wish: Wish;
  around: Surroundings;
  close: () => void;
  finished: (notice: string) => void;
}

/** Asks which file, sends it, and shows how far it is. */
export default function UploadDialog({ wish, who, setWho, around, close, finished }: UploadProps): JSX.Element {
  const form = useRef<HTMLFormElement>(null);
  const stop = useRef<AbortController | null>(null);
  const [progress, setProgress] = useState<Progress | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const busy = progress !== null;

  useEffect(() => () => stop.current?.abort(), []);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>(refusal?.key ? "[name=key]" : "input")?.focus();
  }, [who, refusal]);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const upload = wanted(wish.model, new FormData(form.current ?? undefined));
    const tooLong = longer(upload.file, wish.bytesMax);
    setRefusal(tooLong);
    if (tooLong !== null) return;
    stop.current = new AbortController();
    setProgress({ step: "hash", share: 0 });
    const stranger = await signInFirst({ who, setWho }, form.current, around);
    const outcome = stranger === null ? await send(upload, setProgress, stop.current.signal) : { kind: "refused" as const, refusal: stranger };
    setProgress(null);
    const refused = outcome.kind === "refused" ? outcome.refusal : null;
    setWho(whoAfter(refused, around));
    if (outcome.kind === "stopped") return;
    if (outcome.kind === "there") finished(`Version ${outcome.version.version} of ${upload.model} is there.`);
    else setRefusal(refused);
  };

  const title = wish.model === "" ? "Upload a model" : `Upload a version of ${wish.model}`;
  return (
    <Dialog title={title} says={wish.says} locked={busy} around={around} form={form} close={close} submit={submit}>
      <fieldset class="plain" disabled={busy}>
        {wish.model === "" && (
          <label>
            Name of the model
            <input name="model" required maxLength={64} pattern="[A-Za-z0-9_\-][A-Za-z0-9_.\-]*" autocomplete="off" autocapitalize="off" spellcheck={false} title="Letters, digits, _, - and ." />
          </label>
        )}
        <label>
          File of the model
          <input name="file" type="file" required aria-describedby="file-why" />
          <small id="file-why">LightGBM text, XGBoost JSON or UBJSON, or ONNX, up to {bytes(wish.bytesMax)}. What it is, is told by its first bytes.</small>
        </label>
        <details>
          <summary>More about it</summary>
          <label>
            Number of the version
            <input name="version" type="number" min="1" step="1" inputMode="numeric" placeholder="the next free one" />
          </label>
          <label>
            Golden rows
            <input name="golden" type="file" accept=".json,application/json" aria-describedby="golden-why" />
            <small id="golden-why">JSON; a version that does not answer them as given is not taken.</small>
          </label>
          <label>
            Report of its trainer
            <input name="report" type="file" accept=".json,application/json" />
          </label>
        </details>
        <KeyField who={who} setWho={setWho} />
      </fieldset>
      {progress !== null && <Bar progress={progress} />}
      {refusal !== null && <Fault refusal={refusal} />}
      <div class="buttons">
        <button type="button" onClick={() => (busy ? stop.current?.abort() : close())}>
          {busy ? "Stop" : "Cancel"}
        </button>
        <button class="go" disabled={busy}>
          {busy ? "Working…" : "Upload"}
        </button>
      </div>
    </Dialog>
  );
}

function Bar({ progress: { step, share } }: { progress: Progress }): JSX.Element {
  const percent = Math.round(share * 100);
  const words = { hash: "Hashing the file", send: "Sending it", check: "The server reads and checks it" }[step];
  return (
    <div class="progress">
      <label for="progress">{words}…</label>
      {step === "check" ? <progress id="progress" /> : <progress id="progress" max={100} value={percent} />}
      <span aria-hidden="true">{step === "check" ? "" : `${percent}%`}</span>
      {/* A screen reader hears the steps, not every percent. */}
      <span class="vh" role="status">
        {words}
      </span>
    </div>
  );
}

function wanted(model: string, fields: FormData): Upload {
  const given = (name: string): File | null => {
    const file = fields.get(name);
    // A browser sends an empty file without a name where none was chosen.
    return file instanceof File && (file.name !== "" || file.size > 0) ? file : null;
  };
  const version = String(fields.get("version") ?? "");
  return {
    model: model || String(fields.get("model") ?? "").trim(),
    version: version === "" ? null : Number(version),
    file: given("file") ?? new File([], ""),
    golden: given("golden"),
    report: given("report"),
  };
}

/** Refuses what the server would refuse after the whole of it was sent. */
function longer(file: File, bytesMax: number): Refusal | null {
  if (file.size === 0) return { ...refusalOf(0, ""), title: "The file is empty", detail: file.name };
  if (file.size <= bytesMax) return null;
  const detail = `${file.name} has ${bytes(file.size)}; the setting models.upload_bytes_max allows ${bytes(bytesMax)}.`;
  return { ...refusalOf(0, ""), title: "The file is too large", detail };
}
