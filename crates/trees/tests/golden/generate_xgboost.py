"""Trains small XGBoost models of every kind and records what they say of nasty rows.

usage: generate_xgboost.py, once by each XGBoost of requirements-xgboost.txt; writes
xgboost/NAME-VERSION.{json,ubj} (the model) and NAME-VERSION.record (JSON) here. Numbers in a
record are the bits of f32 in hexadecimal digits, a row to a text.
"""

import json
import pathlib

import numpy
import xgboost

HERE = pathlib.Path(__file__).parent / "xgboost"
VERSION = xgboost.__version__
NEWEST = int(VERSION.split(".")[0]) >= 3
FEATURES = 6
TRAINING = 500
KINDS = ["q", "q", "q", "c", "c", "q"]
COUNT = []
NASTY = [
    numpy.nan, 0.0, -0.0, 1e-45, -1e-45, 1e-38, 1e30, -1e30, 3.0, 16777216.0, 0.99999994,
]
CATEGORIES = [-1.0, -0.5, -0.0, 2.7, 0.5, 69.0, 70.0, 200.0, 16777215.0, 16777216.0, 1e20, numpy.nan]


def table(random, count):
    rows = random.normal(size=(count, FEATURES)).astype(numpy.float32)
    rows[:, 3] = random.integers(0, 70, count)
    rows[:, 4] = random.integers(0, 5, count)
    rows[random.random(count) < 0.2, 0] = numpy.nan
    rows[random.random(count) < 0.3, 1] = 0.0
    return rows


def thresholds(model):
    """Pairs of feature and threshold that the model asks about."""
    text = json.loads(model.save_raw("json"))["learner"]["gradient_booster"]
    for tree in text.get("model", text.get("gbtree", {}).get("model"))["trees"]:
        for node, left in enumerate(tree["left_children"]):
            if left != -1 and not tree["split_type"][node]:
                yield tree["split_indices"][node], numpy.float32(tree["split_conditions"][node])


def probes(random, model, categories):
    rows = table(random, 50)
    for at in range(20):
        rows[at, random.integers(0, FEATURES, 2)] = random.choice(NASTY, 2)
    asked = list(thresholds(model))
    for at in range(10, 40 if asked else 10):
        feature, number = asked[random.integers(len(asked))]
        down, up = (numpy.nextafter(number, numpy.float32(it)) for it in (-numpy.inf, numpy.inf))
        rows[at, feature] = [number, down, up][at % 3]
    if categories:
        for at in range(20):
            rows[at, 3 + at % 2] = random.choice(CATEGORIES)
    return rows


def hexes(numbers):
    flat = numpy.asarray(numbers, dtype=numpy.float32).reshape(len(numbers), -1)
    return ["".join(f"{it:08x}" for it in row.view(numpy.uint32)) for row in flat]


def write(name, settings, target, rounds=4, categories=True, ask=None, **more):
    random = numpy.random.default_rng(5)
    rows = table(random, TRAINING)
    settings = {"max_depth": 3, "seed": 1, "nthread": 1, "tree_method": "hist", **settings}
    kinds = KINDS if categories else ["q"] * FEATURES
    shape = {"feature_types": kinds, "enable_categorical": categories}
    bounds = more.pop("bounds", None)
    data = xgboost.DMatrix(rows, None if bounds else target(rows, random), **shape, **more)
    if bounds:
        low, high = bounds(rows, random)
        data.set_float_info("label_lower_bound", low)
        data.set_float_info("label_upper_bound", high)
    model = xgboost.train(settings, data, rounds)
    for key, value in (ask or {}).items():
        model.set_attr(**{key: value})
    asked = probes(random, model, categories)
    stem = f"{name}-{VERSION}"
    COUNT.append(name)
    # The commonest kinds in both formats; of the others each in one, to keep the files few.
    kinds = ["json", "ubj"] if len(COUNT) <= 4 else [["json", "ubj"][len(COUNT) % 2]]
    for kind in kinds:
        model.save_model(HERE / f"{stem}.{kind}")
    model = xgboost.Booster(model_file=HERE / f"{stem}.{kinds[0]}")
    rows = xgboost.DMatrix(asked, **shape)
    record = {
        "rows": hexes(asked),
        "prediction": hexes(model.predict(rows)),
        "raw": hexes(model.predict(rows, output_margin=True)),
        "contributions": hexes(model.predict(rows.slice(range(6)), pred_contribs=True)),
    }
    (HERE / f"{stem}.record").write_text(json.dumps(record, indent=0))


def stopped(name, target, kinds, **settings):
    """A model that stopped early, saved by the scikit-learn interface.

    Recorded is what the booster says by the trees that this interface asks: of `dart` the interface
    itself, which predicts in place, differs in the last bits.
    """
    random = numpy.random.default_rng(5)
    rows, others = table(random, TRAINING), table(random, TRAINING)
    model = xgboost.XGBClassifier(
        max_depth=3, random_state=1, n_jobs=1, tree_method="hist", learning_rate=0.5,
        n_estimators=30, early_stopping_rounds=2, **settings,
    )
    model.fit(rows, target(rows, random), eval_set=[(others, target(others, random))], verbose=False)
    booster, best = model.get_booster(), model.best_iteration
    assert 1 < best + 1 < booster.num_boosted_rounds(), name
    asked = probes(random, booster, False)
    stem = f"{name}-{VERSION}"
    for kind in kinds:
        model.save_model(HERE / f"{stem}.{kind}")
    ask = lambda rows, **more: booster.predict(xgboost.DMatrix(rows), iteration_range=(0, best + 1), **more)
    shares = model.predict_proba(asked)
    assert numpy.allclose(ask(asked), shares[:, 1] if shares.shape[1] == 2 else shares, rtol=1e-5), name
    record = {
        "rows": hexes(asked),
        "prediction": hexes(ask(asked)),
        "raw": hexes(ask(asked, output_margin=True)),
        "contributions": hexes(ask(asked[:6], pred_contribs=True)),
    }
    (HERE / f"{stem}.record").write_text(json.dumps(record, indent=0))


def strength(rows):
    known = numpy.nan_to_num(rows)
    return known[:, 0] + 0.7 * known[:, 1] * known[:, 2] + 0.3 * (rows[:, 3] % 7) - rows[:, 4] / 2


def binary(rows, random):
    return (strength(rows) + random.normal(size=len(rows)) > 0.3).astype(float)


def three(rows, random):
    return numpy.digitize(strength(rows) + random.normal(size=len(rows)), [-0.3, 0.8])


def real(rows, random):
    return strength(rows) + 0.1 * random.normal(size=len(rows))


def above_minus_one(rows, random):
    return numpy.maximum(real(rows, random), -0.9)


def count(rows, random):
    return random.poisson(numpy.exp(strength(rows) / 3)).astype(float) + 0.5


def share(rows, random):
    return 1 / (1 + numpy.exp(-strength(rows)))


def pair(rows, random):
    return numpy.stack([real(rows, random), -2 * real(rows, random)], axis=1)


def labels(rows, random):
    return numpy.stack([binary(rows, random), binary(rows, random)], axis=1)


def within(rows, random):
    low = numpy.exp(strength(rows) / 3)
    return low, numpy.where(random.random(len(rows)) < 0.3, numpy.inf, low * 1.5)


def until(rows, random):
    return count(rows, random) * random.choice([-1, 1], len(rows))


def main():
    HERE.mkdir(exist_ok=True)
    stopped("stopped_early", binary, ["json", "ubj"])
    stopped("stopped_early_softprob", three, ["ubj"])
    stopped("stopped_early_dart", binary, ["json"], booster="dart", rate_drop=0.5)
    stopped("stopped_early_forest", three, ["json"], num_parallel_tree=2, subsample=0.6)
    write("binary", {"objective": "binary:logistic"}, binary)
    write("base", {"objective": "binary:logistic", "base_score": 0.123}, binary)
    write("softprob", {"objective": "multi:softprob", "num_class": 3}, three, 2)
    write("dart", {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.5}, binary, 6)
    write("poisson", {"objective": "count:poisson"}, count)
    write("one_hot", {"objective": "binary:logistic", "max_cat_to_onehot": 100}, binary)
    write("squarederror", {"objective": "reg:squarederror"}, real)
    if VERSION.startswith("1."):
        return
    forest = {"num_parallel_tree": 3, "subsample": 0.6}
    write("two_targets", {"objective": "reg:squarederror"}, pair, 3)
    write("dart_softprob", {"objective": "multi:softprob", "num_class": 3, "booster": "dart", "rate_drop": 0.5}, three, 3)
    if not NEWEST:
        return
    write("numeric", {"objective": "binary:logistic"}, binary, categories=False)
    write("exact", {"objective": "binary:logistic", "tree_method": "exact"}, binary, categories=False)
    write("softmax", {"objective": "multi:softmax", "num_class": 3}, three, 2)
    write("forest", {"objective": "binary:logistic", **forest}, binary, 2)
    write("forest_softprob", {"objective": "multi:softprob", "num_class": 3, **forest}, three, 1)
    write("dart_weights", {"objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.5, "normalize_type": "forest"}, real, 6)
    write("logitraw", {"objective": "binary:logitraw"}, binary)
    write("hinge", {"objective": "binary:hinge"}, binary)
    write("logistic", {"objective": "reg:logistic"}, share, 2)
    write("squaredlogerror", {"objective": "reg:squaredlogerror"}, above_minus_one, 2)
    write("pseudohubererror", {"objective": "reg:pseudohubererror"}, real, 2)
    write("absoluteerror", {"objective": "reg:absoluteerror"}, real, 2)
    write("quantileerror", {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}, real, 2)
    write("gamma", {"objective": "reg:gamma"}, count, 2)
    write("tweedie", {"objective": "reg:tweedie", "tweedie_variance_power": 1.3}, count, 2)
    write("cox", {"objective": "survival:cox"}, until, 2)
    write("aft", {"objective": "survival:aft"}, None, 2, bounds=within)
    groups = [TRAINING // 20] * 20
    for kind in ["pairwise", "ndcg"]:
        write(kind, {"objective": f"rank:{kind}"}, three, 2, group=groups)
    write("map", {"objective": "rank:map"}, binary, 2, group=groups)
    write("labels", {"objective": "binary:logistic"}, labels, 2)
    write("stopped", {"objective": "binary:logistic"}, binary, 4, ask={"best_iteration": "1"})
    write("stumps", {"objective": "binary:logistic", "max_depth": 1}, binary, 12)
    write("deep", {"objective": "binary:logistic", "max_depth": 0, "max_leaves": 90, "min_child_weight": 0, "grow_policy": "lossguide"}, binary, 1)
    write("no_split", {"objective": "binary:logistic", "min_child_weight": 1e6}, binary, 2)
    write("pruned", {"objective": "reg:squarederror", "tree_method": "exact", "gamma": 9.0, "max_depth": 5}, real, 2, categories=False)


if __name__ == "__main__":
    main()
