"""Writes small ONNX networks and records what ONNX Runtime says of some rows.

usage: generate_onnx.py (with requirements-onnx.txt)
writes onnx/NAME.onnx and NAME.json here; a record has, for each input and output, name, shape and
numbers (null is none, "inf" and "-inf" are without bound), or texts, in row-major order.
"""

import json
import pathlib

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = pathlib.Path(__file__).parent / "onnx"
ROWS = 9
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def plain_number(it):
    if isinstance(it, str):
        return it
    return None if numpy.isnan(it) else str(it) if numpy.isinf(it) else float(it)


def record(name, model, inputs):
    onnx.checker.check_model(model)
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(model.SerializeToString())
    outputs = {it.name: value for it, value in zip(session.get_outputs(), session.run(None, inputs))}
    plain = lambda tensors: [
        {"name": name, "shape": list(value.shape), "values": [plain_number(it) for it in value.ravel().tolist()]}
        for name, value in tensors.items()
    ]
    (HERE / f"{name}.json").write_text(json.dumps({"inputs": plain(inputs), "outputs": plain(outputs)}))


def network(name, nodes, inputs, outputs, weights, rows, opset=17):
    info = lambda it: helper.make_tensor_value_info(*it)
    tensors = [numpy_helper.from_array(numpy.asarray(it), label) for label, it in weights.items()]
    graph = helper.make_graph(nodes, name, [info(it) for it in inputs], [info(it) for it in outputs], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8 if opset == 17 else 10)
    record(name, model, rows)


def numbers(random, *shape):
    return random.normal(size=shape).astype(numpy.float32)


def perceptron(name, batch, rows):
    random = numpy.random.default_rng(1)
    network(
        name,
        [
            helper.make_node("Gemm", ["input", "w0", "b0"], ["z0"]),
            helper.make_node("Relu", ["z0"], ["a0"]),
            helper.make_node("Gemm", ["a0", "w1", "b1"], ["z1"]),
            helper.make_node("Softmax", ["z1"], ["output"]),
        ],
        [("input", FLOAT, [batch, 6])],
        [("output", FLOAT, [batch, 3])],
        {"w0": numbers(random, 6, 8), "b0": numbers(random, 8), "w1": numbers(random, 8, 3), "b1": numbers(random, 3)},
        {"input": numbers(random, rows, 6)},
    )


def convolution():
    random = numpy.random.default_rng(2)
    network(
        "convolution",
        [
            helper.make_node("Conv", ["games", "k", "kb"], ["c"], pads=[1, 1]),
            helper.make_node("Relu", ["c"], ["r"]),
            helper.make_node("GlobalAveragePool", ["r"], ["g"]),
            helper.make_node("Flatten", ["g"], ["f"]),
            helper.make_node("Gemm", ["f", "w", "b"], ["z"]),
            helper.make_node("Sigmoid", ["z"], ["share"]),
        ],
        [("games", FLOAT, ["N", 3, 10])],
        [("share", FLOAT, ["N", 1])],
        {"k": numbers(random, 4, 3, 3), "kb": numbers(random, 4), "w": numbers(random, 4, 1), "b": numbers(random, 1)},
        {"games": numbers(random, ROWS, 3, 10)},
    )


def recurrent():
    random = numpy.random.default_rng(3)
    network(
        "recurrent",
        [
            helper.make_node("Transpose", ["games"], ["t"], perm=[1, 0, 2]),
            helper.make_node("GRU", ["t", "w", "r", "b"], ["", "h"], hidden_size=4, linear_before_reset=1),
            helper.make_node("Squeeze", ["h", "axes"], ["s"]),
            helper.make_node("Gemm", ["s", "v"], ["output"]),
        ],
        [("games", FLOAT, ["N", 5, 3])],
        [("output", FLOAT, ["N", 2])],
        {
            "w": numbers(random, 1, 12, 3), "r": numbers(random, 1, 12, 4), "b": numbers(random, 1, 24),
            "v": numbers(random, 4, 2), "axes": numpy.array([0]),
        },
        {"games": numbers(random, ROWS, 5, 3)},
    )


def two_inputs():
    random = numpy.random.default_rng(4)
    network(
        "two_inputs",
        [
            helper.make_node("Cast", ["count"], ["c"], to=FLOAT),
            helper.make_node("Concat", ["form", "c"], ["all"], axis=1),
            helper.make_node("MatMul", ["all", "w"], ["score"]),
            helper.make_node("ArgMax", ["score"], ["winner"], axis=1, keepdims=0),
        ],
        [("form", FLOAT, ["N", 3]), ("count", INT64, ["N", 1])],
        [("score", FLOAT, ["N", 2]), ("winner", INT64, ["N"])],
        {"w": numbers(random, 4, 2)},
        {"form": numbers(random, ROWS, 3), "count": random.integers(-3, 9, (ROWS, 1))},
    )


def wide():
    """An operator that the runtime has no `double` of."""
    network(
        "wide",
        [helper.make_node("Sigmoid", ["input"], ["output"])],
        [("input", TensorProto.DOUBLE, ["N", 2])],
        [("output", TensorProto.DOUBLE, ["N", 2])],
        {},
        {"input": numpy.zeros((1, 2))},
    )


def pipelines():
    random = numpy.random.default_rng(5)
    rows = random.normal(size=(300, 5)).astype(numpy.float32)
    strength = rows[:, 0] + rows[:, 1] * rows[:, 2] + 0.3 * random.normal(size=300)
    two, three = (strength > 0).astype(int), numpy.digitize(strength, [-0.5, 0.5])
    boosting = lambda: GradientBoostingClassifier(n_estimators=6, max_depth=3, random_state=1)
    models = {
        "scaled_trees": (make_pipeline(StandardScaler(), boosting()), three),
        "scaled_trees_two": (make_pipeline(StandardScaler(), boosting()), two),
        "scaled_forest": (make_pipeline(StandardScaler(), RandomForestRegressor(n_estimators=5, max_depth=4, random_state=1)), strength),
        "scaled_linear": (make_pipeline(StandardScaler(), LogisticRegression()), three),
    }
    for name, (pipeline, target) in models.items():
        options = {} if name == "scaled_forest" else {"zipmap": False}
        converted(name, pipeline.fit(rows, target), options, random)
    return rows, two, three


def converted(name, fitted, options, random, rows="input", missing=False):
    model = to_onnx(
        fitted,
        initial_types=[(rows, FloatTensorType([None, 5]))],
        options={id(fitted): options} if options else None,
        target_opset={"": 17, "ai.onnx.ml": 3},
    )
    asked = random.normal(size=(ROWS, 5)).astype(numpy.float32)
    if missing:
        asked[random.random(asked.shape) < 0.3] = numpy.nan
    record(name, model, {rows: asked})


def classes(rows, two, three):
    """Classes with names, or with numbers that do not begin at zero."""
    random = numpy.random.default_rng(6)
    forest = lambda: RandomForestClassifier(n_estimators=5, max_depth=3, random_state=1)
    models = {
        "named_linear": (LogisticRegression(), numpy.array(list("ADH"))[three]),
        "named_linear_two": (make_pipeline(StandardScaler(), LogisticRegression()), numpy.array(list("AH"))[two]),
        "named_forest": (forest(), numpy.array(list("ADH"))[three]),
        "numbered_forest": (forest(), numpy.array([3, 5])[two]),
    }
    for name, (model, target) in models.items():
        converted(name, model.fit(rows, target), {"zipmap": False}, random, "X")


def wrapped(rows, two, three):
    """What is often put around a classifier."""
    random = numpy.random.default_rng(7)
    calibrated = lambda it: CalibratedClassifierCV(it, cv=2)
    forest = RandomForestClassifier(n_estimators=3, max_depth=3, random_state=1)
    converted("calibrated_linear", calibrated(LogisticRegression()).fit(rows, three), {"zipmap": False}, random)
    converted("calibrated_forest", calibrated(forest).fit(rows, two), {"zipmap": False}, random)
    linear = make_pipeline(SimpleImputer(), LogisticRegression()).fit(rows, three)
    converted("imputed_linear", linear, {"zipmap": False}, random, missing=True)


def divided():
    """A whole number that is divided by."""
    random = numpy.random.default_rng(8)
    nodes = [
        helper.make_node("Div", ["twelve", "games"], ["each"]),
        helper.make_node("Cast", ["each"], ["share"], to=FLOAT),
        helper.make_node("Mul", ["form", "share"], ["score"]),
    ]
    rows = {"form": numbers(random, ROWS, 2), "games": random.integers(1, 9, (ROWS, 1))}
    inputs = [("form", FLOAT, ["N", 2]), ("games", INT64, ["N", 1])]
    network("divided", nodes, inputs, [("score", FLOAT, ["N", 2])], {"twelve": numpy.int64([12])}, rows)


def remembered():
    """Recurrent operators on games of which one has a number that is missing."""
    random = numpy.random.default_rng(9)
    games = numbers(random, ROWS, 5, 3)
    games[2, 3, 1] = games[4, 0, 0] = numpy.nan
    weights, nodes, outputs = {}, [helper.make_node("Transpose", ["games"], ["t"], perm=[1, 0, 2])], []
    cells = {"GRU": (3, 6, {"linear_before_reset": 1}), "LSTM": (4, 8, {}), "RNN": (1, 2, {})}
    cells["GRUBefore"] = (3, 6, {})
    for name, (gates, biases, given) in cells.items():
        shapes = [(1, gates * 4, 3), (1, gates * 4, 4), (1, biases * 4)]
        names = [f"{name}.{it}" for it in "wrb"]
        weights |= {it: numbers(random, *shape) for it, shape in zip(names, shapes)}
        kind = name.removesuffix("Before")
        nodes.append(helper.make_node(kind, ["t", *names], [f"{name}.y"], hidden_size=4, **given))
        nodes.append(helper.make_node("Transpose", [f"{name}.y"], [f"{name}.rows"], perm=[2, 0, 1, 3]))
        nodes.append(helper.make_node("Squeeze", [f"{name}.rows", "direction"], [name]))
        outputs.append((name, FLOAT, ["N", 5, 4]))
    weights["direction"] = numpy.array([2])
    network("remembered", nodes, [("games", FLOAT, ["N", 5, 3])], outputs, weights, {"games": games})


def edges():
    """Each operator on what is no number, without bound, or large."""
    nan, inf = numpy.nan, numpy.inf
    rows = [
        [nan, 1, -1, 0.5], [1, -1, 0.5, nan], [2, nan, 0.5, 1], [inf, -inf, 0, -0.0], [inf, 1, 2, 3], [-inf, 1, 2, 3],
        [-1e4, -20, -10, -5], [20, 10, 5, 1e4], [0.5, 1.5, 2.5, -0.5], [-88, -90, -100, 88], [3e38, -3e38, 1e-40, 1e-7],
        [30, -30, 17, -17], [-176, 1, 0, -3],
    ]
    alone = [
        "Abs", "Celu", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Log", "Mish", "Neg", "Relu",
        "Selu", "Sigmoid", "Sign", "Softplus", "Softsign", "Sqrt", "Swish", "Tanh", "ThresholdedRelu",
    ]
    last = {"LogSoftmax": {"axis": -1}, "Softmax": {"axis": -1}}
    reduced = ["ReduceL1", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"]
    weights = {
        "low": numpy.float32(-2), "high": numpy.float32(2), "one": numpy.float32([1]), "axis": numpy.int64([1]),
        "row": numpy.float32([0.5, nan, 0, 3]),
        "mixed": numpy.float32([[1, -1], [0.5, 2], [-1, 0.25], [2, 1]]), "bias": numpy.float32([0.1, -0.1]),
    }
    node = helper.make_node
    nodes = [node(it, ["rows"], [it]) for it in alone]
    nodes += [node(it, ["rows"], [it], **given) for it, given in last.items()]
    nodes += [node(it, ["rows", "axis"], [it]) for it in reduced]
    nodes += [
        node("Gelu", ["rows"], ["GeluTanh"], approximate="tanh"),
        node("Clip", ["rows", "low", "high"], ["Clip"]),
        node("Max", ["rows", "one"], ["Max"]),
        node("Min", ["rows", "one"], ["Min"]),
        node("Max", ["rows", "row"], ["MaxRow"]),
        node("Min", ["rows", "row"], ["MinRow"]),
        node("Gemm", ["rows", "mixed", "bias"], ["behind"]),
        node("Relu", ["behind"], ["GemmRelu"]),
        node("MatMul", ["rows", "mixed"], ["before"]),
        node("Sigmoid", ["before"], ["MatMulSigmoid"]),
    ]
    shapes = {it: [1] for it in reduced} | {"GemmRelu": [2], "MatMulSigmoid": [2]}
    hidden = ["behind", "before"]
    given = [it.output[0] for it in nodes if it.output[0] not in hidden]
    outputs = [(it, FLOAT, ["N", *shapes.get(it, [4])]) for it in given]
    network("edges", nodes, [("rows", FLOAT, ["N", 4])], outputs, weights, {"rows": numpy.float32(rows)}, opset=24)


def main():
    HERE.mkdir(exist_ok=True)
    perceptron("perceptron", "N", ROWS)
    perceptron("one_row", 1, 1)
    perceptron("four_rows", 4, 4)
    convolution()
    recurrent()
    two_inputs()
    wide()
    divided()
    remembered()
    edges()
    made = pipelines()
    classes(*made)
    wrapped(*made)


if __name__ == "__main__":
    main()
