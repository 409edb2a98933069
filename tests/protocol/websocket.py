"""Holds the server's socket against RFC 6455, by the groups of cases that the Autobahn test suite
publishes: 1 framing, 2 pings and pongs, 3 reserved bits, 4 opcodes, 5 fragments, 6 UTF-8, 7 closing,
9 limits, 10 the rest, 12 and 13 compression. That suite runs on Python 2 alone and wants a server that
echoes; ours answers a message with an operation it does not know by an `err` that names it, which
serves as the echo.

usage: websocket.py BINARY
"""

import base64
import hashlib
import itertools
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

PATIENCE_SECONDS = 60
# docs/api/live.md: text messages of up to 64 KiB.
MESSAGE_BYTES_MAX = 64 << 10
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MASK = bytes([0x37, 0xFA, 0x21, 0x3D])


def frame(opcode, payload=b"", last=True, reserved=0, masked=True):
    """A frame as a client sends it."""
    head = bytes([(0x80 if last else 0) | reserved << 4 | opcode])
    bit, size = (0x80 if masked else 0), len(payload)
    if size < 126:
        head += bytes([bit | size])
    elif size < 1 << 16:
        head += struct.pack("!BH", bit | 126, size)
    else:
        head += struct.pack("!BQ", bit | 127, size)
    if not masked:
        return head + payload
    mask = (MASK * (size // 4 + 1))[:size]
    covered = int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")
    return head + MASK + covered.to_bytes(size, "big")


def fragments(opcode, parts):
    """One message in as many frames as there are parts."""
    last = len(parts) - 1
    return [frame(opcode if at == 0 else 0, part, at == last) for at, part in enumerate(parts)]


def cut(payload, size):
    return [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]


def wish(word, size=0):
    """A message whose operation is no word of ours, with spaces behind up to a size."""
    return (b'{"op":"' + word + b'"}').ljust(size)


def echo(word):
    """What answers it."""
    return ("echo", word if isinstance(word, str) else word.decode())


class Connection:
    """A client's end of a socket, after the handshake."""

    def __init__(self, port, more=""):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{more}\r\n".encode()
        )
        self.status = self.file.readline().decode().strip()
        self.headers = {}
        while (line := self.file.readline().decode().strip()):
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        self.accepted = self.headers.get("sec-websocket-accept") == base64.b64encode(digest).decode()

    def send(self, chunks):
        try:
            for chunk in chunks:
                self.socket.sendall(chunk)
        except OSError:
            pass  # the server has hung up already: what it said stands to be read

    def next(self):
        """The next thing of interest the server says; `gone` where it hung up without a word."""
        while True:
            try:
                head = self.file.read(2)
            except OSError:
                return ("gone",)
            if len(head) < 2:
                return ("gone",)
            first, size = head
            if first & 0x70 or size & 0x80 or not first & 0x80:
                return ("broken", head)
            if size == 126:
                (size,) = struct.unpack("!H", self.file.read(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", self.file.read(8))
            payload, opcode = self.file.read(size), first & 15
            if opcode == TEXT:
                said = json.loads(payload)
                if said["t"] == "hb":
                    continue
                named = said.get("detail", "").split("`")
                return ("echo", named[1]) if named[0] == "unknown variant " else (said["t"], said.get("code"))
            if opcode == CLOSE:
                payload[2:].decode()
                return ("close", struct.unpack("!H", payload[:2])[0] if payload else None)
            if opcode == PONG:
                return ("pong", payload)
            if opcode != PING:
                return ("broken", head)

    def close(self):
        self.file.close()
        self.socket.close()


def framing():
    for at, size in enumerate([0, 125, 126, 127, 128, 65_535, 65_536], 1):
        answer = [echo("~1")] if size else [("err", "bad-request")]
        yield f"1.1.{at}", [frame(TEXT, wish(b"~1", size) if size else b"")], answer
        # Ours takes no bytes, and says so by the code for it.
        yield f"1.2.{at}", [frame(BINARY, b"\xfe" * size)], [("close", 1003)]
    whole = frame(TEXT, wish(b"~1", 65_536))
    yield "1.1.8", cut(whole, 997), [echo("~1")]
    yield "1.2.8", cut(frame(BINARY, b"\xfe" * 65_536), 997), [("close", 1003)]
    yield "1.3 not masked", [frame(TEXT, wish(b"~1"), masked=False)], [("close", 1002)]
    for name, head in {"16 for 7": b"\x81\xfe\x00\x05", "64 for 16": b"\x81\xff" + struct.pack("!Q", 300), "above 63 bits": b"\x81\xff" + b"\xff" * 8}.items():
        yield f"1.4 length in {name} bits", [head + MASK + b"x" * 300], [("close", 1002)]


def pings():
    for at, payload in enumerate([b"", b"Hello, world!", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125], 1):
        yield f"2.{at}", [frame(PING, payload)], [("pong", payload)]
    yield "2.5", [frame(PING, b"\xfe" * 126)], [("close", 1002)]
    yield "2.6", cut(frame(PING, b"\xfe" * 125), 1), [("pong", b"\xfe" * 125)]
    yield "2.7", [frame(PONG), frame(TEXT, wish(b"~1"))], [echo("~1")]
    yield "2.8", [frame(PONG, b"unasked"), frame(TEXT, wish(b"~1"))], [echo("~1")]
    yield "2.9", [frame(PONG, b"unasked"), frame(PING, b"p")], [("pong", b"p")]
    ten = [b"payload-%d" % it for it in range(10)]
    yield "2.10", [b"".join(frame(PING, it) for it in ten)], [("pong", it) for it in ten]
    yield "2.11", cut(b"".join(frame(PING, it) for it in ten), 1), [("pong", it) for it in ten]


def reserved_bits():
    for bits in range(1, 8):
        before, broken = frame(TEXT, wish(b"~1")), frame(TEXT, wish(b"~2"), reserved=bits)
        yield f"3.{bits} text", [before + broken + frame(PING)], [echo("~1"), ("close", 1002)]
        yield f"3.{bits} bytes", [frame(BINARY, b"\xff" * 8, reserved=bits)], [("close", 1002)]
        yield f"3.{bits} ping", [frame(PING, b"p", reserved=bits)], [("close", 1002)]
        yield f"3.{bits} close", [frame(CLOSE, b"\x03\xe8", reserved=bits)], [("close", 1002)]
        yield f"3.{bits} by octets", cut(before + broken, 1), [echo("~1"), ("close", 1002)]


def opcodes():
    for group, codes in [(1, range(3, 8)), (2, range(11, 16))]:
        for at, code in enumerate(codes, 1):
            before = frame(TEXT, wish(b"~1"))
            yield f"4.{group}.{at} bare", [frame(code)], [("close", 1002)]
            yield f"4.{group}.{at} loaded", [frame(code, b"reserved")], [("close", 1002)]
            yield f"4.{group}.{at} after a text", [before + frame(code, b"x") + frame(PING)], [echo("~1"), ("close", 1002)]
            yield f"4.{group}.{at} by octets", cut(before + frame(code), 1), [echo("~1"), ("close", 1002)]


def fragmented():
    whole = wish(b"~5")
    two, five = [whole[:6], whole[6:]], cut(whole.ljust(15), 3)
    yield "5.1", [b"".join(fragments(PING, [b"a", b"b"]))], [("close", 1002)]
    yield "5.2", [b"".join(fragments(PONG, [b"a", b"b"]))], [("close", 1002)]
    yield "5.3", fragments(TEXT, two), [echo("~5")]
    yield "5.4", [b"".join(fragments(TEXT, two))], [echo("~5")]
    yield "5.5", cut(b"".join(fragments(TEXT, two)), 1), [echo("~5")]
    first, second = fragments(TEXT, two)
    ping = frame(PING, b"between")
    yield "5.6", [first, ping, second], [("pong", b"between"), echo("~5")]
    yield "5.7", [first + ping + second], [("pong", b"between"), echo("~5")]
    yield "5.8", cut(first + ping + second, 1), [("pong", b"between"), echo("~5")]
    for at, (last, way) in enumerate(itertools.product([True, False], ["frames", "one piece", "octets"]), 9):
        stray = [frame(0, b"stray", last), frame(TEXT, whole)]
        chunks = {"frames": stray, "one piece": [b"".join(stray)], "octets": cut(b"".join(stray), 1)}[way]
        yield f"5.{at} stray, {way}", chunks, [("close", 1002)]
    yield "5.15", [b"".join(fragments(TEXT, two)) + frame(0, b"x", False) + frame(TEXT, whole)], [echo("~5"), ("close", 1002)]
    for at, last in [(16, False), (17, True)]:
        yield f"5.{at}", [frame(0, b"a", last) + frame(TEXT, b"b", False) + frame(0, b"c")], [("close", 1002)]
    yield "5.18", [frame(TEXT, b"a", False) + frame(TEXT, b"b")], [("close", 1002)]
    pieces = fragments(TEXT, five)
    mixed = pieces[:2] + [frame(PING, b"1")] + pieces[2:4] + [frame(PING, b"2")] + pieces[4:]
    told = [("pong", b"1"), ("pong", b"2"), echo("~5")]
    yield "5.19", mixed, told
    yield "5.20", [b"".join(mixed)], told
    yield "5.21 empty pieces", fragments(TEXT, [b"", b"", whole, b""]), [echo("~5")]
    yield "5.22 bytes in pieces", fragments(BINARY, [b"a", b"b"]), [("close", 1003)]
    yield "5.23 bytes amid a text", [first + frame(BINARY, b"x")], [("close", 1002)]


# Of each length the first and the last code point, those beside the surrogates, and some that are none.
POINTS = [0x20, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFD, 0xFFFE, 0xFFFF, 0x1_0000, 0x1_FFFE, 0xF_FFFF, 0x10_FFFD, 0x10_FFFF]
WORDS = ["Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "𝄞 a \u0301", "日本語テキスト", "שלום"]
NOT_UTF8 = {
    "a continuation alone": b"\x80", "the last continuation alone": b"\xbf", "two continuations": b"\x80\xbf",
    "all continuations": bytes(range(0x80, 0xC0)), "leads of two": b"\xc3 \xc4 ", "leads of three": b"\xe1 \xe2 ",
    "leads of four": b"\xf1 \xf2 ", "two without its last": b"\xc3", "three without its last": b"\xe2\x82",
    "four without its last": b"\xf0\x9d\x84", "four without two": b"\xf0\x9d", "several cut short": b"\xc3\xe2\x82\xf0\x9d\x84",
    "FE": b"\xfe", "FF": b"\xff", "FE FF": b"\xfe\xfe\xff\xff", "slash in two": b"\xc0\xaf", "slash in three": b"\xe0\x80\xaf",
    "slash in four": b"\xf0\x80\x80\xaf", "five bytes": b"\xf8\x88\x80\x80\x80", "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "largest overlong of two": b"\xc1\xbf", "largest overlong of three": b"\xe0\x9f\xbf", "largest overlong of four": b"\xf0\x8f\xbf\xbf",
    "zero in two": b"\xc0\x80", "zero in three": b"\xe0\x80\x80", "zero in four": b"\xf0\x80\x80\x80",
    "first high surrogate": b"\xed\xa0\x80", "last high surrogate": b"\xed\xaf\xbf", "first low surrogate": b"\xed\xb0\x80",
    "last low surrogate": b"\xed\xbf\xbf", "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80", "above the last": b"\xf4\x90\x80\x80",
    "far above the last": b"\xf7\xbf\xbf\xbf",
}


def utf8():
    for text in [f"U+{it:04X} {chr(it)}" for it in POINTS] + WORDS:
        whole = wish(text.encode())
        yield f"6.2 {ascii(text)}", [frame(TEXT, whole)], [echo(text)]
        # Pieces end amid a letter.
        yield f"6.2 {ascii(text)} by pieces of one byte", [b"".join(fragments(TEXT, cut(whole, 1)))], [echo(text)]
        yield f"6.2 {ascii(text)} by octets", cut(frame(TEXT, whole), 1), [echo(text)]
    for name, bad in NOT_UTF8.items():
        whole = wish(b"~ " + bad + b" ~")
        yield f"6.3 {name}", [frame(TEXT, whole)], [("close", 1007)]
        yield f"6.3 {name} by pieces", [b"".join(fragments(TEXT, cut(whole, 1)))], [("close", 1007)]
    yield "6.4 it is no text up to the last byte", [frame(TEXT, wish(b"~1")[:-2] + b"\xce")], [("close", 1007)]


SENT = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
NEVER_SENT = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]


def closing():
    code, text = b"\x03\xe8", frame(TEXT, wish(b"~7"))
    yield "7.1.1", [text + frame(CLOSE, code)], [echo("~7"), ("close", 1000)]
    yield "7.1.2", [frame(CLOSE, code) * 2], [("close", 1000)]
    yield "7.1.3", [frame(CLOSE, code) + frame(PING, b"late")], [("close", 1000)]
    yield "7.1.4", [frame(CLOSE, code) + text], [("close", 1000)]
    yield "7.1.5", [frame(TEXT, b"a", False) + frame(CLOSE, code) + frame(0, b"b")], [("close", 1000)]
    yield "7.1.6", [frame(TEXT, wish(b"~7", MESSAGE_BYTES_MAX)) + frame(CLOSE, code) + frame(PING)], [echo("~7"), ("close", 1000)]
    yield "7.3.1", [frame(CLOSE)], [("close", None)]
    yield "7.3.2", [frame(CLOSE, b"a")], [("close", 1002)]
    yield "7.3.3", [frame(CLOSE, code)], [("close", 1000)]
    yield "7.3.4", [frame(CLOSE, code + b"Hello World!")], [("close", 1000)]
    yield "7.3.5", [frame(CLOSE, code + b"*" * 123)], [("close", 1000)]
    yield "7.3.6", [frame(CLOSE, code + b"*" * 124)], [("close", 1002)]
    yield "7.4 in two frames", [b"".join(fragments(CLOSE, [code, b"x"]))], [("close", 1002)]
    yield "7.5.1", [frame(CLOSE, code + "κόσ".encode() + b"\xed\xa0\x80")], [("close", 1007)]
    for at, sent in enumerate(SENT, 1):
        yield f"7.7.{at}", [frame(CLOSE, struct.pack("!H", sent))], [("close", sent)]
    for at, sent in enumerate(NEVER_SENT, 1):
        yield f"7.9.{at}", [frame(CLOSE, struct.pack("!H", sent))], [("close", 1002)]
        yield f"7.9.{at} with words", [frame(CLOSE, struct.pack("!H", sent) + b"why")], [("close", 1002)]


def limits():
    most = MESSAGE_BYTES_MAX
    whole = wish(b"~9", most)
    yield "9.1 the most in one frame", [frame(TEXT, whole)], [echo("~9")]
    yield "9.1 a byte more", [frame(TEXT, wish(b"~9", most + 1))], [("close", 1009)]
    yield "9.1 a mebibyte more", [frame(TEXT, wish(b"~9", most + (1 << 20)))], [("close", 1009)]
    yield "9.2 more, by its head alone", [frame(TEXT, b" " * (most + 1))[:14]], [("close", 1009)]
    for size in [64, 256, 1_024, 4_096, 16_384, 32_768]:
        yield f"9.3 the most by frames of {size}", [b"".join(fragments(TEXT, cut(whole, size)))], [echo("~9")]
        more = cut(wish(b"~9", most + 1), size)
        yield f"9.4 a byte more by frames of {size}", [b"".join(fragments(TEXT, more))], [("close", 1009)]
    yield "9.4 without an end", [frame(TEXT, b" " * most, False) + frame(0, b" ", False)], [("close", 1009)]
    for size in [64, 256, 1_024]:
        yield f"9.5 the most, written by {size}", cut(frame(TEXT, whole), size), [echo("~9")]
    for size in [0, 16, 64, 256, 1_024]:
        many = [b"~%d" % it for it in range(200)]
        yield f"9.7 many of {size}", [b"".join(frame(TEXT, wish(it, size)) for it in many)], [echo(it) for it in many]


def the_rest():
    whole = wish(b"~10", MESSAGE_BYTES_MAX)
    yield "10.1.1", [b"".join(fragments(TEXT, cut(whole, 1_300)))], [echo("~10")]


def compressed():
    """Nothing was agreed on, so what is marked as compressed breaks the rules."""
    deflated = bytes.fromhex("f248cdc9c90700")
    yield "12.1 text", [frame(TEXT, deflated, reserved=4)], [("close", 1002)]
    yield "12.2 bytes", [frame(BINARY, deflated, reserved=4)], [("close", 1002)]
    yield "13.1 by fragments", [frame(TEXT, deflated[:3], False, 4) + frame(0, deflated[3:])], [("close", 1002)]


def run_case(port, chunks, wanted):
    """What was said in place of what is due; nothing where all is well."""
    connection = Connection(port)
    try:
        connection.send(chunks)
        told = [connection.next() for _ in wanted]
        if told != wanted:
            return told
        if wanted[-1][0] != "close":
            # It still listens, and goes when asked to.
            connection.send([frame(PING, b"there?") + frame(CLOSE, b"\x03\xe8")])
            told = [connection.next(), connection.next()]
            if told != [("pong", b"there?"), ("close", 1000)]:
                return told
        after = connection.next()
        return None if after == ("gone",) else [after]
    finally:
        connection.close()


def handshakes(port):
    """Requests, and what their answers begin with."""
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-webkit-deflate-frame\r\n"
    connection = Connection(port, offer)
    agreed = "sec-websocket-extensions" in connection.headers
    yield "12 compression is offered and not taken", connection.accepted and not agreed
    connection.send([frame(TEXT, wish(b"~12"))])
    yield "12 plain text goes on", connection.next() == echo("~12")
    connection.close()
    good = {"Connection": "keep-alive, Upgrade", "Upgrade": "WebSocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    for name, change, status in [
        ("words in other case, among others", {}, 101),
        ("another version", {"Sec-WebSocket-Version": "8"}, 426),
        ("no version", {"Sec-WebSocket-Version": None}, 426),
        ("no key", {"Sec-WebSocket-Key": None}, 400),
        ("a key that is too short", {"Sec-WebSocket-Key": "AAAA"}, 400),
        ("another origin", {"Origin": "http://elsewhere.example"}, 403),
    ]:
        lines = "".join(f"{key}: {value}\r\n" for key, value in {**good, **change}.items() if value is not None)
        with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as peer:
            peer.sendall(f"GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{lines}\r\n".encode())
            answer = peer.recv(4_096).decode(errors="replace")  # The server may have spoken already.
        yield f"handshake: {name}", answer.startswith(f"HTTP/1.1 {status} ")


GROUPS = [framing, pings, reserved_bits, opcodes, fragmented, utf8, closing, limits, the_rest, compressed]


def drive(port):
    checks = []
    for name, held in handshakes(port):
        checks.append(held)
        if not held:
            print(f"FAILED  {name}")
    for group in GROUPS:
        held = 0
        cases = list(group())
        for name, chunks, wanted in cases:
            told = run_case(port, chunks, wanted)
            held += told is None
            if told is not None:
                print(f"FAILED  {name}: {str(told)[:200]} in place of {str(wanted)[:200]}")
        print(f"{'ok    ' if held == len(cases) else 'FAILED'}  {group.__name__}: {held} of {len(cases)}")
        checks += [True] * held + [False] * (len(cases) - held)
    return checks


def started(binary, folder):
    """A server on a free port, once it is ready."""
    settings = {"SPORTS_EDGE_DATA_DIR": folder, "SPORTS_EDGE_LISTEN": "127.0.0.1:0", "SPORTS_EDGE_LOG__LEVEL": "warn"}
    server = subprocess.Popen([binary, "serve"], env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True)
    address = next(line for line in server.stdout if "http://" in line).split("http://")[1].split()[0]
    port = int(address.rstrip("/").rsplit(":", 1)[1])
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready"):
                return server, port
        except OSError:
            time.sleep(0.05)
    server.kill()
    sys.exit("the server did not get ready")


def main(binary):
    with tempfile.TemporaryDirectory() as folder:
        server, port = started(str(pathlib.Path(binary).resolve()), folder)
        try:
            checks = drive(port)
        finally:
            server.terminate()
            code = server.wait(PATIENCE_SECONDS)
    checks.append(code == 0)
    print(f"{sum(checks)} of {len(checks)} checks of the WebSocket held; the server ended with {code}")
    sys.exit(0 if all(checks) else 1)


if __name__ == "__main__":
    main(sys.argv[1])
