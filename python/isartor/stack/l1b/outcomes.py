"""What was right and what was wrong, kept over restarts and shared by the workers of a machine.

`~/.isartor/semantic-outcomes.jsonl` has one line per outcome: similarity, score, right or wrong, source, time, which
verifier it was and which process. Never a text, never a key. A line is appended with a single write, so that several
processes can do it at the same time. Of the file the newest 10,000 lines are read; once it has grown to about twice as
many, whoever starts next cuts it down to them. Lines that are no outcomes are skipped and counted.

A home that cannot be written to is said once; what this process learns it then knows until it ends.
"""

from __future__ import annotations

import fcntl
import logging
import math
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from isartor.stack.l1b.policy import Outcome, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

log = logging.getLogger("isartor.semantic")

FILE_NAME: Final = "semantic-outcomes.jsonl"
NEWEST: Final = 10_000
"""As many lines are read."""
# A line has about 130 bytes; one that has more than this is none of ours.
_LINE_BYTES: Final = 256


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line."""

    time: int
    """Seconds since 1970."""
    similarity: float
    right: bool
    source: Source
    model: str
    by: str
    """Which process wrote it."""
    score: float | None = None
    """None: the verifier had found a fact that differs."""

    def outcome(self) -> Outcome:
        """What it says."""
        score = -math.inf if self.score is None else self.score
        return Outcome(similarity=self.similarity, score=score, right=self.right, source=self.source)


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Line).decode


class Outcomes:
    """The file, from one process's side."""

    def __init__(self, file: Path | None, *, model: str, clock: Callable[[], float] = time.time) -> None:
        """`file`: where it is, `None` for nowhere. `model`: outcomes of other verifiers are left alone."""
        self._file = file
        self._model = model
        self._clock = clock
        self._by = os.urandom(6).hex()
        self._place: tuple[int, int] | None = None
        """Inode and offset up to which it has been read."""
        self._has_warned = False
        self.unreadable = 0

    def load(self) -> list[Outcome]:
        """The newest outcomes, oldest first. Cuts a long file down."""
        return self._tried(self._load)

    def grown(self) -> list[Outcome]:
        """What other processes have added since the last look."""
        return self._tried(self._grown)

    def add(self, outcome: Outcome) -> None:
        """Writes one down."""
        self._tried(lambda: self._add(outcome))

    def _tried(self, work: Callable[[], list[Outcome]]) -> list[Outcome]:
        if self._file is None:
            return []
        try:
            return work()
        except FileNotFoundError:
            return []
        except OSError as error:
            if not self._has_warned:
                text = "what is learned of semantic hits is not kept: %s: %s"
                log.warning(text, self._file, error.strerror or error)
            self._has_warned = True
            return []

    def _load(self) -> list[Outcome]:
        with self._open(os.O_RDWR) as handle:
            size = os.fstat(handle).st_size
            # Without reading all of a file that has grown out of hand.
            data = os.pread(handle, size, max(size - NEWEST * _LINE_BYTES, 0))
            lines = data.split(b"\n")[:-1]
            if size > len(data):
                del lines[0]  # cut
            lines = lines[-NEWEST:]
            if size > len(data):
                kept = b"".join(line + b"\n" for line in lines)
                os.pwrite(handle, kept, 0)
                os.ftruncate(handle, len(kept))
                size = len(kept)
            self._place = (os.fstat(handle).st_ino, size)
        return self._read(lines)

    def _grown(self) -> list[Outcome]:
        with self._open(os.O_RDONLY) as handle:
            about = os.fstat(handle)
            if self._place is None:
                self._place = (about.st_ino, 0)
            inode, offset = self._place
            if inode != about.st_ino or about.st_size < offset:
                # Another file, or cut down: what is in it was read before, but for what came in the last minute.
                self._place = (about.st_ino, about.st_size)
                return []
            data = os.pread(handle, about.st_size - offset, offset)
        *lines, rest = data.split(b"\n")
        self._place = (inode, offset + len(data) - len(rest))
        return self._read(lines[-NEWEST:])

    def _add(self, outcome: Outcome) -> list[Outcome]:
        assert self._file is not None
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        line = Line(
            time=int(self._clock()),
            similarity=round(outcome.similarity, 4),
            right=outcome.right,
            source=outcome.source,
            model=self._model,
            by=self._by,
            score=round(outcome.score, 4) if math.isfinite(outcome.score) else None,
        )
        with self._open(os.O_WRONLY | os.O_APPEND | os.O_CREAT) as handle:
            os.write(handle, _encode(line) + b"\n")
        return []

    @contextmanager
    def _open(self, flags: int) -> Iterator[int]:
        assert self._file is not None
        handle = os.open(self._file, flags | os.O_CLOEXEC, 0o600)
        try:
            # Only against one that cuts the file down meanwhile, which takes a moment.
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)

    def _read(self, lines: list[bytes]) -> list[Outcome]:
        found = []
        for line in lines:
            try:
                read = _decode(line)
                usable = math.isfinite(read.similarity) and (read.score is None or math.isfinite(read.score))
            except (msgspec.DecodeError, UnicodeDecodeError):
                usable = False
            if not usable:
                self.unreadable += 1
            elif read.model == self._model and read.by != self._by:
                found.append(read.outcome())
        return found
