// The form that makes an alert, and what is said of one that fires.
import { afterEach, describe, expect, it, vi } from "vitest";
import { alertOf, showSecret, startForm } from "../src/alerts";
import { words } from "../src/fired";

const FORM = `<form><input name="name" value=" Ahead "><select name="on"><option value="probability">p</option><option value="edge">e</option><option value="swing">s</option></select>
<label data-for="probability swing"><select name="market"><option value="h2h">h</option><option value="totals">t</option></select></label>
<label data-for="probability swing" data-line><input name="line" value="2.5"></label>
<label data-for="probability swing"><select name="outcome"><option value="home" data-of="h2h">home</option><option value="team" data-of="h2h">team</option><option value="over" data-of="totals">over</option></select></label>
<label data-for="probability"><select name="direction"><option value="either">e</option><option value="up">u</option></select></label>
<label data-for="probability edge"><input name="level" value="60"></label>
<label data-for="swing"><input name="by" value="15"></label><label data-for="swing"><input name="within" value="10"></label>
<select name="scope"><option value="all">all</option><option value="team">team</option><option value="competition">c</option></select>
<label data-scope="competition"><input name="competition" value="E0"></label><label data-scope="team"><input name="team" value="7"></label>
<select name="quiet"><option value="">once</option><option value="60">60</option></select><input name="webhook" value=""></form>`;

const asked = vi.fn();
let stop = (): void => {};

function start(chosen: Record<string, string>): HTMLFormElement {
  document.body.innerHTML = FORM;
  const form = document.querySelector("form") as HTMLFormElement;
  stop = startForm(form, asked);
  for (const [name, value] of Object.entries(chosen)) {
    (form.elements.namedItem(name) as HTMLInputElement).value = value;
    form.dispatchEvent(new Event("input"));
  }
  return form;
}

afterEach(() => {
  stop();
  asked.mockReset();
});

describe("the form", () => {
  it("sends what the fields shown say", () => {
    const form = start({ direction: "up" });
    expect(alertOf(new FormData(form))).toEqual({ name: "Ahead", condition: { on: "probability", market: "h2h", outcome: "home", level: 0.6, direction: "up" }, scope: {} });
    const swing = start({ on: "swing", market: "totals", scope: "team", quiet: "60", webhook: "https://x.example" });
    expect((swing.elements.namedItem("outcome") as HTMLSelectElement).value).toBe("over");
    expect(alertOf(new FormData(swing))).toEqual({
      name: "Ahead",
      condition: { on: "swing", market: "totals", line: 2.5, outcome: "over", by: 0.15, within_minutes: 10 },
      scope: { team_id: 7 },
      quiet_minutes: 60,
      webhook: "https://x.example",
    });
    const edge = start({ on: "edge", level: "3", scope: "competition" });
    expect(alertOf(new FormData(edge))).toEqual({ name: "Ahead", condition: { on: "edge", level: 0.03 }, scope: { competition: "E0" } });
  });

  it("offers a team's win only where a team is named", () => {
    const form = start({});
    const team = form.querySelector<HTMLOptionElement>("[value=team][data-of]")!;
    expect(team.disabled).toBe(true);
    (form.elements.namedItem("scope") as HTMLSelectElement).value = "team";
    form.dispatchEvent(new Event("input"));
    expect(team.disabled).toBe(false);
  });

  it("asks before it is sent", () => {
    const form = start({});
    form.dispatchEvent(new Event("submit", { cancelable: true }));
    expect(asked.mock.calls[0]![0]).toMatchObject({ act: "alert-make", label: "Ahead" });
  });
});

it("a secret is shown where there is one", () => {
  document.body.innerHTML = '<p id="secret"></p>';
  showSecret(document, { webhook_secret: null });
  showSecret(document, null);
  expect(document.getElementById("secret")!.textContent).toBe("");
  showSecret(document, { webhook_secret: "whsec_x" });
  expect(document.getElementById("secret")!.textContent).toContain("whsec_x");
});

it("what fired is said in a sentence", () => {
  const fired = { id: 2, alert_id: 1, alert: "Ahead", test: false, fired_at: "", fixture_id: 8, home: "A", away: "B", outcome: "home", direction: "up", before: 0.58, after: 0.634 } as never;
  expect(words([])).toBe("");
  expect(words([fired])).toBe("Alert “Ahead”, A – B: home up from 58.0% to 63.4%.");
  const test = { id: 3, alert: "Ahead", test: true, home: null } as never;
  expect(words([test, fired])).toBe("Alert “Ahead”: a test. And 1 more.");
});
