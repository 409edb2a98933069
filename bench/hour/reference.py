"""What was written, and what a reader must therefore see.

Every thing that is watched has one writer, which writes versions 1, 2, 3 … of it and goes on only when
the last is acknowledged. A read is right when it shows a version between the newest one it must see
and the newest one that was sent before it was answered.
"""

import threading
import time
from bisect import bisect_right
from dataclasses import dataclass

# How far behind another server's write a read without a position may be while Redis is away.
BEHIND_MAX = 0.25


@dataclass
class Write:
    """One version: when it was first sent, when, by whom and with which position it was acknowledged."""

    value: object
    sent: float
    done: float = float("inf")
    server: str = ""
    position: int = 0


@dataclass
class Read:
    """What a reader asked, and when it sent the request that was answered."""

    what: tuple
    server: str
    position: int
    asked: float


class Reference:
    """All versions of all things, and the reads that did not fit them."""

    def __init__(self):
        self.lock = threading.Lock()
        self.of = {}
        self.wrong, self.behind, self.judged = [], [], 0

    def begin(self, what, value):
        """A version is about to be sent. Version 0 is what was there before."""
        with self.lock:
            now = time.monotonic()
            self.of.setdefault(what, []).append(Write(value, now))
            return len(self.of[what]) - 1

    def done(self, what, version, server, position):
        with self.lock:
            write = self.of[what][version]
            write.done, write.server, write.position = time.monotonic(), server, position

    def newest(self, what):
        """The last acknowledged value."""
        with self.lock:
            return next(it.value for it in reversed(self.of[what]) if it.done < float("inf"))

    def judge(self, read, seen, answered):
        """Holds what was seen against what had to be."""
        with self.lock:
            writes = list(self.of[read.what])
        self.judged += 1
        last = bisect_right(writes, answered, key=lambda it: it.sent)
        due = [at for at, it in enumerate(writes) if it.done < read.asked]
        soft = max(due, default=0)
        strict = max((at for at in due if self.must(writes[at], read)), default=0)
        at = next((at for at in range(last - 1, -1, -1) if writes[at].value == seen), None)
        if at is not None and at >= soft:
            return
        late = read.asked - writes[at + 1].done if at is not None and at + 1 < len(writes) else None
        record = (time.monotonic(), read, seen, [writes[it].value for it in (strict, soft)], late)
        (self.behind if at is not None and at >= strict else self.wrong).append(record)

    @staticmethod
    def must(write, read):
        return (write.server == read.server or write.position <= read.position
                or write.done < read.asked - BEHIND_MAX)
