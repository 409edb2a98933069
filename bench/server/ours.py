"""What is measured of our server alone: ways in, batching, overload, swaps, start and memory."""

import contextlib
import json
import pathlib
import shutil
import statistics
import subprocess
import threading
import time

from harness import (
    Server,
    binary_request,
    free_ports,
    grpc_headers,
    grpc_message,
    http_request,
    json_body,
    processor_seconds,
    resident_mb,
)

READY = "/v2/health/ready"


def server(target, work, models, pinned=True):
    """Our server with models: name to the file it is a copy of, and settings."""
    fill(work, models, pinned)
    return serve(target, work)


def fill(work, models, pinned):
    """Puts models where `serve` finds them."""
    folder = work / "served"
    shutil.rmtree(folder, ignore_errors=True)
    for name, (file, settings) in models.items():
        version = folder / "models" / name / "1"
        version.mkdir(parents=True)
        shutil.copy(work / f"{file}.txt", version / "model.txt")
        settings = ("pin = true\n" if pinned else "") + settings
        (folder / "models" / name / "config.toml").write_text(settings)


def serve(target, work):
    """Our server of the models that lie in the folder of work."""
    folder, port = work / "served", free_ports(3)
    environment = {
        "SPORTS_EDGE_DATA_DIR": str(folder),
        "SPORTS_EDGE_LISTEN": f"127.0.0.1:{port}",
        "SPORTS_EDGE_GRPC_LISTEN": f"127.0.0.1:{port + 1}",
        "SPORTS_EDGE_METRICS_LISTEN": f"127.0.0.1:{port + 2}",
    }
    command = [str(target / "sports-edge"), "serve"]
    log = work / "sports-edge.log"
    return Server("sports-edge", command, port, (READY,), log, environment=environment)


def key_of(work):
    log = pathlib.Path(work / "sports-edge.log").read_text()
    return next(line for line in log.splitlines() if "API key" in line).split()[-1]


def ways(edge, load, asked, plan):
    """Ways in, one row and a thousand."""
    infer = "/v2/models/m/infer"
    one = [asked[at : at + 1] for at in range(128)]
    kinds = {
        "HTTP, JSON": ("http", lambda rows: http_request(infer, json_body(rows))),
        "HTTP, binary FP64": ("http", lambda rows: binary_request(infer, rows, "FP64")),
        "gRPC, raw FP64": ("grpc", lambda rows: grpc_message("m", rows, "FP64")),
    }
    print("\n### Ways in, model A\n")
    print("| way | connections | µs a request | requests/s | p50 / p99 ms | faults |\n|---|---|---|---|---|---|")
    thousand = []
    for name, (protocol, make) in kinds.items():
        head = [grpc_headers(edge.port + 1)] if protocol == "grpc" else []
        port = edge.port + 1 if protocol == "grpc" else edge.port
        requests = load.blobs(head + [make(rows) for rows in one])
        load.put(edge, requests, 8, 1, 0, protocol, port)
        for connections in (1, 16, 64):
            it = load.put(edge, requests, connections, plan["seconds"], 0, protocol, port)
            print(
                f"| {name}, one row | {connections} | **{it['us']:.1f}** | {it['rate']:,.0f} "
                f"| {it['p50_ms']:.2f} / {it['p99_ms']:.2f} | {it['faults']} |",
                flush=True,
            )
        requests = load.blobs(head + [make(asked)])
        load.put(edge, requests, 2, 1, 0, protocol, port)
        it = load.put(edge, requests, 4, plan["seconds"], 0, protocol, port)
        rows = it["good"] * len(asked) / it["spent"]
        thousand.append(f"| {name} | {it['us']:,.0f} | **{rows / 1e6:.2f} M** | {it['p50_ms']:.2f} / {it['p99_ms']:.2f} | {it['faults']} |")
    print("\nTargets: JSON ≤ 10 µs at 16 and 64; binary tensors or gRPC ≤ 6 µs.\n")
    print("A thousand rows in a request, four connections:\n")
    print("| way | µs a request | rows/s for each second of processor | p50 / p99 ms | faults |\n|---|---|---|---|---|")
    print("\n".join(thousand))
    print("\nTarget: ≥ 1 M rows/s a core through the server (gRPC or binary).", flush=True)


def batching(target, load, work, asked, plan):
    """Dynamic batching of a slow model against none."""
    print("\n### Dynamic batching, model C, one row, 64 connections\n")
    print("| batching | requests/s | µs a request | p50 / p99 ms | faults |\n|---|---|---|---|---|")
    models = {mode: ("C", f'[batching]\nmode = "{mode}"\n') for mode in ("direct", "batched")}
    found = {"direct": [], "batched": []}
    with server(target, work, models) as edge:
        requests = {}
        for mode in models:
            path = f"/v2/models/{mode}/infer"
            requests[mode] = load.blobs([http_request(path, json_body(asked[at : at + 1])) for at in range(128)])
            load.put(edge, requests[mode], 64, 1)
        for _ in range(plan["turns"]):
            for mode in models:
                found[mode].append(load.put(edge, requests[mode], 64, plan["seconds"]))
    best = {mode: max(all_of_them, key=lambda it: it["rate"]) for mode, all_of_them in found.items()}
    for mode, it in best.items():
        name = {"direct": "none", "batched": "dynamic"}[mode]
        print(f"| {name} | {it['rate']:,.0f} | {it['us']:.1f} | {it['p50_ms']:.2f} / {it['p99_ms']:.2f} | {it['faults']} |")
    times = best["batched"]["rate"] / best["direct"]["rate"]
    print(f"\n{times:.1f} × the requests/s of none (target: ≥ 3, p99 not worse).", flush=True)


def overload(target, load, work, asked, plan):
    """Three times what the server can do, in an open loop, and what a refusal costs."""
    rows, bound = 64, 16
    settings = f'[batching]\nmode = "batched"\n[limits]\nrequests_max = {bound}\n'
    closed = "[limits]\nrequests_max = 0\n"
    print(f"\n### Overload: model C, {rows} rows a request, at most {bound} requests at work\n")
    print("| load | offered/s | answered/s | p50 / p99 ms | refused | other faults |\n|---|---|---|---|---|---|")
    with server(target, work, {"c": ("C", settings), "shut": ("A", closed)}) as edge:
        requests = load.blobs([binary_request("/v2/models/c/infer", asked[at : at + rows], "FP64") for at in range(0, 512, rows)])
        load.put(edge, requests, bound, 1)
        peak = load.put(edge, requests, bound, plan["seconds"] * 2)
        lines = [("peak, closed loop", 0, peak)]
        for name, share in (("0.9 ×", 0.9), ("3 ×", 3)):
            rate = round(peak["rate"] * share)
            lines.append((f"{name} open loop", rate, load.put(edge, requests, 512, plan["seconds"] * 2, rate)))
        shut = load.blobs([http_request("/v2/models/shut/infer", json_body(asked[:1]))])
        load.put(edge, shut, 16, 1)
        refusal = load.put(edge, shut, 16, plan["seconds"])
    for name, rate, it in lines:
        refused = it["statuses"].get("429", {"count": 0})["count"] + it["statuses"].get("503", {"count": 0})["count"]
        print(
            f"| {name} | {rate:,} | {it['rate']:,.0f} | {it['p50_ms']:.2f} / {it['p99_ms']:.2f} "
            f"| {refused:,} | {it['faults'] - refused} |"
        )
    over = lines[2][2]
    goodput, tail = over["rate"] / peak["rate"], over["p99_ms"] / peak["p99_ms"]
    only = set(refusal["statuses"]) == {"429"}
    print(
        f"\nGoodput {goodput:.0%} of the peak (target ≥ 95 %), p99 of what was answered {tail:.1f} × that at the "
        f"peak (target ≤ 2), a refusal {refusal['us']:.1f} µs (target ≤ 20; "
        f"{'every answer was 429' if only else 'NOT every answer was 429'}).",
        flush=True,
    )


def swaps(target, load, work, asked, count):
    """A model's file exchanged for another again and again under full load."""
    infer = "/v2/models/m/infer"
    bodies = [json_body(asked[at : at + 1]) for at in range(64)]
    with server(target, work, {"m": ("A", "")}) as edge:
        headers = {"Authorization": f"Bearer {key_of(work)}", "Content-Type": "application/json"}
        served = work / "served" / "models" / "m" / "1" / "model.txt"

        def swap(name):
            """Puts a file in place and waits until it answers."""
            fresh = served.with_suffix(".new")
            shutil.copy(work / f"{name}.txt", fresh)
            fresh.replace(served)
            edge.ask("/v2/repository/models/m/load", b"{}", headers)
            patience = time.monotonic() + 20
            while edge.ask(infer, bodies[0]) != answers[name][0]:
                if time.monotonic() > patience:
                    raise RuntimeError(f"{name} never came into force")

        answers = {"A": [edge.ask(infer, it) for it in bodies]}
        fresh = served.with_suffix(".new")
        shutil.copy(work / "A2.txt", fresh)
        fresh.replace(served)
        patience = time.monotonic() + 20
        edge.ask("/v2/repository/models/m/load", b"{}", headers)
        while edge.ask(infer, bodies[0]) == answers["A"][0] and time.monotonic() < patience:
            time.sleep(0.01)
        answers["A2"] = [edge.ask(infer, it) for it in bodies]
        if answers["A"] == answers["A2"]:
            raise RuntimeError("the second model never came into force")
        allowed = load.blobs([first + b"\0" + second for first, second in zip(answers["A"], answers["A2"])])
        requests = load.blobs([http_request(infer, it) for it in bodies])
        load.put(edge, requests, 16, 2)
        before = resident_mb(edge.process.pid)
        parts, stop = [], threading.Event()

        def drive():
            while not stop.is_set():
                parts.append(load.put(edge, requests, 16, 2, expected=allowed))

        driver = threading.Thread(target=drive)
        driver.start()
        began = time.monotonic()
        try:
            for at in range(count):
                swap(("A", "A2")[at % 2])
        finally:
            took = time.monotonic() - began
            stop.set()
            driver.join()
        time.sleep(1)
        after = resident_mb(edge.process.pid)
    total = sum(it["answered"] for it in parts)
    print("\n### Swaps under full load, 16 connections\n")
    print(
        f"{count} swaps of a model's file in {took:.0f} s, each seen to answer, under {total:,} requests: "
        f"**{sum(it['faults'] for it in parts)} failed, {sum(it['wrong'] for it in parts)} answers of neither model** "
        f"(target 0 and 0). Resident {before:.1f} MB before, {after:.1f} MB after (target: within 5 %).",
        flush=True,
    )


def start(target, work, body, times):
    """From the start of the process to ready and to a first answer, and the memory it takes."""
    ready, memory, used = [], [], []
    for _ in range(times):
        with server(target, work, {"m": ("A", "")}) as edge:
            ready.append(edge.ready_seconds * 1e3)
            edge.ask("/v2/models/m/infer", body)
            memory.append(resident_mb(edge.process.pid))
            used.append(processor_seconds(edge.process.pid) * 1e3)
    print("\n### Start and memory, one model (A), a new data folder each time\n")
    print(
        f"Ready (`{READY}`, the model loaded) after {statistics.median(ready):.0f} ms (median of {times}, worst "
        f"{max(ready):.0f}; target ≤ 100), {statistics.median(used):.0f} ms of processor time; "
        f"{statistics.median(memory):.1f} MB resident after the first answer (target ≤ 25)."
    )
