#!/usr/bin/env python3
"""Runs the live feed and its peers in turns and prints what they cost, as Markdown.

    compare.py [--quick] BINARY

Every server runs on the first processor, every client on the second. Each round starts every
server anew, in another order; a figure is the median of its rounds. `PARTS=accepted` needs root and `perf`,
and is run only where it is named.
"""

import datetime
import http.client
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from traced import Trace, first_frames

HERE = pathlib.Path(__file__).parent
CLIENT = HERE / "target/release/live"
SOCKET_IO = "/socket.io/?EIO=4&transport=websocket"
QUICK = "--quick" in sys.argv
BINARY = pathlib.Path(sys.argv[-1]).resolve()
READERS, MESSAGES, ROUNDS = (1_000, 50, 2) if QUICK else (8_000, 60, 3)
PEERS = {
    "bare loop of sends": ([CLIENT, "bare"], True),
    "Bun (uWebSockets)": ([HERE / "node_modules/.bin/bun", HERE / "peers/bun.js"], False),
    "`ws` on Node": (["node", HERE / "peers/ws.cjs"], False),
    "Socket.IO on Node": (["node", HERE / "peers/socketio.cjs"], False),
    "axum's own handler": ([CLIENT, "stock"], True),
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def on(processor, words):
    return ["taskset", "-c", str(processor), *map(str, words)]


def client(*words, environment=None):
    """What a client found."""
    done = subprocess.run(
        on(1, [CLIENT, *words]), env=dict(os.environ, **(environment or {})),
        stdout=subprocess.PIPE, text=True, timeout=900,
    )
    if done.returncode:
        raise RuntimeError(f"live {words[0]} failed")
    return json.loads(done.stdout)


def stop(server):
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def until_open(port):
    for _ in range(1_000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nothing listens on {port}")


class Ours:
    """A server of ours with the sample, a game under way and a key."""

    def __init__(self, template, port=None):
        self.template, self.port = template, port or free_port()

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="live-bench-")
        shutil.copytree(self.template, self.folder, dirs_exist_ok=True)
        self.start()
        return self

    def start(self):
        settings = {
            "DATA_DIR": self.folder, "LISTEN": f"127.0.0.1:{self.port}", "LOG__LEVEL": "warn",
            "LIVE__CONNECTIONS_MAX": "20000", "LIVE__CONNECTIONS_PER_KEY_MAX": "20000",
            "LIVE__SUBSCRIPTIONS_PER_KEY_MAX": "100000",
        }
        names = {f"SPORTS_EDGE_{name}": value for name, value in settings.items()}
        self.process = subprocess.Popen(
            on(0, [BINARY, "serve"]), env=dict(os.environ, **names), stdout=subprocess.DEVNULL
        )
        until_ready(self.port)
        self.pid = self.process.pid

    def __exit__(self, *_):
        stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


def until_ready(port):
    for _ in range(1_500):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise RuntimeError("the server was not ready")


def template(folder):
    """A data folder with the sample, models, a key and a game to be told of."""
    environment = dict(os.environ, SPORTS_EDGE_DATA_DIR=folder, SPORTS_EDGE_LOG__LEVEL="warn")
    run = lambda *words: subprocess.run(
        [BINARY, *words], env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    run("import", str(HERE / "../../data/sample"))
    run("train")
    key = re.search(r"se_\S+", run("key", "create", "--name", "bench", "--scope", "write"))[0]
    with Ours(folder) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        kickoff = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
        game = {
            "competition": "E0", "season": "2026/27", "kickoff": kickoff.isoformat(), "home": "Arsenal", "away": "Chelsea",
        }
        connection.request(
            "POST", "/v1/fixtures", json.dumps({"data": [game]}),
            {"authorization": f"Bearer {key}", "content-type": "application/json"},
        )
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(body.decode())
        fixture = json.loads(body)["data"][0]["fixture_id"]
        shutil.copytree(server.folder, folder, dirs_exist_ok=True)
    return fixture, key


def peer(name, message_bytes):
    words, _ = PEERS[name]
    port = free_port()
    if words[0] == CLIENT:
        words = [*words, port]
    environment = dict(
        os.environ, PORT=str(port), MESSAGE_BYTES=str(message_bytes), READERS=str(READERS)
    )
    server = subprocess.Popen(on(0, words), env=environment)
    try:
        if "bare" not in words:
            until_open(port)
        else:
            time.sleep(0.5)
        path = SOCKET_IO if "Socket.IO" in name else "/v1/live"
        return client(
            "fan-out", f"127.0.0.1:{port}", server.pid, READERS, MESSAGES,
            environment={"READERS_PATH": path},
        )
    finally:
        stop(server)


def fan_out(folder, fixture, key):
    found, message_bytes = {}, None
    for turn in range(ROUNDS):
        with Ours(folder) as server:
            ours = client(
                "fan-out", f"127.0.0.1:{server.port}", server.pid, READERS, MESSAGES, fixture, key
            )
        message_bytes = message_bytes or ours["bytes"]
        found.setdefault("Sports Edge", []).append(ours)
        names = list(PEERS)
        random.Random(turn).shuffle(names)
        for name in names:
            try:
                found.setdefault(name, []).append(peer(name, message_bytes))
            except (RuntimeError, OSError) as error:
                print(f"{name}: {error}", file=sys.stderr)
    middle = lambda name, take: statistics.median(take(it) for it in found[name])
    ours = middle("Sports Edge", lambda it: it["delivery_us"])
    first = found["Sports Edge"][0]
    print(f"\n### Fan-out: {READERS:,} readers of one key, {message_bytes} bytes a message\n")
    print(f"An update is {first['bytes'] / first['state_bytes']:.1%} of the whole state "
          f"({first['bytes']} of {first['state_bytes']} bytes).\n")
    print("| server | processor time a delivery, µs | lowest–highest | ours / it | memory a reader, bytes |")
    print("|---|---:|---:|---:|---:|")
    for name, rounds in found.items():
        if not rounds:
            continue
        each = [it["delivery_us"] for it in rounds]
        memory = middle(name, lambda it: (it["memory_kb"][1] - it["memory_kb"][0]) * 1024 / READERS)
        print(f"| {name} | {statistics.median(each):.2f} | {min(each):.2f}–{max(each):.2f} | "
              f"{ours / statistics.median(each):.2f} | {memory:.0f} |")


def latency(folder, fixture, key):
    with Ours(folder) as server:
        told = client("fan-out", f"127.0.0.1:{server.port}", server.pid, 1, 200 if QUICK else 2_000, fixture, key)
    print("\n### From the request with an event to the first reader's frame, one reader\n")
    print("By the client: both ways over loopback, the append to SQLite, pricing, cache and feed.\n")
    print("| p50 ms | p90 | p99 | worst | processor time an event, µs |")
    print("|---:|---:|---:|---:|---:|")
    print("| " + " | ".join(f"{told['first_ms'][it]:.2f}" for it in ("p50", "p90", "p99", "max"))
          + f" | {told['delivery_us']:.0f} |")


def accepted(folder, fixture, key):
    with Ours(folder) as server:
        with Trace(server.pid) as trace:
            told = client("fan-out", f"127.0.0.1:{server.port}", server.pid, 1, 200 if QUICK else 2_000, fixture, key)
    took = sorted(first_frames(trace, 100))
    at = lambda share: took[min(int(len(took) * share), len(took) - 1)] / 1e3
    print("\n### From the event read by the server to the first reader's frame written\n")
    print("By the kernel's notes of the server's calls; the client's own figures, meanwhile, beside them.\n")
    print("| events | p50 ms | p90 | p99 | worst | by the client p50 | p99 |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    print(f"| {len(took):,} | " + " | ".join(f"{at(it):.3f}" for it in (0.5, 0.9, 0.99, 1))
          + f" | {told['first_ms']['p50']:.2f} | {told['first_ms']['p99']:.2f} |")


def followers(port, key, count):
    """Streams that follow the predictions of so many fixtures, and have them."""
    asked, ids, cursor = http.client.HTTPConnection("127.0.0.1", port), [], ""
    by = {"authorization": f"Bearer {key}", "accept": "text/event-stream"}
    while len(ids) < count:
        asked.request("GET", f"/v1/fixtures?limit=100{cursor}", headers={"authorization": by["authorization"]})
        page = json.loads(asked.getresponse().read())
        ids += [it["id"] for it in page["data"]]
        if not page.get("next_cursor"):
            break
        cursor = f"&cursor={page['next_cursor']}"
    streams = []
    for at in range(0, min(count, len(ids)), 20):
        keys = "&".join(f"k=fixtures/{it}/prediction" for it in ids[at : min(at + 20, count)])
        stream = http.client.HTTPConnection("127.0.0.1", port)
        stream.request("GET", f"/v1/live?{keys}", headers=by)
        answer = stream.getresponse()
        answer.readline()
        streams.append((stream, answer))
    return min(count, len(ids)), streams


def beside(folder, fixture, key):
    print("\n### The same while others follow other fixtures, of which nothing happens\n")
    print("| keys followed beside | p50 ms | p99 | processor time an event, µs |")
    print("|---:|---:|---:|---:|")
    for count in (0, 100, 400, 1_600):
        with Ours(folder) as server:
            found, _streams = followers(server.port, key, count)
            told = client("fan-out", f"127.0.0.1:{server.port}", server.pid, 1, 200, fixture, key)
        first = told["first_ms"]
        print(f"| {found:,} | {first['p50']:.2f} | {first['p99']:.2f} | {told['delivery_us']:.0f} |")


def idle(folder, key):
    with Ours(folder) as server:
        told = client("idle", f"127.0.0.1:{server.port}", server.pid, READERS, key)
    print("\n### Readers while nothing happens, with a key and four subscriptions each\n")
    print(f"{told['readers']:,} readers: {told['bytes_each']:.0f} bytes of the process each; "
          f"{told['processor_ms_a_second']:.1f} ms of processor time a second for all.")


def flood(folder, fixture, key):
    with Ours(folder) as server:
        told = client(
            "flood", f"127.0.0.1:{server.port}", server.pid, READERS, 10 if QUICK else 60, fixture, key
        )
    print("\n### More than can be delivered\n")
    before, most, after = told["memory_kb"]
    age = told["age_ms"]
    print(f"{told['readers']:,} readers, {told['events']:,} events in {told['seconds']} s, as fast as "
          f"they are taken; {told['folded']:.1%} of the deliveries folded. Age of what readers get: p50 "
          f"{age['p50']:.0f}, p99 {age['p99']:.0f}, worst {age['max']:.0f} ms. Memory {before:,} kB "
          f"before, {most:,} at most, {after:,} after. Readers without the last state at the end: "
          f"{told['readers_behind_at_the_end']}.")


def restart(folder, fixture, key):
    with Ours(folder) as server:
        words = ["restart", f"127.0.0.1:{server.port}", READERS, fixture, key]
        readers = subprocess.Popen(
            on(1, [CLIENT, *words]), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        readers.stderr.readline()
        server.process.kill()
        server.process.wait()
        began = time.perf_counter()
        server.start()
        ready = time.perf_counter() - began
        told = json.loads(readers.communicate(timeout=300)[0])
    back = told["back_after_ms"]
    print("\n### A server that is killed and started anew\n")
    print(f"{told['readers']:,} readers: all had the right state {back['max'] / 1e3:.1f} s after the kill "
          f"(half of them {back['p50'] / 1e3:.1f} s), of which {ready:.1f} s were the server's start; "
          f"{told['resumed']:,} resumed without a whole state, {told['whole_states']:,} got one.")


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    parts = os.environ.get("PARTS", "latency,beside,fan_out,idle,flood,restart").split(",")
    with tempfile.TemporaryDirectory(prefix="live-bench-") as folder:
        fixture, key = template(folder)
        print(f"{READERS:,} readers, {ROUNDS} rounds, servers on one processor, clients on another.")
        works = {
            "latency": lambda: latency(folder, fixture, key),
            "accepted": lambda: accepted(folder, fixture, key),
            "beside": lambda: beside(folder, fixture, key),
            "fan_out": lambda: fan_out(folder, fixture, key),
            "idle": lambda: idle(folder, key),
            "flood": lambda: flood(folder, fixture, key),
            "restart": lambda: restart(folder, fixture, key),
        }
        for part in parts:
            works[part]()
            sys.stdout.flush()


if __name__ == "__main__":
    main()
