"""Starts servers, puts load on them with the example `load`, and reads their processor time."""

import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE_SECONDS = 90


def free_ports(count):
    """As many ports in a row that nobody listens on, below those the system gives to clients."""
    for first in range(19_000 + os.getpid() % 1_000 * 10, 32_000, 10):
        sockets = []
        try:
            for port in range(first, first + count):
                sockets.append(socket.create_server(("127.0.0.1", port)))
            return first
        except OSError:
            continue
        finally:
            for it in sockets:
                it.close()
    raise RuntimeError("no free ports")


def family(pid):
    """A process and all that came of it."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            found += family(int(child))
    return found


def processor_seconds(pid):
    """What a process and its family spent, those that ended included."""
    spent = 0
    for it in set(family(pid)):
        try:
            fields = pathlib.Path(f"/proc/{it}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        spent += sum(int(fields[at]) for at in (11, 12, 13, 14))
    return spent / TICKS


def resident_mb(pid):
    total = 0
    for it in set(family(pid)):
        try:
            status = pathlib.Path(f"/proc/{it}/status").read_text()
        except OSError:
            continue
        total += int(status.split("VmRSS:")[1].split()[0])
    return total / 1024


class Server:
    """A server that runs until the block ends; `ask` is a request that it answers once ready."""

    def __init__(self, name, command, port, ask, log, cwd=None, environment=None):
        self.name, self.command, self.port, self.first = name, command, port, ask
        self.log, self.cwd, self.environment = log, cwd, environment or {}

    def __enter__(self):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **self.environment}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.cwd, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        began = time.monotonic()
        while True:
            try:
                self.answer = self.ask(*self.first)
                self.ready_seconds = time.monotonic() - began
                return self
            except (OSError, urllib.error.URLError) as error:
                if self.process.poll() is not None or time.monotonic() - began > PATIENCE_SECONDS:
                    self.__exit__()
                    tail = pathlib.Path(self.log).read_text(errors="replace")[-300:]
                    raise RuntimeError(f"{self.name} does not answer: {error}; {tail}") from error
                time.sleep(0.002 if began + 1 > time.monotonic() else 0.2)

    def __exit__(self, *_):
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, how)
            except ProcessLookupError:
                return
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                continue

    def ask(self, path, body=None, headers=None):
        """An answer's body."""
        url = f"http://127.0.0.1:{self.port}{path}"
        headers = headers or {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
            return answer.read()


class Load:
    """Load from the example `load`; `work` is a folder for its files."""

    def __init__(self, program, work):
        self.program, self.work, self.count = program, work, 0

    def blobs(self, all_of_them):
        self.count += 1
        path = self.work / f"requests.{self.count}"
        path.write_bytes(b"".join(struct.pack("<I", len(it)) + it for it in all_of_them))
        return str(path)

    def put(self, server, requests, connections, seconds, rate=0, protocol="http", port=None, expected=None):
        """Puts load on a server: requests answered by status, latencies, processor time each."""
        address = f"127.0.0.1:{port or server.port}"
        command = [self.program, protocol, address, requests, connections, seconds, rate]
        command += [expected] if expected else []
        before = processor_seconds(server.process.pid)
        done = subprocess.run([str(it) for it in command], capture_output=True, text=True, timeout=seconds + 120)
        spent = processor_seconds(server.process.pid) - before
        if done.returncode:
            raise RuntimeError(f"load failed: {done.stderr}")
        found = json.loads(done.stdout)
        good = found["statuses"].get("200", {"count": 0, "p50_ms": None, "p99_ms": None})
        answered = sum(it["count"] for it in found["statuses"].values())
        found["good"], found["p50_ms"], found["p99_ms"] = good["count"], good["p50_ms"], good["p99_ms"]
        found["answered"], found["spent"] = answered, spent
        found["rate"] = good["count"] / found["seconds"]
        found["us"] = spent / max(answered, 1) * 1e6
        found["faults"] = answered - good["count"] + found["broken"] + found["unconnected"]
        return found


def http_request(path, body, headers=()):
    """A whole HTTP request."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def json_body(rows, datatype="FP32"):
    """A request in JSON; numbers as a client prints those of 32 bits."""
    numbers = ",".join(str(it) for row in rows for it in row)
    shape = f"[{len(rows)},{len(rows[0])}]"
    text = f'{{"inputs":[{{"name":"input","shape":{shape},"datatype":"{datatype}","data":[{numbers}]}}]}}'
    return text.encode()


def binary_request(path, rows, datatype):
    """A request with binary tensors in and out."""
    raw = rows.astype({"FP32": "<f4", "FP64": "<f8"}[datatype]).tobytes()
    shape = f"[{len(rows)},{len(rows[0])}]"
    head = (
        f'{{"inputs":[{{"name":"input","shape":{shape},"datatype":"{datatype}",'
        f'"parameters":{{"binary_data_size":{len(raw)}}}}}],"parameters":{{"binary_data_output":true}}}}'
    ).encode()
    return http_request(path, head + raw, [("Inference-Header-Content-Length", len(head))])


def field(number, wire, payload):
    return bytes([number << 3 | wire]) + payload


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def sized(number, payload):
    return field(number, 2, varint(len(payload)) + payload)


def grpc_headers(port):
    """The headers of a call to ModelInfer, each written out."""
    out = b""
    for name, value in (
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", b"/inference.GRPCInferenceService/ModelInfer"),
        (b":authority", f"127.0.0.1:{port}".encode()),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    ):
        out += bytes([0, len(name)]) + name + bytes([len(value)]) + value
    return out


def grpc_message(model, rows, datatype):
    """A ModelInferRequest with raw contents."""
    raw = rows.astype({"FP32": "<f4", "FP64": "<f8"}[datatype]).tobytes()
    shape = varint(len(rows)) + varint(len(rows[0]))
    tensor = sized(1, b"input") + sized(2, datatype.encode()) + sized(3, shape)
    return sized(1, model.encode()) + sized(5, tensor) + sized(7, raw)
