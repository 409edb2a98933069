"""Trains the models that bench/trees measures, on made-up match data, and writes rows to score.

usage: models.py FOLDER

A: LightGBM, binary, 500 trees of 31 leaves. B: LightGBM, 3 classes, 3 x 100 of 15. C: LightGBM,
binary, 5,000 of 63. X: XGBoost, binary, 500 of 31. All on 30 features; each of A, B, C again as
A_mixed, B_mixed, C_mixed with missing values in ten features and categories in two.
"""

import pathlib
import sys

import lightgbm
import numpy

FEATURES = 30
ROWS = 60_000
CATEGORIES = {24: 12, 25: 40}
MISSING = range(10)


def rows(random, count, mixed):
    table = random.normal(size=(count, FEATURES))
    table[:, 0] *= 180  # rating difference
    table[:, 3:9] = random.poisson(1.35, (count, 6))  # goals of late
    table[:, 9:15] = random.gamma(2.2, 0.65, (count, 6))  # expected goals
    table[:, 15:19] = random.integers(2, 15, (count, 4))  # days of rest
    table[:, 19:23] = random.beta(4, 4, (count, 4))  # form
    if mixed:
        for feature, kinds in CATEGORIES.items():
            table[:, feature] = random.integers(0, kinds, count)
        for feature in MISSING:
            table[random.random(count) < 0.1, feature] = numpy.nan
    return table


def outcomes(random, table):
    known = numpy.nan_to_num(table)
    strength = (
        0.0042 * known[:, 0]
        + 0.25 * (known[:, 9] - known[:, 12])
        + 0.15 * (known[:, 3] - known[:, 6])
        + 0.6 * (known[:, 19] - known[:, 20])
        + 0.1 * numpy.sin(known[:, 26] * 2) * known[:, 27]
        + 0.1 * numpy.cos(known[:, 24])
        + 0.1 * numpy.sin(known[:, 25])
    )
    draw = numpy.abs(random.logistic(size=len(table)) + strength) < 0.55
    won = random.random(len(table)) < 1 / (1 + numpy.exp(-strength))
    return won.astype(int), numpy.where(draw, 1, numpy.where(won, 0, 2))


def lightgbm_model(table, target, trees, leaves, mixed):
    settings = {
        "learning_rate": 0.03,
        "num_leaves": leaves,
        "min_data_in_leaf": 10,
        "seed": 1,
        "deterministic": True,
        "verbose": -1,
        "objective": "binary" if target.max() == 1 else "multiclass",
    }
    if target.max() > 1:
        settings["num_class"] = 3
    categories = list(CATEGORIES) if mixed else []
    data = lightgbm.Dataset(table, target, categorical_feature=categories)
    return lightgbm.train(settings, data, trees)


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for mixed in (False, True):
        random = numpy.random.default_rng(7)
        table = rows(random, ROWS, mixed)
        two, three = outcomes(random, table)
        ending = "_mixed" if mixed else ""
        plans = [("A", two, 500, 31), ("B", three, 100, 15), ("C", two, 5000, 63)]
        for name, target, trees, leaves in plans:
            model = lightgbm_model(table, target, trees, leaves, mixed)
            model.save_model(folder / f"{name}{ending}.txt")
            print(name + ending, "trained", flush=True)
        rows(random, 10_000, mixed).astype("<f8").tofile(folder / f"rows{ending}.f64")
        if not mixed:
            import xgboost

            settings = {
                "objective": "binary:logistic",
                "max_leaves": 31,
                "grow_policy": "lossguide",
                "max_depth": 0,
                "eta": 0.03,
                "tree_method": "hist",
            }
            model = xgboost.train(settings, xgboost.DMatrix(table, two), 500)
            model.save_model(folder / "X.json")
            print("X trained", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
