// Says what fires while a page is open, politely: the newest of what came since the page was.
import { follow, type Connected } from "./live";
import type { components } from "./schema.gen";

type Fired = components["schemas"]["Fired"];
type Firings = components["schemas"]["Firings"];

/** Follows what fires; the function returned stops. */
export function startFired(around: Connected): () => void {
  const place = around.page.getElementById("fired");
  if (place === null) return () => {};
  let newest: number | null = null;
  const held = { key: "alerts/fired", rev: null, at: around.now(), data: { data: [] } as Firings };
  const following = follow<Firings>(around, held, {
    changed: ({ data }) => {
      const fired = data.data[0];
      const before = newest;
      newest = fired?.id ?? 0;
      // What had fired before the page was open is no news.
      if (fired === undefined || before === null || fired.id <= before) return;
      place.textContent = words(data.data.filter((it) => it.id > before));
    },
    standing: () => {},
  });
  return following.stop;
}

/** What fired, in a sentence; the newest stands for those that came with it. */
export function words(fired: Fired[]): string {
  const [it, ...more] = fired;
  if (it === undefined) return "";
  const percent = (value: number | null | undefined): string => (value === null || value === undefined ? "none" : `${(value * 100).toFixed(1)}%`);
  const where = it.home === null || it.home === undefined ? "" : `, ${it.home} – ${it.away}`;
  const numbers = it.test ? "a test" : `${it.outcome === null || it.outcome === undefined ? "" : `${it.outcome} `}${it.direction} from ${percent(it.before)} to ${percent(it.after)}`;
  const rest = more.length === 0 ? "" : ` And ${more.length} more.`;
  return `Alert “${it.alert}”${where}: ${numbers}.${rest}`;
}
