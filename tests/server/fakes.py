"""Stand-ins for Granian's objects."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from isartor.ports import Headers

HOST = ("host", "127.0.0.1:8080")
CLIENT = "192.0.2.1:9"
"""An address from which nobody is connected."""


class FakeHeaders:
    """Header lines as Granian gives them."""

    def __init__(self, lines: Headers) -> None:
        """`lines`: names in lower case."""
        self._lines = lines

    def items(self) -> Headers:
        """All lines."""
        return list(self._lines)


class FakeScope:
    """What a request's head says."""

    def __init__(self, method: str, target: str, headers: Headers) -> None:
        """`target`: path and query."""
        self.method = method
        self.client = CLIENT
        self.path, _, self.query_string = target.partition("?")
        self.headers = FakeHeaders([HOST, *headers])


class FakeTransport:
    """A stream on its way out."""

    def __init__(self, pieces: list[bytes]) -> None:
        """`pieces`: where they go."""
        self._pieces = pieces

    async def send_bytes(self, piece: bytes) -> None:
        """Send one piece."""
        self._pieces.append(piece)


class FakeProto:
    """One request's connection: takes the reply."""

    def __init__(self, body: bytes = b"") -> None:
        """`body`: what the client sends."""
        self._body = body
        self.replies = 0
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.pieces: list[bytes] = []

    async def __call__(self) -> bytes:
        """Read the whole body."""
        return self._body

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Read the body in pieces."""
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        yield self._body

    async def client_disconnect(self) -> None:
        """Never: this client stays."""
        import asyncio

        await asyncio.Event().wait()

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        """Take a whole reply."""
        self.replies += 1
        self.status, self.headers, self.body = status, dict(headers), body

    def response_stream(self, status: int, headers: Headers) -> FakeTransport:
        """Take a stream."""
        self.replies += 1
        self.status, self.headers = status, dict(headers)
        return FakeTransport(self.pieces)

    @property
    def json(self) -> Any:
        """The reply's body."""
        return json.loads(self.body)
