"""Backpressure towards a client that reads slowly.

Granian takes every piece of a stream at once and keeps what the client has not read yet: its `send_bytes` never waits.
A fast provider and a stalled client would fill the memory. So, once a stream has grown past what any chat needs, the
kernel is asked how much of it still waits in the client's socket, and the next piece waits until that is little. The
provider's side then waits too (`stack.flights`).

The socket is found by the client's address. Where that fails (a Unix socket, an unknown platform) nothing waits.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
from contextlib import suppress
from time import monotonic
from typing import Final

# Bytes that are written without looking.
_UNSEEN: Final = 256 * 1024
# Bytes that may wait in the socket when the next piece is written.
_WAITING: Final = 128 * 1024
_LOOK_AGAIN_SECS: Final = 0.005
STALL_SECS: Final = 120.0
"""How long a client may take nothing before its stream is given up."""

_LINUX: Final = sys.platform == "linux"
_FOLDER: Final = "/proc/self/fd" if _LINUX else "/dev/fd"
_SO_NWRITE: Final = 0x1024  # macOS: bytes in the send buffer


class StalledError(Exception):
    """The client has taken nothing for too long, or its connection is gone."""


class Drain:
    """Waits for one client to take what was written to it."""

    __slots__ = ("_fd", "_peer", "_unseen")

    def __init__(self, client: str) -> None:
        """`client`: its address as Granian tells it, `host:port`."""
        self._peer = client
        self._fd: int | None = None
        self._unseen = 0

    async def after(self, size: int) -> None:
        """Call after `size` more bytes were written. Raises `StalledError`."""
        self._unseen += size
        if self._unseen < _UNSEEN:
            return
        self._unseen = 0
        # Granian's own thread moves the pieces into the socket; give it the time to.
        await asyncio.sleep(_LOOK_AGAIN_SECS / 5)
        last, since = -1, monotonic()
        while (waiting := self._waiting()) > _WAITING:
            if waiting != last:
                last, since = waiting, monotonic()
            elif monotonic() - since > STALL_SECS:
                raise StalledError
            await asyncio.sleep(_LOOK_AGAIN_SECS)

    def _waiting(self) -> int:
        """Bytes that the client's socket still holds; 0 if nobody knows."""
        if self._fd is None:
            self._fd = _find(self._peer)
        elif not _is_peer(self._fd, self._peer):
            # Its connection was here and is not any more. A fast provider would be read to its end for nobody.
            raise StalledError
        return 0 if self._fd is None else _queued(self._fd)


def _find(peer: str) -> int | None:
    with suppress(OSError):
        for name in os.listdir(_FOLDER):  # noqa: PTH208  # names are all that is wanted
            if name.isdecimal() and _is_peer(int(name), peer):
                return int(name)
    return None


def _is_peer(fd: int, peer: str) -> bool:
    try:
        connection = socket.socket(fileno=fd)
    except OSError:
        return False
    try:
        address = connection.getpeername()
    except OSError:
        return False
    finally:
        # The descriptor is Granian's: it is looked at, not closed.
        connection.detach()
    return isinstance(address, tuple) and peer in {f"{address[0]}:{address[1]}", f"[{address[0]}]:{address[1]}"}


def _queued(fd: int) -> int:
    try:
        if _LINUX:
            import fcntl
            import termios

            return int(struct.unpack("i", fcntl.ioctl(fd, termios.TIOCOUTQ, b"\0\0\0\0"))[0])
        connection = socket.socket(fileno=fd)
        try:
            return connection.getsockopt(socket.SOL_SOCKET, _SO_NWRITE)
        finally:
            connection.detach()
    except OSError:
        return 0
