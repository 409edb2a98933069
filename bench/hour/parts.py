"""What the run is made of: real processes that are started, killed, stopped and started again."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

POSTGRES = Path("/usr/lib/postgresql/15/bin")
START_MAX = 90


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def until(what, holds, seconds=START_MAX):
    patience = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > patience:
            raise TimeoutError(f"never within {seconds} s: {what}")
        time.sleep(0.02)


class Part:
    """A process with a name; it is started again on the same port."""

    def __init__(self, name, folder):
        self.name, self.folder = name, Path(folder) / name
        self.port, self.process, self.since = free_port(), None, 0.0
        self.log = open(f"{self.folder}.log", "ab")

    def spawn(self, command, **more):
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, **more)
        self.since = time.monotonic()

    def send(self, which):
        self.process.send_signal(which)

    def kill(self):
        self.send(signal.SIGKILL)
        self.process.wait()

    def end(self):
        if self.process and self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.kill()

    def rss_bytes(self):
        """Resident memory of the process; 0 where it is not there."""
        try:
            text = Path(f"/proc/{self.process.pid}/status").read_text()
        except (OSError, AttributeError):
            return 0
        found = re.search(r"VmRSS:\s+(\d+) kB", text)
        return int(found.group(1)) * 1024 if found else 0


class Postgres(Part):
    """A primary, or a standby that streams from one."""

    SETTINGS = {"shared_buffers": "128MB", "wal_keep_size": "1GB", "max_connections": 200,
                "hot_standby_feedback": "on", "unix_socket_directories": "", "max_wal_senders": 8}

    def __init__(self, name, folder, primary=None):
        super().__init__(name, folder)
        self.url = f"postgres://hour@127.0.0.1:{self.port}/postgres"
        self.folder.mkdir(mode=0o700)
        self.user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        if self.user:
            shutil.chown(self.folder, "postgres", "postgres")
        if primary is None:
            self.do("initdb", "-D", self.folder, "-U", "hour", "-A", "trust", "--locale=C", "-E", "UTF8")
        else:
            self.do("pg_basebackup", "-D", self.folder, "-d", primary.url, "-R", "-X", "stream", "-c", "fast")
        self.start()

    def do(self, program, *words):
        subprocess.run([str(POSTGRES / program), *map(str, words)], check=True, stdout=self.log,
                       stderr=self.log, cwd="/", **self.user)

    def start(self):
        words = [POSTGRES / "postgres", "-D", self.folder, "-h", "127.0.0.1", "-p", self.port]
        for name, value in self.SETTINGS.items():
            words += ["-c", f"{name}={value}"]

        def up():
            # Processes of the old life may still hold its memory for a moment.
            if self.process is None or self.process.poll() is not None:
                self.spawn(words, cwd="/", **self.user)
                time.sleep(0.1)
            ready = [str(POSTGRES / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
            return subprocess.run(ready).returncode == 0

        until(f"{self.name} answers", up)

    def sql(self, text):
        command = [str(POSTGRES / "psql"), "-X", "-q", "-A", "-t", self.url, "-c", text]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def end(self):
        if self.process and self.process.poll() is None:
            self.send(signal.SIGINT)
            self.process.wait(30)

    def rss_bytes(self):
        """Of all its processes, shared pages once."""
        total, mine = 0, {str(self.process.pid)} if self.process else set()
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                pid, rest = stat.parent.name, stat.read_text().rsplit(")", 1)[1].split()
                if pid in mine or rest[1] in mine:
                    found = re.search(r"^Pss:\s+(\d+) kB", (stat.parent / "smaps_rollup").read_text(), re.M)
                    total += int(found.group(1)) * 1024
            except (OSError, AttributeError):
                continue
        return total


class Redis(Part):
    """Keeps nothing on disk: killed, it comes back empty."""

    def __init__(self, folder):
        super().__init__("redis", folder)
        self.url = f"redis://127.0.0.1:{self.port}/"
        self.start()

    def start(self):
        self.spawn(["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly",
                    "no", "--maxmemory", "64mb", "--maxmemory-policy", "volatile-lru"])
        until("Redis answers", lambda: self.run("ping") == "PONG")

    def run(self, *words):
        command = ["redis-cli", "-p", str(self.port), *words]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()


class Server(Part):
    """A server of ours."""

    def __init__(self, name, folder, binary, settings):
        super().__init__(name, folder)
        self.folder.mkdir()
        self.metrics = free_port()
        self.command = [binary, "serve"]
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "SPORTS_EDGE_DATA_DIR": str(self.folder),
            "SPORTS_EDGE_LISTEN": f"127.0.0.1:{self.port}", "SPORTS_EDGE_LOG__LEVEL": "warn",
            "SPORTS_EDGE_METRICS_LISTEN": f"127.0.0.1:{self.metrics}",
        } | settings

    def start(self, ready):
        """Starts it, and returns once `ready` says of it that it takes requests."""
        self.spawn(self.command, env=self.environment)
        until(f"{self.name} is ready", lambda: ready(self))

    def run(self, *words):
        """Another verb of the program, on the same database."""
        ended = subprocess.run([self.command[0], *words], env=self.environment, text=True, capture_output=True)
        if ended.returncode not in (0, 3):
            raise RuntimeError(f"{words}: {ended.stdout}{ended.stderr}")
        return ended.stdout
