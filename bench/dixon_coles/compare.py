"""Fits Dixon-Coles to the same generated matches with penaltyblog and with our release build.

Three seasons of twenty teams (1,140 matches) are drawn from known strengths with a fixed seed,
then fitted by both, once with equal weights and once with older matches counting less. Fails
where the maximised log-likelihoods differ by more than one part in a million; prints both and
the ratio of the median times.

    make -C bench/dixon_coles
"""

import csv
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from penaltyblog.models import DixonColesGoalModel

TEAMS, SEASONS, SEED = 20, 3, 20260823
DECAY_PER_DAY = 0.0018
TOLERANCE = 1e-6
REPEATS = 15


def poisson(rng: random.Random, mean: float) -> int:
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def matches() -> list[dict]:
    rng = random.Random(SEED)
    attack = [rng.gauss(0.0, 0.25) for _ in range(TEAMS)]
    defence = [rng.gauss(0.0, 0.20) for _ in range(TEAMS)]
    pairs = [(i, j) for i in range(TEAMS) for j in range(TEAMS) if i != j]
    rows = []
    for season in range(SEASONS):
        order = pairs[:]
        rng.shuffle(order)
        for number, (home, away) in enumerate(order):
            age = (SEASONS - season) * 365 - number * 0.7
            rows.append(
                {
                    "home": home,
                    "away": away,
                    "home_goals": poisson(rng, math.exp(0.40 + attack[home] - defence[away])),
                    "away_goals": poisson(rng, math.exp(0.15 + attack[away] - defence[home])),
                    "age": age,
                }
            )
    return rows


def theirs(rows: list[dict], weights: list[float]) -> dict:
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        model = DixonColesGoalModel(
            [row["home_goals"] for row in rows],
            [row["away_goals"] for row in rows],
            [str(row["home"]) for row in rows],
            [str(row["away"]) for row in rows],
            weights,
        )
        model.fit()
        times.append((time.perf_counter() - started) * 1e3)
    return {"log_likelihood": model.loglikelihood, "milliseconds_median": statistics.median(times)}


def ours(binary: str, rows: list[dict], weights: list[float]) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "matches.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["home", "away", "home_goals", "away_goals", "weight"])
            for row, weight in zip(rows, weights):
                writer.writerow(
                    [row["home"], row["away"], row["home_goals"], row["away_goals"], repr(weight)]
                )
        output = subprocess.run(
            [binary, str(path), "200"], check=True, capture_output=True, text=True
        ).stdout
    return json.loads(output)


def main() -> int:
    rows = matches()
    agreed = True
    for name, decay in (("equal weights", 0.0), ("decay 0.0018 a day", DECAY_PER_DAY)):
        weights = [math.exp(-decay * row["age"]) for row in rows]
        peer, own = theirs(rows, weights), ours(sys.argv[1], rows, weights)
        gap = abs(own["log_likelihood"] / peer["log_likelihood"] - 1.0)
        agreed &= gap <= TOLERANCE
        ratio = peer["milliseconds_median"] / own["milliseconds_median"]
        print(f"{len(rows)} matches, {name}:")
        print(f"  penaltyblog 1.13.1  log-likelihood {peer['log_likelihood']:.6f}"
              f"  {peer['milliseconds_median']:8.3f} ms")
        print(f"  sports-edge         log-likelihood {own['log_likelihood']:.6f}"
              f"  {own['milliseconds_median']:8.3f} ms")
        print(f"  relative gap {gap:.1e} ({'ok' if gap <= TOLERANCE else 'TOO WIDE'}),"
              f" {ratio:.0f} times faster")
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
