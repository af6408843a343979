"""HTTP spoken by hand, for what no client library lets one do."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit


class Wire:
    """A bare connection."""

    def __init__(self, connection: socket.socket) -> None:
        """Talk over this socket."""
        self.socket = connection
        self._buffer = b""

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def head(self) -> tuple[int, dict[str, str]]:
        """Read a status line and the headers, names in lower case."""
        while b"\r\n\r\n" not in self._buffer:
            data = self.socket.recv(65536)
            if not data:
                msg = f"closed inside the head: {self._buffer!r}"
                raise ConnectionError(msg)
            self._buffer += data
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return int(first.split(" ")[1]), {name.lower(): value.strip() for name, _, value in pairs}

    def reply(self) -> tuple[int, dict[str, str], bytes]:
        """Read a reply whose length is given."""
        status, headers = self.head()
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            data = self.socket.recv(65536)
            if not data:
                break
            self._buffer += data
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return status, headers, body


@contextlib.contextmanager
def wire(url: str) -> Iterator[Wire]:
    """Connect."""
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
        yield Wire(connection)


def head(method: str, target: str, url: str, *lines: str) -> bytes:
    """Return a request head with a right Host unless `lines` names one."""
    given = list(lines)
    if not any(line.lower().startswith("host:") for line in given):
        given.insert(0, f"Host: {urlsplit(url).netloc}")
    return "\r\n".join([f"{method} {target} HTTP/1.1", *given, "", ""]).encode("latin-1")
