"""Times the tree engine beside its peers: the same models, rows, machine and minutes.

usage: compare.py FOLDER [MODEL…]

FOLDER is what models.py wrote. lleaves and LightGBM are called through their C interfaces
(peers.c), ours through its Rust one (crates/trees/examples/time.rs), ONNX Runtime and XGBoost
from Python, whose own share of a call is in their figures. One thread each, processor time,
median of nine passes over 10,000 rows, three sittings interleaved, the best of the three.
"""

import pathlib
import subprocess
import sys
import sysconfig
import time

import numpy

FEATURES = 30
SITTINGS = 3
HERE = pathlib.Path(__file__).parent
SITE = pathlib.Path(sysconfig.get_paths()["purelib"])


def run(*command):
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout


def lleaves_library(folder, name):
    library = folder / f"{name}.lleaves.so"
    if not library.exists():
        import lleaves

        model = lleaves.Model(model_file=str(folder / f"{name}.txt"))
        code = folder / f"{name}.lleaves.o"
        model.compile(cache=str(code), raw_score=False)
        run("cc", "-shared", "-o", str(library), str(code), "-lm")
    return library


def onnx_file(folder, name):
    file = folder / f"{name}.onnx"
    if not file.exists():
        import lightgbm
        import onnxmltools
        from onnxmltools.convert.common.data_types import FloatTensorType

        model = lightgbm.Booster(model_file=str(folder / f"{name}.txt"))
        kinds = [("input", FloatTensorType([None, FEATURES]))]
        made = onnxmltools.convert_lightgbm(
            model, initial_types=kinds, zipmap=False, target_opset=15
        )
        file.write_bytes(made.SerializeToString())
    return file


def python_times(call, rows):
    """Nanoseconds for a row on its own, rows a second in batches of 1,000."""
    singles = [numpy.ascontiguousarray(rows[at : at + 1]) for at in range(2_000)]
    batches = [numpy.ascontiguousarray(rows[at : at + 1_000]) for at in range(0, len(rows), 1_000)]
    took = []
    for parts, count in ((singles, 2_000), (batches, len(rows))):
        passes = []
        for _ in range(5):
            began = time.thread_time_ns()
            for part in parts:
                call(part)
            passes.append((time.thread_time_ns() - began) / count)
        took.append(sorted(passes)[2])
    return took[0], 1e9 / took[1]


def peers(folder, name, rows_file, outputs):
    """The peers that can score a model, by name: each a function that times it once."""
    rows = numpy.fromfile(rows_file).reshape(-1, FEATURES)
    program = str(folder / "peers")
    run("cc", "-O2", "-o", program, str(HERE / "peers.c"), "-ldl")
    found = {}
    if name.startswith("X"):
        import xgboost

        booster = xgboost.Booster(model_file=str(folder / f"{name}.json"))
        booster.set_param({"nthread": 1})
        single = rows.astype("f4")
        found["XGBoost (Python)"] = lambda: python_times(booster.inplace_predict, single)
        return found

    def timed(*arguments):
        one, batch = run(program, *map(str, arguments)).split()
        return float(one), float(batch)

    out = folder / f"{name}.peer"
    lightgbm = SITE / "lightgbm" / "lib" / "lib_lightgbm.so"
    text = folder / f"{name}.txt"
    found["LightGBM"] = lambda: timed("lightgbm", lightgbm, rows_file, out, outputs, text)
    if not name.startswith("C"):
        library = lleaves_library(folder, name)
        found["lleaves"] = lambda: timed("lleaves", library, rows_file, out, outputs)
        if "_mixed" not in name:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            session = onnxruntime.InferenceSession(str(onnx_file(folder, name)), options)
            single = rows.astype("f4")
            found["ONNX Runtime (Python)"] = lambda: python_times(
                lambda part: session.run(["probabilities"], {"input": part}), single
            )
    return found


def ours(folder, name, rows_file):
    """Lines of the example: kernel, nanoseconds for one row, rows a second."""
    ending = "json" if name.startswith("X") else "txt"
    binary = HERE.parents[1] / "target" / "release" / "examples" / "time"
    lines = run(str(binary), str(folder / f"{name}.{ending}"), str(rows_file)).splitlines()
    figures = {}
    for line in lines:
        kernel, one, batch = line.split()
        figures[f"ours, {kernel}"] = (float(one), float(batch))
    return figures


def main(folder, names):
    folder = pathlib.Path(folder).resolve()
    for name in names or ["A", "A_mixed", "B", "B_mixed", "C", "C_mixed", "X"]:
        rows_file = folder / ("rows_mixed.f64" if "_mixed" in name else "rows.f64")
        others = peers(folder, name, rows_file, 3 if name.startswith("B") else 1)
        best = {}
        for _ in range(SITTINGS):
            sitting = ours(folder, name, rows_file)
            sitting.update({peer: call() for peer, call in others.items()})
            for engine, (one, batch) in sitting.items():
                before = best.get(engine, (one, batch))
                best[engine] = (min(one, before[0]), max(batch, before[1]))
        print(f"\n{name}\n| engine | one row, µs | rows/s in batches of 1,000 |\n|---|---|---|")
        for engine, (one, batch) in best.items():
            print(f"| {engine} | {one / 1e3:.2f} | {batch:,.0f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
