"""Times exact contributions of features beside LightGBM's own, and says how far they lie apart.

usage: compare.py (from the root, after `cargo build --release -p trees --example explain`;
LightGBM 4.7.0, numpy)

Models as in bench/trees: A, 500 trees of 31 leaves, binary; B, 3 x 100 of 15; both with missing
values and categories. One thread each, processor time, best of five, three sittings interleaved.
LightGBM is called with all rows at once, so that Python counts for nothing.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "trees"))

import lightgbm
import numpy

sys.modules.setdefault("xgboost", type(sys)("xgboost"))  # which models.py wants for others
import models

ROWS, COUNT = 20_000, 200
PROGRAM = HERE.parents[1] / "target/release/examples/explain"


def theirs(booster, rows):
    times = []
    for _ in range(5):
        start = time.process_time()
        contributions = booster.predict(rows, pred_contrib=True, num_threads=1)
        times.append(time.process_time() - start)
    return min(times) / len(rows) * 1e6, contributions


def ours(folder, name):
    out = folder / "contributions"
    done = subprocess.run(
        [os.environ.get("EXPLAIN", PROGRAM), folder / f"{name}.txt", folder / f"{name}.rows", out],
        check=True, capture_output=True, text=True,
    )
    return done.stdout.strip(), numpy.fromfile(out)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        random = numpy.random.default_rng(7)
        table = models.rows(random, ROWS, True)
        two, three = models.outcomes(random, table)
        asked = models.rows(numpy.random.default_rng(8), COUNT, True)
        for name, target, trees, leaves in [("A", two, 500, 31), ("B", three, 100, 15)]:
            booster = models.lightgbm_model(table, target, trees, leaves, True)
            booster.save_model(folder / f"{name}.txt")
            asked.tofile(folder / f"{name}.rows")
            for _ in range(3):
                spent, wanted = theirs(booster, asked)
                said, given = ours(folder, name)
                apart = numpy.abs(given - wanted.ravel()).max() / numpy.abs(wanted).max()
                print(f"{name}: LightGBM {spent:.0f} µs a row; ours {said}; apart {apart:.1e} of the greatest", flush=True)


if __name__ == "__main__":
    main()
