"""Makes data/sample/recording.ndjson out of a game of data/sample/football.csv.gz.

    python3 data/sample/record.py data/sample/football.csv.gz data/sample/recording.ndjson

Teams, kickoff, half-time score, result and prices are those of the sample. When within its half a
goal fell is not told there: goals are spread evenly over their half, and the clock is told each
minute. Python 3.9 or newer, standard library only.
"""

import csv
import datetime
import gzip
import io
import json
import sys

GAME = ("SP1", "2024-05-26T19:00:00Z", "Sevilla", "Barcelona")
HALF_MINUTES = 45
BREAK_MINUTES = 15
STOPPAGE_SECONDS = 120
BOOKMAKERS = ["market_average", "market_best"]


def game(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            if (row["competition"], row["kickoff"], row["home"], row["away"]) == GAME:
                return row
    raise SystemExit("the sample has no such game")


def moment(kickoff, seconds):
    return (kickoff + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def prices(row, at):
    for bookmaker in BOOKMAKERS:
        for market, line, outcomes in [("h2h", None, ["home", "draw", "away"]), ("totals", 2.5, ["over", "under"])]:
            name = market if line is None else f"{market}:{line}"
            told = [(it, row[f"price:{bookmaker}:{name}:{it}:opening"]) for it in outcomes]
            yield {
                "fixture": "final-day", "bookmaker": bookmaker, "market": market,
                **({} if line is None else {"line": line}), "taken_at": at,
                "outcomes": [{"outcome": it, "price": float(price)} for it, price in told],
            }


def half(number, start, goals):
    """What happens in a half, in seconds after kickoff: begin, clock, goals, end."""
    length = HALF_MINUTES * 60 + STOPPAGE_SECONDS
    yield start, {"kind": "period_start", "period": number}
    happened = [(60 * minute, {"kind": "clock", "running": True}) for minute in range(1, length // 60)]
    happened.append((HALF_MINUTES * 60 - 20, {"kind": "stoppage", "seconds": STOPPAGE_SECONDS}))
    for index, side in enumerate(goals):
        seconds = HALF_MINUTES * 60 * (index + 1) // (len(goals) + 1) + 7
        happened.append((seconds, {"kind": "scored", "side": side}))
    for seconds, what in sorted(happened, key=lambda it: it[0]):
        yield start + seconds, {**what, "clock": {"period": number, "seconds": seconds}}
    yield start + length, {"kind": "period_end", "period": number}


def sides(home, away):
    """Who scores, in turn, the visitors first."""
    order = []
    while home or away:
        if away:
            order.append("away")
            away -= 1
        if home:
            order.append("home")
            home -= 1
    return order


def lines(row):
    kickoff = datetime.datetime.strptime(row["kickoff"], "%Y-%m-%dT%H:%M:%SZ")
    yield {
        "fixture": "final-day", "competition": row["competition"], "season": row["season"],
        "kickoff": row["kickoff"], "home": row["home"], "away": row["away"],
    }
    yield from prices(row, moment(kickoff, -5))
    first = [int(row["half_time_home"]), int(row["half_time_away"])]
    second = [int(row["home_score"]) - first[0], int(row["away_score"]) - first[1]]
    break_end = (HALF_MINUTES + BREAK_MINUTES) * 60 + STOPPAGE_SECONDS
    events = [*half(1, 0, sides(*first)), *half(2, break_end, sides(*second))]
    events.append((events[-1][0] + 5, {"kind": "finished"}))
    for sequence, (seconds, what) in enumerate(events, start=1):
        yield {"fixture": "final-day", "sequence": sequence, "at": moment(kickoff, seconds), **what}


def main(source, target):
    out = io.StringIO()
    for line in lines(game(source)):
        out.write(json.dumps(line, separators=(",", ":")) + "\n")
    with open(target, "w", encoding="utf-8", newline="") as file:
        file.write(out.getvalue())


main(*sys.argv[1:])
