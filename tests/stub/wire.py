"""HTTP/1.1 as the stub speaks it: reading a request, and writing a body piece by piece under backpressure."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


class Gone(Exception):
    """The peer closed the connection."""


@dataclass(slots=True)
class Incoming:
    """A request as read from the wire."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes


def parse(buffer: bytearray) -> tuple[Incoming, int] | None:
    """Return the first whole request in the buffer and its length, or None when more bytes are needed."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
    lower = {name.lower(): value for name, value in headers}
    start = end + 4
    if "chunked" in lower.get("transfer-encoding", ""):
        body = bytearray()
        while True:
            line = buffer.find(b"\r\n", start)
            if line < 0:
                return None
            size = int(bytes(buffer[start:line]).split(b";")[0], 16)
            if len(buffer) < line + 2 + size + 2:
                return None
            body += buffer[line + 2 : line + 2 + size]
            start = line + 2 + size + 2
            if size == 0:
                return Incoming(method, target, headers, bytes(body)), start
    length = int(lower.get("content-length", "0"))
    if len(buffer) < start + length:
        return None
    return Incoming(method, target, headers, bytes(buffer[start : start + length])), start + length


class Peer:
    """The writing half of a connection: waits while the peer does not read, raises `Gone` when it has left."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """Write to this transport."""
        self.transport = transport
        self.gone = False
        self._writable = asyncio.Event()
        self._writable.set()

    def pause(self) -> None:
        """Stop writing until `resume`: the peer reads slower than we write."""
        self._writable.clear()

    def resume(self) -> None:
        """Write on."""
        self._writable.set()

    def lost(self) -> None:
        """Note that the peer is gone."""
        self.gone = True
        self._writable.set()

    async def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        await self._writable.wait()
        if self.gone:
            raise Gone
        self.transport.write(data)

    async def head(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Write a status line and headers."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        await self.send(f"HTTP/1.1 {status} Stub\r\n{lines}\r\n".encode("latin-1"))

    async def chunk(self, data: bytes) -> None:
        """Write one chunk of a chunked body; empty data ends it."""
        await self.send(b"%x\r\n%s\r\n" % (len(data), data))
