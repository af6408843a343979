"""Requests at a fixed rate, whether or not those before have been answered.

`python -m benches.open_loop --port N --rate N --secs N --hits N --start N` sends `rate` requests a second: of every
`hits` + 1 the last is one that nobody has sent before, the others are the same each time (which is asked for once
before, so that it is a hit). A request's time begins when it was due, not when a connection was free: what waits
because the server is late counts as the server's. It prints one line of JSON: replies by layer, times in milliseconds.

One thread around `select`, whose time limit has microseconds (those of `epoll` and of the event loops have
milliseconds).
"""

import argparse
import selectors
import socket
import sys
import time
from collections import deque
from typing import Final

import msgspec

from benches import client, fixtures

CONNECTIONS: Final = 64
LATE_SECS: Final = 10.0


class Times(msgspec.Struct, frozen=True):
    """What one run saw."""

    sent: int
    hits: int
    misses: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class Line:
    """One connection: idle, or waiting for the reply to a request that was due at `due`."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self.data = b""

    def send(self, request: bytes, due: float) -> None:
        """Send a request."""
        self.due = due
        self.data = b""
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """The head of the reply once it is there as a whole."""
        data = self.socket.recv(1 << 16)
        if not data:
            msg = "the server closed a connection"
            raise ConnectionError(msg)
        self.data += data
        head, end, body = self.data.partition(b"\r\n\r\n")
        if not end:
            return None
        length = int(head.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
        return head if len(body) >= length else None


def run(port: int, rate: int, secs: int, hits: int, start: int) -> Times:
    """Send and wait for all replies."""
    once, head = fixtures.SMALL, [f"POST {client.PATH} HTTP/1.1", f"host: 127.0.0.1:{port}"]
    head += [f"{name}: {value}" for name, value in client.HEADERS.items()]

    def request(body: bytes) -> bytes:
        return "\r\n".join([*head, f"content-length: {len(body)}"]).encode() + b"\r\n\r\n" + body

    again = request(once)
    client.post(port, once)
    idle = [Line(port) for _ in range(CONNECTIONS)]
    selector = selectors.SelectSelector()
    for each in idle:
        selector.register(each.socket, selectors.EVENT_READ, each)
    waiting: deque[tuple[bytes, float]] = deque()
    times: list[float] = []
    layers = {b"l1a": 0, b"l3": 0}
    count, sent, began = rate * secs, 0, time.perf_counter()
    while len(times) < count:
        now = time.perf_counter()
        while sent < count and began + sent / rate <= now:
            is_hit = sent % (hits + 1) < hits
            body = again if is_hit else request(fixtures.numbered(fixtures.DISTINCT, start + sent))
            waiting.append((body, began + sent / rate))
            sent += 1
        while waiting and idle:
            idle.pop().send(*waiting.popleft())
        due = began + sent / rate if sent < count else began + secs + LATE_SECS
        for key, _ in selector.select(max(due - time.perf_counter(), 0.0)):
            line: Line = key.data
            reply = line.receive()
            if reply is None:
                continue
            times.append((time.perf_counter() - line.due) * 1e3)
            if not reply.startswith(b"HTTP/1.1 200"):
                msg = f"not answered: {reply!r}"
                raise ConnectionError(msg)
            layers[reply.partition(b"x-isartor-layer: ")[2].partition(b"\r\n")[0]] += 1
            idle.append(line)
        if time.perf_counter() > began + secs + LATE_SECS:
            msg = f"{count - len(times)} requests were not answered"
            raise ConnectionError(msg)
    times.sort()
    at = [times[int((count - 1) * part)] for part in (0.5, 0.99, 1.0)]
    return Times(count, layers[b"l1a"], layers[b"l3"], *at)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("port", "rate", "secs", "hits", "start"):
        parser.add_argument(f"--{name}", type=int, required=True)
    args = parser.parse_args()
    times = run(args.port, args.rate, args.secs, args.hits, args.start)
    sys.stdout.write(msgspec.json.encode(times).decode() + "\n")


if __name__ == "__main__":
    main()
