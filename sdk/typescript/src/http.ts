// One call to the server: its headers, its patience, its repeats. Knows nothing of what is kept.
import type { CallOptions } from "./api.js";
import type { Clock } from "./clock.js";
import { Problem, saysNo, SportsEdgeError } from "./problem.js";
import { momentOf } from "./store.js";
import type { Surroundings } from "./surroundings.js";

/** Carries how far the server's log had got; a read that sends it sees at least that. */
export const POSITION = "sports-edge-position";

const BACKOFF_MS = 300;
const BACKOFF_MS_MAX = 10_000;
/** A server that asks for a longer pause than this is not waited for. */
const RETRY_AFTER_MS_MAX = 30_000;
const RETRIED = [408, 425, 429, 502, 503, 504];
/** Writes that take an `Idempotency-Key`, so that a repeat cannot write twice. */
export const KEYED = /^\/v1\/(fixtures|results|quotes|events)$/;

/** How calls are made. */
export interface HttpOptions {
  /** Where the server is; the page's own origin where not given. */
  baseUrl?: string;
  /** An API key, or what gets one. Without, the browser's session counts. */
  apiKey?: string | (() => string | undefined | Promise<string | undefined>);
  /** Whether cookies are sent (`fetch`'s own word). */
  credentials?: "include" | "omit" | "same-origin";
  /** Stands in for the global `fetch`. */
  fetch?: typeof fetch;
  /** Opens a socket, where the global `WebSocket` is not to or there is none. One that is open already is taken as it is. */
  socket?: (address: string) => WebSocket;
  /** How long one attempt may take, in milliseconds; 10,000 where not given. */
  timeoutMs?: number;
  /** How often a call that failed on the way is tried again; 3 where not given. */
  retries?: number;
}

/** A call, ready to go. */
export interface Call extends CallOptions {
  method: string;
  address: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** Whether it is never sent again. */
  once?: boolean;
}

/** An answer that was read to its end. */
export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** The server's time when it answered; the local guess where the header cannot be seen. */
  at: number;
}

/** Makes calls. */
export class Http {
  /** The highest position that an answer to a write has shown. */
  position = "";
  /** Told of a position that is new. */
  onPosition: (position: string) => void = () => undefined;
  /** Whether the server was there when last heard of. */
  reached = true;
  /** Whether nothing is asked any more. */
  closed = false;
  /** Told whether the last attempt reached the server. */
  onReach: (reached: boolean) => void = () => undefined;
  readonly base: string;
  /** Handed to the feed's part: what it and this one both imported, a bundler would put in a third file. */
  readonly tools = { backoff, momentOf, parsed, saysNo, sleep };

  constructor(
    readonly options: HttpOptions,
    readonly clock: Clock,
    readonly around: Surroundings,
  ) {
    this.base = (options.baseUrl ?? (globalThis as { location?: Location }).location?.origin ?? "").replace(/\/$/, "");
  }

  /** Takes a position over where it is higher than the one held. */
  advance(position: string): void {
    if (+position > +this.position) {
      this.position = position;
      this.onPosition(position);
    }
  }

  /** Makes a call, again where that is safe and may help. Anything but 2xx and 304 throws. */
  async send(call: Call): Promise<Reply> {
    const headers = await this.headers(call);
    const body = isRaw(call.body) ? call.body : JSON.stringify(call.body);
    const repeatable = call.method !== "POST" || "idempotency-key" in headers || call.address.startsWith("/v1/predictions");
    const retries = repeatable && !call.once ? (this.options.retries ?? 3) : 0;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#attempt(call, headers, body);
      } catch (error) {
        const pause = attempt < retries ? pauseAfter(error, attempt) : undefined;
        if (pause === undefined || !this.around.online()) throw error;
        await sleep(pause, call.signal);
      }
    }
  }

  /** What every call carries. */
  async headers(call: Pick<Call, "method" | "address" | "body" | "headers" | "idempotencyKey">): Promise<Record<string, string>> {
    const { apiKey } = this.options;
    const key = typeof apiKey === "function" ? await apiKey() : apiKey;
    if (!/^http/.test(this.base)) throw new TypeError(`baseUrl is no address: ${this.base}`);
    if (/[^!-~]/.test(key ?? "")) throw new TypeError("apiKey is none");
    const headers: Record<string, string> = { accept: "application/json", ...call.headers };
    if (key) headers["authorization"] = `Bearer ${key}`;
    if (call.body !== undefined) headers["content-type"] = isRaw(call.body) ? "application/octet-stream" : "application/json";
    if (this.position && call.method === "GET") headers[POSITION] = this.position;
    const once = call.idempotencyKey ?? (call.method === "POST" && KEYED.test(call.address) ? unique() : undefined);
    if (once) headers["idempotency-key"] = once;
    return headers;
  }

  /** Opens a stream of server-sent events. */
  async stream(address: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const headers = await this.headers({ method: "GET", address, headers: { accept: "text/event-stream" } });
    const answer = await this.#fetch(address, { headers, signal, cache: "no-store" });
    if (!answer.ok) throw this.#fault(answer, await answer.text());
    if (!answer.body) throw problem(406, answer.headers, ""); // a runtime that does not stream
    return answer.body;
  }

  /** What an answer that is none means; a proxy's word that there is no server is as good as none. */
  #fault({ status, headers }: Response, text: string): Problem {
    const fault = problem(status, headers, text);
    this.onReach(fault.kind === "problem");
    return fault;
  }

  #fetch(address: string, init: RequestInit): Promise<Response> {
    if (this.options.credentials) init.credentials = this.options.credentials;
    return (this.options.fetch ?? fetch)(this.base + address, init);
  }

  async #attempt(call: Call, headers: Record<string, string>, body: BodyInit | undefined): Promise<Reply> {
    const { method, address } = call;
    if (this.closed) throw new SportsEdgeError("aborted", "closed");
    if (!this.around.online()) throw new SportsEdgeError("offline", "no network");
    const patience = call.timeoutMs ?? this.options.timeoutMs ?? 10_000;
    const ending = new AbortController();
    const abort = () => ending.abort();
    const timer = setTimeout(abort, patience);
    call.signal?.addEventListener("abort", abort);
    if (call.signal?.aborted) abort();
    // What a browser kept is asked about: what is kept here is not older than it says.
    const init: RequestInit = { method, headers, body: body ?? null, signal: ending.signal, cache: "no-cache" };
    const sent = this.clock.local();
    try {
      const response = await this.#fetch(address, init);
      const text = await response.text();
      return this.#read(call, response, text, sent);
    } catch (error) {
      if (error instanceof SportsEdgeError) throw error;
      if (call.signal?.aborted) throw new SportsEdgeError("aborted", "aborted", error);
      this.onReach(false);
      if (ending.signal.aborted) throw new SportsEdgeError("timeout", `${method} ${address} took over ${patience} ms`, error);
      throw new SportsEdgeError("offline", `${method} ${address} got no answer`, error);
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener("abort", abort);
    }
  }

  #read(call: Call, response: Response, text: string, sent: number): Reply {
    const { status, headers, ok } = response;
    const date = Date.parse(headers.get("date") ?? "");
    // What was kept on the way says only that it is later by now.
    if (date && headers.has("age")) this.clock.atLeast(date);
    else if (date) this.clock.learn(date, sent, this.clock.local());
    if (!ok && status !== 304) throw this.#fault(response, text);
    this.onReach(true);
    const position = headers.get(POSITION);
    if (position && call.method !== "GET") this.advance(position);
    return { status, headers, text, at: date || sent + this.clock.offset };
  }
}

/** The JSON of an answer. */
export function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch (error) {
    throw new SportsEdgeError("unreadable", "not JSON", error);
  }
}

/** Waits, unless called off. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    const stop = () => {
      clearTimeout(timer);
      fail(new SportsEdgeError("aborted", "aborted"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      done();
    }, ms);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
  });
}

/** A pause that grows with each attempt, anywhere up to its bound so that clients spread out. */
export function backoff(attempt: number): number {
  return Math.random() * Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** attempt);
}

/** A name that nobody else makes up. */
export function unique(): string {
  const random = () => Math.random().toString(36).slice(2);
  return random() + random();
}

/** How long to wait before another attempt; nothing where none would help. */
function pauseAfter(error: unknown, attempt: number): number | undefined {
  if (error instanceof Problem) {
    const again = RETRIED.includes(error.status) || error.slug === "idempotency-in-progress";
    if (!again || (error.retryAfterMs ?? 0) > RETRY_AFTER_MS_MAX) return undefined;
    return (error.retryAfterMs ?? 0) + backoff(attempt);
  }
  const { kind } = error as SportsEdgeError;
  return kind === "timeout" || kind === "offline" ? backoff(attempt) : undefined;
}

function problem(status: number, headers: Headers, text: string): Problem {
  let document = {};
  try {
    document = JSON.parse(text) as object;
  } catch {
    // A proxy answered in its own words.
  }
  const after = headers.get("retry-after") ?? "";
  // Seconds or a date; one that is over, or neither, asks for no pause.
  const wait = Number(after) * 1000 || Date.parse(after) - Date.parse(headers.get("date") ?? "");
  return new Problem(status, document, wait > 0 ? wait : undefined);
}

/** Whether a body is sent as it is: text and bytes. */
const isRaw = (body: unknown): body is BodyInit =>
  typeof body === "string" || ArrayBuffer.isView(body) || /Blob|File|Buffer/.test({}.toString.call(body));
