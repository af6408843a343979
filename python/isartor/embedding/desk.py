"""Where askers wait: each text is worked on once, however many ask, and results are kept for those who come later.

Belongs to one event loop. An asker who is cancelled leaves the others waiting; when the last one has left, the job is
dropped, and whoever does the work need not begin it. What was finished is kept, the least recently used goes first.

Cost: 5 µs per text that is new, a turn of the loop included; 0.3 µs per text that is known.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from isartor.errors import BusyError, EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

CLOSED: Final = "the embedder is closed"

# One result may take this part of the cache: a few long texts must not drive out all the short ones.
_LARGEST_SHARE: Final = 32


class Job(Generic[T]):
    """One text that is being worked on, and those who wait for it."""

    __slots__ = ("dropped", "text", "waiters")

    def __init__(self, text: str) -> None:
        """Nobody waits yet."""
        self.text = text
        self.waiters: list[asyncio.Future[T | EmbeddingError]] = []
        self.dropped = False
        """Nobody waits any more."""


class Desk(Generic[T]):
    """Texts in work and texts that are done."""

    def __init__(self, begin: Callable[[Job[T]], None], *, limit: int, cache: Cache[T]) -> None:
        """`begin` takes a new job to the worker; `limit`: most texts in work at the same time."""
        self._begin = begin
        self._limit = limit
        self._cache = cache
        self._jobs: dict[str, Job[T]] = {}
        self._closed = False

    def __repr__(self) -> str:
        """How much is in work and how much is kept."""
        return f"<Desk: {len(self._jobs)} of {self._limit} in work, {self._cache!r}>"

    async def ask(self, text: str) -> T:
        """Return the result for `text`. Raises `BusyError` when it would have to wait too long."""
        known = self._cache.get(text)
        if known is not None:
            return known
        if self._closed:
            raise EmbeddingError(CLOSED)
        job = self._jobs.get(text)
        if job is None:
            if len(self._jobs) >= self._limit:
                raise BusyError(f"{self._limit} texts are waiting for their embedding already")
            job = self._jobs[text] = Job(text)
            self._begin(job)
        waiter: asyncio.Future[T | EmbeddingError] = asyncio.get_running_loop().create_future()
        job.waiters.append(waiter)
        try:
            result = await waiter
        except asyncio.CancelledError:
            self._leave(job, waiter)
            raise
        if isinstance(result, EmbeddingError):
            # Each asker gets an error of its own: a shared one would collect the traces of all.
            raise type(result)(result.message)
        return result

    def finish(self, job: Job[T], result: T | EmbeddingError) -> None:
        """Hand the result to all who wait. An error is not kept."""
        if self._jobs.get(job.text) is job:
            del self._jobs[job.text]
        if not isinstance(result, EmbeddingError):
            self._cache.put(job.text, result)
        for waiter in job.waiters:
            if not waiter.done():
                waiter.set_result(result)
        job.waiters.clear()

    def close(self) -> None:
        """Send all away who wait, and take no more."""
        self._closed = True
        for job in list(self._jobs.values()):
            job.dropped = True
            self.finish(job, EmbeddingError(CLOSED))

    def _leave(self, job: Job[T], waiter: asyncio.Future[T | EmbeddingError]) -> None:
        if waiter in job.waiters:
            job.waiters.remove(waiter)
            if not job.waiters:
                job.dropped = True
                if self._jobs.get(job.text) is job:
                    del self._jobs[job.text]


class Cache(Generic[T]):
    """Finished results, bounded by their bytes."""

    def __init__(self, max_bytes: int, size: Callable[[T], int]) -> None:
        """`size` tells the bytes of one result; its text is counted besides."""
        self._max_bytes = max_bytes
        self._size = size
        self._bytes = 0
        self._kept: OrderedDict[str, T] = OrderedDict()

    def __repr__(self) -> str:
        """How much is kept."""
        return f"{len(self._kept)} kept in {self._bytes} of {self._max_bytes} bytes"

    def get(self, text: str) -> T | None:
        """Return what is kept for `text`."""
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
        return found

    def put(self, text: str, result: T) -> None:
        """Keep a result; the oldest go where there is no room."""
        cost = self._cost(text, result)
        if cost * _LARGEST_SHARE > self._max_bytes or text in self._kept:
            return
        self._kept[text] = result
        self._bytes += cost
        while self._bytes > self._max_bytes:
            self._bytes -= self._cost(*self._kept.popitem(last=False))

    def _cost(self, text: str, result: T) -> int:
        # Four bytes at most for a character; the rest is what objects and the table take.
        return 4 * len(text) + self._size(result) + 300
