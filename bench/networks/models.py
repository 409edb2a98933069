"""Writes the networks that bench/networks compares: NAME.onnx with random weights, into a folder.

usage: models.py FOLDER (onnx 1.23.2, numpy)
"""

import pathlib
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper


def save(folder, name, nodes, weights, shape, outputs):
    free = lambda label, dimensions: helper.make_tensor_value_info(label, TensorProto.FLOAT, ["N", *dimensions])
    tensors = [numpy_helper.from_array(it.astype(numpy.float32), label) for label, it in weights.items()]
    graph = helper.make_graph(nodes, name, [free("input", shape)], [free("output", [outputs])], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, folder / f"{name}.onnx")


def mlp(folder, name, sizes):
    random = numpy.random.default_rng(1)
    nodes, weights, before = [], {}, "input"
    for at, (wide, narrow) in enumerate(zip(sizes, sizes[1:])):
        weights[f"w{at}"] = random.normal(size=(wide, narrow)) / wide**0.5
        weights[f"b{at}"] = random.normal(size=narrow) / 10
        nodes.append(helper.make_node("Gemm", [before, f"w{at}", f"b{at}"], [f"z{at}"]))
        last = at + 2 == len(sizes)
        before = "output" if last else f"a{at}"
        nodes.append(helper.make_node("Softmax" if last else "Relu", [f"z{at}"], [before]))
    save(folder, name, nodes, weights, [sizes[0]], sizes[-1])


def convolution(folder):
    random = numpy.random.default_rng(2)
    weights = {
        "k": random.normal(size=(16, 8, 3)) / 5,
        "kb": random.normal(size=16) / 10,
        "w": random.normal(size=(16, 3)) / 4,
        "b": random.normal(size=3) / 10,
    }
    nodes = [
        helper.make_node("Conv", ["input", "k", "kb"], ["c"], pads=[1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "w", "b"], ["z"]),
        helper.make_node("Softmax", ["z"], ["output"]),
    ]
    save(folder, "conv", nodes, weights, [8, 20], 3)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    mlp(folder, "mlp", [30, 64, 32, 3])
    mlp(folder, "mlp_large", [200, 512, 256, 3])
    convolution(folder)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
