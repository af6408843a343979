"""Numbers that the workers of a machine share: one file, changed under its lock.

A share of the limit for each worker would be simpler, but a client with one connection always meets the same worker and
would get a fraction of what it may have. Nobody waits under the lock, and the kernel opens it if its holder dies.
**Cost**: four system calls for a change, one for a look; with a single worker none.

A file that cannot be used stops nobody: the worker goes on with the numbers that it knows.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger("isartor.stack")

FILE_NAME: Final = "rates"

_NUMBER: Final = struct.Struct("<d")


class Cells(Protocol):
    """Numbers by their place; 0 at first."""

    def look(self, place: int) -> float:
        """The number at a place."""

    def change(self, place: int, how: Callable[[float], float]) -> None:
        """Puts what `how` makes of the number in its place; nobody else changes it meanwhile."""


class Memory:
    """The numbers of a single worker."""

    def __init__(self, count: int) -> None:
        """`count`: how many."""
        self._numbers = [0.0] * count

    def look(self, place: int) -> float:
        """See `Cells`."""
        return self._numbers[place]

    def change(self, place: int, how: Callable[[float], float]) -> None:
        """See `Cells`."""
        self._numbers[place] = how(self._numbers[place])


class Shared:
    """The numbers of several workers."""

    def __init__(self, count: int, folder: Path) -> None:
        """`folder`: private to this run, so that the clock of all is the same. Raises `OSError`."""
        self._numbers = [0.0] * count
        self._well = True
        self._file = os.open(folder / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def look(self, place: int) -> float:
        """See `Cells`."""
        try:
            self._read(place)
        except OSError as error:
            self._fault(error)
        return self._numbers[place]

    def change(self, place: int, how: Callable[[float], float]) -> None:
        """See `Cells`."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self._read(place)
        except OSError as error:
            self._fault(error)
        self._numbers[place] = how(self._numbers[place])
        try:
            os.pwrite(self._file, _NUMBER.pack(self._numbers[place]), place * _NUMBER.size)
        except OSError as error:
            self._fault(error)
        finally:
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Lets go of the file."""
        os.close(self._file)

    def _read(self, place: int) -> None:
        data = os.pread(self._file, _NUMBER.size, place * _NUMBER.size)
        if len(data) == _NUMBER.size:  # shorter: nobody has written yet
            (self._numbers[place],) = _NUMBER.unpack(data)

    def _fault(self, error: OSError) -> None:
        if self._well:
            self._well = False
            log.warning("rate limits are not shared between workers: %s", error.strerror or error)
