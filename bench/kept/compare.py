"""Kept answers over HTTP: ours, nginx's cache in front of ours, and a constant handler of axum."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from datetime import datetime, timedelta, timezone

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "server"))

from harness import Load, Server, free_ports  # noqa: E402

NGINX = """
daemon off;
{user}
worker_processes 2;
pid {work}/nginx.pid;
error_log {work}/nginx.log error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
    proxy_cache_path {work}/cache keys_zone=kept:10m;
    keepalive_requests 100000000;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{behind};
            proxy_cache kept; proxy_cache_valid 200 1h; proxy_ignore_headers Cache-Control Expires Vary;
        }}
    }}
}}
"""


def sports_edge(target, work):
    """Our server on the sample, trained."""
    port = free_ports(3)
    environment = {
        "SPORTS_EDGE_DATA_DIR": str(work / "data"),
        "SPORTS_EDGE_LISTEN": f"127.0.0.1:{port}",
        "SPORTS_EDGE_GRPC_LISTEN": f"127.0.0.1:{port + 1}",
        "SPORTS_EDGE_METRICS_LISTEN": f"127.0.0.1:{port + 2}",
    }
    program = str(target / "sports-edge")
    for words in (["import", str(ROOT / "data/sample")], ["train"]):
        subprocess.run([program, *words], env={**os.environ, **environment}, check=True, capture_output=True)
    command = [program, "serve"]
    return Server("Sports Edge", command, port, ("/health/ready",), work / "sports-edge.log", environment=environment)


def fixture_to_come(edge, work):
    """A game in two days."""
    log = (work / "sports-edge.log").read_text()
    key = next(line for line in log.splitlines() if "API key" in line).split()[-1]
    kickoff = (datetime.now(timezone.utc) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    entry = {"competition": "E0", "season": "2026/27", "kickoff": kickoff, "home": "Arsenal", "away": "Chelsea"}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    answer = edge.ask("/v1/fixtures", json.dumps({"data": [entry]}).encode(), headers)
    return json.loads(answer)["data"][0]["fixture_id"]


def get(path, headers=()):
    lines = [f"GET {path} HTTP/1.1", "host: 127.0.0.1", "accept: application/json", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def unchanged(it):
    """Counts answers of 304 as those that were asked for."""
    of = it["statuses"].get("304", {"count": 0, "p99_ms": 0})
    it["faults"] -= of["count"]
    it["rate"], it["p99_ms"] = of["count"] / it["seconds"], of["p99_ms"]


def row(name, found, baseline):
    us = statistics.median(it["us"] for it in found)
    rate = statistics.median(it["rate"] for it in found)
    p99 = statistics.median(it["p99_ms"] or 0 for it in found)
    faults = sum(it["faults"] for it in found)
    return f"| {name} | {us:.2f} | {us / baseline:.2f} | {rate:,.0f} | {p99:.2f} | {faults} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("target", type=pathlib.Path)
    options = parser.parse_args()
    seconds, turns = (2, 3) if options.quick else (5, 7)
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") or sys.exit("nginx is not installed")
    with tempfile.TemporaryDirectory(prefix="kept-") as folder:
        work = pathlib.Path(folder)
        load = Load(str(options.target / "examples/load"), work)
        with sports_edge(options.target, work) as edge:
            fixture = f"/v1/fixtures/{fixture_to_come(edge, work)}"
            for path in (fixture, f"{fixture}/prediction"):
                beside(nginx, load, work, edge, path, (seconds, turns))


def beside(nginx, load, work, edge, path, plan):
    """One address of ours, beside nginx's copy of it and a constant of the same bytes."""
    seconds, turns = plan
    with urllib.request.urlopen(f"http://127.0.0.1:{edge.port}{path}") as answer:
        body, tag = answer.read(), answer.headers["etag"]
    (work / "answer").write_bytes(body)
    port = free_ports(2)
    user = "user root;" if os.geteuid() == 0 else ""
    (work / "nginx.conf").write_text(NGINX.format(work=work, port=port, behind=edge.port, user=user))
    constant = [str(HERE / "target/release/kept"), str(port + 1), str(work / "answer")]
    cached = [nginx, "-p", str(work), "-c", str(work / "nginx.conf")]
    with (
        Server("axum, a constant", constant, port + 1, ("/",), work / "axum.log") as axum,
        Server("nginx, proxy_cache", cached, port, (path,), work / "nginx.out") as proxy,
    ):
        plain = load.blobs([get(path)])
        same = load.blobs([get(path, [f"if-none-match: {tag}"])])
        ways = {axum.name: (axum, plain), proxy.name: (proxy, plain), edge.name: (edge, plain)}
        # What is worked out for each moment has another tag each time it is made.
        if not path.endswith("prediction"):
            ways |= {f"{edge.name}, 304": (edge, same), f"{proxy.name}, 304": (proxy, same)}
        print(f"An answer of {len(body)} bytes, {turns} turns of {seconds} s, the middle one of each.\n")
        for connections in (16, 64):
            found = {name: [] for name in ways}
            for turn in range(turns + 1):
                for name, (server, requests) in ways.items():
                    it = load.put(server, requests, connections, seconds if turn else 1)
                    if "304" in name:
                        unchanged(it)
                    if turn:
                        found[name].append(it)
            baseline = statistics.median(it["us"] for it in found[axum.name])
            print(f"| {connections} connections | µs a request | × a constant | requests/s | p99 ms | faults |")
            print("|---|---|---|---|---|---|")
            for name in ways:
                print(row(name, found[name], baseline), flush=True)
            print()


main()
