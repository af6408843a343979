"""What has been used of each quota, over restarts and by all workers of a machine.

Each worker has a file of its own in the usage folder, `quota-<n>.ledger`, which it alone writes and keeps locked while
it lives: a header, then one record per quota with the tokens and the cost of its present windows, and what is reserved
for calls in flight. What is used in all is the sum over the files. A worker that begins takes over the first file that
nobody has locked and its counts with it, but not its reservations, whose calls have ended with the worker that made
them; nor do those count whose worker has said nothing for a while.

Nothing in here waits for another process. Two workers may each let a call pass that the other would have counted: no
more than the calls in flight. **Cost**: one small write per change, one small read per other worker and question; they
reach the kernel, which keeps them if the worker is killed. A worker that is alone may write the changes of a moment
together: see `settle`.

A disk that fails stops nobody: the worker goes on with what it knows and tries again every second.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
import threading
import time
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from isartor.usage.windows import PERIODS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

log = logging.getLogger("isartor.usage")

LOCK_NAME: Final = "quota.lock"
_MAGIC: Final = b"isartor-quota-1\n"
_BEAT: Final = struct.Struct("<d")
_HEAD: Final = len(_MAGIC) + _BEAT.size
# Name; per period the window's number, tokens, billionths of a dollar; reserved tokens and billionths of a dollar.
_RECORD: Final = struct.Struct("<16s9q2q")
_FILES: Final = 1024
_RECORDS: Final = 4096
# A worker says every second that it lives.
_SILENCE_SECS: Final = 10.0

NANO: Final = 1_000_000_000
"""Costs are counted in billionths of a dollar, which can be added up without an error."""


class Amount(NamedTuple):
    """Tokens, and billionths of a US dollar."""

    tokens: int = 0
    nanos: int = 0


class Account:
    """One quota, as this worker knows it."""

    __slots__ = ("_fresh", "_used", "digest", "name", "reserved", "room", "windows")

    def __init__(self, name: str) -> None:
        """Nothing has been used."""
        self.name = name
        self.digest = digest(name)
        self.windows: tuple[int, ...] = (0,) * len(PERIODS)
        self._used = [[0, 0] for _ in PERIODS]
        self._fresh = [0, 0]  # used in the present windows, and not yet added to each of them
        self.reserved = [0, 0]
        self.room: list[int] | None = None
        """How much more may be set aside before a limit has something to say, if that is known: see `Ledger.take`."""

    def in_windows(self, ids: tuple[int, ...]) -> list[list[int]]:
        """What this worker has used in those windows, begun anew where one is over."""
        tokens, nanos = self._fresh
        if tokens or nanos:
            self._fresh = [0, 0]
            for amount in self._used:
                amount[0] += tokens
                amount[1] += nanos
        if ids is not self.windows:
            for period, window in enumerate(ids):
                if self.windows[period] != window:
                    self._used[period] = [0, 0]
                    self.room = None
            self.windows = ids
        return self._used

    def reserve(self, tokens: int, nanos: int) -> None:
        """Sets aside."""
        held_back, room = self.reserved, self.room
        held_back[0] += tokens
        held_back[1] += nanos
        if room is not None:
            room[0] -= tokens
            room[1] -= nanos

    def spend(self, ids: tuple[int, ...], reserved: tuple[int, int], spent: tuple[int, int]) -> None:
        """Puts what was used in place of what was set aside."""
        if ids is not self.windows:
            self.in_windows(ids)
        (tokens, nanos), fresh, held_back, room = spent, self._fresh, self.reserved, self.room
        fresh[0] += tokens
        fresh[1] += nanos
        held_back[0] -= reserved[0]
        held_back[1] -= reserved[1]
        if room is not None:
            room[0] += reserved[0] - tokens
            room[1] += reserved[1] - nanos

    def pack(self) -> bytes:
        """The record."""
        day, week, month = self.windows
        of_day, of_week, of_month = self.in_windows(self.windows)
        return _RECORD.pack(self.digest, day, *of_day, week, *of_week, month, *of_month, *self.reserved)

    def inherit(self, numbers: tuple[int, ...]) -> None:
        """Takes over what another worker had used; what it had reserved is over."""
        latest = tuple(max(known, numbers[period * 3]) for period, known in enumerate(self.windows))
        self.room = None
        for period, amount in enumerate(self.in_windows(latest)):
            window, tokens, nanos = numbers[period * 3 : period * 3 + 3]
            if window == latest[period]:
                amount[0] += max(tokens, 0)
                amount[1] += max(nanos, 0)


class _Other(NamedTuple):
    """Another worker's file."""

    handle: int
    places: dict[bytes, int]
    lives: bool


def digest(name: str) -> bytes:
    """What stands for a name in the files."""
    return blake2b(name.encode(), digest_size=16).digest()


class Ledger:
    """All quotas, from one worker's side. Any thread may call it."""

    def __init__(self, folder: Path | None, *, clock: Callable[[], float] = time.time) -> None:
        """`folder`: where the files are; `None`: in memory, and only until this process ends."""
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._accounts: dict[str, Account] = {}
        self._places: dict[bytes, int] = {}
        """Which record of the file is whose; some are of quotas that are not configured any more."""
        self.unwritten: set[str] = set()
        """Of which quotas the file does not have all."""
        self._handle: int | None = None
        self._own: tuple[int, int] = (0, 0)
        self._others: tuple[_Other, ...] = ()
        self._open: dict[tuple[int, int], int] = {}
        self.fault = ""
        """Why the disk does not have it all; empty if it has."""

    def __repr__(self) -> str:
        """Quotas, workers and fault."""
        return f"<Ledger {len(self._accounts)} quotas, {len(self._others)} other files, {self.fault or 'well'}>"

    def open(self, names: list[str]) -> list[str]:
        """Takes a file over, or begins one, with a record for each name; returns the names that no file had before."""
        for name in names:
            self.account(name)
        fresh: list[str] = []
        if self._folder is not None:
            with self._tried():
                fresh = self._begin(self._folder)
        return [name for name in names if name in fresh]

    def peek(self) -> None:
        """Reads what all workers have written, without being one: to take a file over makes a quota a known one."""
        if self._folder is not None:
            with self._tried():
                self._look()

    def account(self, name: str) -> Account:
        """The quota of that name; a new one if there is none."""
        known = self._accounts.get(name)
        if known is None:
            known = self._accounts[name] = Account(name)
            self.unwritten.add(name)
        return known

    def used(self, account: Account, ids: tuple[int, ...]) -> tuple[list[Amount], Amount]:
        """What all workers have used in those windows, and have reserved."""
        sums, reserved = self.look(account, ids)
        return [Amount(*amount) for amount in sums], Amount(*reserved)

    def look(self, account: Account, ids: tuple[int, ...]) -> tuple[list[list[int]], list[int]]:
        """As `used`, in lists that are only to be looked at, now."""
        own = account.in_windows(ids)
        if not self._others:  # as on most machines
            return own, account.reserved
        sums = [list(amount) for amount in own]
        reserved = list(account.reserved)
        for other in self._others:
            place = other.places.get(account.digest)
            if place is None:
                continue
            with suppress(OSError, struct.error):
                _, *numbers = _RECORD.unpack(os.pread(other.handle, _RECORD.size, _offset(place)))
                for period, window in enumerate(ids):
                    if numbers[period * 3] == window:
                        sums[period][0] += max(numbers[period * 3 + 1], 0)
                        sums[period][1] += max(numbers[period * 3 + 2], 0)
                if other.lives:
                    reserved[0] += max(numbers[-2], 0)
                    reserved[1] += max(numbers[-1], 0)
        return sums, reserved

    def take(self, accounts: tuple[Account, ...], ids: tuple[int, ...], amount: tuple[int, int]) -> bool:
        """Sets an `Amount` aside in each if there is certainly room for it; otherwise somebody has to `look`.

        The usual way: this worker is alone, and no limit is near.
        """
        if self._others:
            return False
        tokens, nanos = amount
        with self._lock:
            for account in accounts:
                room = account.room
                if room is None or tokens >= room[0] or nanos >= room[1] or ids is not account.windows:
                    return False
            for account in accounts:
                account.reserve(tokens, nanos)
        return True

    def reserve(self, account: Account, amount: tuple[int, int], room: list[int] | None = None) -> None:
        """Sets an `Amount` aside for a call. `room`: how much there was before, as far as this worker sees."""
        with self._lock:
            account.room = None if self._others else room
            account.reserve(*amount)
            # Alone, nobody else looks at it; and what a process that has ended had set aside is void.
            if self._others:
                self._write(account)

    def settle(
        self,
        account: Account,
        ids: tuple[int, ...],
        reserved: tuple[int, int],
        spent: tuple[int, int],
        *,
        at_once: bool = True,
    ) -> None:
        """Puts the `Amount` that a call has really used in place of what was set aside for it.

        Unless `at_once`, and if no other worker wants to know, it is left to the caller to have it written (`write`).
        """
        with self._lock:
            account.spend(ids, reserved, spent)
            if at_once or self._others:
                self._write(account)
            else:
                self.unwritten.add(account.name)

    def add(self, account: Account, ids: tuple[int, ...], amounts: list[Amount]) -> None:
        """Adds what had been used before this quota was counted, by period."""
        with self._lock:
            account.room = None
            for amount, more in zip(account.in_windows(ids), amounts, strict=True):
                amount[0] += more.tokens
                amount[1] += more.nanos
            self._write(account)

    def write(self) -> None:
        """Writes what has not been written yet."""
        with self._tried(), self._lock:
            if self._handle is not None:
                self._write_all()

    def tick(self) -> None:
        """Says that this worker lives, looks for others, and writes what could not be written. Once a second."""
        if self._folder is None:
            return
        with self._tried():
            if self._handle is None:
                self._begin(self._folder)
            with self._lock:
                assert self._handle is not None
                os.pwrite(self._handle, _BEAT.pack(self._clock()), len(_MAGIC))
                self._write_all()
            self._look()

    def close(self) -> None:
        """Lets go of the file; its counts stay."""
        self.write()
        for handle in [*self._open.values(), *([] if self._handle is None else [self._handle])]:
            os.close(handle)
        self._open, self._others, self._handle = {}, (), None

    # -- files

    def _begin(self, folder: Path) -> list[str]:
        """Takes a file over; returns the names that no file had before."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone(), self._lock:
            handle = self._claim()
            try:
                inherited = self._records(handle)
                self._own = _identity(os.fstat(handle))
                self._look()
                known = {key for other in self._others for key in other.places} | set(inherited)
                fresh = [account.name for account in self._accounts.values() if account.digest not in known]
                self._places = {key: place for key, (place, _) in inherited.items()}
                for key, (place, numbers) in inherited.items():
                    os.pwrite(handle, _RECORD.pack(key, *numbers[:-2], 0, 0), _offset(place))
            except BaseException:
                os.close(handle)
                raise
            self._handle = handle
            for account in self._accounts.values():
                if account.digest in inherited:
                    account.inherit(inherited[account.digest][1])
                self.unwritten.add(account.name)
            self._write_all()
        return fresh

    def _claim(self) -> int:
        """Locks the first file that no living worker has."""
        for number in range(_FILES):
            path = self._path(number)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                head = os.pread(handle, _HEAD, 0)
                if len(head) < _HEAD or not head.startswith(_MAGIC):
                    if head:
                        log.warning("%s is no file of quotas and begins anew", path)
                    os.ftruncate(handle, 0)
                os.pwrite(handle, _MAGIC + _BEAT.pack(self._clock()), 0)
            except BlockingIOError:
                os.close(handle)
            except BaseException:
                os.close(handle)
                raise
            else:
                return handle
        raise OSError(f"more than {_FILES} quota files")

    def _look(self) -> None:
        """Finds the other workers' files, and reads where they have what."""
        others = []
        assert self._folder is not None
        for path in sorted(self._folder.glob("quota-*.ledger")):
            try:
                key = _identity(path.stat())
                if key == self._own:
                    continue
                handle = self._open.get(key)
                if handle is None:
                    handle = self._open[key] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                head = os.pread(handle, _HEAD, 0)
            except FileNotFoundError:
                continue
            if len(head) == _HEAD and head.startswith(_MAGIC):
                (beat,) = _BEAT.unpack_from(head, len(_MAGIC))
                places = {key: place for key, (place, _) in self._records(handle).items()}
                others.append(_Other(handle, places, lives=abs(self._clock() - beat) < _SILENCE_SECS))
        self._others = tuple(others)

    @staticmethod
    def _records(handle: int) -> dict[bytes, tuple[int, tuple[int, ...]]]:
        """All records of a file and where they are; one that was never written is none."""
        data = os.pread(handle, _RECORDS * _RECORD.size, _HEAD)
        records = _RECORD.iter_unpack(data[: len(data) - len(data) % _RECORD.size])
        return {key: (place, tuple(numbers)) for place, (key, *numbers) in enumerate(records) if any(key)}

    def _write(self, account: Account) -> None:
        if self._handle is None:
            return
        # In every call to a provider, so without a context manager.
        try:
            self._put(account)
        except OSError as error:
            self.unwritten.add(account.name)
            self._failed(error)
        else:
            if self.fault:
                self._went_well()

    def _put(self, account: Account) -> None:
        assert self._handle is not None
        place = self._places.get(account.digest)
        if place is None:
            place = self._places[account.digest] = max(self._places.values(), default=-1) + 1
        if os.pwrite(self._handle, account.pack(), _offset(place)) != _RECORD.size:
            self.unwritten.add(account.name)
        elif self.unwritten:
            self.unwritten.discard(account.name)

    def _write_all(self) -> None:
        for name in tuple(self.unwritten):
            self._put(self._accounts[name])

    def _path(self, number: int) -> Path:
        assert self._folder is not None
        return self._folder / f"quota-{number}.ledger"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only while a worker begins: two that do it at once would both take a quota for a new one."""
        assert self._folder is not None
        handle = os.open(self._folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def _tried(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._failed(error)
        else:
            if self.fault:
                self._went_well()

    def _failed(self, error: OSError) -> None:
        if not self.fault:
            log.warning("what is used of quotas is not kept in %s: %s", self._folder, error.strerror or error)
        self.fault = f"quotas are not kept on disk: {error.strerror or error}"

    def _went_well(self) -> None:
        if not self.unwritten and self._handle is not None:
            log.info("what is used of quotas is kept in %s again", self._folder)
            self.fault = ""


def _identity(about: os.stat_result) -> tuple[int, int]:
    return about.st_dev, about.st_ino


def _offset(place: int) -> int:
    return _HEAD + place * _RECORD.size
