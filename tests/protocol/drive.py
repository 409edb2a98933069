"""Asks a server for its models by tritonclient: over HTTP as JSON and as binary tensors, by gRPC,
and by the asynchronous clients of both. Every answer is held against what the
libraries recorded.

usage: drive.py BINARY
"""

import asyncio
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import numpy
import tritonclient.grpc
import tritonclient.grpc.aio
import tritonclient.http
import tritonclient.http.aio
from tritonclient.utils import InferenceServerException

RECORDED = pathlib.Path(__file__).parents[2] / "crates/trees/tests/golden"
GOLDEN = RECORDED / "lightgbm"
# Models of other libraries: name, file, how many units in the last place they may be apart.
OTHERS = [("xgboost", "xgboost/softprob-3.2.0.ubj", 0), ("onnx", "onnx/lightgbm_binary.onnx", 1)]
PATIENCE_SECONDS = 60
CHECKS = []


def check(name, held):
    CHECKS.append(held)
    print(("ok      " if held else "FAILED  ") + name)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def recorded(name):
    record = json.loads((GOLDEN / f"{name}.json").read_text())
    rows = numpy.array([[float.fromhex(it) for it in row] for row in record["rows"]])
    wanted = numpy.array([float.fromhex(it) for it in record["prediction"]])
    return rows, wanted.reshape(len(rows), -1)


def recorded_single(file):
    record = json.loads((RECORDED / file).with_suffix(".record").read_text())
    rows, wanted = (
        numpy.array([numpy.frombuffer(bytes.fromhex(row), ">f4") for row in record[it]])
        for it in ["rows", "prediction"]
    )
    return rows.astype(numpy.float32), wanted.astype(numpy.float32)


def place(folder, name, file, version=1):
    target = folder / "models" / name / str(version)
    target.mkdir(parents=True)
    shutil.copy(RECORDED / file, target / f"model{pathlib.Path(file).suffix}")


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.read().decode()


def wait_until_ready(client, server):
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            if client.is_server_ready():
                return
        except OSError:
            pass
        time.sleep(0.05)
    sys.exit("the server did not get ready")


def asked(kind, rows, datatype="FP64", **more):
    tensor = kind.InferInput("input", list(rows.shape), datatype)
    tensor.set_data_from_numpy(rows, **more)
    return [tensor]


def same(answer, wanted):
    given = answer.as_numpy("output")
    return given.shape == wanted.shape and given.tobytes() == wanted.tobytes()


def first(answer):
    """The name of the first output, which is the file's where the file has one."""
    response = answer.get_response()
    if isinstance(response, dict):
        return response["outputs"][0]["name"]
    return response.outputs[0].name


def close(answer, wanted, steps):
    given = answer.as_numpy(first(answer))
    apart = numpy.abs(given.view(numpy.int32).astype(numpy.int64) - wanted.view(numpy.int32))
    return given.shape == wanted.shape and apart.max() <= steps


def refused(call, part):
    try:
        call()
    except InferenceServerException as error:
        return part in str(error)
    return False


def explained(client, kind, name, model, outputs):
    record = json.loads((GOLDEN / f"{model}.json").read_text())
    wanted = numpy.array([float.fromhex(it) for it in record["contributions"]])
    rows = recorded(model)[0]
    rows = rows[: len(wanted) // (outputs * (rows.shape[1] + 1))]
    answer = client.infer(name, asked(kind, rows), parameters={"explain": True})
    given = answer.as_numpy("contributions")
    return given.shape == (len(rows), outputs, rows.shape[1] + 1) and numpy.allclose(
        given.ravel(), wanted, rtol=1e-9, atol=1e-12
    )


def over_http(client):
    rows, wanted = recorded("binary")
    finite = numpy.isfinite(rows).all(axis=1)
    kind = tritonclient.http
    check("http: live, ready, model ready", client.is_server_live() and client.is_model_ready("binary"))
    check("http: metadata names the server", client.get_server_metadata()["name"] == "sports-edge")
    metadata = client.get_model_metadata("binary")
    check("http: metadata has the signature", metadata["inputs"][0]["shape"] == [-1, 6])
    check("http: binary tensors", same(client.infer("binary", asked(kind, rows)), wanted))
    text = asked(kind, rows[finite], binary_data=False)
    outputs = [kind.InferRequestedOutput("output", binary_data=False)]
    check("http: JSON", same(client.infer("binary", text, outputs=outputs), wanted[finite]))
    answer = client.infer("binary", asked(kind, rows), request_id="mine", priority=1, timeout=1_000_000)
    check("http: the id comes back", answer.get_response()["id"] == "mine")
    rows, wanted = recorded("multiclass")
    check("http: three classes", same(client.infer("classes", asked(kind, rows)), wanted))
    check("http: a version", same(client.infer("classes", asked(kind, rows), model_version="1"), wanted))
    check("http: contributions", explained(client, kind, "classes", "multiclass", 3))
    narrow = asked(kind, rows[:, :5])
    check("http: too few features are refused", refused(lambda: client.infer("classes", narrow), "input"))
    check("http: a strange model is refused", refused(lambda: client.infer("none", narrow), "none"))
    check("http: config", client.get_model_config("binary")["name"] == "binary")
    statistics = client.get_inference_statistics("binary")["model_stats"][0]
    check("http: statistics count", statistics["inference_stats"]["success"]["count"] >= 3)
    index = {it["name"]: it["state"] for it in client.get_model_repository_index()}
    check("http: index", index.get("binary") == "READY")
    check("http: unloading needs a key", refused(lambda: client.unload_model("binary"), "key"))


def of_other_libraries(name, kind, client):
    for model, file, steps in OTHERS:
        rows, wanted = recorded_single(file)
        answer = client.infer(model, asked(kind, rows, "FP32"))
        check(f"{name}: a model of {model}", close(answer, wanted, steps))


def over_grpc(client, headers):
    rows, wanted = recorded("binary")
    kind = tritonclient.grpc
    check("grpc: live, ready, model ready", client.is_server_live() and client.is_model_ready("binary"))
    check("grpc: metadata", client.get_model_metadata("binary").inputs[0].name == "input")
    check("grpc: infer", same(client.infer("binary", asked(kind, rows), client_timeout=10), wanted))
    check("grpc: a strange model is refused", refused(lambda: client.infer("none", asked(kind, rows)), "NOT_FOUND"))
    check("grpc: config", client.get_model_config("binary").config.name == "binary")
    statistics = client.get_inference_statistics("binary").model_stats[0]
    check("grpc: statistics", statistics.inference_stats.success.count >= 1)
    check("grpc: contributions", explained(client, kind, "binary", "binary", 1))
    client.unload_model("binary", headers=headers)
    index = {it.name: it.state for it in client.get_model_repository_index().models}
    check("grpc: unloaded", index.get("binary") != "READY" and not client.is_model_ready("binary"))
    client.load_model("binary", headers=headers)
    check("grpc: loaded again", same(client.infer("binary", asked(kind, rows)), wanted))


async def at_the_same_time(http, grpc):
    rows, wanted = recorded("binary")
    for name, kind, address in [
        ("http", tritonclient.http, f"127.0.0.1:{http}"),
        ("grpc", tritonclient.grpc, f"127.0.0.1:{grpc}"),
    ]:
        async with kind.aio.InferenceServerClient(address) as client:
            calls = [client.infer("binary", asked(kind, rows[at : at + 1])) for at in range(len(rows))]
            answers = await asyncio.gather(*calls)
        held = all(same(answer, wanted[at : at + 1]) for at, answer in enumerate(answers))
        check(f"{name}: {len(rows)} calls at the same time", held)


def drive(binary, folder):
    place(folder, "binary", "lightgbm/binary.txt")
    place(folder, "classes", "lightgbm/multiclass.txt")
    for name, file, _ in OTHERS:
        place(folder, name, file)
    http, grpc, metrics = free_port(), free_port(), free_port()
    settings = {
        "SPORTS_EDGE_DATA_DIR": str(folder),
        "SPORTS_EDGE_LISTEN": f"127.0.0.1:{http}",
        "SPORTS_EDGE_GRPC_LISTEN": f"127.0.0.1:{grpc}",
        "SPORTS_EDGE_METRICS_LISTEN": f"127.0.0.1:{metrics}",
        "SPORTS_EDGE_LOG__LEVEL": "warn",
    }
    server = subprocess.Popen([binary, "serve"], env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True)
    try:
        key = next(line for line in server.stdout if "API key" in line).split()[-1]
        client = tritonclient.http.InferenceServerClient(f"127.0.0.1:{http}")
        wait_until_ready(client, server)
        over_http(client)
        of_other_libraries("http", tritonclient.http, client)
        remote = tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{grpc}")
        over_grpc(remote, {"authorization": f"Bearer {key}"})
        of_other_libraries("grpc", tritonclient.grpc, remote)
        asyncio.run(at_the_same_time(http, grpc))
        figures = get(metrics, "/metrics")
        check("metrics: successes are counted", 'nv_inference_request_success{model="binary"' in figures)
    finally:
        server.terminate()
        code = server.wait(PATIENCE_SECONDS)
    check("the server stops when told", code == 0)


def main(binary):
    with tempfile.TemporaryDirectory() as folder:
        drive(str(pathlib.Path(binary).resolve()), pathlib.Path(folder))
    print(f"{sum(CHECKS)} of {len(CHECKS)} checks held")
    sys.exit(0 if CHECKS and all(CHECKS) else 1)


if __name__ == "__main__":
    main(sys.argv[1])
