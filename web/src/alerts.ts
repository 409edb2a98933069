// The form that makes an alert: shows the fields that what is asked for takes, and says what is sent.
import type { Task } from "./operate";
import type { components } from "./schema.gen";

type NewAlert = components["schemas"]["NewAlert"];

/** Shows only the fields that count; the function returned lets go of the form. */
export function startForm(form: HTMLFormElement, asked: (task: Task) => void): () => void {
  const changed = (): void => show(form);
  const submitted = (event: Event): void => {
    event.preventDefault();
    asked(taskOfForm(new FormData(form)));
  };
  form.addEventListener("input", changed);
  form.addEventListener("submit", submitted);
  show(form);
  return () => {
    form.removeEventListener("input", changed);
    form.removeEventListener("submit", submitted);
  };
}

/** What is hidden is not sent and not checked. */
function show(form: HTMLFormElement): void {
  const chosen = (name: string): string => (form.elements.namedItem(name) as HTMLSelectElement).value;
  const [on, market, scope] = [chosen("on"), chosen("market"), chosen("scope")];
  for (const label of form.querySelectorAll("label")) {
    const { for: takes, scope: of, line } = label.dataset;
    const counts = (takes?.split(" ").includes(on) ?? true) && (of ?? scope) === scope && (line === undefined || market === "totals" || market === "spreads");
    label.hidden = !counts;
    const field = label.querySelector<HTMLInputElement | HTMLSelectElement>("input, select");
    if (field !== null) field.disabled = !counts;
  }
  const outcome = form.elements.namedItem("outcome") as HTMLSelectElement;
  for (const option of outcome.options) {
    const fits = (option.dataset["of"] ?? "").split(" ").includes(market) && (option.value !== "team" || scope === "team");
    option.hidden = option.disabled = !fits;
  }
  if (outcome.selectedOptions[0]?.disabled ?? true) outcome.value = [...outcome.options].find((it) => !it.disabled)?.value ?? "";
}

/** What a filled form asks for. */
export function taskOfForm(fields: FormData): Task {
  const body = alertOf(fields);
  return {
    model: "",
    act: "alert-make",
    version: null,
    says: body.webhook === undefined ? "It watches from now on: what is so already is no news." : "It watches from now on. What it fires is sent to the webhook, signed with a secret that is shown once.",
    share: null,
    label: body.name,
    gate: { rows: null, difference: null, auto: false },
    force: false,
    body: JSON.stringify(body),
  };
}

/** The alert as the API takes it. */
export function alertOf(fields: FormData): NewAlert {
  const text = (name: string): string => String(fields.get(name) ?? "").trim();
  const share = (name: string): number => Number((Number(text(name)) / 100).toFixed(6));
  const on = text("on") as NewAlert["condition"]["on"];
  const market = text("market") as NonNullable<NewAlert["condition"]["market"]>;
  const of = { market, outcome: text("outcome"), ...(fields.has("line") ? { line: Number(text("line")) } : {}) };
  const condition =
    on === "edge"
      ? { on, level: share("level") }
      : on === "swing"
        ? { on, ...of, by: share("by"), within_minutes: Number(text("within")) }
        : { on, ...of, level: share("level"), direction: text("direction") as "up" | "down" | "either" };
  const scope = { fixture: { fixture_id: Number(text("fixture")) }, competition: { competition: text("competition") }, team: { team_id: Number(text("team")) }, all: {} }[text("scope")] ?? {};
  const alert: NewAlert = { name: text("name"), condition, scope };
  if (text("quiet") !== "") alert.quiet_minutes = Number(text("quiet"));
  if (text("webhook") !== "") alert.webhook = text("webhook");
  return alert;
}

/** Shows the secret of a webhook that was made just now, for as long as the page is open. */
export function showSecret(page: Document, answer: unknown): void {
  const secret = (answer as { webhook_secret?: string | null } | null)?.webhook_secret;
  const place = page.getElementById("secret");
  if (place === null || typeof secret !== "string") return;
  place.textContent = `The secret of its webhook, shown this once: ${secret}`;
  // It stands above the form that made it, out of sight.
  place.scrollIntoView?.({ block: "center" });
}
