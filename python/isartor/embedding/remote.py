"""An embedder that asks a service over HTTP; how that service speaks, a `Wire` knows.

A text goes out at once while fewer than four requests are under way; what queues up meanwhile goes together as the next
batch. Every answer is checked: as many vectors as texts, the dimension as before, finite numbers, not all zero.

Vectors of two models must never be compared. So the first request, and the first after any failure, is a greeting: it
embeds the same word again, and what comes back must be what came before. A service that is replaced by another one
without a single failed request in between goes unnoticed.

A text is never cut. What a wire cannot be sure of it does not send, or does not believe; see `sidecar.py`.
"""

from __future__ import annotations

import asyncio
import math
import sys
from array import array
from collections import deque
from operator import mul
from typing import TYPE_CHECKING, Any, Final, Protocol

from isartor.embedding.desk import Cache, Desk, Job
from isartor.errors import BusyError, EmbeddingError, IsartorError, TooLongError
from isartor.ports import Embedding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isartor.ports import Service

_UNDER_WAY: Final = 4
_BATCH: Final = 16
_QUEUE: Final = 256
_CACHE_BYTES: Final = 4 * 1024 * 1024
_GREETING: Final = "isartor"
_SAME: Final = 0.99
_MOST_CHARS_PER_TOKEN: Final = 32


class RefusedError(Exception):
    """The service understood the request and refused it (400, 413, 422): one of the texts may be too long."""

    def __init__(self, status: int) -> None:
        """`status`: the HTTP status."""
        super().__init__(f"status {status}")
        self.status = status


class Wire(Protocol):
    """How one kind of service speaks."""

    @property
    def service(self) -> Service:
        """Where it is."""

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def window(self) -> int:
        """Most tokens of a text; 0 while that is not known."""

    @property
    def batch(self) -> int:
        """Most texts in one request."""

    async def greet(self) -> None:
        """Learn what the service is; called before the first text and after each failure."""

    def alone(self, text: str) -> bool:
        """Whether `text` must be a request of its own."""

    async def vectors(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector per text, as received.

        Raises `RefusedError`, `TooLongError` (for a text that is alone) and `EmbeddingError`.
        """


def surely_fits(text: str, window: int) -> bool:
    """Whether `text` fits into the window by any tokenizer: each token takes a byte, two are the special ones."""
    return len(text) + 2 <= window and len(text.encode()) + 2 <= window


class RemoteEmbedder:
    """`isartor.ports.Embedder` over a service."""

    def __init__(self, wire: Wire, *, queue: int = _QUEUE, cache_bytes: int = _CACHE_BYTES) -> None:
        """`queue`: texts that may be under way or wait; `cache_bytes`: for vectors of texts that were seen before."""
        self._wire = wire
        self._desk: Desk[Embedding] = Desk(self._begin, limit=queue, cache=Cache(cache_bytes, _size))
        self._waiting: deque[Job[Embedding]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._greeted: array[float] | None = None
        self._ready = False
        self._greeting: asyncio.Task[EmbeddingError | None] | None = None

    def __repr__(self) -> str:
        """Name, host and counts."""
        return f"<RemoteEmbedder {self.name} at {self._wire.service.host}: {self._desk!r}>"

    @property
    def name(self) -> str:
        """The model's name, as far as known."""
        return self._wire.name

    @property
    def dimension(self) -> int:
        """Numbers in a vector; 0 before the first one."""
        return 0 if self._greeted is None else len(self._greeted)

    @property
    def window(self) -> int:
        """Most tokens of a text; 0 while that is not known."""
        return self._wire.window

    async def start(self) -> None:
        """Greet the service. Raises `EmbeddingError`."""
        if self._ready:
            return
        if self._greeting is None:
            # One greeting for all: a service that hangs makes nobody wait twice.
            self._greeting = asyncio.get_running_loop().create_task(self._greet())
            self._greeting.add_done_callback(self._greeting_done)
        error = await asyncio.shield(self._greeting)
        if error is not None:
            raise type(error)(error.message)

    async def embed(self, text: str) -> Embedding:
        """See `isartor.ports.Embedder`."""
        return await self._desk.ask(text)

    async def close(self) -> None:
        """Give up what is under way and close the connections."""
        self._desk.close()
        self._waiting.clear()
        tasks: list[asyncio.Task[Any]] = [*self._tasks, *([self._greeting] if self._greeting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._wire.service.close()

    def _begin(self, job: Job[Embedding]) -> None:
        self._waiting.append(job)
        self._send()

    def _send(self) -> None:
        while len(self._tasks) < _UNDER_WAY and (jobs := self._next()):
            task = asyncio.get_running_loop().create_task(self._run(jobs))
            self._tasks.add(task)
            task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._send()

    def _next(self) -> list[Job[Embedding]]:
        jobs: list[Job[Embedding]] = []
        most = min(self._wire.batch, _BATCH)
        while self._waiting and len(jobs) < most:
            job = self._waiting[0]
            alone = self._wire.alone(job.text)
            if alone and jobs:
                break
            self._waiting.popleft()
            if not job.dropped:
                jobs.append(job)
                if alone:
                    break
        return jobs

    async def _run(self, jobs: Sequence[Job[Embedding]]) -> None:
        try:
            await self.start()
            await self._embed(jobs)
        except EmbeddingError as error:
            fault = error
        except Exception as error:  # noqa: BLE001  # those who wait must hear of it, whatever it is
            fault = EmbeddingError(f"{self.name}: {type(error).__name__}: {error}")
        else:
            return
        if type(fault) is EmbeddingError:
            self._ready = False
        for job in jobs:
            self._desk.finish(job, fault)

    async def _embed(self, jobs: Sequence[Job[Embedding]]) -> None:
        window = self.window
        for job in jobs:
            if len(job.text) > window * _MOST_CHARS_PER_TOKEN:
                self._desk.finish(job, TooLongError(f"the text has more than {window} tokens"))
        jobs = [job for job in jobs if job.waiters]
        if not jobs:
            return
        texts = [job.text for job in jobs]
        if len(jobs) > 1 and any(map(self._wire.alone, texts)):
            # The greeting has made the window smaller since these were put together.
            await self._embed_each(jobs)
            return
        try:
            answer = await self._ask(texts)
        except RefusedError as refused:
            if len(jobs) > 1:
                # One of them may be too long; it must not take the others along.
                await self._embed_each(jobs)
                return
            if not surely_fits(texts[0], window):
                raise TooLongError(f"{self._wire.service.host} refused a text (status {refused.status})") from None
            raise EmbeddingError(
                f"{self._wire.service.host}: expected a vector for {len(texts[0])} characters, got status"
                f" {refused.status}"
            ) from None
        for job, vector in zip(jobs, answer, strict=True):
            self._desk.finish(job, Embedding(_bytes(vector), len(vector)))

    async def _embed_each(self, jobs: Sequence[Job[Embedding]]) -> None:
        for job in jobs:
            try:
                await self._embed([job])
            except (TooLongError, BusyError) as refusal:
                self._desk.finish(job, refusal)

    def _greeting_done(self, _: asyncio.Task[EmbeddingError | None]) -> None:
        self._greeting = None

    async def _greet(self) -> EmbeddingError | None:
        """Make sure that the service is there and still the same. Returns what is wrong."""
        host = self._wire.service.host
        try:
            await self._wire.greet()
            (vector,) = await self._ask([_GREETING])
        except RefusedError as refused:
            return EmbeddingError(f"{host}: expected a vector for a single word, got status {refused.status}")
        except EmbeddingError as error:
            return error
        except IsartorError as error:
            return EmbeddingError(error.message)
        if self._greeted is None:
            self._greeted = vector
        elif sum(map(mul, self._greeted, vector)) < _SAME:
            return EmbeddingError(f"{host}: expected the same vectors as before, got those of another model; restart")
        self._ready = True
        return None

    async def _ask(self, texts: Sequence[str]) -> list[array[float]]:
        host = self._wire.service.host
        try:
            answer = await self._wire.vectors(texts)
        except EmbeddingError:
            raise
        except IsartorError as error:
            raise EmbeddingError(error.message) from error
        if len(answer) != len(texts):
            raise EmbeddingError(f"{host}: expected {len(texts)} vectors, got {len(answer)}")
        return [_unit(vector, host, self.dimension) for vector in answer]


def _unit(vector: list[float], host: str, dimension: int) -> array[float]:
    """`vector` with length 1."""
    if not vector or (dimension and len(vector) != dimension):
        raise EmbeddingError(f"{host}: expected a vector of {dimension or 'some'} numbers, got {len(vector)}")
    length = math.hypot(*vector)
    if not math.isfinite(length) or length < 1e-6:
        raise EmbeddingError(f"{host}: expected a vector of finite numbers, not all zero")
    return array("f", [number / length for number in vector])


def _bytes(vector: array[float]) -> bytes:
    if sys.byteorder == "big":
        vector = array("f", vector)
        vector.byteswap()
    return vector.tobytes()


def _size(embedding: Embedding) -> int:
    return len(embedding.sentence)
