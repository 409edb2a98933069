#!/usr/bin/env python3
"""How many bytes an update of a followed list takes, beside its whole state.

    shares.py URL KEY GAMES SECONDS

Begins GAMES games at a running server with models (KEY has the scope `write`), lets their clocks run
and scores a goal in one of them each second, follows `scoreboard` and `board` for SECONDS by
server-sent events, and prints the mean of frames and states in bytes, and of their share.
"""

import datetime, json, sys, threading, time, urllib.request
from urllib.parse import quote


def call(path, data=None):
    request = urllib.request.Request(URL + path, headers={"authorization": f"Bearer {KEY}"})
    if data is not None:
        request.data = json.dumps({"data": data}).encode()
        request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def begin(count):
    teams = [it["name"] for it in json.loads(call("/v1/teams?competition=E0&limit=100"))["data"]]
    pairs = [(home, away) for home in teams for away in teams if home != away][:count]
    kickoff = now() - datetime.timedelta(minutes=20)
    games = [
        {"competition": "E0", "season": "2071/72", "kickoff": kickoff.isoformat(), "home": home, "away": away}
        for home, away in pairs
    ]
    ids = [it["fixture_id"] for it in json.loads(call("/v1/fixtures", games))["data"]]
    start = {"sequence": 1, "at": kickoff.isoformat(), "kind": "period_start", "period": 1}
    call("/v1/events", [{"fixture_id": it, **start} for it in ids])
    return ids


def score(ids, stop):
    sequence = 1
    while not stop.wait(1):
        sequence += 1
        side = ("home", "away")[sequence % 2]
        event = {"sequence": sequence, "at": now().isoformat(), "kind": "scored", "side": side}
        call("/v1/events", [{"fixture_id": ids[7 * sequence % len(ids)], **event}])


def follow(key, seconds):
    frames, states = [], []
    request = urllib.request.Request(f"{URL}/v1/live?mode=all&k={quote(key)}", headers={"accept": "text/event-stream"})
    end = time.monotonic() + seconds
    with urllib.request.urlopen(request, timeout=60) as stream:
        for line in stream:
            if line.startswith(b"data: ") and json.loads(line[6:])["t"] == "d":
                frames.append(len(line) - 7)
                states.append(len(call("/v1/" + key)))
            if time.monotonic() > end:
                break
    mean = lambda numbers: sum(numbers) / max(len(numbers), 1)
    share = mean([frame / state for frame, state in zip(frames, states)])
    print(f"{key}: {len(frames)} updates, frame {mean(frames):,.0f}, state {mean(states):,.0f}, share {share:.1%}")


URL, KEY = sys.argv[1:3]
games = begin(int(sys.argv[3]))
stopping = threading.Event()
threads = [threading.Thread(target=follow, args=(key, int(sys.argv[4]))) for key in ("scoreboard?limit=200", "board?limit=200")]
scoring = threading.Thread(target=score, args=(games, stopping))
scoring.start()
for it in threads:
    it.start()
for it in threads:
    it.join()
stopping.set()
scoring.join()
