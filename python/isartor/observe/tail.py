"""Reads logs from their end: the last lines, and what comes after them, also when the file is put aside or cut."""

from __future__ import annotations

import codecs
import os
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Final

from isartor.observe.rotating import GENERATIONS, generation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK: Final = 64 * 1024


def last_lines(path: Path, count: int, *, since: int = 0, until: int | None = None) -> list[str]:
    """The last `count` lines that lie between two offsets; the file is read from its end. Raises `OSError`."""
    with path.open("rb") as file:
        return _last_lines(file, count, since, until)


def _last_lines(file: BinaryIO, count: int, since: int, until: int | None) -> list[str]:
    position = file.seek(0, 2) if until is None else until
    tail: list[bytes] = []
    found = 0
    while position > since and found <= count:
        step = min(_BLOCK, position - since)
        position -= step
        file.seek(position)
        tail.append(file.read(step))
        found += tail[-1].count(b"\n")
    # Not `splitlines`: what Unicode calls a line end may stand inside a line.
    lines = b"".join(reversed(tail)).decode(errors="replace").split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines[-count:]] if count else []


class Follower:
    """What is appended to a log from now on."""

    def __init__(self, path: Path) -> None:
        """Opens the file. Raises `OSError`."""
        self._path = path
        self._file: BinaryIO | None = path.open("rb")
        self._position = self._file.seek(0, 2)
        # A character may be cut by the end of a block.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def lines(self, count: int) -> list[str]:
        """The last lines that are there already; if the file has just been begun, also those of the one before."""
        assert self._file is not None
        found = _last_lines(self._file, count, 0, self._position)
        if len(found) < count:
            with suppress(OSError):  # there may be none
                found = last_lines(generation(self._path, 1), count - len(found)) + found
        return found

    def read(self) -> Iterator[str]:
        """What has come since the last time. Raises `OSError` if the file cannot be read."""
        if self._file is not None:
            yield from self._rest(self._file)
            if self._is_current(self._file):
                return
            yield from self._rest(self._file)  # written between the two looks
            for path in self._later(self._file):
                with path.open("rb") as file:
                    yield from self._whole(file)
            self._file.close()
            self._file = None
        try:
            self._file = self._path.open("rb")
        except FileNotFoundError:
            return
        self._position = 0
        yield from self._rest(self._file)

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()

    def _rest(self, file: BinaryIO) -> Iterator[str]:
        size = os.fstat(file.fileno()).st_size
        if size < self._position:
            # It has been cut: begin anew.
            self._position = 0
            self._decoder.reset()
        file.seek(self._position)
        while block := file.read(_BLOCK):
            self._position += len(block)
            yield self._decoder.decode(block)

    def _whole(self, file: BinaryIO) -> Iterator[str]:
        while block := file.read(_BLOCK):
            yield self._decoder.decode(block)

    def _is_current(self, file: BinaryIO) -> bool:
        try:
            about = self._path.stat()
        except FileNotFoundError:
            # Put aside, and nothing has been written since.
            return True
        return os.path.samestat(about, os.fstat(file.fileno()))

    def _later(self, file: BinaryIO) -> list[Path]:
        """The files that were put aside after this one, oldest first."""
        own = os.fstat(file.fileno())
        for number in range(1, GENERATIONS + 1):
            try:
                about = generation(self._path, number).stat()
            except FileNotFoundError:
                break
            if os.path.samestat(about, own):
                return [generation(self._path, later) for later in range(number - 1, 0, -1)]
        return []
