// What if: asks the engine while somebody moves a minute, a score or red cards. One question at a
// time; what was asked last counts.
import { percent } from "./format";
import type { Surroundings } from "./live";
import type { components } from "./schema.gen";
import { showNone, showShares } from "./shares";
import { tinted } from "./tint";

/** How long the hand may rest before the engine is asked. */
export const REST_MS = 60;

type Answer = components["schemas"]["WhatIf"];
type Refusal = Partial<components["schemas"]["Problem"]>;

/** Starts answering; the function returned stops it. */
export function startWhatIf({ fetch, page }: Surroundings): () => void {
  const form = page.getElementById("what-if") as HTMLFormElement | null;
  if (form === null) return () => {};
  let [turn, timer] = [0, undefined as ReturnType<typeof setTimeout> | undefined];
  let question = new AbortController();

  const ask = async (): Promise<void> => {
    const mine = ++turn;
    question.abort();
    // The form's own limits speak first: what cannot be is not asked.
    const wrong = form.querySelector<HTMLInputElement>("input:invalid");
    if (wrong !== null) return fail(form, `${wrong.labels?.[0]?.textContent?.trim() ?? wrong.name}: ${wrong.validationMessage}`);
    question = new AbortController();
    const fields = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
    try {
      const answer = await fetch(`${form.getAttribute("action")}?${new URLSearchParams(fields)}`, { signal: question.signal });
      const body = (await answer.json()) as Answer & Refusal;
      if (mine !== turn) return;
      if (!answer.ok) return fail(form, refusal(body));
      tinted(form, () => show(form, body));
      say(form, "");
    } catch {
      if (mine === turn) fail(form, "No answer from the server. Move something to try again.");
    }
  };
  const moved = (event: Event): void => {
    const field = event.target as HTMLInputElement;
    form.closest<HTMLElement>("[data-live]")?.setAttribute("data-touched", "");
    if (field.name === "minute") form.querySelector("output")!.textContent = `${field.value}'`;
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), REST_MS);
  };
  const submitted = (event: Event): void => {
    event.preventDefault();
    void ask();
  };
  form.addEventListener("input", moved);
  form.addEventListener("submit", submitted);
  return () => {
    clearTimeout(timer);
    question.abort();
    form.removeEventListener("input", moved);
    form.removeEventListener("submit", submitted);
  };
}

/** Writes an answer over the one before it. */
function show(form: HTMLFormElement, answer: Answer): void {
  showShares(form, answer.probabilities);
  const next = form.querySelector("#what-if-next")!;
  const goal = answer.next_goal;
  next.textContent = goal
    ? `Next goal: home ${percent(goal.probabilities[0]!)} (then ${all(goal.after_home)}), away ${percent(goal.probabilities[1]!)} (then ${all(goal.after_away)}), none ${percent(goal.probabilities[2]!)}.`
    : "";
}

const all = (shares: number[]): string => shares.map(percent).join(" / ");

/** What is wrong with the question. */
function refusal(problem: Refusal): string {
  const first = problem.errors?.[0];
  return first ? `${first.parameter ?? ""} ${first.detail}`.trim() : (problem.detail ?? "The question was refused.");
}

/** Says why there is no answer; the one before it answers another question. */
function fail(form: HTMLFormElement, text: string): void {
  showNone(form);
  form.querySelector("#what-if-next")!.textContent = "";
  say(form, text);
}

function say(form: HTMLFormElement, text: string): void {
  const place = form.querySelector("#what-if-said")!;
  if (place.textContent !== text) place.textContent = text;
}
