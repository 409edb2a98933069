// Holds the program's board against the server's, letter for letter: the snapshots are written by
// the tests of the server's pages.
import { hydrate, render } from "preact";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Board, byDay, happened, type Manner } from "../src/board";
import { standings } from "../src/standings";
import type { BoardRow } from "../src/wire";
import { served, state } from "./served";

const rows = state.data.data;

const manner: Manner = { odds: "decimal", zone: "UTC", now: Date.parse(state.now) };

/** The same markup in the browser's own spelling. */
function canonical(html: string): string {
  const box = document.createElement("div");
  box.innerHTML = html;
  return box.innerHTML;
}

let place: HTMLElement;
beforeEach(() => {
  place = document.createElement("div");
});

describe("the board", () => {
  it("is written as the server writes it", () => {
    render(<Board rows={rows} manner={manner} />, place);
    expect(canonical(place.innerHTML)).toBe(canonical(served));
  });

  it("takes over without touching an element", () => {
    place.innerHTML = served;
    const before = [...place.querySelectorAll("*")];
    hydrate(<Board rows={rows} manner={manner} />, place);
    const after = [...place.querySelectorAll("*")];
    expect(after.length).toBe(before.length);
    expect(after.every((element, index) => element === before[index])).toBe(true);
    expect(canonical(place.innerHTML)).toBe(canonical(served));
  });

  it("writes prices in the format chosen", () => {
    render(<Board rows={rows} manner={{ ...manner, odds: "american" }} />, place);
    expect(place.textContent).toContain("Over 2.5 at +150");
  });

  it("keeps days apart by the visitor's clock", () => {
    const days = byDay(rows, "UTC").map((it) => it.iso);
    expect(days).toEqual(["2024-05-11", "2024-05-12", "2024-05-19", "2024-05-18"]);
  });
});

describe("a verdict", () => {
  const verdict = (model: number, market: number | null, index = 0): string => {
    const played = rows.find((it) => it.fixture.score != null) as BoardRow;
    const row: BoardRow = {
      ...played,
      fixture: { ...played.fixture, score: { home: 2, away: 0 } },
      prediction: { probabilities: index === 0 ? [model, 0.2, 0.8 - model] : [] },
      market: market === null || !played.market ? null : { ...played.market, probabilities: [market, 0.2, 0.8 - market], taken_at: played.fixture.kickoff },
    };
    render(<Board rows={[row]} manner={manner} />, place);
    return place.querySelector(".verdict")?.textContent ?? "";
  };

  it("sets the model against the market", () => {
    expect(verdict(0.5, 0.4)).toBe("▲ gave the result 50.0%, the market 40.0%");
    expect(verdict(0.4, 0.5)).toBe("▼ gave the result 40.0%, the market 50.0%");
    expect(verdict(0.4, 0.4)).toBe("= gave the result 40.0%, the market 40.0%");
    expect(verdict(0.4, null)).toBe(" gave the result 40.0%");
    expect(verdict(0.4, null, 1)).toBe("");
  });

  it("needs an outcome", () => {
    expect(happened({ home: 1, away: 0 }, 3)).toBe(0);
    expect(happened({ home: 1, away: 1 }, 3)).toBe(1);
    expect(happened({ home: 0, away: 1 }, 3)).toBe(2);
    expect(happened({ home: 0, away: 1 }, 2)).toBe(1);
    expect(happened({ home: 1, away: 1 }, 2)).toBeNull();
    expect(happened(null, 3)).toBeNull();
  });
});

describe("a row", () => {
  it("says when a game will not be played", () => {
    const [row] = rows.slice(1) as [BoardRow];
    render(<Board rows={[{ ...row, fixture: { ...row.fixture, status: "cancelled" } }]} manner={manner} />, place);
    expect(place.querySelector(".badge")?.textContent).toBe("Cancelled");
  });
});

describe("figures that change", () => {
  const scored = (home: number): BoardRow[] =>
    rows.map((row) => (row.fixture.id === 13 && row.play ? { ...row, play: { ...row.play, score: { home, away: 0 } } } : row));

  it("are tinted, and rows that did not change are not even looked at", async () => {
    render(<Board rows={scored(1)} manner={manner} />, place);
    const before = [...place.querySelectorAll(".score")].map((it) => it.textContent);
    render(<Board rows={scored(2)} manner={manner} />, place);
    await vi.waitFor(() => expect(place.querySelectorAll(".changed").length).toBe(1));
    expect(place.querySelector(".changed")?.textContent).toBe("2");
    expect([...place.querySelectorAll(".score")].map((it) => it.textContent)).not.toEqual(before);
  });
});

describe("what is said to those who listen", () => {
  const standing = (home: number): BoardRow[] => rows.map((row) => (row.play && row.fixture.id < 15 ? { ...row, play: { ...row.play, score: { home, away: 0 } } } : row));

  it("names what changed since the last sentence, and no figure besides", () => {
    const news = standings(rows);
    expect(news(rows, "")).toBe("");
    const one = news(standing(2), "");
    expect(one).toBe("Arsenal 2, Brighton & Hove 0, First half; Arsenal 2, Brighton & Hove 0, First half");
    expect(news(standing(2), one)).toBe("");
    const kicked = rows.map((row) => (row.play?.shootout ? { ...row, play: { ...row.play, shootout: { home: 4, away: 4 } } } : row));
    expect(standings(rows)(kicked, "")).toBe("Arsenal 1 (4), Brighton & Hove 1 (4), Shoot-out");
    const many = Array.from({ length: 6 }, (_, id) => ({ ...rows[4]!, fixture: { ...rows[4]!.fixture, id: 100 + id } }));
    expect(news(many, "")).toContain("; and 2 more");
  });
});
