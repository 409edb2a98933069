// What every question has: a dialog that gives the focus back, a place for the key, and one for
// what went wrong.
import type { ComponentChildren, JSX, RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Surroundings } from "./live";
import { publicPart, type Refusal } from "./operate";

/** The key that is kept, and how to keep another or none. */
export interface Keys {
  kept: string | null;
  keep: (key: string | null) => void;
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

/** Asks for the key where none is kept, else says whose it is; a key may change models unless it must operate the server. */
export function KeyField({ kept, keep, operates = false }: Keys & { operates?: boolean }): JSX.Element {
  if (kept === null) {
    return (
      <label>
        API key
        <input name="key" type="password" required autocomplete="off" spellcheck={false} aria-describedby="key-why" />
        <small id="key-why">
          {operates ? "One that may operate the server, which the first start’s may not: " : "One that may change models: the one that the first start printed, or "}
          what <code>sports-edge key create --name me --scope {operates ? "admin" : "models"}</code> prints. It stays in this tab until the tab is closed or you forget it.
        </small>
      </label>
    );
  }
  return (
    <p class="kept">
      Done with the key {publicPart(kept)}….
      <button type="button" class="link" onClick={() => keep(null)}>
        Use another
      </button>
    </p>
  );
}

/** The key that is kept or was typed. */
export function keyOf(kept: string | null, form: HTMLFormElement | null): string {
  return kept ?? String(new FormData(form ?? undefined).get("key") ?? "").trim();
}

/** A key that was refused is not kept; one that was not is, whatever else went wrong. */
export function keepUnlessRefused(refused: Refusal | null, key: string, keep: Keys["keep"]): void {
  keep(refused?.key ? null : key);
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
