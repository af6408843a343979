"""Writes `usage.jsonl`: whole lines, in batches, by a thread of its own.

Every second, or once some thousand events wait, one `write` appends the batch. Workers take turns by a lock on the
file; whoever has it first cuts off what a killed one left of a line, so that no line is ever torn in the middle of the
file. Once a day the lines of days that are past keeping are left out: the rest goes into a new file that takes the old
one's place in one step, and the other workers notice that the file is another one.

A disk that fails stops nobody: the batch is kept and written again a second later; the events behind it wait in a
buffer of fixed size, and those for which there is no room are counted.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import threading
import time
from contextlib import contextmanager, suppress
from datetime import datetime  # noqa: TC003 # msgspec reads the annotation at run time
from typing import TYPE_CHECKING, Final

import msgspec

from isartor.usage.windows import DAY_SECS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from isartor._native import UsageLog
    from isartor.usage.prices import Prices

log = logging.getLogger("isartor.usage")

BATCH_SECS: Final = 1.0
_BATCH_BYTES: Final = 1 << 20
_PIECE: Final = 1 << 16
_CLOSE_SECS: Final = 5.0


class _Time(msgspec.Struct):
    """What is needed of a line to know how old it is."""

    timestamp: datetime


_time: Final = msgspec.json.Decoder(_Time).decode


class Writer:
    """The file, from one worker's side."""

    def __init__(  # noqa: PLR0913 - each is a part, all but two by name
        self,
        events: UsageLog,
        file: Path,
        *,
        prices: Prices,
        retention_days: int,
        clock: Callable[[], float] = time.time,
        before: Callable[[], None] | None = None,
        every_second: Callable[[], None] | None = None,
    ) -> None:
        """`before`, `every_second`: other work for the thread, once before its first batch and about every second."""
        self._events = events
        self._file = file
        self._prices = prices
        self._retention_days = retention_days
        self._clock = clock
        self._before = before
        self._every_second = every_second
        self._lock = threading.Lock()
        self._handle: int | None = None
        self._held = b""
        self._pruned = -1
        self._thread: threading.Thread | None = None
        self._ends = threading.Event()
        self.torn = 0
        """Lines that a killed worker had not finished."""
        self._faults: dict[str, str] = {}
        """By what could not be done: that old lines could be left out says nothing of new ones."""

    @property
    def fault(self) -> str:
        """Why events are not written; empty if they are."""
        return next(iter(self._faults.values()), "")

    def __repr__(self) -> str:
        """File and fault."""
        return f"<Writer {self._file}: {self.fault or 'well'}>"

    def start(self) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._run, name="isartor-usage", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Writes what is left and ends the thread."""
        self._ends.set()
        self._events.wake()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECS)
            if self._thread.is_alive():
                log.warning("usage of the last second is not written: %s is locked", self._file)
                return
        self.flush()
        with self._lock:
            self._drop_handle()

    def flush(self) -> bool:
        """Writes all that waits; whether it could be written."""
        with self._lock:
            while self._held or self._events.pending:
                if not self._held:
                    self._tell_prices()
                    self._held = self._events.drain(_BATCH_BYTES)
                if not self._tried("append", lambda: self._append(self._held)):
                    return False
                self._held = b""
        return True

    def prune(self) -> None:
        """Leaves out the lines of days that are past keeping, once a day."""
        today = int(self._clock()) // DAY_SECS
        if today == self._pruned:
            return
        with self._lock:
            if self._tried("prune", lambda: self._prune((today - self._retention_days) * DAY_SECS)):
                self._pruned = today

    def _run(self) -> None:
        if self._before is not None:
            self._safely(self._before)
        again = 0.0
        while not self._ends.is_set():
            self._events.wait(BATCH_SECS)
            is_written = self._safely(self.flush)
            if time.monotonic() >= again:
                again = time.monotonic() + BATCH_SECS
                self._safely(self.prune)
                if self._every_second is not None:
                    self._safely(self._every_second)
            if not is_written:
                # A full buffer would not let it wait.
                self._ends.wait(BATCH_SECS)

    @staticmethod
    def _safely(work: Callable[[], object]) -> object:
        try:
            return work()
        except Exception:
            log.exception("usage is not written for the moment")
            return False

    def _tell_prices(self) -> None:
        for provider, model in self._events.unpriced():
            rates = self._prices.of(provider, model)
            self._events.price(
                provider,
                model,
                input=rates.input,
                output=rates.output,
                cached=rates.cached,
                cache_write=rates.cache_write,
            )

    def _tried(self, what: str, work: Callable[[], None]) -> bool:
        try:
            work()
        except OSError as error:
            reason = error.strerror or str(error)
            if not self.fault:
                log.warning("usage cannot be written to %s: %s", self._file, reason)
            self._faults[what] = f"usage cannot be written to {self._file.name}: {reason}"
            return False
        if self._faults.pop(what, "") and not self._faults:
            log.info("usage is written to %s again", self._file)
        return True

    # -- the file

    def _append(self, lines: bytes) -> None:
        with self._locked() as handle:
            size = self._mend(handle)
            try:
                _write(handle, lines)
            except OSError:
                # Nothing of the batch stays, so that it can be written again as a whole.
                with suppress(OSError):
                    os.ftruncate(handle, size)
                raise

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file, for this process alone."""
        while True:
            if self._handle is None:
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
                self._handle = os.open(self._file, flags, 0o600)
            handle = self._handle
            fcntl.flock(handle, fcntl.LOCK_EX)
            if self._is_current(handle):
                break
            self._drop_handle()  # another worker has put a shorter one in its place
        try:
            yield handle
        finally:
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_UN)

    def _is_current(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), self._file.stat())
        except FileNotFoundError:
            return False

    def _drop_handle(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _mend(self, handle: int) -> int:
        """Cuts off the beginning of a line that was never finished; returns the size."""
        size = end = os.fstat(handle).st_size
        while end > 0:
            start = max(end - _PIECE, 0)
            found = os.pread(handle, end - start, start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        if end < size:
            os.ftruncate(handle, end)
            self.torn += 1
        return end

    def _prune(self, oldest: int) -> None:
        if not self._file.exists():
            return
        with self._locked() as handle:
            size = self._mend(handle)
            start = _first_since(handle, size, oldest)
            if start == 0:
                return
            other = self._file.with_name(f".{self._file.name}.{os.getpid()}")
            try:
                self._copy(handle, start, size, other)
                other.replace(self._file)
            except OSError:
                other.unlink(missing_ok=True)
                raise
        self._drop_handle()

    @staticmethod
    def _copy(handle: int, start: int, end: int, path: Path) -> None:
        new = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            while start < end and (piece := os.pread(handle, min(_BATCH_BYTES, end - start), start)):
                _write(new, piece)
                start += len(piece)
            os.fsync(new)
        finally:
            os.close(new)


def _write(handle: int, data: bytes) -> None:
    if os.write(handle, data) < len(data):
        # A file takes all of a write, or there is no room.
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _first_since(handle: int, size: int, oldest: int) -> int:
    """Where the first line begins that is not older; lines are in order, as nearly as it matters here."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        found = _line(handle, middle, size)
        if found is None or found[0] >= oldest:
            high = middle
        else:
            low = found[1]
    return low


def _line(handle: int, start: int, size: int) -> tuple[float, int] | None:
    """Time and end of the first readable line that begins at `start` or later."""
    if start > 0:
        start -= 1  # the end of a line may be just before
    is_begun = start > 0
    while start < size:
        data = os.pread(handle, _PIECE, start)
        at = 0
        if is_begun:
            at = data.find(b"\n") + 1
            if at == 0:
                start += len(data)
                continue
            is_begun = False
        while (end := data.find(b"\n", at)) >= 0:
            with suppress(msgspec.DecodeError, UnicodeDecodeError):
                return _time(data[at:end]).timestamp.timestamp(), start + end + 1
            at = end + 1
        if at == 0:
            is_begun = True  # longer than any line of ours
            at = len(data)
        start += at
    return None
