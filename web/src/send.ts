// Sends a model's file: hashed first, a piece at a time, then streamed from disk. By
// XMLHttpRequest, for `fetch` does not say how far it is with what it sends.
import { refusal, type Refusal } from "./operate";
import type { components, paths } from "./schema.gen";
import { Sha256 } from "./sha256";

type Version = components["schemas"]["ModelVersion"];

/** What is sent. */
export interface Upload {
  model: string;
  /** The next free number where not given. */
  version: number | null;
  file: File;
  /** Rows with known answers, and what the trainer reports, as JSON. */
  golden: File | null;
  report: File | null;
}

/** How far it is. */
export interface Progress {
  step: "hash" | "send" | "check";
  /** Of the step, 0 to 1. */
  share: number;
}

/** What came of it. */
export type Outcome = { kind: "there"; version: Version } | { kind: "refused"; refusal: Refusal } | { kind: "stopped" };

const PATH: keyof paths = "/v1/models/{name}/versions";
/** The longest JSON in front of a file that the server reads. */
const FRONT_BYTES_MAX = 16 << 20;

/** Hashes the file and sends it; `signal` stops it. */
export async function send(upload: Upload, tell: (progress: Progress) => void, signal: AbortSignal): Promise<Outcome> {
  try {
    const front = await frontOf(upload);
    if (typeof front !== "string") return { kind: "refused", refusal: front };
    const sha256 = await hash(upload.file, (share) => tell({ step: "hash", share }), signal);
    const query = new URLSearchParams({ sha256 });
    if (upload.version !== null) query.set("version", String(upload.version));
    const url = `${PATH.replace("{name}", encodeURIComponent(upload.model))}?${query}`;
    return await post({ url, front: new Blob([front]), file: upload.file }, tell, signal);
  } catch (error) {
    if (signal.aborted) return { kind: "stopped" };
    // The file was changed or taken away while it was read.
    const detail = error instanceof Error ? error.message : String(error);
    return { kind: "refused", refusal: { ...refusal(0, ""), title: "The file cannot be read", detail } };
  }
}

/** The JSON in front of the file; empty for none. What is no JSON is refused by its file's name. */
async function frontOf({ golden, report }: Upload): Promise<string | Refusal> {
  const members: string[] = [];
  for (const [name, file] of [["golden", golden], ["report", report]] as const) {
    if (file === null) continue;
    if (file.size > FRONT_BYTES_MAX) return bad(file, "has more than 16 MiB");
    const text = await file.text();
    try {
      JSON.parse(text);
    } catch (error) {
      return bad(file, `is no JSON: ${(error as Error).message}`);
    }
    members.push(`${JSON.stringify(name)}:${text}`);
  }
  return members.length === 0 ? "" : `{${members.join(",")}}`;
}

function bad(file: File, what: string): Refusal {
  return { ...refusal(0, ""), title: "The file is not taken", detail: `${file.name} ${what}` };
}

async function hash(file: File, tell: (share: number) => void, signal: AbortSignal): Promise<string> {
  const sum = new Sha256();
  const reader = file.stream().getReader();
  let taken = 0;
  for (;;) {
    signal.throwIfAborted();
    const { done, value } = await reader.read();
    if (done) return sum.hex();
    sum.update(value);
    taken += value.length;
    tell(taken / file.size);
  }
}

interface Parcel {
  url: string;
  front: Blob;
  file: File;
}

function post({ url, front, file }: Parcel, tell: (progress: Progress) => void, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const finish = (outcome: Outcome): void => {
      signal.removeEventListener("abort", stop);
      resolve(outcome);
    };
    const stop = (): void => request.abort();
    signal.addEventListener("abort", stop);
    request.upload.onprogress = ({ loaded, total }) => tell({ step: "send", share: total > 0 ? loaded / total : 0 });
    request.upload.onload = () => tell({ step: "check", share: 1 });
    request.onload = () => finish(answered(request.status, request.responseText));
    request.onerror = () => finish({ kind: "refused", refusal: { ...refusal(0, ""), title: "The upload broke off", detail: "The server could not be reached, or closed the connection. Nothing was kept; send the file again." } });
    request.onabort = () => finish({ kind: "stopped" });
    request.open("POST", url);
    request.setRequestHeader("accept", "application/json");
    request.setRequestHeader("content-type", "application/octet-stream");
    if (front.size > 0) request.setRequestHeader("inference-header-content-length", String(front.size));
    request.send(new Blob([front, file]));
  });
}

function answered(status: number, body: string): Outcome {
  if (status === 201) return { kind: "there", version: JSON.parse(body) as Version };
  return { kind: "refused", refusal: refusal(status, body) };
}
