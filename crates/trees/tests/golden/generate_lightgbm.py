"""Trains small LightGBM models of every kind and records what they say of nasty rows.

usage: generate_lightgbm.py (LightGBM 4.7.0, numpy); writes lightgbm/NAME.txt and NAME.json here.
Numbers in the JSON are texts of hexadecimal floats, exact to the bit.
"""

import json
import pathlib

import lightgbm
import numpy

HERE = pathlib.Path(__file__).parent / "lightgbm"
FEATURES = 6
TRAINING = 600
NASTY = [
    numpy.nan, numpy.inf, -numpy.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-35, -1e-36, 2e-35,
    1e300, -1e300, -1.0, -0.5, 3.0, 1e9, 4294967296.0, 0.999999999999,
]


def table(random, count):
    rows = random.normal(size=(count, FEATURES))
    rows[:, 3] = random.integers(0, 70, count)
    rows[:, 4] = random.integers(0, 5, count)
    rows[random.random(count) < 0.2, 0] = numpy.nan
    rows[random.random(count) < 0.3, 1] = 0.0
    return rows


def probes(random):
    rows = table(random, 60)
    for at in range(30):
        rows[at, random.integers(0, FEATURES, 2)] = random.choice(NASTY, 2)
    return rows


def hexes(numbers):
    return [float(it).hex() for it in numpy.asarray(numpy.float64(numbers)).ravel()]


def write(name, settings, target, rounds=8, categories=True, **more):
    random = numpy.random.default_rng(3)
    rows = table(random, TRAINING)
    settings = {"verbose": -1, "num_leaves": 12, "min_data_in_leaf": 5, "seed": 1, **settings}
    data = lightgbm.Dataset(
        rows, target(rows, random), categorical_feature=[3, 4] if categories else [], **more
    )
    model = lightgbm.train(settings, data, rounds)
    asked = probes(random)
    model.save_model(HERE / f"{name}.txt")
    model = lightgbm.Booster(model_file=HERE / f"{name}.txt")
    record = {
        "rows": [hexes(row) for row in asked],
        "prediction": hexes(model.predict(asked)),
        "raw": hexes(model.predict(asked, raw_score=True)),
        "contributions": hexes(model.predict(asked[:8], pred_contrib=True)),
    }
    (HERE / f"{name}.json").write_text(json.dumps(record))


def strength(rows):
    known = numpy.nan_to_num(rows)
    return known[:, 0] + 0.7 * known[:, 1] * known[:, 2] + 0.3 * (rows[:, 3] % 7) - rows[:, 4] / 2


def binary(rows, random):
    return (strength(rows) + random.normal(size=len(rows)) > 0.3).astype(float)


def three(rows, random):
    return numpy.digitize(strength(rows) + random.normal(size=len(rows)), [-0.3, 0.8])


def real(rows, random):
    return strength(rows) + 0.1 * random.normal(size=len(rows))


def count(rows, random):
    return random.poisson(numpy.exp(strength(rows) / 3)).astype(float) + 0.5


def share(rows, random):
    return 1 / (1 + numpy.exp(-strength(rows)))


def main():
    HERE.mkdir(exist_ok=True)
    write("binary", {"objective": "binary"}, binary)
    write("binary_slope", {"objective": "binary", "sigmoid": 1.7}, binary)
    write("no_missing", {"objective": "binary", "use_missing": False}, binary)
    write("zero_missing", {"objective": "binary", "zero_as_missing": True}, binary)
    write("numeric", {"objective": "binary"}, binary, categories=False)
    write("multiclass", {"objective": "multiclass", "num_class": 3}, three, 4)
    write("one_against_all", {"objective": "multiclassova", "num_class": 3}, three, 4)
    write("one_hot", {"objective": "binary", "max_cat_to_onehot": 100}, binary)
    write("dart", {"objective": "binary", "boosting": "dart", "drop_rate": 0.5}, binary)
    forest = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}
    write("forest", {"objective": "binary", **forest}, binary)
    write("forest_real", {"objective": "regression", **forest}, real)
    for name in ["regression", "regression_l1", "huber", "fair", "quantile", "mape"]:
        write(name, {"objective": name}, real, 3)
    write("square_root", {"objective": "regression", "reg_sqrt": True}, real, 3)
    for name in ["poisson", "gamma", "tweedie"]:
        write(name, {"objective": name}, count, 3)
    write("cross_entropy", {"objective": "cross_entropy"}, share, 3)
    write("cross_entropy_lambda", {"objective": "cross_entropy_lambda"}, share, 3)
    groups = [TRAINING // 20] * 20
    rank = lambda rows, random: three(rows, random)
    write("lambdarank", {"objective": "lambdarank"}, rank, 3, group=groups)
    write("rank_xendcg", {"objective": "rank_xendcg"}, rank, 3, group=groups)
    write("stumps", {"objective": "binary", "num_leaves": 2}, binary, 30)
    write("deep", {"objective": "binary", "num_leaves": 90, "min_data_in_leaf": 1}, binary, 3)
    write("no_split", {"objective": "binary", "min_data_in_leaf": 5000}, binary, 2)


if __name__ == "__main__":
    main()
