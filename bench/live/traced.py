"""When a server read a request and when it wrote to somebody else, by the kernel's own clock.

`perf` notes the calls of the server's threads that read and write; that needs root and costs about a
microsecond a call. No code of the server takes part in the measurement.
"""

import re
import signal
import subprocess
import tempfile
import time

READS = ("recvfrom", "read", "readv", "recvmsg")
WRITES = ("sendto", "write", "writev", "sendmsg")
LINE = re.compile(r"\s*(?P<thread>\d+)\s+(?P<at>\d+\.\d+):\s+syscalls:sys_(?P<way>enter|exit)_(?P<call>\w+):\s+(?P<rest>.*)")


class Trace:
    """Notes the calls of a process while it lasts."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        self.file = tempfile.NamedTemporaryFile(prefix="live-trace-")
        events = [f"syscalls:sys_{way}_{call}" for call in READS + WRITES for way in ("enter", "exit")]
        self.perf = subprocess.Popen(
            ["perf", "record", "-q", "-k", "CLOCK_MONOTONIC", "-m", "8M", "-p", str(self.pid), "-o", self.file.name,
             *(word for event in events for word in ("-e", event))],
        )
        time.sleep(1)
        return self

    def __exit__(self, *_):
        self.perf.send_signal(signal.SIGINT)
        self.perf.wait()
        told = subprocess.run(
            ["perf", "script", "-i", self.file.name, "-F", "tid,time,event,trace"],
            stdout=subprocess.PIPE, text=True, check=True,
        ).stdout
        self.calls = list(calls(told))


def calls(told):
    """Each call with its file, what it returned, and when it began and ended, in microseconds."""
    open_calls = {}
    for line in told.splitlines():
        found = LINE.match(line)
        if not found:
            continue
        at, thread = float(found["at"]) * 1e6, found["thread"]
        if found["way"] == "enter":
            file = re.match(r"fd: 0x([0-9a-f]+)", found["rest"])
            open_calls[thread] = (found["call"], int(file[1], 16) if file else -1, at)
            continue
        begun = open_calls.pop(thread, None)
        if begun and begun[0] == found["call"]:
            returned = int(found["rest"].split()[0], 16)
            if returned < 1 << 31:
                yield (*begun, at, returned)


def first_frames(trace, least_bytes):
    """From each request of at least so many bytes to the first message that goes to another
    connection, in microseconds: where the request is read, and where the message is written."""
    asked, took = None, []
    for call, file, began, ended, count in sorted(trace.calls, key=lambda it: it[3]):
        if call in READS and count >= least_bytes:
            asked = (file, ended)
        elif asked and call == "sendto" and file != asked[0] and count >= 64:
            took.append(ended - asked[1])
            asked = None
    return took
