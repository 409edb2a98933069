#!/usr/bin/env python3
"""Three servers on one Redis and a PostgreSQL primary with two streaming standbys, under mixed load,
while servers, Redis and standbys are killed, stopped and paused at random: every answer is held
against what was acknowledged, every acknowledged write is looked for at the end.

    run.py [--seconds 3600] [--seed 1] [--binary target/release/sports-edge] [--folder /tmp/hour]

Needs PostgreSQL 15 and redis-server. Ends with 1 where an answer was wrong, a write was lost, or a
thousandth of the requests failed at two servers.
"""

import argparse
import http.client
import json
import random
import shutil
import signal
import socket
import statistics
import sys
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

from parts import Postgres, Redis, Server, until
from reference import Read, Reference

ROOT = Path(__file__).resolve().parent.parent.parent
ANSWER_MAX, WRITE_MAX, WARM = 5, 90, 60
# Requests a second without which a run shows nothing.
REQUESTS_MIN = 5
TEAMS = [f"Hour Team {it}" for it in range(8)]
COMPETITION, SEASON, BOOK = "E0", "2019/20", "hour"


class Client:
    """A client with a connection to each server: it asks one, and where that fails another."""

    def __init__(self, servers, seed, figures):
        self.servers, self.chance, self.figures, self.open = servers, random.Random(seed), figures, {}

    def ask(self, method, path, body=None, headers=None):
        """The answer of the first of two servers that has one: (server, sent, status, headers, body)."""
        first = self.chance.choice(self.servers)
        others = [it for it in self.servers if it is not first]
        faults = []
        for server in (first, self.chance.choice(others)):
            sent = time.monotonic()
            try:
                answer = self.once(server, method, path, body, headers or {})
            except (OSError, http.client.HTTPException) as error:
                self.open.pop(server.name, None)
                faults.append(f"{server.name}: {error!r}")
                continue
            if answer[0] < 500:
                self.figures.took(method, time.monotonic() - sent)
                return server, sent, *answer
            faults.append(f"{server.name}: {answer[0]} {answer[2][:200]}")
        self.figures.fail(method, path, faults)
        return None

    def once(self, server, method, path, body, headers):
        connection = self.open.get(server.name)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=ANSWER_MAX)
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.open[server.name] = connection
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


class Figures:
    """How long requests took, and which failed."""

    def __init__(self):
        self.times, self.failed, self.held, self.refused = defaultdict(list), [], 0, []

    def took(self, method, seconds):
        self.times[method].append(seconds)

    def fail(self, method, path, faults):
        self.failed.append((time.monotonic(), method, path, faults))

    def requests(self):
        return sum(map(len, self.times.values())) + len(self.failed)


class Run:
    """The parts, the load on them and what harms them."""

    def __init__(self, options):
        self.options, self.folder = options, Path(options.folder)
        mark = self.folder / "of-bench-hour"
        if self.folder.exists() and not mark.exists():
            sys.exit(f"{self.folder} is not of an earlier run: name another folder, or delete it yourself")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o755)
        mark.touch()
        self.stopped, self.calm = threading.Event(), threading.Event()
        self.figures, self.reference = Figures(), Reference()
        self.events, self.memory, self.reads_at = [], defaultdict(list), {}
        self.position = 0
        # A thread that breaks off takes its load or its harm with it, which is no result.
        self.broken = []
        threading.excepthook = self.note_broken

    def note_broken(self, thread):
        self.broken.append(repr(thread.exc_value))
        threading.__excepthook__(thread)

    # --- before -----------------------------------------------------------------------------------

    def build(self):
        self.primary = Postgres("primary", self.folder)
        self.standbys = [Postgres(f"standby{it}", self.folder, self.primary) for it in (1, 2)]
        self.redis = Redis(self.folder)
        settings = {"SPORTS_EDGE_DATABASE__URL": self.primary.url, "SPORTS_EDGE_REDIS__URL": self.redis.url,
                    "SPORTS_EDGE_DATABASE__REPLICAS": ",".join(it.url for it in self.standbys)}
        binary = str(Path(self.options.binary).resolve())
        self.servers = [Server(f"server{it}", self.folder, binary, settings) for it in (1, 2, 3)]
        first = self.servers[0]
        first.run("import", str(ROOT / "data/sample"))
        first.run("train")
        made = first.run("key", "create", "--name", "hour", "--scope", "write")
        self.key = next(it for it in made.split() if it.startswith("se_"))
        for server in self.servers:
            server.start(is_ready)
        self.fixtures()

    def fixtures(self):
        """Games to come, whose prices are written, and games played, whose results are."""
        pairs = [(h, a) for h in TEAMS for a in TEAMS if h != a]
        entries = [{"competition": COMPETITION, "season": "2034/35", "kickoff": f"2035-0{1 + n % 9}-18T14:00:00Z",
                    "home": h, "away": a} for n, (h, a) in enumerate(pairs)]
        entries += [{"competition": COMPETITION, "season": SEASON, "kickoff": f"2019-0{1 + n % 9}-18T14:00:00Z",
                     "home": h, "away": a} for n, (h, a) in enumerate(pairs)]
        client = Client(self.servers, 0, Figures())
        _, _, status, head, body = client.ask("POST", "/v1/fixtures", json.dumps({"data": entries}), self.writes())
        assert status == 200, body
        self.position = int(head["sports-edge-position"])
        ids = [it["fixture_id"] for it in json.loads(body)["data"]]
        self.quoted, self.played = ids[: len(pairs)], ids[len(pairs):]
        self.totals = dict.fromkeys(self.played, 0)
        for what in [("price", it) for it in self.quoted] + [("score", it) for it in self.played] + [("table", SEASON)]:
            self.reference.done(what, self.reference.begin(what, 0), "", 0)

    def writes(self, key=None):
        head = {"content-type": "application/json", "x-api-key": self.key}
        return head | ({"idempotency-key": key} if key else {})

    # --- load -------------------------------------------------------------------------------------

    def keep_quoting(self, number):
        client, mine = Client(self.servers, 100 + number, self.figures), self.quoted[number::2]
        counts = Counter()
        while not self.stopped.is_set():
            fixture = client.chance.choice(mine)
            counts[fixture] += 1
            price = round(1 + counts[fixture] / 100, 2)
            entry = {"fixture_id": fixture, "bookmaker": BOOK, "market": "h2h",
                     "outcomes": [{"outcome": "home", "price": price}]}
            self.write(client, "/v1/quotes", entry, [(("price", fixture), price)])
            self.pause(client.chance, 2 / self.options.writes)

    def keep_scoring(self):
        client, counts = Client(self.servers, 200, self.figures), Counter()
        while not self.stopped.is_set():
            fixture = client.chance.choice(self.played)
            counts[fixture] += 1
            home, away = divmod(counts[fixture], 10)
            self.totals[fixture] = home + away
            entry = {"fixture_id": fixture, "score": {"home": home, "away": away}}
            changed = [(("score", fixture), counts[fixture]), (("table", SEASON), sum(self.totals.values()))]
            self.write(client, "/v1/results", entry, changed)
            self.pause(client.chance, 8 / self.options.writes)

    def write(self, client, path, entry, changed):
        """Writes one entry until it is acknowledged, under one key, so that it happens once."""
        versions = [(what, self.reference.begin(what, value)) for what, value in changed]
        head = self.writes(f"{client.chance.getrandbits(64):x}")
        patience = time.monotonic() + WRITE_MAX
        while time.monotonic() < patience:
            answer = client.ask("POST", path, json.dumps({"data": [entry]}), head)
            if answer and answer[2] == 200:
                position = int(answer[3]["sports-edge-position"])
                for what, version in versions:
                    self.reference.done(what, version, answer[0].name, position)
                self.position = max(self.position, position)
                return
            if answer and answer[2] != 409:
                self.figures.refused.append((path, answer[2], answer[4][:300]))
            # The server that took it first has died with it, or is still at it.
            self.figures.held += 1
            time.sleep(0.5)
        self.figures.fail("POST", path, [f"not acknowledged within {WRITE_MAX} s"])

    def keep_reading(self, number):
        client, known = Client(self.servers, 300 + number, self.figures), {}
        chance = client.chance
        while not self.stopped.is_set():
            kind = chance.choices(["price", "score", "table", "other"], [5, 3, 1, 2])[0]
            if kind == "other":
                self.read_other(client)
            else:
                what = {"price": lambda: ("price", chance.choice(self.quoted)),
                        "score": lambda: ("score", chance.choice(self.played)),
                        "table": lambda: ("table", SEASON)}[kind]()
                self.read(client, what, known)
            self.pause(chance, self.options.readers / self.options.reads)

    def read(self, client, what, known):
        """One read, with the newest position or without, unconditional or not, held against what is due."""
        path = path_of(what)
        position = self.position if client.chance.random() < 0.3 else 0
        head = {"sports-edge-position": str(position)} if position else {}
        if path in known and client.chance.random() < 0.5:
            head["if-none-match"] = known[path][0]
        answer = client.ask("GET", path, None, head)
        answered = time.monotonic()
        if answer is None:
            return
        server, sent, status, head, body = answer
        if status == 200:
            known[path] = (head["etag"], value_in(what, json.loads(body)))
        elif status != 304:
            self.figures.refused.append((path, status, body[:300]))
            return
        self.reference.judge(Read(what, server.name, position, sent), known[path][1], answered)

    def read_other(self, client):
        """What nothing is written of here must answer all the same."""
        fixture = client.chance.choice(self.quoted)
        path = client.chance.choice([f"/v1/fixtures/{fixture}/prediction", f"/v1/fixtures/{fixture}/insight",
                                     "/v1/board?limit=20", "/v1/teams?limit=50",
                                     f"/v1/fixtures?competition={COMPETITION}&limit=20"])
        answer = client.ask("GET", path)
        if answer and answer[2] != 200:
            self.figures.refused.append((path, answer[2], answer[4][:300]))

    def pause(self, chance, seconds):
        time.sleep(chance.uniform(0, 2 * seconds))

    # --- harm -------------------------------------------------------------------------------------

    def keep_harming(self, number, targets):
        chance = random.Random(self.options.seed * 10 + number)
        while not self.calm.wait(chance.uniform(0.4, 1.6) * self.options.every):
            part = chance.choice(targets)
            harm = chance.choice(self.harms(part))
            began = time.monotonic()
            self.note(f"{harm.__name__} {part.name}")
            harm(part, chance)
            self.note(f"{part.name} is back after {time.monotonic() - began:.1f} s")

    def harms(self, part):
        if isinstance(part, Server):
            return [self.killed, self.killed, self.stopped_well, self.frozen]
        if isinstance(part, Redis):
            return [self.killed, self.frozen, self.flushed]
        return [self.killed, self.held_back]

    def killed(self, part, chance):
        part.kill()
        time.sleep(chance.uniform(0.3, 5))
        self.start(part)

    def stopped_well(self, part, chance):
        part.send(signal.SIGTERM)
        part.process.wait(30)
        time.sleep(chance.uniform(0, 2))
        self.start(part)

    def frozen(self, part, chance):
        part.send(signal.SIGSTOP)
        time.sleep(chance.uniform(0.2, 3))
        part.send(signal.SIGCONT)

    def flushed(self, part, chance):
        part.run("flushall")

    def held_back(self, part, chance):
        part.sql("SELECT pg_wal_replay_pause()")
        time.sleep(chance.uniform(0.5, 8))
        part.sql("SELECT pg_wal_replay_resume()")

    def start(self, part):
        if isinstance(part, Server):
            part.start(is_ready)
        else:
            part.start()

    def note(self, text):
        self.events.append((time.monotonic(), text))
        print(f"{time.monotonic() - self.began:8.1f} s  {text}", flush=True)

    # --- measuring --------------------------------------------------------------------------------

    def keep_looking(self):
        while not self.calm.wait(5):
            for part in [*self.servers, self.redis, self.primary, *self.standbys]:
                if part.process and part.process.poll() is None and time.monotonic() - part.since > WARM:
                    self.memory[part.name].append((time.monotonic() - self.began, part.rss_bytes()))
            for server in self.servers:
                self.count_reads(server)

    def count_reads(self, server):
        """Reads of the database, by life of a server, as it counts them itself."""
        try:
            text = plain(server.metrics, "/metrics")[1].decode()
        except (OSError, http.client.HTTPException):
            return
        for line in text.splitlines():
            if line.startswith("sports_edge_database_reads_total{"):
                self.reads_at[server.process.pid, line.split('"')[1]] = float(line.split()[-1])

    # --- after ------------------------------------------------------------------------------------

    def go(self):
        self.began = time.monotonic()
        load = [threading.Thread(target=self.keep_quoting, args=(it,)) for it in range(2)]
        load += [threading.Thread(target=self.keep_reading, args=(it,)) for it in range(self.options.readers)]
        load += [threading.Thread(target=self.keep_scoring)]
        harm = [threading.Thread(target=self.keep_harming, args=(1, self.servers)),
                threading.Thread(target=self.keep_harming, args=(2, [self.redis, *self.standbys])),
                threading.Thread(target=self.keep_looking)]
        [it.start() for it in load + harm]
        ends = self.began + self.options.seconds
        while time.monotonic() < ends and not Path(self.folder, "stop").exists():
            time.sleep(1)
        self.lasted = time.monotonic() - self.began
        self.calm.set()
        [it.join() for it in harm]
        time.sleep(3)
        self.stopped.set()
        [it.join() for it in load]

    def lost(self):
        """What was acknowledged and is not there, or is there twice."""
        faults = []
        for fixture in self.quoted:
            body = json.loads(plain(self.servers[0].port, f"/v1/fixtures/{fixture}/quotes")[1])
            there = Counter(it["outcomes"][0]["price"] for it in body["data"] if it["bookmaker"] == BOOK)
            for write in self.reference.of["price", fixture][1:]:
                if there[write.value] != 1 and write.done < float("inf"):
                    faults.append((fixture, write, there[write.value]))
        for what, writes in self.reference.of.items():
            body = json.loads(plain(self.servers[1].port, path_of(what))[1])
            if writes[-1].done < float("inf") and value_in(what, body) != writes[-1].value:
                faults.append((what, writes[-1], value_in(what, body)))
        return faults

    def different(self):
        """Answers that are not those of a server that keeps nothing and reads from the primary alone."""
        settings = {"SPORTS_EDGE_DATABASE__URL": self.primary.url, "SPORTS_EDGE_CACHE__MEMORY_BYTES_MAX": "0"}
        bare = Server("bare", self.folder, self.servers[0].command[0], settings)
        bare.start(is_ready)
        self.servers.append(bare)
        paths = [path_of(it) for it in self.reference.of] + [f"/v1/teams/{it}/form" for it in range(1, 20)]
        paths += [f"/v1/fixtures/{it}" for it in self.quoted] + ["/v1/competitions", "/v1/teams?limit=50"]
        return [(path, it.name) for path in paths for it in self.servers[:3]
                if plain(it.port, path) != plain(bare.port, path)]

    def end(self):
        for part in [*getattr(self, "servers", []), getattr(self, "redis", None),
                     *getattr(self, "standbys", []), getattr(self, "primary", None)]:
            if part:
                part.end()


def is_ready(server):
    if server.process.poll() is not None:
        raise RuntimeError(f"{server.name} ended with {server.process.returncode}")
    try:
        return plain(server.port, "/health/ready")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def plain(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def path_of(what):
    kind, name = what
    return {"price": f"/v1/fixtures/{name}/quotes", "score": f"/v1/fixtures/{name}",
            "table": f"/v1/competitions/{COMPETITION}/standings?season={name}"}[kind]


def value_in(what, body):
    """Which version an answer shows."""
    if what[0] == "price":
        ours = [it for it in body["data"] if it["bookmaker"] == BOOK and not it["superseded"]]
        return ours[-1]["outcomes"][0]["price"] if ours else 0
    if what[0] == "score":
        return body["score"]["home"] * 10 + body["score"]["away"] if body.get("score") else 0
    return sum(it["total"]["scored"] for it in body["data"])


def percent(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share / 100))] if values else 0


def report(run, lost, different):
    figures, reference = run.figures, run.reference
    requests, failed = figures.requests(), len(figures.failed)
    print(f"\n{run.lasted:.0f} s, seed {run.options.seed}: {requests} requests, {len(run.events) // 2} harms: "
          f"{dict(Counter(' '.join(it.split()[:1]) for _, it in run.events if ' is back' not in it))}")
    print(f"{reference.judged} reads held against the reference: {len(reference.wrong)} wrong, "
          f"{len(reference.behind)} behind another server's write by at most "
          f"{max((it[-1] or 0 for it in reference.behind), default=0) * 1e3:.0f} ms (without a position)")
    writes = sum(len(it) - 1 for it in reference.of.values())
    print(f"{writes} versions written, {len(lost)} lost or twice, {len(different)} answers at the end other than "
          f"an uncached server's; {failed} failed at two servers ({100 * failed / max(1, requests):.3f} %), "
          f"{figures.held} times a write was held until it could be repeated, {len(figures.refused)} refused")
    for method, times in figures.times.items():
        print(f"{method}: {len(times)}, p50 {percent(times, 50) * 1e3:.1f} ms, p99 {percent(times, 99) * 1e3:.1f} ms")
    counted = Counter()
    for (_, server), count in run.reads_at.items():
        counted[server] += count
    print(f"reads of the database: {dict(counted)}")
    for name, samples in run.memory.items():
        sizes = [it for _, it in samples]
        middle, third = statistics.median(sizes), max(1, len(sizes) // 3)
        print(f"memory of {name} {WARM} s after its starts: median {middle / 1e6:.1f} MB, "
              f"{min(sizes) / 1e6:.1f} to {max(sizes) / 1e6:.1f}, from the first third to the last "
              f"{100 * (statistics.median(sizes[-third:]) / statistics.median(sizes[:third]) - 1):+.1f} %")
    for name, some in {"wrong": reference.wrong, "behind": reference.behind, "failed": figures.failed,
                       "refused": figures.refused, "lost": lost, "different": different}.items():
        for it in some[:8]:
            when = f"{it[0] - run.began:.2f} s " if isinstance(it[0], float) else ""
            print(f"  {name}: {when}{it}")
    harms = len(run.events) // 2
    if run.broken or requests < REQUESTS_MIN * run.lasted or harms < run.lasted / run.options.every / 4:
        print(f"  no result: too little was asked or harmed, or threads broke off: {run.broken[:3]}")
        return False
    return not (reference.wrong or lost or different or figures.refused or failed > requests / 1000)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--binary", default=str(ROOT / "target/release/sports-edge"))
    parser.add_argument("--folder", default="/tmp/sports-edge-hour")
    parser.add_argument("--every", type=float, default=20, help="seconds between two harms, on average")
    parser.add_argument("--reads", type=float, default=150, help="reads a second")
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--writes", type=float, default=8, help="writes a second")
    run = Run(parser.parse_args())
    try:
        run.build()
        run.go()
        good = report(run, run.lost(), run.different())
    finally:
        run.end()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
