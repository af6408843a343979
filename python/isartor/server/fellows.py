"""Several worker processes that act as one: what one removes, all remove; what one says of itself, it says of all.

Workers share a folder that is private to this run. In it

- `log`: one JSON line per event, each appended with a single write, so that all read them in the same order: `Here` (a
  worker begins, its cache empty), `Drop` (remove this, perhaps because it was reported as wrong), `Done` (a worker has
  removed it);
- `<worker>.json`: what a worker has counted, written anew when it changed, at most once a second. It stays when the
  worker ends, and its counts with it;
- `<worker>.lock`: locked while the worker lives. The kernel unlocks it, whatever ended the worker.

**Cost**: one read per tick, one small file per busy second; for a single worker none, there is no folder.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import tempfile
from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from isartor._native import Exact, Quarantined, Stats

log = logging.getLogger("isartor.server")

TICK_SECS: Final = 0.25
"""How often a worker reads what its fellows have written."""
MOST_RECENT: Final = 200
"""As many of the latest requests are kept."""

_TELL_SECS: Final = 1.0
# Within this time a worker that lives has read its log, unless something is very wrong with it.
_PATIENCE_SECS: Final = 3.0
_LOOK_AGAIN_SECS: Final = 0.02
# Some systems clear away temporary files that have not been touched for days.
_TOUCH_SECS: Final = 3600.0
_CHUNK: Final = 1 << 16
_KEY_DIGITS: Final = 64

_AVERAGE: Final = "average_latency_ms"
# What the semantic cache holds; the rest of its sums is what it has counted, which stays when it ends.
_INDEX: Final = frozenset({"entries", "scopes", "bytes"})


Pair = tuple[float, float]
"""What the verifier said of two questions that shared a reply: similarity and score."""


class Reports(Protocol):
    """What the semantic cache of a worker does about an answer that was wrong."""

    def quarantine(self, tenant: bytes, key: str) -> Quarantined | None:
        """Takes the entry under that key away, whatever wording the key is of."""

    def entries(self, tenant: bytes, limit: int) -> list[dict[str, Any]]:
        """Return what is stored for a tenant, newest first."""

    def report(self, pair: Pair) -> None:
        """Learns that the reply to one question of the pair was no answer to the other."""

    def sums(self) -> dict[str, Any]:
        """Return what it has counted, as numbers that may be added to those of other workers."""


class State(msgspec.Struct):
    """What a worker, or all of them together, can say of themselves."""

    born: float
    """When it began, on the machine's monotonic clock."""
    totals: dict[str, Any]
    agents: dict[str, dict[str, Any]]
    recent: list[dict[str, Any]]
    """Newest first."""
    cache: dict[str, int]
    semantic: dict[str, Any] = {}
    """Sums of the semantic cache; empty if there is none."""


class Dropped(msgspec.Struct, frozen=True):
    """What came of an invalidation."""

    removed: int
    """Entries, in all workers that have answered."""
    pending: int = 0
    """Workers that have not."""


class Here(msgspec.Struct, tag="here"):
    """A worker begins."""

    who: str


class Drop(msgspec.Struct, tag="drop"):
    """A tenant's entry is to be removed, or all of them."""

    who: str
    number: int
    tenant: bytes
    key: str | None
    report: bool = False
    """Whether a client says that the entry was a wrong answer."""


class Done(msgspec.Struct, tag="done"):
    """A worker has done what `asked` wanted with its `number`."""

    who: str
    asked: str
    number: int
    removed: int
    own_key: str | None = None
    """Of an entry that was known to this worker by another wording's key: its own."""
    pair: Pair | None = None
    """What the verifier had said of these two wordings."""


_encode: Final = msgspec.json.Encoder().encode
_decode_line: Final = msgspec.json.Decoder(Here | Drop | Done).decode
_decode_state: Final = msgspec.json.Decoder(State).decode


class Worker:
    """A worker that has no fellows."""

    def __init__(self, store: Exact, stats: Stats, reports: Reports | None = None) -> None:
        """Store and counters of this process; `reports`: its semantic cache, if there is one."""
        self._store = store
        self._stats = stats
        self._reports = reports
        self._born = monotonic()

    def state(self, limit: int) -> State:
        """What there is to say, with at most `limit` of the latest requests."""
        return self._own(limit)

    def entries(self, tenant: bytes, limit: int) -> list[dict[str, Any]] | None:
        """What this worker has stored for a tenant, newest first; `None` if it keeps no list."""
        return None if self._reports is None else self._reports.entries(tenant, limit)

    async def drop(self, tenant: bytes, key: str | None) -> Dropped:
        """Removes a tenant's entry, or all of them if `key` is `None`."""
        return Dropped(self._remove(tenant, key))

    async def report(self, tenant: bytes, key: str) -> Dropped:
        """Quarantines a tenant's entry that was a wrong answer; `key` may be that of any wording of it."""
        done = self._quarantine(tenant, key)
        self._learn(set() if done.pair is None else {done.pair})
        return Dropped(done.removed)

    def leave(self) -> None:
        """This worker ends."""

    def _own(self, limit: int) -> State:
        stats = self._stats
        semantic = {} if self._reports is None else self._reports.sums()
        return State(self._born, stats.totals(), stats.agents(), stats.recent(limit), self._store.size(), semantic)

    def _remove(self, tenant: bytes, key: str | None) -> int:
        return self._store.clear(tenant) if key is None else int(self._store.remove(tenant, key))

    def _quarantine(self, tenant: bytes, key: str) -> Done:
        """Takes an entry away; what came of it, without the names."""
        found = None if self._reports is None else self._reports.quarantine(tenant, key)
        if found is None:
            return Done("", "", 0, self._remove(tenant, key))
        return Done("", "", 0, 1, None if found.key == key else found.key, found.pair)

    def _learn(self, pairs: set[Pair]) -> None:
        if self._reports is not None:
            for pair in pairs:
                self._reports.report(pair)


class _Asked:
    """An invalidation that others have yet to do."""

    def __init__(self) -> None:
        self.waiting: set[str] = set()
        self.removed = 0
        self.own_keys: set[str] = set()
        self.pairs: set[Pair] = set()

    def take(self, done: Done) -> None:
        """Adds up what one worker has done."""
        self.waiting.discard(done.who)
        self.removed += done.removed
        if done.own_key is not None:
            self.own_keys.add(done.own_key)
        if done.pair is not None:
            self.pairs.add(done.pair)


class Fellow(Worker):
    """A worker among others."""

    def __init__(self, store: Exact, stats: Stats, folder: Path, reports: Reports | None = None) -> None:
        """Joins the workers that share `folder`."""
        super().__init__(store, stats, reports)
        self._folder = folder
        self._log = os.open(folder / "log", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._read = 0
        # Not by its process id alone: that may be given again.
        self._lock, path = tempfile.mkstemp(prefix=f"{os.getpid()}-", suffix=".lock", dir=folder)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._name = os.path.basename(path).removesuffix(".lock")  # noqa: PTH119  # mkstemp gives a str
        self._fellows: set[str] = set()
        self._is_here = False
        self._asked: dict[int, _Asked] = {}
        self._count = 0
        self._told: object = None
        self._told_at = 0.0
        self._has_warned = False
        self._append(Here(self._name))
        self.tick()

    def tick(self) -> None:
        """Does what the others ask, tells them what has changed. Call it every `TICK_SECS`."""
        try:
            self._hear()
            self._tell()
        except (OSError, msgspec.DecodeError) as error:
            # Everything else goes on; the next tick tries again.
            if not self._has_warned:
                log.warning("this worker and the others do not hear of each other: %s", error)
            self._has_warned = True

    def leave(self) -> None:
        """Writes the last counts; from now on nobody waits for this worker."""
        self._told_at = 0.0
        self.tick()
        os.close(self._lock)
        os.close(self._log)

    def state(self, limit: int) -> State:
        """What all workers together can say."""
        return merged([self._own(limit), *self._others()], limit)

    async def drop(self, tenant: bytes, key: str | None) -> Dropped:
        """Removes from all workers, and comes back when they have done so."""
        removed = self._remove(tenant, key)
        if key is not None and len(key) != _KEY_DIGITS:
            return Dropped(removed)  # nobody has such a key
        asked = await self._ask(tenant, key)
        return Dropped(removed + asked.removed, len(asked.waiting))

    async def report(self, tenant: bytes, key: str) -> Dropped:
        """Quarantines in all workers, by each key that one of them knows the entry by."""
        if len(key) != _KEY_DIGITS:
            return Dropped(0)  # nobody has such a key
        removed, hung, pairs = 0, 0, set[Pair]()
        done, todo = set[str](), {key}
        while todo:
            current = todo.pop()
            done.add(current)
            here = self._quarantine(tenant, current)
            asked = await self._ask(tenant, current, report=True)
            asked.take(here)
            removed, hung, pairs = removed + asked.removed, max(hung, len(asked.waiting)), pairs | asked.pairs
            todo |= asked.own_keys - done
        self._learn(pairs)
        return Dropped(removed, hung)

    async def _ask(self, tenant: bytes, key: str | None, *, report: bool = False) -> _Asked:
        """Has the others remove something, and comes back when they have done so or are past waiting for."""
        self._count += 1
        number, asked = self._count, _Asked()
        self._asked[number] = asked
        try:
            self._append(Drop(self._name, number, tenant, key, report))
            end = monotonic() + _PATIENCE_SECS
            while True:
                self._hear()
                asked.waiting -= self._bury(asked.waiting)
                if not asked.waiting or monotonic() > end:
                    break
                await asyncio.sleep(_LOOK_AGAIN_SECS)
        finally:
            del self._asked[number]
        if asked.waiting:
            log.warning("workers that do not answer have not removed their entries: %d", len(asked.waiting))
        return asked

    # -- the log

    def _append(self, line: Here | Drop | Done) -> None:
        os.write(self._log, _encode(line) + b"\n")

    def _hear(self) -> None:
        """Reads the lines that have come."""
        rest = b""
        while chunk := os.pread(self._log, _CHUNK, self._read + len(rest)):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                # Step by step: a line that fails is not met again.
                self._read += len(line) + 1
                self._take(_decode_line(line))

    def _take(self, line: Here | Drop | Done) -> None:
        match line:
            case Here(who) if who == self._name:
                self._is_here = True
            case Here(who):
                self._fellows.add(who)
            case Drop(who, number) if who == self._name:
                if (own := self._asked.get(number)) is not None:
                    # The order of the log makes this exact: who comes later has nothing to remove.
                    own.waiting = set(self._fellows)
            case Drop(who, number, tenant, key, report) if self._is_here:
                if report and key is not None:
                    done = self._quarantine(tenant, key)
                    done.who, done.asked, done.number = self._name, who, number
                else:
                    done = Done(self._name, who, number, self._remove(tenant, key))
                self._append(done)
            case Done(asked=asked, number=number) if asked == self._name and number in self._asked:
                self._asked[number].take(line)
            case _:
                pass

    def _bury(self, names: set[str]) -> set[str]:
        """Those of them that live no more; nobody waits for them again."""
        dead = {name for name in names if not self._lives(name)}
        self._fellows -= dead
        return dead

    def _lives(self, name: str) -> bool:
        try:
            lock = os.open(self._folder / f"{name}.lock", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    # -- the counts

    def _tell(self) -> None:
        """Writes this worker's state for the others, if it is time and there is news."""
        since = monotonic() - self._told_at
        if since < _TELL_SECS:
            return
        semantic = {} if self._reports is None else self._reports.sums()
        news = (self._stats.totals()["total_prompts"], self._store.size(), semantic)
        if news == self._told and since < _TOUCH_SECS:
            return
        path = self._folder / f"{self._name}.json"
        draft = path.with_suffix(".draft")
        draft.write_bytes(_encode(self._own(MOST_RECENT)))
        draft.replace(path)
        os.utime(self._log)
        os.utime(self._lock)
        self._told, self._told_at = news, monotonic()

    def _others(self) -> list[State]:
        states = []
        for path in self._folder.glob("*.json"):
            if path.stem != self._name:
                state = _decode_state(path.read_bytes())
                if not self._lives(path.stem):
                    state.cache = {}
                    state.semantic = {name: n for name, n in state.semantic.items() if name not in _INDEX}
                states.append(state)
        return states


def merged(states: Iterable[State], limit: int) -> State:
    """What several workers say, as if it were one."""
    totals: dict[str, Any] = {}
    agents: dict[str, dict[str, Any]] = {}
    cache: Counter[str] = Counter()
    semantic: dict[str, Any] = {}
    recent: list[dict[str, Any]] = []
    born = monotonic()
    for state in states:
        born = min(born, state.born)
        _add(totals, state.totals)
        # Averages add up by what they are averages of.
        _add(agents, {tool: {**row, _AVERAGE: row[_AVERAGE] * row["requests"]} for tool, row in state.agents.items()})
        cache.update(state.cache)
        _add(semantic, state.semantic)
        recent += state.recent
    for row in agents.values():
        row[_AVERAGE] /= max(row["requests"], 1)
    recent.sort(key=lambda answered: answered["timestamp_ms"], reverse=True)
    return State(born, totals, agents, recent[:limit], dict(cache), semantic)


def _add(sums: dict[str, Any], numbers: dict[str, Any]) -> None:
    """Adds numbers to those of the same name, at any depth."""
    for name, value in numbers.items():
        if isinstance(value, dict):
            _add(sums.setdefault(name, {}), value)
        else:
            sums[name] = sums.get(name, 0) + value
