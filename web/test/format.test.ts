import { describe, expect, it } from "vitest";
import { age, bytes, day, isoDay, percent, pick, price, signedPercent, span, time, words } from "../src/format";
import type { Edge } from "../src/wire";

describe("numbers", () => {
  it("are written as the server writes them", () => {
    expect([0.5229, 0, 1].map(percent)).toEqual(["52.3%", "0.0%", "100.0%"]);
    expect([0.021, -0.013, 0, -0.0004].map(signedPercent)).toEqual(["+2.1%", "\u22121.3%", "0.0%", "0.0%"]);
    expect(words("market_average")).toBe("market average");
  });

  it("of bytes come in the unit that fits", () => {
    expect([0, 1023, 1536, 100 << 10, 256 << 20, 2 ** 50].map(bytes)).toEqual(["0 B", "1023 B", "1.5 KiB", "100 KiB", "256 MiB", "1020 TiB"]);
  });

  it("of prices come in three formats", () => {
    const all = (it: number) => (["decimal", "american", "fractional"] as const).map((format) => price(it, format));
    expect(all(2.5)).toEqual(["2.50", "+150", "3/2"]);
    expect(all(1.5)).toEqual(["1.50", "-200", "1/2"]);
    expect(all(1.91)).toEqual(["1.91", "-110", "10/11"]);
    expect([1.95, 3.2, 1.37].map((it) => all(it)[2])).toEqual(["19/20", "11/5", "7/19"]);
    expect(all(1.0625)[2]).toBe("1/16");
    expect(all(1.0025)[2]).toBe("1/400");
  });
});

describe("moments", () => {
  it("are told as spans to the nearest of their largest sensible unit", () => {
    const spans = [-5, 59, 60, 89, 90, 3569, 3570, 10_740, 170_999, 171_000, 216_000].map(span);
    expect(spans).toEqual(["0 s", "59 s", "1 min", "1 min", "2 min", "59 min", "1 h", "3 h", "47 h", "2 d", "3 d"]);
  });

  it("count from now before kickoff and from kickoff after", () => {
    const [kickoff, taken] = ["2026-01-02T15:00:00Z", "2026-01-02T13:30:00Z"];
    const of = (live: boolean, kickoff_precision = "minute") => ({ kickoff, kickoff_precision, live });
    const [before, after] = [Date.parse("2026-01-02T14:00:00Z"), Date.parse("2026-01-03T00:00:00Z")];
    expect(age(taken, of(false), before)).toBe("30 min ago");
    expect(age(taken, of(true), Date.parse("2026-01-02T15:30:00Z"))).toBe("2 h ago");
    expect(age("2026-01-02T12:01:00Z", of(false), after)).toBe("3 h before kickoff");
    expect(age(taken, of(false, "day"), after)).toBe("before the game");
    expect(age("2025-12-30T15:00:00Z", of(false, "day"), after)).toBe("3 d before kickoff");
    expect(age(kickoff, of(false), Date.parse(kickoff))).toBe("at kickoff");
    expect(age("2026-01-02T15:07:30Z", of(false), after)).toBe("8 min after kickoff");
  });

  it("are the visitor's", () => {
    const late = "2022-08-07T01:30:00Z";
    expect(day(late, "America/New_York")).toBe("Sat 6 Aug 2022");
    expect(isoDay(late, "UTC")).toBe("2022-08-07");
    expect(time(late, "America/New_York")).toBe("21:30");
    expect(time("2022-08-07T00:05:00Z", "UTC")).toBe("00:05");
  });
});

describe("a bet", () => {
  const named = (market: Edge["market"], outcome: string, line: number | null) =>
    pick({ market, outcome, line });

  it("is named from the side it is on", () => {
    expect(named("h2h", "draw", null)).toBe("Draw");
    expect(named("totals", "over", 2.5)).toBe("Over 2.5");
    expect(named("spreads", "home", -0.75)).toBe("Home \u22120.75");
    expect(named("spreads", "away", -0.75)).toBe("Away +0.75");
    expect(named("spreads", "away", 0)).toBe("Away 0");
    expect(named("both_teams_to_score", "yes", null)).toBe("Both score: yes");
    expect(named("correct_score", "2-1", null)).toBe("2\u20131");
  });
});
