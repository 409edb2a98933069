"""Times ONNX Runtime, through Python, on the networks that models.py wrote; one thread.

usage: onnx_runtime.py FOLDER
"""

import pathlib
import sys
import time

import numpy
import onnxruntime


def best(work, count):
    times = []
    for _ in range(7):
        start = time.thread_time()
        for _ in range(count):
            work()
        times.append((time.thread_time() - start) / count)
    return min(times)


def main(folder):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    for name, widths in [("mlp", [30]), ("mlp_large", [200]), ("conv", [8, 20])]:
        session = onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), options)
        for rows in (1, 64, 1000):
            count = rows * int(numpy.prod(widths))
            numbers = (numpy.arange(count) * 37 % 101).astype(numpy.float32)
            given = ((numbers - 50) / 25).reshape([rows, *widths])
            spent = best(lambda: session.run(None, {"input": given}), max(3, 5000 // rows))
            print(f"{name}, {rows} rows: {spent * 1e6 / rows:.3f} µs a row")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
