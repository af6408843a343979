"""A provider that is faster than its client does not fill the gateway's memory."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable

from tests.wire.gateway import Gateway
from tests.wire.raw import head, wire

PIECE = b"x" * 60_000
TOTAL = 300 * 1024 * 1024
MEMORY = 100 * 1024 * 1024


class Firehose(threading.Thread):
    """An upstream that streams as fast as it is read; counts what it got rid of."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.sent = 0
        self.ended = threading.Event()

    def run(self) -> None:
        with self.listener:
            connection, _ = self.listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            delta = {"choices": [{"index": 0, "delta": {"content": PIECE.decode()}, "finish_reason": None}]}
            event = b"data: " + json.dumps(delta).encode() + b"\n\n"
            chunk = b"%x\r\n%s\r\n" % (len(event), event)
            try:
                while self.sent < TOTAL:
                    connection.sendall(chunk)
                    self.sent += len(chunk)
            except OSError:
                pass
        self.ended.set()

    def settle(self) -> int:
        """What it has got rid of, once that no longer grows."""
        while True:
            before = self.sent
            if self.ended.wait(1) or self.sent == before:
                return self.sent


def test_a_client_that_does_not_read_stops_the_provider(make_gateway: Callable[..., Gateway]) -> None:
    """Of 300 MiB for a client that reads nothing only a part leaves the provider, and it goes on when the client reads."""
    firehose = Firehose()
    firehose.start()
    gateway = make_gateway(external_llm_url=firehose.url)
    idle = gateway.memory()
    question = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "go"}]}
    content = json.dumps(question).encode()
    with wire(gateway.url) as connection:
        connection.send(head("POST", "/v1/chat/completions", gateway.url, f"Content-Length: {len(content)}") + content)
        stuck = firehose.settle()
        assert stuck < TOTAL / 3
        assert gateway.memory() - idle < MEMORY
        connection.socket.settimeout(30)
        end = time.monotonic() + 30
        while firehose.sent < stuck + 20 * len(PIECE) and time.monotonic() < end:
            assert connection.socket.recv(1 << 20)
    assert firehose.sent >= stuck + 20 * len(PIECE)
    assert firehose.ended.wait(30), "the provider's call ends with its client"
    assert firehose.sent < TOTAL
