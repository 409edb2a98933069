"""Trains LightGBM on folds that `cargo run --release -p forecast --example boost` wrote, with the
settings that it trained our own trees with, and prints log loss and time of both kinds of fold.

    python compare.py FOLDER
"""

import sys
import time
from pathlib import Path

import lightgbm
import numpy

SETTINGS = {
    "num_leaves": 31,
    "learning_rate": 0.05,
    "min_data_in_leaf": 20,
    "min_sum_hessian_in_leaf": 1e-3,
    "lambda_l2": 0.0,
    "max_bin": 255,
    "boost_from_average": True,
    "deterministic": True,
    "force_col_wise": True,
    "seed": 1,
    "num_threads": 1,
    "verbosity": -1,
}
ROUNDS = 100


def log_loss(chances, targets):
    if chances.ndim == 1:
        chances = numpy.column_stack([1.0 - chances, chances])
    hit = chances[numpy.arange(len(targets)), targets.astype(int)]
    return -numpy.log(hit).mean()


def main():
    folder = Path(sys.argv[1])
    total, rows, spent = 0.0, 0, 0.0
    for path in sorted(folder.glob("fold-*.csv")):
        lines = path.read_text().splitlines()
        cells = [line.split(",") for line in lines[1:]]
        part = numpy.array([it[0] for it in cells])
        numbers = numpy.array([[float(cell) for cell in it[1:]] for it in cells])
        learn, judge = numbers[part == "learn"], numbers[part == "judge"]
        classes = int(path.stem.split("-")[2])
        settings = dict(SETTINGS, objective="binary")
        if classes > 1:
            settings |= {"objective": "multiclass", "num_class": classes}
        begun = time.process_time()
        data = lightgbm.Dataset(learn[:, 1:], learn[:, 0], free_raw_data=False)
        model = lightgbm.train(settings, data, ROUNDS)
        took = time.process_time() - begun
        loss = log_loss(model.predict(judge[:, 1:]), judge[:, 0])
        print(f"{path.stem}: judged {len(judge)}, log loss {loss:.5f}, {took:.2f} s of processor")
        total += loss * len(judge)
        rows += len(judge)
        spent += took
    print(f"all: {rows} judged, log loss {total / rows:.5f}, {spent:.2f} s of processor")


if __name__ == "__main__":
    main()
