// Who this browser is signed in as, as the server's cookie says it.
import { vi } from "vitest";

/** Signs in or out. */
export function browserIs(prefix: string | null): void {
  document.cookie = prefix === null ? "signed-in=; max-age=0" : `signed-in=${prefix}`;
}

/** What the server does when a key counts. */
export const SIGNED_IN = (prefix: string) =>
  vi.fn<typeof fetch>(async () => {
    browserIs(prefix);
    return new Response("{}", { status: 201 });
  });
