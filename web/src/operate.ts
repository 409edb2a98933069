// What can be done with models and the cache through the API, and signing in to do it.
import type { Surroundings } from "./live";
import type { components, paths } from "./schema.gen";

type Schemas = components["schemas"];
/** A body that the API takes. */
type Body = Schemas["Promotion"] | Schemas["Canary"] | Schemas["Shadow"] | Schemas["LabelTarget"] | Schemas["Purge"] | Schemas["NewAlert"] | Schemas["AlertPatch"] | Schemas["SignIn"] | null;

/** What can be done with a click and a confirmation. */
export type Act = "promote" | "rollback" | "load" | "unload" | "canary" | "end-canary" | "shadow" | "end-shadow" | "label" | "unlabel" | "delete" | "purge" | "alert-make" | "alert-pause" | "alert-resume" | "alert-test" | "alert-delete";

/** Something to be done, as the server's page describes it. */
export interface Task {
  model: string;
  act: Act;
  version: number | null;
  /** What it changes, in a sentence. */
  says: string;
  /** Share of a canary or shadow in percent. */
  share: number | null;
  label: string | null;
  /** What the gate of a shadow asks for. */
  gate: Gate;
  /** Whether a gate that refuses is passed over. */
  force: boolean;
  /** What a purge or a new alert sends, as JSON. */
  body: string | null;
  /** What the server answered, once it is done. */
  answer?: unknown;
}

/** What must hold before a shadow may be promoted. */
export interface Gate {
  /** Rows to compare. */
  rows: number | null;
  /** Mean absolute difference of outputs. */
  difference: number | null;
  /** Whether it is then promoted by itself. */
  auto: boolean;
}

/** Why something was not done. */
export interface Refusal {
  title: string;
  detail: string;
  /** Whether another key may help. */
  key: boolean;
  /** Whether it is refused as things are, by a gate or because it is needed. */
  gate: boolean;
}

/** How long an answer may take: a version is loaded before it is promoted. */
export const ANSWER_MS = 30_000;
/** The key that this browser is signed in with, by its public part; `null` for none. It proves nothing. */
export function signedIn(page: Document): string | null {
  // Which cookie it is depends on the server's port, and on whether it is reached by TLS.
  const name = page.body.dataset["visitor"] ?? "signed-in";
  const value = (cookie: string) => new RegExp(`(?:^|; )${cookie}=(\\w+)`).exec(page.cookie)?.[1];
  // Where both are there the plain one may be of another host.
  const prefix = value(`__Host-${name}`) ?? value(name);
  return prefix === undefined ? null : `se_${prefix}`;
}

/** Signs in with a key, which is kept nowhere; `null` where it counts. */
export async function signIn(key: string, around: Surroundings): Promise<Refusal | null> {
  return (await send(around, ["POST", "/v1/session", { key }])).refusal;
}

/** Reads what a button of the page stands for. */
export function taskOf(button: HTMLElement, model: string): Task {
  const { act, version, says, share, label, rows, difference, auto, body } = button.dataset;
  return {
    model,
    act: act as Act,
    version: number(version),
    says: says ?? "",
    share: number(share),
    label: label ?? null,
    gate: { rows: number(rows), difference: number(difference), auto: auto !== undefined },
    force: false,
    body: body ?? null,
  };
}

/** A number that was written or typed; `null` for none. */
function number(text: string | undefined): number | null {
  return text === undefined || text.trim() === "" ? null : Number(text);
}

/** The task with what was typed into its form. */
export function filled(task: Task, fields: FormData): Task {
  const typed = (name: string): string => String(fields.get(name) ?? "");
  const share = task.share === null ? null : Number(typed("share"));
  const label = task.act === "label" ? typed("label").trim() : task.label;
  const gate = { rows: number(typed("rows")), difference: number(typed("difference")), auto: fields.has("auto") };
  return { ...task, share, label, gate: task.act === "shadow" ? gate : task.gate };
}

/** What a key must be allowed to do for a task. */
export function rightOf({ act }: Task): "write" | "models" | "admin" {
  if (act === "purge") return "admin";
  return act.startsWith("alert-") ? "write" : "models";
}

/** The question of a task. */
export function question({ act, model, version, label, force }: Task): string {
  const which = `version ${version} of ${model}`;
  switch (act) {
    case "promote":
      return force ? `Promote ${which} although its gate refuses?` : `Promote ${which}?`;
    case "rollback":
      return `Roll ${model} back?`;
    case "load":
      return `Load ${which}?`;
    case "unload":
      return `Unload ${model}?`;
    case "canary":
      return `Try ${which} on a share of the requests?`;
    case "end-canary":
      return `End the canary, ${which}?`;
    case "shadow":
      return `Run ${which} in the shadow?`;
    case "end-shadow":
      return `End the shadow, ${which}?`;
    case "label":
      return `Label ${which}?`;
    case "unlabel":
      return `Take label ${label} away from ${which}?`;
    case "delete":
      return `Delete ${which}?`;
    case "purge":
      return "Purge the cache?";
    case "alert-make":
      return `Make the alert “${label}”?`;
    case "alert-pause":
      return `Pause “${label}”?`;
    case "alert-resume":
      return `Resume “${label}”?`;
    case "alert-test":
      return `Test “${label}”?`;
    case "alert-delete":
      return `Delete “${label}”?`;
  }
}

/** The word on the button that does it. */
export function verb({ act, force }: Task): string {
  if (force) return "Promote against the gate";
  return {
    promote: "Promote",
    rollback: "Roll back",
    load: "Load",
    unload: "Unload",
    canary: "Set share",
    "end-canary": "End canary",
    shadow: "Run in the shadow",
    "end-shadow": "End shadow",
    label: "Set label",
    unlabel: "Take it away",
    delete: "Delete for good",
    purge: "Purge",
    "alert-make": "Make it",
    "alert-pause": "Pause",
    "alert-resume": "Resume",
    "alert-test": "Send the test",
    "alert-delete": "Delete for good",
  }[act];
}

/** What is said once it is done. */
export function done({ act, model, version, share, label }: Task): string {
  const which = `Version ${version} of ${model}`;
  switch (act) {
    case "promote":
      return `${which} takes the traffic now.`;
    case "rollback":
      return `${model} is rolled back.`;
    case "load":
      return `${which} is in memory.`;
    case "unload":
      return `${model} is unloaded.`;
    case "canary":
      return `${which} gets ${share}% of the requests now.`;
    case "end-canary":
      return `${which} is no canary any more.`;
    case "shadow":
      return `${which} runs in the shadow of ${share}% of the requests now.`;
    case "end-shadow":
      return `${which} runs in the shadow no more.`;
    case "label":
      return `${which} is labelled ${label} now.`;
    case "unlabel":
      return `${which} is labelled ${label} no more.`;
    case "delete":
      return `${which} is deleted.`;
    case "purge":
      return "It is forgotten: the next request makes it anew.";
    case "alert-make":
      return `“${label}” watches now.`;
    case "alert-pause":
      return `“${label}” is paused.`;
    case "alert-resume":
      return `“${label}” watches again.`;
    case "alert-test":
      return `“${label}” was tested.`;
    case "alert-delete":
      return `“${label}” is deleted.`;
  }
}

/** Method, address and body of a task; the API's own document proves that the address is there. */
export function request({ act, model, version, share, label, gate, force, body }: Task): [string, string, Body] {
  const parts: Record<string, string> = { name: model, version: String(version), label: label ?? "", id: String(version) };
  const at = (path: keyof paths): string => path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parts[name] ?? ""));
  const target = { version: Number(version) };
  const shared = { ...target, share: Number(share) / 100 };
  switch (act) {
    case "promote":
      return ["POST", at("/v1/models/{name}/promote"), force ? { ...target, force } : target];
    case "load":
      return ["POST", at("/v1/models/{name}/versions/{version}/load"), null];
    case "canary":
      return ["PUT", at("/v1/models/{name}/canary"), shared];
    case "end-canary":
      return ["DELETE", at("/v1/models/{name}/canary"), null];
    case "shadow":
      return ["PUT", at("/v1/models/{name}/shadow"), { ...shared, rows_min: gate.rows ?? 0, difference_max: gate.difference, promote: gate.auto }];
    case "end-shadow":
      return ["DELETE", at("/v1/models/{name}/shadow"), null];
    case "label":
      return ["PUT", at("/v1/models/{name}/labels/{label}"), target];
    case "unlabel":
      return ["DELETE", at("/v1/models/{name}/labels/{label}"), null];
    case "delete":
      return ["DELETE", at("/v1/models/{name}/versions/{version}"), null];
    case "rollback":
      return ["POST", at("/v1/models/{name}/rollback"), null];
    case "unload":
      return ["POST", at("/v1/models/{name}/unload"), null];
    case "purge":
      return ["POST", at("/v1/cache/purge"), JSON.parse(body ?? "{}") as Schemas["Purge"]];
    case "alert-make":
      return ["POST", at("/v1/alerts"), JSON.parse(body ?? "{}") as Schemas["NewAlert"]];
    case "alert-pause":
      return ["PATCH", at("/v1/alerts/{id}"), { paused: true }];
    case "alert-resume":
      return ["PATCH", at("/v1/alerts/{id}"), { paused: false }];
    case "alert-test":
      return ["POST", at("/v1/alerts/{id}/test"), null];
    case "alert-delete":
      return ["DELETE", at("/v1/alerts/{id}"), null];
  }
}

/** Does it with the rights of who is signed in; `null` where it was done. */
export async function perform(task: Task, around: Surroundings): Promise<Refusal | null> {
  const { refusal, answer } = await send(around, request(task));
  if (refusal === null) task.answer = answer;
  return refusal;
}

/** Sends it and waits for the answer. */
async function send(around: Surroundings, [method, url, body]: [string, string, Body]): Promise<{ refusal: Refusal | null; answer: unknown }> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (body !== null) headers["content-type"] = "application/json";
  try {
    const asked = { method, headers, body: body === null ? null : JSON.stringify(body), signal: AbortSignal.timeout(ANSWER_MS) };
    const answer = await around.fetch(url, asked);
    const text = await answer.text();
    return answer.ok ? { refusal: null, answer: parsed(text) } : { refusal: refusal(answer.status, text), answer: null };
  } catch {
    const lost = { ...refusal(0, ""), title: "No answer", detail: "The server could not be reached, or took too long. Whether it was done shows in a moment." };
    return { refusal: lost, answer: null };
  }
}

/** What a problem says, by its status and its body, whatever that is. */
export function refusal(status: number, body: string): Refusal {
  const problem = read(body);
  const faults = (problem.errors ?? []).map((it) => it.detail).filter((it) => !problem.detail?.includes(it));
  return {
    title: problem.title ?? `The server answered ${status}`,
    detail: [problem.detail ?? "", ...faults].join(" ").trim(),
    key: status === 401 || status === 403,
    gate: problem.type?.endsWith("#change-refused") ?? false,
  };
}

function read(body: string): Partial<Schemas["Problem"]> {
  return (parsed(body) as Partial<Schemas["Problem"]> | null) ?? {};
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
