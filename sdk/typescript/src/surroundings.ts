// Whether somebody looks and whether there is a network: what decides if it is worth asking.

/** What the client needs to know of where it runs. An app without a browser brings its own. */
export interface Surroundings {
  /** False only where it is certain that there is no network. */
  online(): boolean;
  /** Whether somebody may be looking. */
  visible(): boolean;
  /** Calls back when either changed; the function returned ends that. */
  subscribe(changed: () => void): () => void;
}

/** A browser's page; always online and visible where there is none. */
export function page(): Surroundings {
  const scope = globalThis as Partial<Pick<typeof globalThis, "document" | "navigator" | "addEventListener">>;
  return {
    online: () => scope.navigator?.onLine !== false,
    visible: () => scope.document?.visibilityState !== "hidden",
    subscribe(changed) {
      if (!scope.document || !scope.addEventListener) return () => undefined;
      // The last one bubbles up from the document.
      const names = ["online", "offline", "pageshow", "pagehide", "visibilitychange"];
      for (const name of names) addEventListener(name, changed);
      return () => {
        for (const name of names) removeEventListener(name, changed);
      };
    },
  };
}
