// Asks for the page that is open and changes what differs, so that every figure is written in one place:
// by the server.
import { PATIENCE_MS, type Surroundings } from "./live";
import { morph } from "./morph";
import { tinted } from "./tint";

/** Told when the main part of a page was put in place anew: whatever ran on it begins again. */
export const REPLACED = "replaced";

/** Asks for the page as it is now. */
export async function fetched({ fetch, page }: Surroundings): Promise<Document> {
  const { pathname, search } = page.location;
  const answer = await fetch(pathname + search, { signal: AbortSignal.timeout(PATIENCE_MS) });
  // Whose session has ended is led to the form, which is another page.
  if (!answer.ok || answer.redirected) throw new Error(`the server answered ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/** Puts the main part and the state of a fresh page in place of those shown. */
export function replace(page: Document, fresh: Document): void {
  const focused = page.activeElement?.id ?? "";
  for (const part of ["main", "footer", "#state"]) {
    const [old, other] = [page.querySelector(part), fresh.querySelector(part)];
    if (old && other) old.replaceChildren(...[...other.childNodes].map((it) => page.importNode(it, true)));
  }
  if (focused !== "") page.getElementById(focused)?.focus();
}

/** Changes what differs in the parts that follow; a page that has other parts by now is put in place whole. */
export async function renew(around: Surroundings): Promise<"changed" | "replaced"> {
  const { page } = around;
  const fresh = await fetched(around);
  const [shown, now] = [parts(page), parts(fresh)];
  if (names(shown) !== names(now)) {
    replace(page, fresh);
    page.dispatchEvent(new Event(REPLACED));
    return "replaced";
  }
  shown.forEach((part, index) => {
    // What somebody has begun to fill in is theirs.
    if (part.dataset["touched"] === undefined) tinted(part, () => morph(part, now[index]!));
  });
  return "changed";
}

const parts = (page: Document): HTMLElement[] => [...page.querySelectorAll<HTMLElement>("[data-live]")];
const names = (parts: HTMLElement[]): string => parts.map((it) => it.id).join(" ");
