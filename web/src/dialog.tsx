// What every question has: a dialog that gives the focus back, a place to sign in, and one for
// what went wrong.
import type { ComponentChildren, JSX, RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Surroundings } from "./live";
import { signedIn, signIn, type Refusal } from "./operate";

/** Who is signed in, by the public part of a key; `null` where a key is asked for. */
export interface Visitor {
  who: string | null;
  setWho: (who: string | null) => void;
}

interface DialogProps {
  title: string;
  says: string;
  /** Whether it cannot be left. */
  locked: boolean;
  around: Surroundings;
  form: RefObject<HTMLFormElement | null>;
  close: () => void;
  submit: (event: Event) => void;
  children: ComponentChildren;
}

/** A dialog with a form in it. */
export function Dialog({ title, says, locked, around, form, close, submit, children }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    // Where it was closed and what was pressed is gone, focus falls to the page's beginning.
    const before = around.page.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => (before?.isConnected ? before : around.page.getElementById("main"))?.focus();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="act-title" aria-describedby="act-says" onClose={close} onCancel={(event) => locked && event.preventDefault()}>
      <form ref={form} onSubmit={submit}>
        <h2 id="act-title">{title}</h2>
        <p id="act-says">{says}</p>
        {children}
      </form>
    </dialog>
  );
}

/** Keys by what they may do, in words. */
const KEYS = {
  write: "One that may write: the one that the first start printed, or ",
  models: "One that may change models: the one that the first start printed, or ",
  admin: "One that may operate the server, which the first start’s may not: ",
};

/** What a key must be allowed to do. */
export type Right = keyof typeof KEYS;

/** Asks for a key with a right where nobody is signed in, else says who is. */
export function KeyField({ who, setWho, right = "models" }: Visitor & { right?: Right }): JSX.Element {
  if (who === null) {
    return (
      <label>
        API key
        <input name="key" type="password" required autocomplete="off" spellcheck={false} aria-describedby="key-why" />
        <small id="key-why">
          {KEYS[right]}
          what <code>sports-edge key create --name me --scope {right}</code> prints. It signs this browser in until you sign out; the key itself is not kept.
        </small>
      </label>
    );
  }
  return (
    <p class="kept">
      Signed in with the key {who}….
      <button type="button" class="link" onClick={() => setWho(null)}>
        Use another
      </button>
    </p>
  );
}

/** Signs in with the key that was typed, where one was asked for; `null` where nothing is in the way. */
export async function signInFirst({ who }: Visitor, form: HTMLFormElement | null, around: Surroundings): Promise<Refusal | null> {
  if (who !== null) return null;
  return signIn(String(new FormData(form ?? undefined).get("key") ?? "").trim(), around);
}

/** Asks for another key where one was refused; else whoever signed in is signed in, whatever else went wrong. */
export function whoAfter(refused: Refusal | null, { page }: Surroundings): string | null {
  return refused?.key ? null : signedIn(page);
}

/** Says why something was not done, as the server said it. */
export function Fault({ refusal }: { refusal: Refusal }): JSX.Element {
  return (
    <p class="fault" role="alert">
      <strong>{refusal.title}</strong>
      {refusal.detail}
    </p>
  );
}
