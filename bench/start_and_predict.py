#!/usr/bin/env python3
"""Measures how fast the server is ready on a database, and how fast one client gets predictions.

    bench/start_and_predict.py BINARY DATA_DIR [RUNS]

Works on a copy of DATA_DIR (imported and trained before). Starts BINARY serve RUNS times and takes
the time from the start of the process to the first 200 of /health/ready. Then one client asks for
predictions, each once, in a shuffled order, so that no answer can come from a cache of answers:

  to come    fixtures written over the API a week ahead: what a board asks for
  newest     the newest fixtures played, as of one hour before each kickoff
  history    fixtures from all of history, likewise; the models of each past day are fitted first
"""

import datetime
import http.client
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
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


def upcoming(connection, binary, folder):
    """Writes a round robin of the newest season's teams a week ahead; returns the fixtures."""
    key = subprocess.run(
        [binary, "--data-dir", folder, "key", "create", "--name", "bench", "--scope", "write"],
        check=True, capture_output=True, text=True,
    ).stdout.split()[0]
    kickoff = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=7)
    _, body, _ = get(connection, "/v1/fixtures?limit=200&order=newest")
    newest = json.loads(body)["data"]
    sides = {}
    for it in newest:
        sides.setdefault(it["competition"], set()).update([it["home"]["id"], it["away"]["id"]])
    entries = [
        {"competition": competition, "season": "9999/00", "home": home, "away": away,
         "kickoff": kickoff.strftime("%Y-%m-%dT%H:00:00Z")}
        for competition, teams in sides.items() for home in teams for away in teams
        if home != away
    ]
    random.shuffle(entries)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/fixtures", json.dumps({"data": entries[:SAMPLE]}), headers)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    if answer.status != 200:
        sys.exit(f"{answer.status}: {body}")
    return [it["fixture_id"] for it in body["data"]]


def main():
    binary, source = sys.argv[1], sys.argv[2]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    random.seed(1)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(source, folder, dirs_exist_ok=True)
        took = []
        for _ in range(runs):
            server, _, ready_ms = start(binary, folder)
            took.append(ready_ms)
            stop(server)
        print(f"start to ready: median {statistics.median(took):.0f} ms of {runs} runs, "
              f"worst {max(took):.0f} ms")
        server, port, _ = start(binary, folder)
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            ahead = upcoming(connection, binary, folder)
        finally:
            stop(server)
        server, port, _ = start(binary, folder)
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            measure(connection, "to come", ahead)
            newest = fixtures(connection, "&order=newest&status=finished")[:SAMPLE]
            random.shuffle(newest)
            measure(connection, "newest", newest)
            every = fixtures(connection, "&status=finished")
            measure(connection, "history", random.sample(every, min(SAMPLE, len(every))))
        finally:
            stop(server)


if __name__ == "__main__":
    main()
