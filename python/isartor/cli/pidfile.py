"""The pid file: which process is the running gateway.

The file holds the number alone, so that `kill $(cat ~/.isartor/isartor.pid)` works. Its owner keeps it locked: a file
that nobody holds is left over from a crash, however many processes have had its number since.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_BYTES: Final = 32


class Running(msgspec.Struct, frozen=True):
    """The gateway that holds the file."""

    pid: int


def running(path: Path) -> Running | None:
    """The gateway that holds `path`; `None` if there is none or the file is left over. Raises `OSError`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if _lock(descriptor, fcntl.LOCK_SH) is True:
            return None
        text = os.read(descriptor, _MOST_BYTES).strip()
    finally:
        os.close(descriptor)
    pid = int(text) if text.isdigit() else 0
    return Running(pid) if pid > 1 and alive(pid) else None


def alive(pid: int) -> bool:
    """Whether a process of this number exists and has not ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123 # no path to work on
        # A zombie has ended; its parent just has not asked. The state follows the name in brackets.
        return not stat.read().rpartition(b") ")[2].startswith(b"Z")
    return True


@contextlib.contextmanager
def held(path: Path) -> Iterator[Running | None]:
    """Hold `path` with this process's number, and remove it at the end.

    Gives the gateway that holds it already, which then keeps it; else `None`. Raises `OSError` if it cannot be written.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    # A lock without a living owner is held by workers that outlived a killed gateway: the file is free all the same.
    other = running(path) if _lock(descriptor, fcntl.LOCK_EX) is False else None
    try:
        if other is None:
            os.fchmod(descriptor, 0o600)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield other
    finally:
        if other is None:
            with contextlib.suppress(OSError):
                path.unlink()
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> bool | None:
    """Whether the lock could be had; `None` on a file system that has no locks."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
