// What can be done with a model through the API, and the key it takes.
import type { Surroundings } from "./live";
import type { components, paths } from "./schema.gen";

type Schemas = components["schemas"];
/** A body that the API takes. */
type Body = Schemas["Promotion"] | Schemas["Canary"] | null;

/** What can be done. */
export type Act = "promote" | "rollback" | "load" | "unload" | "canary" | "end-canary";

/** Something to be done, as the server's page describes it. */
export interface Task {
  model: string;
  act: Act;
  version: number | null;
  /** What it changes, in a sentence. */
  says: string;
  /** Share of a canary in percent. */
  share: number | null;
}

/** Why something was not done. */
export interface Refusal {
  title: string;
  detail: string;
  /** Whether another key may help. */
  key: boolean;
}

/** How long an answer may take: a version is loaded before it is promoted. */
export const ANSWER_MS = 30_000;
/** Where the key is kept: gone with the tab. */
const KEY = "sports-edge-key";

/** The key kept in this tab. */
export function keptKey(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Keeps a key for as long as the tab lives, or forgets it. */
export function keepKey(key: string | null): void {
  try {
    if (key === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, key);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

/** The public part of a key, by which lists name it. */
export function publicPart(key: string): string {
  return /^se_[^_]+/.exec(key)?.[0] ?? "a key";
}

/** Reads what a button of the page stands for. */
export function taskOf(button: HTMLElement, model: string): Task {
  const { act, version, says, share } = button.dataset;
  return {
    model,
    act: act as Act,
    version: version === undefined ? null : Number(version),
    says: says ?? "",
    share: share === undefined ? null : Number(share),
  };
}

/** The question of a task. */
export function question({ act, model, version }: Task): string {
  const which = `version ${version} of ${model}`;
  switch (act) {
    case "promote":
      return `Promote ${which}?`;
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
  }
}

/** The word on the button that does it. */
export function verb(act: Act): string {
  return { promote: "Promote", rollback: "Roll back", load: "Load", unload: "Unload", canary: "Set share", "end-canary": "End canary" }[act];
}

/** What is said once it is done. */
export function done({ act, model, version, share }: Task): string {
  switch (act) {
    case "promote":
      return `Version ${version} of ${model} takes the traffic now.`;
    case "rollback":
      return `${model} is rolled back.`;
    case "load":
      return `Version ${version} of ${model} is in memory.`;
    case "unload":
      return `${model} is unloaded.`;
    case "canary":
      return `Version ${version} of ${model} gets ${share}% of the requests now.`;
    case "end-canary":
      return `Version ${version} of ${model} is no canary any more.`;
  }
}

/** Method, address and body of a task; the API's own document proves that the address is there. */
export function request({ act, model, version, share }: Task): [string, string, Body] {
  const at = (path: keyof paths): string =>
    path.replace("{name}", encodeURIComponent(model)).replace("{version}", String(version));
  switch (act) {
    case "promote":
      return ["POST", at("/v1/models/{name}/promote"), { version: Number(version) }];
    case "load":
      return ["POST", at("/v1/models/{name}/versions/{version}/load"), null];
    case "canary":
      return ["PUT", at("/v1/models/{name}/canary"), { version: Number(version), share: Number(share) / 100 }];
    case "end-canary":
      return ["DELETE", at("/v1/models/{name}/canary"), null];
    case "rollback":
      return ["POST", at("/v1/models/{name}/rollback"), null];
    case "unload":
      return ["POST", at("/v1/models/{name}/unload"), null];
  }
}

/** Does it; `null` where it was done. */
export async function perform(task: Task, key: string, around: Surroundings): Promise<Refusal | null> {
  const [method, url, body] = request(task);
  const headers: Record<string, string> = { authorization: `Bearer ${key}`, accept: "application/json" };
  if (body !== null) headers["content-type"] = "application/json";
  try {
    const asked = { method, headers, body: body === null ? null : JSON.stringify(body), signal: AbortSignal.timeout(ANSWER_MS) };
    const answer = await around.fetch(url, asked);
    return answer.ok ? null : await refusal(answer);
  } catch {
    return { title: "No answer", detail: "The server could not be reached, or took too long. Whether it was done shows in a moment.", key: false };
  }
}

async function refusal(answer: Response): Promise<Refusal> {
  const problem = (await answer.json().catch(() => ({}))) as Partial<Schemas["Problem"]>;
  return {
    title: problem.title ?? `The server answered ${answer.status}`,
    detail: problem.detail ?? "",
    key: answer.status === 401 || answer.status === 403,
  };
}
