"""A file of lines that several processes append to, and that begins anew when it is full.

`requests.log` becomes `requests.log.1`, that one `requests.log.2`, and so on; the oldest goes. Whoever writes holds a
lock on a file beside it, so that lines are whole and nobody writes into a file that has been put aside.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES: Final = 10 * 1024 * 1024
"""Size above which the file is put aside."""
GENERATIONS: Final = 5
"""As many files are kept beside the current one."""

_OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class Rotating:
    """The file, from one process's side."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, generations: int = GENERATIONS) -> None:
        """Touches nothing yet."""
        self.path = path
        self._max_bytes = max_bytes
        self._generations = generations
        self._lock: int | None = None

    def append(self, lines: bytes) -> None:
        """Writes whole lines, all or none of them. Raises `OSError`."""
        with self._alone():
            handle = os.open(self.path, _OPEN, 0o600)
            try:
                size = os.fstat(handle).st_size
                if size and size + len(lines) > self._max_bytes:
                    self._rotate()
                    os.close(handle)
                    handle = os.open(self.path, _OPEN, 0o600)
                    size = 0
                if size and os.pread(handle, 1, size - 1) != b"\n":
                    lines = b"\n" + lines  # a killed process has left a part of a line
                _write(handle, size, lines)
            finally:
                os.close(handle)

    def close(self) -> None:
        """Lets go of the lock's file."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _rotate(self) -> None:
        for number in range(self._generations - 1, 0, -1):
            older = generation(self.path, number)
            if older.exists():
                older.replace(generation(self.path, number + 1))
        self.path.replace(generation(self.path, 1))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one process at a time."""
        if self._lock is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)


def generation(path: Path, number: int) -> Path:
    """The file that was put aside `number` times; 0 is the current one."""
    return path if number == 0 else path.with_name(f"{path.name}.{number}")


def _write(handle: int, size: int, lines: bytes) -> None:
    left = memoryview(lines)
    try:
        while left:
            left = left[os.write(handle, left) :]
    except OSError:
        os.ftruncate(handle, size)
        raise
