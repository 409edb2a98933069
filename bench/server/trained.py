"""Trains what bench/server serves: A (500 trees of 31 leaves), a second one like it, and C
(5,000 of 63), on the rows of bench/trees; A as ONNX, too. Keeps what is there already."""

import pathlib
import sys

import lightgbm
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "trees"))
from models import FEATURES, ROWS, lightgbm_model, outcomes, rows  # noqa: E402

PLANS = {"A": (500, 31, 0), "A2": (500, 31, 1), "C": (5_000, 63, 0)}


def trained(folder):
    """The folder with all models; rows to ask for and LightGBM's own answers by model."""
    folder.mkdir(parents=True, exist_ok=True)
    random = numpy.random.default_rng(7)
    table = rows(random, ROWS, False)
    won, _ = outcomes(random, table)
    for name, (trees, leaves, skip) in PLANS.items():
        file = folder / f"{name}.txt"
        if not file.exists():
            half = slice(skip * ROWS // 2, None)
            model = lightgbm_model(table[half], won[half], trees, leaves, False)
            model.save_model(file)
    onnx = folder / "A.onnx"
    if not onnx.exists():
        convert(folder / "A.txt", onnx)
    # Values of five digits, which are what clients write, and 32 bits hold for every peer alike.
    asked = numpy.round(rows(random, 1_000, False), 5).astype(numpy.float32)
    answers = {}
    for name in PLANS:
        answers[name] = lightgbm.Booster(model_file=str(folder / f"{name}.txt")).predict(asked.astype(float))
    return asked, answers


def convert(text, onnx):
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType

    kinds = [("input", FloatTensorType([None, FEATURES]))]
    model = lightgbm.Booster(model_file=str(text))
    made = onnxmltools.convert_lightgbm(model, initial_types=kinds, zipmap=False, target_opset=15)
    onnx.write_bytes(made.SerializeToString())
