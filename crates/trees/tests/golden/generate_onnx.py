"""Makes small ONNX models of trees of every kind, by hand and by converters, and records what ONNX
Runtime says of nasty rows.

usage: generate_onnx.py (requirements-onnx.txt); writes onnx/NAME.onnx and NAME.record (JSON) here.
Numbers in a record are the bits of f32 (rows of double models: of f64) in hexadecimal digits, a
row to a text.
"""

import json
import pathlib
import warnings

import lightgbm
import numpy
import onnx
import onnxmltools
import onnxruntime
import skl2onnx
import xgboost
from onnx import TensorProto, helper, numpy_helper
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx.common.data_types import DoubleTensorType
from skl2onnx.common.data_types import FloatTensorType as SklearnFloat
from sklearn import ensemble, tree

HERE = pathlib.Path(__file__).parent / "onnx"
FEATURES = 4
GRID = [-2.5, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 7.0, 31.0, 32.0, 33.0]
NASTY = [numpy.nan, numpy.inf, -numpy.inf, -0.0, 1e-45, -1e-45, 1e30, 0.50000006, 2.5, 64.0]
MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER"]
AGGREGATES = ["AVERAGE", "SUM", "MIN", "MAX"]
TRANSFORMS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]


class Forest:
    """Random trees: nodes in depth-first order, leaves with votes."""

    def __init__(self, seed, modes=MODES[:1], outputs=(0,), tracks=False, positive=False, scale=1.0, trees=3, depth=3, single=False):
        self.random = numpy.random.default_rng(seed)
        self.modes, self.outputs, self.tracks = modes, outputs, tracks
        self.positive, self.scale, self.single = positive, scale, single
        self.trees = [self.grow([], depth, at) for at in range(trees)]

    def grow(self, nodes, depth, at):
        number = len(nodes)
        nodes.append(None)
        if depth == 0 or (number and self.random.random() < 0.2):
            outputs = [self.outputs[at % len(self.outputs)]] if self.single else self.outputs
            votes = self.random.normal(size=len(outputs)) * self.scale
            votes = numpy.abs(votes) if self.positive else votes
            nodes[number] = {"votes": list(zip(outputs, votes.tolist()))}
            return nodes
        mode = self.random.choice(self.modes)
        grid = [it for it in GRID if it >= 0.5] if mode in MODES[4:] else GRID
        node = {
            "mode": mode,
            "feature": int(self.random.integers(0, FEATURES)),
            "value": float(self.random.choice(grid)),
            "tracks": int(self.tracks and self.random.random() < 0.5),
            "members": sorted(set(self.random.choice(GRID[7:], 4).tolist())),
        }
        node["yes"] = len(self.grow(nodes, depth - 1, at)) and number + 1
        node["no"] = len(nodes)
        self.grow(nodes, depth - 1, at)
        nodes[number] = node
        return nodes


def tensor(name, numbers, double):
    return numpy_helper.from_array(numpy.array(numbers, numpy.float64 if double else numpy.float32), name)


def named(forest, kind, double=False, **more):
    """Attributes of ai.onnx.ml 1 to 4."""
    nodes = [(at, number, it) for at, made in enumerate(forest.trees) for number, it in enumerate(made)]
    votes = [(at, number, *vote) for at, number, it in nodes for vote in it.get("votes", [])]
    real = (lambda name, numbers: {f"{name}_as_tensor": tensor(name, numbers, True)}) if double else (lambda name, numbers: {name: numbers})
    word = "class" if kind.endswith("Classifier") else "target"
    base = more.pop("base_values", None)
    tracks = {"nodes_missing_value_tracks_true": [it.get("tracks", 0) for _, _, it in nodes]}
    return {
        "nodes_treeids": [at for at, _, _ in nodes],
        "nodes_nodeids": [number for _, number, _ in nodes],
        "nodes_featureids": [it.get("feature", 0) for _, _, it in nodes],
        "nodes_modes": [it.get("mode", "LEAF") for _, _, it in nodes],
        "nodes_truenodeids": [it.get("yes", 0) for _, _, it in nodes],
        "nodes_falsenodeids": [it.get("no", 0) for _, _, it in nodes],
        **real("nodes_values", [it.get("value", 0.0) for _, _, it in nodes]),
        **(tracks if forest.tracks else {}),
        f"{word}_treeids": [it[0] for it in votes],
        f"{word}_nodeids": [it[1] for it in votes],
        f"{word}_ids": [it[2] for it in votes],
        **real(f"{word}_weights", [it[3] for it in votes]),
        **(real("base_values", base) if base else {}),
        **more,
    }


def numbered(forest, double=False, **more):
    """Attributes of ai.onnx.ml 5."""
    splits, leaves, roots, sets = [], [], [], []
    for made in forest.trees:
        place = {}
        for number, it in enumerate(made):
            place[number] = len(leaves) if "votes" in it else len(splits)
            (leaves if "votes" in it else splits).append((it, place, made))
        roots.append(place[0])
    for it, _, _ in splits:
        if it["mode"] == "BRANCH_MEMBER":
            sets += it["members"] + [numpy.nan]
    is_leaf = lambda side: [int("votes" in made[it[side]]) for it, _, made in splits]
    return {
        "tree_roots": roots,
        "nodes_featureids": [it["feature"] for it, _, _ in splits],
        "nodes_modes": numpy_helper.from_array(numpy.array([MODES.index(it["mode"]) for it, _, _ in splits], numpy.uint8), "modes"),
        "nodes_splits": tensor("splits", [it["value"] for it, _, _ in splits], double),
        "nodes_truenodeids": [place[it["yes"]] for it, place, _ in splits],
        "nodes_trueleafs": is_leaf("yes"),
        "nodes_falsenodeids": [place[it["no"]] for it, place, _ in splits],
        "nodes_falseleafs": is_leaf("no"),
        **({"nodes_missing_value_tracks_true": [it["tracks"] for it, _, _ in splits]} if forest.tracks else {}),
        "leaf_targetids": [it["votes"][0][0] for it, _, _ in leaves],
        "leaf_weights": tensor("weights", [it["votes"][0][1] for it, _, _ in leaves], double),
        **({"membership_values": tensor("sets", sets, double)} if sets else {}),
        **more,
    }


def graph(kind, attributes, version, double=False, element=None):
    outputs = ["label", "scores"] if kind.endswith("Classifier") else ["scores"]
    node = helper.make_node(kind, ["rows"], outputs, domain="ai.onnx.ml", **attributes)
    element = element or (TensorProto.DOUBLE if double else TensorProto.FLOAT)
    label = TensorProto.STRING if "classlabels_strings" in attributes else TensorProto.INT64
    score = TensorProto.DOUBLE if double and kind == "TreeEnsemble" else TensorProto.FLOAT
    values = [helper.make_tensor_value_info("rows", element, [None, FEATURES])]
    results = [helper.make_tensor_value_info(it, label if it == "label" else score, None) for it in outputs]
    made = helper.make_graph([node], "trees", values, results)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("ai.onnx.ml", version), helper.make_opsetid("", 17)], ir_version=8)


def probes(double=False, element=None):
    random = numpy.random.default_rng(9)
    rows = random.choice(GRID, (32, FEATURES))
    rows[:8] += random.normal(size=(8, FEATURES))
    for at in range(24):
        rows[at, random.integers(0, FEATURES)] = random.choice(NASTY)
    if element:
        return numpy.nan_to_num(rows, posinf=9, neginf=-9).clip(-9, 99).astype(numpy.int64)
    return rows if double else rows.astype(numpy.float32)


def hexes(numbers):
    flat = numpy.asarray(numbers).reshape(len(numbers), -1)
    word, digits = (numpy.uint64, 16) if flat.dtype == numpy.float64 else (numpy.uint32, 8)
    return ["".join(f"{it:0{digits}x}" for it in row.view(word)) for row in numpy.ascontiguousarray(flat)]


def record(name, model, rows):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        answers = session.run(None, {session.get_inputs()[0].name: rows})
    except Exception as error:
        print(f"{name}: ONNX Runtime refuses: {str(error)[:160]}")
        return
    scores = answers[-1]
    if isinstance(scores, list):
        scores = numpy.array([list(it.values()) for it in scores], numpy.float32)
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())
    given = rows.astype(numpy.float32) if rows.dtype == numpy.int64 else rows
    made = {"rows": hexes(given), "prediction": hexes(scores.astype(numpy.float32))}
    (HERE / f"{name}.record").write_text(json.dumps(made, indent=0))


def by_hand(name, kind, forest, version=3, double=False, element=None, **more):
    make = numbered if kind == "TreeEnsemble" else lambda *it, **more: named(it[0], kind, *it[1:], **more)
    model = graph(kind, make(forest, double, **more), version, double, element)
    rows = probes(double, element)
    if "BRANCH_MEMBER" in forest.modes:
        # ONNX Runtime cuts fractions before it looks for them in a set, which ONNX does not say.
        rows = numpy.round(rows)
    record(name, model, rows)


def regressors():
    kind = "TreeEnsembleRegressor"
    for at, mode in enumerate(MODES[:6]):
        name = mode.split("_")[1].lower()
        by_hand(f"regressor_{name}", kind, Forest(at, [mode]), 1, n_targets=1)
        by_hand(f"regressor_{name}_tracks", kind, Forest(at, [mode], tracks=True), n_targets=1)
    by_hand("regressor_mixed", kind, Forest(20, MODES[:6], tracks=True, trees=9), n_targets=1, base_values=[0.3])
    by_hand("regressor_double", kind, Forest(21, MODES[:6], tracks=True), double=True, n_targets=1, base_values=[0.3])
    by_hand("regressor_integers", kind, Forest(22, MODES[:6]), element=TensorProto.INT64, n_targets=1)
    by_hand("regressor_one_leaf", kind, Forest(23, depth=0), n_targets=1)
    for at, aggregate in enumerate(AGGREGATES):
        for outputs in [1, 3]:
            forest = Forest(30 + at, outputs=range(outputs))
            by_hand(f"regressor_{aggregate.lower()}_{outputs}", kind, forest, n_targets=outputs, aggregate_function=aggregate, base_values=[0.25, -1.5, 3.0][:outputs])
    for at, transform in enumerate(TRANSFORMS):
        for outputs in [1, 3]:
            positive = transform == "PROBIT"
            forest = Forest(40 + at, outputs=range(outputs), positive=positive, scale=0.1 if positive else 1.0)
            by_hand(f"regressor_{transform.lower()}_{outputs}", kind, forest, n_targets=outputs, post_transform=transform)
    by_hand("regressor_one_vote_each", kind, Forest(50, outputs=range(3), single=True, trees=6), n_targets=3, post_transform="SOFTMAX_ZERO")


def classifiers():
    kind = "TreeEnsembleClassifier"
    two, three = {"classlabels_int64s": [0, 1]}, {"classlabels_strings": ["home", "draw", "away"]}
    for at, outputs in enumerate([(0,), (1,), (0, 1)]):
        # Of two base values and votes for the second class ONNX Runtime makes no sense.
        for base in [[], [0.4], [0.4, -0.3]][: 3 if outputs == (0,) else 2]:
            for transform in ["NONE", "LOGISTIC", "SOFTMAX"]:
                for positive in [False, True]:
                    ids = "".join(map(str, outputs))
                    name = f"binary_{ids}_{len(base)}_{transform.lower()}_{'positive' if positive else 'mixed'}"
                    forest = Forest(60 + at, outputs=outputs, positive=positive, scale=0.3)
                    by_hand(name, kind, forest, 1, post_transform=transform, base_values=base, **two)
    for at, transform in enumerate(TRANSFORMS):
        positive = transform == "PROBIT"
        forest = Forest(70 + at, MODES[:6], outputs=range(3), positive=positive, scale=0.1 if positive else 1.0)
        by_hand(f"three_{transform.lower()}", kind, forest, post_transform=transform, **three)
    by_hand("three_base", kind, Forest(80, outputs=range(3), single=True, trees=7), post_transform="SOFTMAX", base_values=[0.1, 0.2, -0.3], **three)
    by_hand("three_double", kind, Forest(81, outputs=range(3)), double=True, post_transform="SOFTMAX", **three)


def newest():
    kind = "TreeEnsemble"
    for at, mode in enumerate(MODES):
        name = mode.split("_")[1].lower()
        by_hand(f"newest_{name}", kind, Forest(90 + at, [mode], tracks=mode != "BRANCH_MEMBER"), 5, n_targets=1)
    by_hand("newest_mixed", kind, Forest(100, MODES, tracks=True, trees=7), 5, n_targets=1)
    by_hand("newest_double", kind, Forest(101, MODES, trees=5), 5, double=True, n_targets=1)
    for number, aggregate in enumerate(AGGREGATES):
        forest = Forest(110 + number, outputs=range(2), single=True, trees=5)
        by_hand(f"newest_{aggregate.lower()}", kind, forest, 5, n_targets=2, aggregate_function=number)
    for number, transform in enumerate(TRANSFORMS):
        positive = transform == "PROBIT"
        forest = Forest(120 + number, outputs=range(2), single=True, trees=4, positive=positive, scale=0.1 if positive else 1.0)
        by_hand(f"newest_{transform.lower()}", kind, forest, 5, n_targets=2, post_transform=number)


def plain_integers():
    """What scikit-learn's histogram trees need of skl2onnx: numpy's unsigned numbers made plain."""
    make = helper.make_attribute
    def made(key, value, *more, **others):
        if isinstance(value, list) and value and isinstance(value[0], (int, numpy.integer)) :
            value = [int(it) for it in value]
        return make(key, value, *more, **others)
    helper.make_attribute = made


def converted():
    random = numpy.random.default_rng(1)
    rows = random.normal(size=(300, FEATURES)).astype(numpy.float32)
    rows[random.random(300) < 0.2, 1] = 0.0
    strength = rows[:, 0] + rows[:, 1] * rows[:, 2]
    two, three = (strength > 0).astype(int), numpy.digitize(strength, [-0.5, 0.5])
    real, count = strength + 0.5, random.poisson(numpy.exp(strength / 3)) + 0.5
    asked = probes()
    finite = asked[numpy.isfinite(asked).all(axis=1)]
    few = {"n_estimators": 4, "max_depth": 3, "random_state": 1}
    tools = [("input", FloatTensorType([None, FEATURES]))]
    def sklearn(name, model, rows=asked, kind=SklearnFloat, **options):
        made = skl2onnx.convert_sklearn(model, initial_types=[("input", kind([None, FEATURES]))], **options)
        record(f"sklearn_{name}", made, rows)
    forest = ensemble.RandomForestClassifier(**few)
    sklearn("forest", forest.fit(rows, two))
    sklearn("forest_three", forest.fit(rows, numpy.array(["a", "b", "c"])[three]))
    sklearn("forest_no_map", forest.fit(rows, three), options={"zipmap": False})
    sklearn("forest_real", ensemble.RandomForestRegressor(**few).fit(rows, real))
    sklearn("forest_double", ensemble.RandomForestRegressor(**few).fit(rows, real), probes(True), DoubleTensorType)
    sklearn("extra_trees", ensemble.ExtraTreesClassifier(**few).fit(rows, three))
    sklearn("boosted", ensemble.GradientBoostingClassifier(**few).fit(rows, two))
    sklearn("boosted_raw", ensemble.GradientBoostingClassifier(**few).fit(rows, two), options={"raw_scores": True, "zipmap": False})
    sklearn("boosted_three", ensemble.GradientBoostingClassifier(**few).fit(rows, three))
    sklearn("boosted_real", ensemble.GradientBoostingRegressor(**few).fit(rows, real))
    sklearn("tree", tree.DecisionTreeClassifier(max_depth=3).fit(rows, two))
    sklearn("tree_two_targets", tree.DecisionTreeRegressor(max_depth=3).fit(rows, numpy.stack([real, -real], 1)))
    few = {"max_iter": 4, "max_depth": 3, "random_state": 1}
    plain_integers()
    for name, model, target in [
        ("histogram", ensemble.HistGradientBoostingClassifier(**few), two),
        ("histogram_three", ensemble.HistGradientBoostingClassifier(**few), three),
        ("histogram_real", ensemble.HistGradientBoostingRegressor(**few), real),
    ]:
        sklearn(name, model.fit(rows, target))
    few = {"n_estimators": 4, "max_depth": 3, "random_state": 1, "n_jobs": 1}
    few_leaves = {**few, "verbose": -1}
    forest = {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}
    for name, model, target in [
        ("binary", lightgbm.LGBMClassifier(**few_leaves), two),
        ("three", lightgbm.LGBMClassifier(**few_leaves), three),
        ("real", lightgbm.LGBMRegressor(**few_leaves), real),
        ("poisson", lightgbm.LGBMRegressor(objective="poisson", **few_leaves), count),
        ("forest", lightgbm.LGBMRegressor(**forest, **few_leaves), real),
    ]:
        made = onnxmltools.convert_lightgbm(model.fit(rows, target), initial_types=tools, target_opset=15)
        record(f"lightgbm_{name}", made, finite)
    for name, model, target in [
        ("binary", xgboost.XGBClassifier(**few), two),
        ("three", xgboost.XGBClassifier(**few), three),
        ("real", xgboost.XGBRegressor(**few), real),
    ]:
        made = onnxmltools.convert_xgboost(model.fit(rows, target), initial_types=tools, target_opset=15)
        record(f"xgboost_{name}", made, asked)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    HERE.mkdir(exist_ok=True)
    regressors()
    classifiers()
    newest()
    converted()
