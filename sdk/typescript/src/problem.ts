// What can go wrong with a call, as types: the server's own problems and what happens on the way.
import type { Schemas } from "./api.js";
import type { ProblemSlug } from "./facts.gen.js";

/** Why a call failed: the server said so, or nothing usable came back. */
export type Failure = "problem" | "offline" | "timeout" | "aborted" | "unreadable";

/** A call that failed. `kind` says what a caller would do differently. */
export class SportsEdgeError extends Error {
  override name = "SportsEdgeError";

  constructor(
    readonly kind: Failure,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** A problem document of the server (RFC 9457), or the word of a proxy that reaches no server: then `kind` is `offline`. */
export class Problem extends SportsEdgeError {
  override name = "Problem";
  /** The stable end of `type`; one of a newer server's may be none of the known. */
  readonly slug: ProblemSlug | (string & {});

  constructor(
    readonly status: number,
    readonly document: Partial<Schemas["Problem"]>,
    /** How long the server asks to wait before the next attempt, in milliseconds. */
    readonly retryAfterMs?: number,
  ) {
    const slug = document.type?.split("#")[1];
    // The server's own 502, 503 and 504 say which problem it is.
    super(!slug && status > 501 && status < 505 ? "offline" : "problem", document.detail ?? document.title ?? `the answer was ${status}`);
    this.slug = slug ?? "unknown";
  }

  /** What is wrong with which field, where there is more to say. */
  get errors(): Schemas["FieldError"][] {
    return this.document.errors ?? [];
  }

  /** The request's id, as in the server's log. */
  get requestId(): string | undefined {
    return this.document.request_id;
  }
}

/** Whether the server said no, so that asking again soon is no use. */
export const saysNo = (error: unknown): boolean => error instanceof Problem && error.status < 500 && error.status !== 429;
