#!/usr/bin/env python3
"""Measures the server on a large PostgreSQL: import, the same reads uncached and cached, how soon
another server serves a write, and Redis frozen, killed and restarted under load.

    run.py fill      makes the files, starts PostgreSQL, imports them   (figures of the import)
    run.py reads     the same GET on a server that keeps nothing and on one that does
    run.py between   a write to one of three servers, until another serves it
    run.py frozen    Redis frozen for 60 s, then killed and restarted, under load
    run.py stop      stops PostgreSQL and removes everything

Needs PostgreSQL 15, redis-server and wrk; BINARY names a release build of the server.
"""

import csv
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

BINARY = os.environ.get("BINARY", "target/release/sports-edge")
FOLDER = Path(os.environ.get("FOLDER", "/tmp/sports-edge-bench"))
POSTGRES = Path("/usr/lib/postgresql/15/bin")
PORT = 54329
URL = f"postgres://bench@127.0.0.1:{PORT}/postgres"
DIVISIONS = "E0 E1 E2 E3 EC SC0 SC1 SC2 SC3 D1 D2 I1 I2 SP1 SP2 F1 F2 N1 B1 P1 T1 G1".split()
TEAMS, SEASONS = 88, 3
BOOKS = "B365 BW IW PS WH VC".split()


def as_postgres(*command):
    return subprocess.run(["runuser", "-u", "postgres", "--", *map(str, command)], check=True,
                          stdout=subprocess.DEVNULL)


def files():
    """One file for each division and season: every pair once, prices of six bookmakers, opening and
    closing: 12 quotes of three prices a game."""
    chance = random.Random(7)
    prices = [f"{book}{stage}{it}" for book in BOOKS for stage in ("", "C") for it in "HDA"]
    head = ["Div", "Date", "HomeTeam", "AwayTeam", "FTHG", "FTAG", *prices]
    folder = FOLDER / "files"
    folder.mkdir(parents=True, exist_ok=True)
    for division in DIVISIONS:
        for season in range(SEASONS):
            start = date(2020 + season, 8, 10)
            with open(folder / f"{division}-{season}.csv", "w", newline="") as file:
                out = csv.writer(file)
                out.writerow(head)
                pairs = [(h, a) for h in range(TEAMS) for a in range(TEAMS) if h != a]
                for n, (home, away) in enumerate(pairs):
                    day = start + timedelta(days=n * 270 // len(pairs))
                    row = [division, day.strftime("%d/%m/%Y"), f"{division} Team {home}",
                           f"{division} Team {away}", chance.randrange(5), chance.randrange(4)]
                    row += [round(1.5 + chance.random() * 4, 2) for _ in prices]
                    out.writerow(row)
    return folder


def fill():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    os.chmod(FOLDER, 0o755)
    folder = files()
    data = FOLDER / "pg"
    data.mkdir()
    shutil.chown(data, "postgres", "postgres")
    as_postgres(POSTGRES / "initdb", "-D", data, "-U", "bench", "-A", "trust")
    with open(data / "postgresql.conf", "a") as conf:
        conf.write(f"port={PORT}\nlisten_addresses='127.0.0.1'\nunix_socket_directories=''\n"
                   "shared_buffers=2GB\nmax_wal_size=8GB\nwork_mem=32MB\n")
    as_postgres(POSTGRES / "pg_ctl", "-D", data, "-l", data / "log", "-w", "start")


def import_():
    env = environment()
    before, start = cpu_of_postgres(), time.monotonic()
    ended = subprocess.run([BINARY, "import", str(FOLDER / "files")], env=env, text=True,
                           capture_output=True)
    took = time.monotonic() - start
    print(ended.stdout[-400:], ended.stderr[-200:])
    quotes = int(sql("SELECT count(*) FROM quotes"))
    fixtures = int(sql("SELECT count(*) FROM fixtures"))
    used = os.times()
    print(f"import: {fixtures} fixtures, {quotes} quotes in {took:.1f} s: {quotes / took:,.0f} quotes/s; "
          f"importer {used.children_user + used.children_system:.1f} s, "
          f"PostgreSQL {cpu_of_postgres() - before:.1f} s of processor")


def copy():
    """The same rows by psql's own COPY into a bare table like ours: the bound of this machine."""
    sql("DROP TABLE IF EXISTS bare; CREATE UNLOGGED TABLE bare (LIKE quotes); DROP TABLE bare;"
        "CREATE TABLE bare (LIKE quotes INCLUDING INDEXES)")
    sql(f"COPY (SELECT * FROM quotes LIMIT 2000000) TO '{FOLDER / 'pg' / 'rows'}' (FORMAT binary)")
    start = time.monotonic()
    sql(f"COPY bare FROM '{FOLDER / 'pg' / 'rows'}' (FORMAT binary)")
    took = time.monotonic() - start
    print(f"COPY alone, 2,000,000 rows with the primary key: {2_000_000 / took:,.0f} quotes/s")
    sql("DROP TABLE bare")


def sql(text):
    command = [POSTGRES / "psql", "-X", "-q", "-A", "-t", URL, "-c", text]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def cpu_of_postgres():
    total = 0
    for it in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = it.read_text().rsplit(")", 1)
        except OSError:
            continue
        if name.endswith("(postgres"):
            fields = rest.split()
            # Of ended children, too: a connection is a process.
            total += sum(int(fields[n]) for n in (11, 12))
            if fields[1] == "1":
                total += sum(int(fields[n]) for n in (13, 14))
    return total / os.sysconf("SC_CLK_TCK")


def environment(**more):
    base = {"PATH": os.environ["PATH"], "HOME": str(FOLDER), "SPORTS_EDGE_DATABASE__URL": URL,
            "SPORTS_EDGE_LISTEN": "127.0.0.1:0", "SPORTS_EDGE_LOG__LEVEL": "warn"}
    return base | more


class Server:
    """A server of ours, once it is ready."""

    def __init__(self, name, **more):
        home = FOLDER / name
        home.mkdir(exist_ok=True)
        env = environment(SPORTS_EDGE_DATA_DIR=str(home), **more)
        self.log = open(FOLDER / f"{name}.log", "w")
        self.process = subprocess.Popen([BINARY, "serve"], env=env, stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        self.host = None
        while self.host is None:
            found = re.search(r"http://([0-9.:]+)", self.process.stdout.readline())
            self.host = found and found.group(1)
        # Nothing it prints later is waited for.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        while self.get("/health/ready")[0] != 200:
            time.sleep(0.1)

    def connect(self):
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def get(self, path):
        return ask(self.connect(), path)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def ask(connection, path, body=None, headers=None):
    method = "GET" if body is None else "POST"
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read()


def key():
    command = [BINARY, "key", "create", "--name", "bench", "--scope", "write"]
    made = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    return re.search(r"se_\S+", made.stdout).group(0)


def reads():
    ids = [int(it) for it in sql("SELECT id FROM fixtures TABLESAMPLE SYSTEM (1) LIMIT 200").split()]
    teams = [int(it) for it in sql("SELECT id FROM teams ORDER BY random() LIMIT 200").split()]
    paths = {
        "fixture": [f"/v1/fixtures/{it}" for it in ids],
        "quotes": [f"/v1/fixtures/{it}/quotes" for it in ids],
        "insight": [f"/v1/fixtures/{it}/insight" for it in ids],
        "fixtures of a competition": [f"/v1/fixtures?competition={it}&limit=50" for it in DIVISIONS],
        "table": [f"/v1/competitions/{it}/standings" for it in DIVISIONS],
        "form": [f"/v1/teams/{it}/form" for it in teams],
    }
    bare = Server("bare", SPORTS_EDGE_CACHE__MEMORY_BYTES_MAX="0")
    kept = Server("kept")
    time.sleep(10)  # games are read and views refreshed
    print("| read | uncached p50 | p99 | cached p50 | p99 | cut at p50 | p99 |\n|---|---|---|---|---|---|---|")
    for name, some in paths.items():
        for path in some:
            status, body = kept.get(path)
            assert status == 200, (path, status)
            assert bare.get(path)[1] == body, path
        [a, b], [c, d] = wrk(bare, some), wrk(kept, some)
        print(f"| {name} | {a:.0f} µs | {b:.0f} µs | {c:.0f} µs | {d:.0f} µs | {100 - 100 * c / a:.1f} % | "
              f"{100 - 100 * d / b:.1f} % |", flush=True)
    bare.stop()
    kept.stop()


def wrk(server, paths):
    """Percentiles 50 and 99 in µs, one connection, one request after the other."""
    script = FOLDER / "paths.lua"
    listed = ",".join(f'"{it}"' for it in paths)
    script.write_text(f"""local paths = {{{listed}}}
local at = 0
request = function() at = at % #paths + 1; return wrk.format("GET", paths[at]) end
done = function(summary, latency)
  io.write(string.format("P %d %d %d %d\\n", latency:percentile(50), latency:percentile(99),
    summary.requests, summary.errors.status + summary.errors.read + summary.errors.timeout)) end
""")
    command = ["wrk", "-t1", "-c1", "-d3s", "-s", str(script), f"http://{server.host}"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    p50, p99, _, errors = map(int, re.search(r"P (\d+) (\d+) (\d+) (\d+)", out).groups())
    assert errors == 0, out
    return p50, p99


def redis(port):
    # Nothing is kept of it: after it was killed it comes back empty.
    command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while subprocess.run(["redis-cli", "-p", str(port), "ping"], capture_output=True).returncode:
        time.sleep(0.01)
    return process


def on_one_redis(*names, port=56399):
    store = redis(port)
    url = {"SPORTS_EDGE_REDIS__URL": f"redis://127.0.0.1:{port}/"}
    servers = [Server(it, **url) for it in names]
    until_up(servers)
    return store, servers


def until_up(servers):
    for server in servers:
        while json.loads(server.get("/health/ready")[1])["shared_cache"] != "up":
            time.sleep(0.005)


def write(connection, secret, fixture, price):
    body = json.dumps({"data": [{"fixture_id": fixture, "bookmaker": "bench", "market": "h2h",
                                 "outcomes": [{"outcome": "home", "price": price}]}]})
    headers = {"content-type": "application/json", "x-api-key": secret}
    status, text = ask(connection, "/v1/quotes", body, headers)
    assert status == 200, text


def price_in(text):
    ours = [it for it in json.loads(text)["data"] if it["bookmaker"] == "bench" and not it["superseded"]]
    return ours[-1]["outcomes"][0]["price"] if ours else 0


def between():
    secret, (store, servers) = key(), on_one_redis("one", "two", "three")
    connections = [it.connect() for it in servers]
    fixtures = [int(it) for it in sql("SELECT id FROM fixtures ORDER BY id DESC LIMIT 20").split()]
    late, old, took = [], 0, []
    for round_ in range(600):
        fixture = fixtures[round_ % len(fixtures)]
        path = f"/v1/fixtures/{fixture}/quotes"
        writer, *readers = connections[round_ % 3:] + connections[:round_ % 3]
        [ask(it, path) for it in readers]  # they have a copy
        reader = readers[round_ // 3 % 2]
        price = 2 + round_ / 1000
        begun = time.perf_counter()
        write(writer, secret, fixture, price)
        acknowledged = time.perf_counter()
        while True:
            asked = time.perf_counter()
            if price_in(ask(reader, path)[1]) == price:
                break
            old += 1
        # A reader that asks later sees it: by when it was asked, not when it was answered.
        late.append((asked - acknowledged) * 1e3)
        took.append((acknowledged - begun) * 1e3)
    print(f"600 writes, answered after p50 {statistics.median(took):.1f} ms; one of the others asked at once: "
          f"{old} old answers; time from the writer's answer to the first request that was answered anew: "
          f"p50 {pct(late, 50):.2f} ms, p99 {pct(late, 99):.2f} ms, most {max(late):.2f} ms")
    stop_all(store, servers)


def pct(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


def stop_all(store, servers):
    for it in servers:
        it.stop()
    store.kill()
    store.wait()


class Load:
    """One writer and four readers over two servers, each read held against what was written."""

    def __init__(self, servers, secret):
        self.servers, self.secret = servers, secret
        found = sql("SELECT id FROM fixtures ORDER BY id DESC OFFSET 100 LIMIT 20")
        self.fixtures = [int(it) for it in found.split()]
        # By fixture: every price written, with when its answer came.
        self.written = {it: [(0.0, 0)] for it in self.fixtures}
        self.reads, self.writes, self.failed = 0, 0, []
        # By phase: answers that were made, and seconds it lasted.
        self.made, self.lasted, self.since = Counter(), Counter(), time.perf_counter()
        self.wrong, self.behind, self.slowest = [], [], {}
        self.phase, self.stopped = "before", False

    def keep_writing(self):
        connections, number = [it.connect() for it in self.servers], 0
        while not self.stopped:
            number += 1
            fixture, price = self.fixtures[number % 20], round(2 + number / 1000, 3)
            try:
                begun = time.perf_counter()
                write(connections[number % 2], self.secret, fixture, price)
                self.written[fixture].append((time.perf_counter(), price))
                self.note("write", time.perf_counter() - begun)
                self.writes += 1
            except Exception as error:
                self.failed.append((self.phase, repr(error)))
                connections = [it.connect() for it in self.servers]
            time.sleep(0.1)

    def keep_reading(self, server, seed):
        connection, chance = server.connect(), random.Random(seed)
        while not self.stopped:
            fixture = chance.choice(self.fixtures)
            asked = time.perf_counter()
            try:
                connection.request("GET", f"/v1/fixtures/{fixture}/quotes")
                answer = connection.getresponse()
                text = answer.read()
                assert answer.status == 200, text
                self.made[self.phase] += "desc=loader" in answer.headers.get("server-timing", "")
            except Exception as error:
                self.failed.append((self.phase, repr(error)))
                connection = server.connect()
                continue
            self.reads += 1
            self.note("read", time.perf_counter() - asked)
            seen = price_in(text)
            due = [(at, it) for at, it in self.written[fixture] if at < asked]
            if seen < due[-1][1]:
                behind = asked - next(at for at, it in due if it > seen)
                self.behind.append((self.phase, behind))
                if behind > 0.25:
                    self.wrong.append((self.phase, behind))
            time.sleep(0.002)

    def enter(self, phase):
        now = time.perf_counter()
        self.lasted[self.phase] += now - self.since
        self.phase, self.since = phase, now

    def note(self, what, took):
        self.slowest.setdefault((self.phase, what), []).append(took)


def frozen():
    secret, (store, servers) = key(), on_one_redis("one", "two")
    load = Load(servers, secret)
    threads = [threading.Thread(target=load.keep_writing)]
    threads += [threading.Thread(target=load.keep_reading, args=(servers[n % 2], n)) for n in range(4)]
    [it.start() for it in threads]
    time.sleep(8)
    load.enter("frozen")
    store.send_signal(signal.SIGSTOP)
    time.sleep(60)
    load.enter("killed")
    store.kill()
    store.wait()
    time.sleep(3)
    load.enter("back")
    store = redis(56399)
    begun = time.perf_counter()
    until_up(servers)
    healed = time.perf_counter() - begun
    time.sleep(8)
    load.stopped = True
    load.enter("end")
    [it.join() for it in threads]
    print(f"{load.reads} reads, {load.writes} writes, {len(load.failed)} failed {load.failed[:3]}, "
          f"{len(load.wrong)} wrong (older than what was acknowledged 250 ms before) {load.wrong[:3]}, "
          f"healed after {healed:.2f} s")
    for phase in ("before", "frozen", "killed", "back"):
        old = [it * 1e3 for was, it in load.behind if was == phase]
        times = {what: load.slowest.get((phase, what), [0]) for what in ("read", "write")}
        text = ", ".join(f"{what} p50 {pct(it, 50) * 1e3:.1f} ms p99 {pct(it, 99) * 1e3:.1f} ms"
                         for what, it in times.items())
        print(f"  {phase}: {text}; {len(old)} reads behind, at most {max(old, default=0):.0f} ms; "
              f"{load.made[phase] / load.lasted[phase]:.1f} answers made and "
              f"{len(times['write']) / load.lasted[phase]:.1f} writes a second")
    stop_all(store, servers)


def stop():
    as_postgres(POSTGRES / "pg_ctl", "-D", FOLDER / "pg", "-m", "immediate", "stop")
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    {"fill": fill, "import": import_, "copy": copy, "reads": reads, "between": between,
     "frozen": frozen, "stop": stop}[sys.argv[1]]()
