// The keyboard: j and k walk rows, / goes to the filter, ? explains, Escape closes.

const HELP: [string, string][] = [
  ["j", "next row"],
  ["k", "previous row"],
  ["Enter", "open the row"],
  ["/", "go to the filter"],
  ["g b", "board"],
  ["g e", "edges"],
  ["g a", "alerts"],
  ["g r", "report card"],
  ["g m", "models"],
  ["g c", "cache"],
  ["?", "this help"],
];
const PLACES: Record<string, string> = { b: "/", e: "/edges", a: "/alerts", r: "/report", m: "/models", c: "/cache" };
/** The links that rows are walked by. */
const ROWS = ".row .teams, #edges tbody th a, .card tbody th a";

/** Listens to keys; `go` opens an address. The function returned stops it. */
export function listen(page: Document, go: (address: string) => void): () => void {
  let leader = false;
  const pressed = (event: KeyboardEvent): void => {
    const target = event.target as Element | null;
    const typing = target?.closest("input, select, textarea, [contenteditable]") != null;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      page.querySelector("#display")?.removeAttribute("open");
      return;
    }
    if (typing) return;
    const place = PLACES[event.key];
    if (leader && place !== undefined) go(place);
    leader = event.key === "g";
    if (event.key === "j") walk(page, 1);
    else if (event.key === "k") walk(page, -1);
    else if (event.key === "?") help(page);
    else if (event.key === "/") {
      event.preventDefault();
      page.querySelector<HTMLElement>("#filters select, #filters input")?.focus();
    }
  };
  page.addEventListener("keydown", pressed);
  return () => page.removeEventListener("keydown", pressed);
}

function walk(page: Document, step: number): void {
  const rows = [...page.querySelectorAll<HTMLElement>(ROWS)];
  const here = rows.indexOf(page.activeElement as HTMLElement);
  const next = here < 0 && step < 0 ? rows.length - 1 : here + step;
  rows[Math.max(0, Math.min(rows.length - 1, next))]?.focus();
}

function help(page: Document): void {
  let dialog = page.querySelector<HTMLDialogElement>("#help");
  if (dialog === null) {
    dialog = page.createElement("dialog");
    dialog.id = "help";
    dialog.setAttribute("aria-labelledby", "help-title");
    const title = page.createElement("h2");
    title.id = "help-title";
    title.textContent = "Keys";
    const list = page.createElement("dl");
    for (const [key, what] of HELP) {
      const term = page.createElement("dt");
      const name = page.createElement("kbd");
      name.textContent = key;
      term.append(name);
      const meaning = page.createElement("dd");
      meaning.textContent = what;
      list.append(term, meaning);
    }
    const form = page.createElement("form");
    form.method = "dialog";
    const close = page.createElement("button");
    close.textContent = "Close";
    form.append(close);
    dialog.append(title, list, form);
    page.body.append(dialog);
  }
  if (!dialog.open) dialog.showModal();
}
