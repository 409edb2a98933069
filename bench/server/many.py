"""Ten thousand models like A behind one server with a budget of 1 GiB, asked for over HTTP.

usage: many.py TARGET WORK [COUNT]

After `make -C bench/server ours`: `.venv/asgi/bin/python many.py ../../target/release .venv/work`.
Each model is a hard link to one file, LightGBM's text; how often each is asked for falls with its
rank (Zipf, exponent 1). What is not answered with 200 is a fault. Prints Markdown for
bench/RESULTS.md.
"""

import bisect
import itertools
import os
import pathlib
import random
import shutil
import sys
import threading
import time
import urllib.request

from harness import Load, http_request, json_body, resident_mb
from ours import serve
from trained import trained

BUDGET_MB = 1024
CONNECTIONS = 16
SECONDS = 30
# Drawn for the load that is measured, more than it gets through.
REQUESTS = 120_000
COLD_SECONDS = 2


def filled(folder, file, count):
    """A repository of models that are one file."""
    shutil.rmtree(folder, ignore_errors=True)
    for at in range(count):
        version = folder / "models" / name(at) / "1"
        version.mkdir(parents=True)
        os.link(file, version / "model.txt")


def name(at):
    return f"m{at:05d}"


def drawn(count, wanted):
    """Models by chance: the one of rank r as often as 1 / r."""
    chance = random.Random(7)
    sums = list(itertools.accumulate(1 / rank for rank in range(1, count + 1)))
    return [bisect.bisect(sums, chance.random() * sums[-1]) for _ in range(wanted)]


def figures(edge):
    """What the cache of models counted."""
    with urllib.request.urlopen(f"http://127.0.0.1:{edge.port + 2}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    wanted = {}
    for line in text.splitlines():
        if line.startswith("sports_edge_model_") and "{" not in line:
            key, value = line.rsplit(" ", 1)
            wanted[key] = float(value)
    return wanted


class Watched:
    """The most memory that a process takes while the block runs, looked at each 20 ms."""

    def __init__(self, pid):
        self.pid, self.most, self.over = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.over.wait(0.02):
            self.most = max(self.most, resident_mb(self.pid))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def main(target, work, count=10_000):
    target, work, count = pathlib.Path(target).resolve(), pathlib.Path(work).resolve(), int(count)
    asked, _ = trained(work)
    load = Load(str(target / "examples" / "load"), work)
    body = json_body(asked[:1])
    filled(work / "served", work / "A.txt", count)
    began = time.monotonic()
    with serve(target, work) as edge:
        ready, empty = time.monotonic() - began, resident_mb(edge.process.pid)
        wanted = drawn(count, REQUESTS)
        requests = load.blobs([http_request(f"/v2/models/{name(at)}/infer", body) for at in wanted])
        with Watched(edge.process.pid) as watched:
            it = load.put(edge, requests, CONNECTIONS, SECONDS)
        # Those that nobody drew, one after the other: none of them is loaded.
        never = sorted(set(range(count)) - set(wanted))
        cold = load.blobs([http_request(f"/v2/models/{name(at)}/infer", body) for at in never])
        lazy = load.put(edge, cold, 1, COLD_SECONDS)
        counted = figures(edge)
    if lazy["answered"] > len(never):
        sys.exit(f"{len(never)} models are too few for {COLD_SECONDS} s: some were asked for twice")
    budget, cold_ones = BUDGET_MB * 2**20 / 1e6, lazy["good"] + lazy["faults"]
    loads, misses = (counted[f"sports_edge_model_{it}_total"] for it in ("loads", "misses"))
    print(f"### {count:,} models like A, LightGBM's text, a budget of 1 GiB, Zipf, {CONNECTIONS} connections\n")
    print(
        f"Ready after {ready:.1f} s with {empty:.0f} MiB. {it['good']:,} answers in {it['seconds']:.0f} s, "
        f"**{it['faults']} failed**; {loads:,.0f} loads, {misses:,.0f} requests found their model not loaded; "
        f"p50 {it['p50_ms']:.1f}, p99 {it['p99_ms']:.1f} ms, of whoever waited for a load as well. "
        f"{counted['sports_edge_model_bytes'] / 1e6:,.0f} MB of models at the end (budget {budget:,.0f}); "
        f"at most **{watched.most:,.0f} MiB** resident, {watched.most / BUDGET_MB:.3f} of the budget, "
        f"{(watched.most - empty) / BUDGET_MB:.3f} beyond what it was before any was loaded (target 1.05)."
    )
    print(
        f"\nThen {cold_ones} models that were not loaded, one after the other: p50 {lazy['p50_ms']:.1f}, "
        f"p99 **{lazy['p99_ms']:.1f} ms** (target ≤ 20), {lazy['us'] / 1e3:.1f} ms of processor time each, "
        f"{lazy['faults']} failed."
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
