"""Measures our server of models beside its peers and prints Markdown.

usage: compare.py [--quick] [--ours] TARGET ENVIRONMENTS WORK

TARGET holds sports-edge and examples/load, ENVIRONMENTS the peers (see Makefile), WORK what is made
on the way. Every peer gets one worker and runs alone beside ours, in turns of a few seconds; the
same bytes go to all. A request's cost is the processor time (user and system, all threads and
children) that Linux counts for the server, divided by the requests answered; on a shared machine
that is the figure to trust.
"""

import contextlib
import datetime
import os
import pathlib
import platform
import shutil
import subprocess
import sys

import numpy

import ours
from harness import Load, Server, free_ports, http_request, json_body, resident_mb
from trained import trained

HERE = pathlib.Path(__file__).parent
INFER = "/v2/models/m/infer"
VERSIONS = {
    "FastAPI": ("asgi", ("fastapi", "uvicorn", "onnxruntime")),
    "PyTriton": ("pytriton", ("nvidia-pytriton", "onnxruntime")),
    "MLServer": ("mlserver", ("mlserver", "mlserver-lightgbm", "lightgbm")),
    "LitServe": ("asgi", ("litserve", "onnxruntime")),
    "BentoML": ("bentoml", ("bentoml", "onnxruntime")),
}
TARGETS = {"FastAPI": 20, "PyTriton": 30, "MLServer": 70}


def command_of(peer, environments, port, work):
    """A peer's command line and the path it answers at."""
    apps = HERE / "apps"
    program = lambda environment, name: str(environments / environment / "bin" / name)
    at = ["--host", "127.0.0.1", "--port", str(port)]
    if peer == "FastAPI":
        lean = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
        return [program("asgi", "uvicorn"), "fastapi_app:app", *at, *lean], INFER
    if peer == "PyTriton":
        return [program("pytriton", "python"), str(apps / "pytriton_app.py"), str(port)], INFER
    if peer == "LitServe":
        return [program("asgi", "python"), str(apps / "litserve_app.py"), str(port)], "/predict"
    if peer == "BentoML":
        return [program("bentoml", "bentoml"), "serve", "bentoml_app:Service", *at], INFER
    folder = work / "mlserver"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "m").mkdir(parents=True)
    ports = f'"http_port": {port}, "grpc_port": {port + 1}, "metrics_port": {port + 2}'
    settings = f'{{"host": "127.0.0.1", "parallel_workers": 0, "debug": false, {ports}}}'
    (folder / "settings.json").write_text(settings)
    runtime = '"implementation": "mlserver_lightgbm.LightGBMModel"'
    model = f'{{"name": "m", {runtime}, "parameters": {{"uri": "{work / "A.txt"}"}}}}'
    (folder / "m" / "model-settings.json").write_text(model)
    return [program("mlserver", "mlserver"), "start", str(folder)], INFER


def peer_server(peer, environments, work, body):
    environment, _ = VERSIONS[peer]
    if not (environments / environment / "ready").exists():
        raise RuntimeError("it could not be installed")
    port = free_ports(3)
    command, path = command_of(peer, environments, port, work)
    settings = {
        "MODEL": str(work / "A.onnx"),
        "PATH": f"{environments / environment / 'bin'}:{os.environ['PATH']}",
        "BENTOML_DO_NOT_TRACK": "true",
    }
    log = work / f"{peer}.log"
    server = Server(peer, command, port, (path, body), log, cwd=HERE / "apps", environment=settings)
    return server, path


def last_number(answer):
    """The last number of an answer's last list: the probability of the second class."""
    return float(answer.decode().rsplit("]", 1)[0].rstrip("]}").rsplit(",", 1)[-1].split("[")[-1])


def difference(server, path, bodies, wanted):
    """How far a server's answers are from LightGBM's own, at most."""
    answers = [last_number(server.ask(path, body)) for body in bodies]
    return max(abs(found - it) for found, it in zip(answers, wanted))


def middle(runs, key):
    return sorted(it[key] for it in runs)[len(runs) // 2]


def beside(peer, place, edge, load, bodies, wanted, plan):
    """One peer and ours in turns; lines of the two tables."""
    server, path = place
    requests = load.blobs([http_request(path, it) for it in bodies])
    own = load.blobs([http_request(INFER, it) for it in bodies])
    off = difference(server, path, bodies[:20], wanted)
    load.put(server, requests, 8, 1)
    closed, peak = [], 0
    for connections in (1, 16, 64):
        theirs, mine = [], []
        for _ in range(plan["turns"]):
            theirs.append(load.put(server, requests, connections, plan["seconds"]))
            mine.append(load.put(edge, own, connections, plan["seconds"]))
        faults = sum(it["faults"] for it in theirs + mine)
        peak = max([peak] + [it["rate"] for it in theirs])
        ratio = middle(theirs, "us") / middle(mine, "us")
        closed.append(
            f"| {peer} | {connections} | {middle(theirs, 'us'):,.0f} | {middle(mine, 'us'):.1f} | **{ratio:.0f}** "
            f"| {middle(theirs, 'rate'):,.0f} | {middle(mine, 'rate'):,.0f} | {off:.1e} "
            f"| {server.ready_seconds:.1f} | {resident_mb(server.process.pid):.0f} | {faults} |"
        )
    rate = max(20, round(peak / 2, -1))
    theirs = load.put(server, requests, 64, plan["seconds"] * 2, rate)
    mine = load.put(edge, own, 64, plan["seconds"] * 2, rate)
    times = lambda it: f"{it['p50_ms']:.2f} / {it['p99_ms']:.2f}" if it["good"] else "–"
    return closed, f"| {peer} | {rate:,.0f} | {times(theirs)} | {times(mine)} |"


def versions(environments):
    found = []
    for peer, (environment, packages) in VERSIONS.items():
        site = next((environments / environment).glob("lib/python*/site-packages"), None)
        for package in packages if site else ():
            info = next(site.glob(f"{package.replace('-', '_')}-*.dist-info"), None)
            name = info.name.removesuffix(".dist-info").replace("-", " ") if info else f"{package} missing"
            if name not in found:
                found.append(name)
    return ", ".join(found)


def machine():
    model = next(it.split(":")[1].strip() for it in open("/proc/cpuinfo") if it.startswith("model name"))
    fast = "AVX-512" if "avx512bw" in open("/proc/cpuinfo").read() else "no AVX-512"
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores of {model} ({fast}), Linux {platform.release()}, load average {load:.1f}"


def peers(edge, load, environments, work, bodies, wanted, plan):
    closed, opened, missing = [], [], []
    for peer in VERSIONS:
        try:
            server, path = peer_server(peer, environments, work, bodies[0])
            with server:
                lines, line = beside(peer, (server, path), edge, load, bodies, wanted, plan)
            closed += lines
            opened.append(line)
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            missing.append(f"{peer} was not measured: {error}")
        print(f"{peer} done", file=sys.stderr, flush=True)
    print("### Beside peers: HTTP, JSON, one row of 30 features\n")
    print("| peer | connections | its µs a request | ours | ratio | its requests/s | ours | off LightGBM | ready s | MB | faults |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    print("\n".join(closed))
    wanted = ", ".join(f"{peer} {ratio}" for peer, ratio in TARGETS.items())
    print(f"\nTargets (ratio at least): {wanted}; ours at most 10 µs at 16 and 64 connections.\n")
    print("Open loop at half of the peer's best, latency from the moment a request was due (ms, p50 / p99):\n")
    print("| peer | requests/s | peer | ours |\n|---|---|---|---|")
    print("\n".join(opened))
    print("\n" + "\n".join(missing))


def main(arguments):
    target, environments, work = (pathlib.Path(it).resolve() for it in arguments if not it.startswith("--"))
    quick, alone = "--quick" in arguments, "--ours" in arguments
    plan = {"turns": 1, "seconds": 2} if quick else {"turns": 3, "seconds": 4}
    work.mkdir(parents=True, exist_ok=True)
    asked, answers = trained(work)
    bodies = [json_body(asked[at : at + 1]) for at in range(128)]
    load = Load(str(target / "examples" / "load"), work)
    print(f"{datetime.date.today()} · {machine()} · Python {platform.python_version()}\n")
    print(f"Versions: {versions(environments)}\n")
    with contextlib.ExitStack() as stack:
        edge = stack.enter_context(ours.server(target, work, {"m": ("A", ""), "c": ("C", "")}))
        off = difference(edge, INFER, bodies, answers["A"])
        print(f"Our answers are off LightGBM's by {off:g} at most.\n")
        if not alone:
            peers(edge, load, environments, work, bodies, answers["A"], plan)
        ours.ways(edge, load, asked, plan)
    ours.batching(target, load, work, asked, plan)
    ours.overload(target, load, work, asked, plan)
    ours.swaps(target, load, work, asked, 200 if quick else 1_000)
    ours.start(target, work, bodies[0], 5 if quick else 15)


if __name__ == "__main__":
    main(sys.argv[1:])
