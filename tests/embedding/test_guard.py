"""The guard: what goes wrong costs a hit, never a request."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from isartor.embedding.guard import Guard, Guarded, GuardedReader
from isartor.errors import BusyError, EmbeddingError, TooLongError
from isartor.ports import Embedding
from tests.providers.upstream import running

FOUND = Embedding(b"\0\0\x80?", 1)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Embedder:
    name, dimension, window = "fake", 1, 8

    def __init__(self) -> None:
        self.error = None
        self.asked = 0
        self.hold = None

    async def start(self) -> None:
        pass

    async def embed(self, text: str) -> Embedding:
        self.asked += 1
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        return FOUND

    async def close(self) -> None:
        pass


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def embedder() -> Embedder:
    return Embedder()


@pytest.fixture
def guarded(embedder: Embedder, clock: Clock) -> Guarded:
    return Guarded(embedder, clock=clock)


@running
async def test_all_is_well(guarded: Guarded) -> None:
    """An embedder that works is heard, and counted."""
    assert await guarded.embed("gate") is FOUND
    assert guarded.counts.embedded == 1


@running
async def test_refusals_are_no_failures(guarded: Guarded, embedder: Embedder, caplog: pytest.LogCaptureFixture) -> None:
    """However many texts are too long or come when the queue is full, the embedder goes on being asked, in silence."""
    for error in (TooLongError("x"), BusyError("x")):
        embedder.error = error
        for _ in range(5):
            assert await guarded.embed("gate") is None
    embedder.error = None
    assert await guarded.embed("gate") is FOUND
    assert (guarded.counts.too_long, guarded.counts.busy, guarded.counts.failed) == (5, 5, 0)
    assert caplog.records == []


@pytest.mark.parametrize("error", [EmbeddingError("a: b"), RuntimeError("broken"), MemoryError()])
@running
async def test_three_failures_and_a_rest(error: Any, guarded: Guarded, embedder: Embedder, clock: Clock) -> None:
    """After three failures in a row it rests for 30 seconds, then a single text tries it."""
    embedder.error = error
    for _ in range(5):
        assert await guarded.embed("gate") is None
    assert embedder.asked == 3
    assert guarded.guard.resting
    assert (guarded.counts.failed, guarded.counts.skipped) == (3, 2)
    clock.now += 29.9
    await guarded.embed("gate")
    assert embedder.asked == 3
    clock.now += 0.2
    await guarded.embed("gate")
    await guarded.embed("gate")
    assert embedder.asked == 4
    clock.now += 31
    embedder.error = None
    assert await guarded.embed("gate") is FOUND
    assert await guarded.embed("gate") is FOUND
    assert not guarded.guard.resting


@running
async def test_a_success_between(guarded: Guarded, embedder: Embedder) -> None:
    """Two failures, a success and two failures are no reason to rest."""
    for error in (EmbeddingError("x"), EmbeddingError("x"), None) * 2 + (None,):
        embedder.error = error
        await guarded.embed("gate")
    assert embedder.asked == 7
    assert guarded.counts.skipped == 0


@running
async def test_only_one_tries(guarded: Guarded, embedder: Embedder, clock: Clock) -> None:
    """While one text tries an embedder that has rested, the others do without."""
    embedder.error = EmbeddingError("x")
    for _ in range(3):
        await guarded.embed("gate")
    clock.now += 31
    embedder.error = None
    embedder.hold = asyncio.Event()
    trial = asyncio.create_task(guarded.embed("gate"))
    await asyncio.sleep(0)
    assert await guarded.embed("gate") is None
    embedder.hold.set()
    assert await trial is FOUND
    assert await guarded.embed("gate") is FOUND


@running
async def test_a_trial_that_is_cancelled(guarded: Guarded, embedder: Embedder, clock: Clock) -> None:
    """A trial whose client leaves has found out nothing: the next text tries."""
    embedder.error = EmbeddingError("x")
    for _ in range(3):
        await guarded.embed("gate")
    clock.now += 31
    embedder.error = None
    embedder.hold = asyncio.Event()
    trial = asyncio.create_task(guarded.embed("gate"))
    await asyncio.sleep(0)
    trial.cancel()
    await asyncio.wait([trial])
    assert trial.cancelled()
    embedder.hold.set()
    assert await guarded.embed("gate") is FOUND


@running
async def test_one_line_a_minute(
    guarded: Guarded, embedder: Embedder, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The first failure is logged at once, later ones once a minute, with how many there were."""
    embedder.error = EmbeddingError("model.onnx: no such file")
    caplog.set_level(logging.INFO)
    for _ in range(200):
        await guarded.embed("gate")
        clock.now += 1
    lines = [record for record in caplog.records if record.name == "isartor.embedding"]
    assert len(lines) == 4
    assert all(record.levelno == logging.WARNING for record in lines)
    assert [record.failures for record in lines] == [1, 4, 2, 2]
    assert lines[0].embedder == "fake"
    assert lines[0].error == "model.onnx: no such file"


@running
async def test_patience(embedder: Embedder, caplog: pytest.LogCaptureFixture) -> None:
    """Who would wait too long does without: busy, and a failure once nothing has been heard for five seconds."""
    embedder.hold = asyncio.Event()
    clock = Clock()
    guarded = Guarded(embedder, patience_secs=0.01, clock=clock)
    for _ in range(4):
        assert await guarded.embed("gate") is None
    assert (guarded.counts.busy, guarded.counts.failed, guarded.guard.resting) == (4, 0, False)
    clock.now += 5
    assert await guarded.embed("gate") is None
    assert guarded.counts.failed == 1
    assert caplog.records[0].error == "it took too long"


@running
async def test_a_reader(clock: Clock) -> None:
    """The same holds for reading tokens: nothing comes back for a text that is too long."""

    class Reader:
        async def read(self, text: str) -> Any:
            return None if text == "long" else text

    guarded = GuardedReader(Reader(), "fake", clock=clock)
    assert await guarded.read("gate") == "gate"
    assert await guarded.read("long") is None
    assert (guarded.counts.embedded, guarded.counts.too_long) == (1, 1)


@running
async def test_cancellation_passes(embedder: Embedder) -> None:
    """A client that leaves is no failure of the embedder."""
    embedder.hold = asyncio.Event()
    guard = Guard("fake")
    task = asyncio.create_task(guard.call(embedder.embed, "gate"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert guard.counts.failed == 0
