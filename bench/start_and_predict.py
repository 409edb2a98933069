#!/usr/bin/env python3
"""Measures how fast the server is ready on a database, and how fast one client gets predictions.

    bench/start_and_predict.py BINARY DATA_DIR [RUNS]

Starts BINARY serve on DATA_DIR (imported and trained before), RUNS times, and takes the time from
the start of the process to the first 200 of /health/ready. Then asks for the predictions of
fixtures spread over all of them, each once and in a shuffled order, so that no answer is asked for
twice: with the default as_of (one hour before each kickoff: the fits of that past day are made
first) and with one as_of for the newest fixtures (what a board asks for).
"""

import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import time

SAMPLE = 400


def start(binary, folder):
    """Starts a server; returns it, its port and the milliseconds until it was ready."""
    begun = time.perf_counter()
    environment = dict(os.environ, SPORTS_EDGE_DATA_DIR=folder, SPORTS_EDGE_LOG__LEVEL="warn")
    server = subprocess.Popen(
        [binary, "serve", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE, env=environment, text=True,
    )
    port = int(server.stdout.readline().split("http://")[1].split()[0].rsplit(":", 1)[1])
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/health/ready")
        if connection.getresponse().status == 200:
            return server, port, (time.perf_counter() - begun) * 1e3
        connection.close()
        time.sleep(0.001)


def stop(server):
    server.terminate()
    server.wait(20)


def get(connection, path):
    begun = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    return answer.status, body, (time.perf_counter() - begun) * 1e3


def fixtures(connection, query):
    found, cursor = [], ""
    while True:
        _, body, _ = get(connection, f"/v1/fixtures?limit=200{query}{cursor}")
        page = json.loads(body)
        found += [it["id"] for it in page["data"]]
        if not page["next_cursor"] or len(found) >= 50_000:
            return found
        cursor = "&cursor=" + page["next_cursor"]


def measure(connection, name, ids):
    times = []
    for fixture in ids:
        status, body, took = get(connection, f"/v1/fixtures/{fixture}/prediction")
        if status == 200:
            times.append(took)
        elif status != 422:
            sys.exit(f"{status}: {body.decode()}")
    times.sort()
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))]
    print(f"{name}: {len(times)} predictions, p50 {at(0.5):.2f} ms, p99 {at(0.99):.2f} ms, "
          f"max {times[-1]:.2f} ms")


def main():
    binary, folder = sys.argv[1], sys.argv[2]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    took = []
    for _ in range(runs):
        server, port, ready_ms = start(binary, folder)
        took.append(ready_ms)
        stop(server)
    print(f"start to ready: median {statistics.median(took):.0f} ms of {runs} runs, "
          f"worst {max(took):.0f} ms")
    server, port, _ = start(binary, folder)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        newest = fixtures(connection, "&order=newest&from=2023-01-01T00:00:00Z")[:SAMPLE]
        every = fixtures(connection, "")
        random.seed(1)
        measure(connection, "newest fixtures", newest)
        measure(connection, "all of history", random.sample(every, min(SAMPLE, len(every))))
    finally:
        stop(server)


if __name__ == "__main__":
    main()
