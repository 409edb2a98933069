"""Times the tree engine beside its peers: the same models, rows, machine and minutes.

usage: compare.py FOLDER [MODEL…]

From the root of the repository, all of it, peers and models included:

    python3 -m venv VENV && VENV/bin/pip install -r bench/trees/requirements.txt &&
    cargo build --release -p trees --example timing &&
    VENV/bin/python bench/trees/models.py FOLDER && VENV/bin/python bench/trees/compare.py FOLDER

LightGBM and lleaves are called through their C interfaces (peers.c), ours through its Rust one
(crates/trees/examples/timing.rs), ONNX Runtime and XGBoost from Python, whose own share of a
call is in their figures for one row. One thread each, time on the processor; each engine in turn,
the best of all sittings. Exactness is the greatest difference from what the library that trained
the model says of all rows.
"""

import importlib.metadata
import pathlib
import platform
import subprocess
import sys
import sysconfig
import time

import numpy

FEATURES = 30
SITTINGS = 3
MODELS = ["A", "A_mixed", "B", "B_mixed", "C", "C_mixed", "X"]
PACKAGES = ["lightgbm", "xgboost", "lleaves", "onnxruntime"]
HERE = pathlib.Path(__file__).parent
SITE = pathlib.Path(sysconfig.get_paths()["purelib"])
TIMING = HERE.parents[1] / "target" / "release" / "examples" / "timing"


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


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


class Engine:
    """One way to score a model: `time` gives nanoseconds for a row on its own and rows a second in
    batches of 1,000, `scores` its predictions of all rows."""

    def __init__(self, time, scores):
        self.time, self.scores = time, scores


def from_python(call, rows):
    singles = [numpy.ascontiguousarray(rows[at : at + 1]) for at in range(1_000)]
    batches = [numpy.ascontiguousarray(rows[at : at + 1_000]) for at in range(0, len(rows), 1_000)]

    def times():
        took = []
        for parts, count in ((singles, len(singles)), (batches, len(rows))):
            passes = []
            for _ in range(3):
                began = time.thread_time_ns()
                for part in parts:
                    call(part)
                passes.append((time.thread_time_ns() - began) / count)
            took.append(min(passes))
        return took[0], 1e9 / took[1]

    return Engine(times, lambda: numpy.asarray(call(rows), dtype=float).ravel())


def from_c(folder, name, rows_file, outputs, kind, *rest):
    program, out = folder / "peers", folder / f"{name}.{kind}.f64"
    run("cc", "-O2", "-o", str(program), str(HERE / "peers.c"), "-ldl")
    library, *more = map(str, rest)

    def times():
        words = run(str(program), kind, library, str(rows_file), str(out), str(outputs), *more)
        one, batch = words.split()
        return float(one), float(batch)

    return Engine(times, lambda: numpy.fromfile(out))


def peers_of_lightgbm(folder, name, rows_file, rows):
    outputs = 3 if name.startswith("B") else 1
    library = SITE / "lightgbm" / "lib" / "lib_lightgbm.so"
    text = folder / f"{name}.txt"
    found = {"LightGBM": from_c(folder, name, rows_file, outputs, "lightgbm", library, text)}
    # lleaves takes half an hour and gigabytes to compile 5,000 trees.
    if not name.startswith("C"):
        library = lleaves_library(folder, name)
        found["lleaves"] = from_c(folder, name, rows_file, outputs, "lleaves", library)
    if "_mixed" not in name:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(onnx_file(folder, name)), options)

        def score(part):
            scores = session.run(["probabilities"], {"input": part})[0]
            return scores if outputs == 3 else scores[:, 1]

        found["ONNX Runtime (Python)"] = from_python(score, rows.astype("f4"))
    return found


def peers_of_xgboost(folder, name, rows):
    import xgboost

    booster = xgboost.Booster(model_file=str(folder / f"{name}.json"))
    booster.set_param({"nthread": 1})
    return {"XGBoost (Python)": from_python(booster.inplace_predict, rows.astype("f4"))}


def ours(folder, name, rows_file):
    """Figures by kernel, and what else the example says."""
    ending = "json" if name.startswith("X") else "txt"
    out = folder / f"{name}.ours.f64"
    lines = run(str(TIMING), str(folder / f"{name}.{ending}"), str(rows_file), str(out))
    words = [line.split() for line in lines.splitlines()]
    kernels = {f"ours, {it[0]}": tuple(map(float, it[1:])) for it in words if it[0][0].isupper()}
    return kernels, {it[0]: it[1:] for it in words if it[0][0].islower()}


def measure(folder, name):
    rows_file = folder / ("rows_mixed.f64" if "_mixed" in name else "rows.f64")
    rows = numpy.fromfile(rows_file).reshape(-1, FEATURES)
    if name.startswith("X"):
        others = peers_of_xgboost(folder, name, rows)
    else:
        others = peers_of_lightgbm(folder, name, rows_file, rows)
    best, facts = {}, {}
    for _ in range(SITTINGS):
        sitting, said = ours(folder, name, rows_file)
        sitting.update({peer: engine.time() for peer, engine in others.items()})
        for engine, (one, batch) in sitting.items():
            before = best.get(engine, (one, batch))
            best[engine] = (min(one, before[0]), max(batch, before[1]))
        for kind in ("read", "open"):
            facts[kind] = min(float(said[kind][0]), facts.get(kind, float("inf")))
        facts["chosen"], facts["bytes"] = said["chosen"][0], int(said["chosen"][1])
    # The first peer is the library that trained the model.
    scores = {peer: engine.scores() for peer, engine in others.items()}
    wanted = next(iter(scores.values()))
    scores["ours"] = numpy.fromfile(folder / f"{name}.ours.f64")
    off = {peer: numpy.abs(given - wanted).max() for peer, given in scores.items()}
    report(name, best, facts, off)


def report(name, best, facts, off):
    own = best[f"ours, {facts['chosen']}"]
    print(f"\n{name}: {facts['chosen']} chosen, {facts['bytes']:,} bytes,", end=" ")
    print(f"{facts['read'] / 1e3:.2f} ms from its file to a first answer,", end=" ")
    print(f"{facts['open']:.0f} µs from our own format\n")
    print("| engine | one row, µs | ratio | rows/s by 1,000 | ratio | greatest difference |")
    print("|---|---|---|---|---|---|")
    for engine, (one, batch) in best.items():
        difference = off[engine.split(",")[0]]
        ratios = f"{one / own[0]:.1f} | {batch:,.0f} | {own[1] / batch:.1f}"
        print(f"| {engine} | {one / 1e3:.2f} | {ratios} | {difference:.1e} |", flush=True)


def main(folder, names):
    versions = ", ".join(f"{it} {importlib.metadata.version(it)}" for it in PACKAGES if has(it))
    models = [line for line in open("/proc/cpuinfo") if line.startswith("model name")]
    print(models[0].split(":")[1].strip(), platform.platform(), versions, sep="; ", flush=True)
    for name in names or MODELS:
        measure(pathlib.Path(folder).resolve(), name)


def has(package):
    try:
        return bool(importlib.metadata.version(package))
    except importlib.metadata.PackageNotFoundError:
        return False


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
