"""The thread with the model: order, sharing, limits, cancellation, ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isartor.embedding.local import LocalEmbedder, bundled, from_folder
from isartor.embedding.onnx import Vectors
from isartor.errors import BusyError, EmbeddingError, TooLongError
from tests.embedding import graphs
from tests.embedding.tokens import Tokenizer
from tests.providers.upstream import running

ROOT = Path(__file__).parents[2]


class Encoded:
    def __init__(self, count: int) -> None:
        self.ids = b"\0" * 8 * count
        self.count = count


class Slow:
    """A model that works when it is let, and remembers on what."""

    dimension = 4
    window = 8

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.began = threading.Event()
        self.seen = []

    def encode(self, text: str) -> Encoded | None:
        if "bad" in text:
            raise ValueError("bad text")
        return None if "long" in text else Encoded(3)

    def run(self, encoded: Any, *, tokens: bool = True) -> Vectors:
        self.began.set()
        assert self.gate.wait(10)
        self.seen.append(encoded)
        return Vectors(b"\0\0\x80?" * 4, b"\0" * 48 if tokens else b"")


def slow(**more: Any) -> tuple[Slow, LocalEmbedder]:
    model = Slow()
    return model, LocalEmbedder(lambda: model, name="slow", **more)


async def begun(model: Slow) -> None:
    await asyncio.to_thread(model.began.wait, 10)


@running
async def test_alone_or_together() -> None:
    """A text's vector is the same whether it comes alone or with others."""
    texts = [
        f"How many {what} fit into {count} boxes?" for what in ("apples", "ripe green pears") for count in range(8)
    ]
    alone, together = bundled(Tokenizer), bundled(Tokenizer)
    one = [await alone.read(text) for text in texts]
    all_ = await asyncio.gather(*map(together.read, texts))
    assert [(read.sentence, read.tokens) for read in one] == [(read.sentence, read.tokens) for read in all_]
    assert len({read.sentence for read in one}) == len(texts)
    assert alone.dimension == 384
    assert alone.window == 256
    await alone.close()
    await together.close()


@running
async def test_embed() -> None:
    """`embed` gives the sentence's vector, and refuses what is longer than the window."""
    embedder = bundled(Tokenizer)
    assert (embedder.name, embedder.dimension, embedder.window) == ("all-MiniLM-L6-v2", 0, 0)
    await embedder.start()
    assert (embedder.dimension, embedder.window) == (384, 256)
    found = await embedder.embed("The gate is open.")
    assert found.dimension == 384
    assert np.linalg.norm(np.frombuffer(found.sentence, "<f4")) == pytest.approx(1, abs=1e-5)
    with pytest.raises(TooLongError, match="256 tokens"):
        await embedder.embed("river " * 400)
    assert await embedder.read("river " * 400) is None
    await embedder.close()


@running
async def test_texts_in_flight_are_shared() -> None:
    """Ten who ask the same at the same time cost one run."""
    model, embedder = slow()
    asked = [asyncio.create_task(embedder.read("gate")) for _ in range(10)]
    await begun(model)
    model.gate.set()
    assert len({id(read) for read in await asyncio.gather(*asked)}) == 1
    assert len(model.seen) == 1
    await embedder.close()


@running
async def test_a_text_seen_before_is_not_embedded_twice() -> None:
    """Results are kept, the token vectors with them; a text that is too long is known as well."""
    model, embedder = slow()
    model.gate.set()
    first = await embedder.read("gate")
    assert await embedder.read("gate") is first
    assert len(first.tokens) == 48
    assert len(model.seen) == 1
    assert await embedder.read("long") is None
    assert await embedder.read("long") is None
    assert len(model.seen) == 1
    await embedder.close()


@running
async def test_without_tokens() -> None:
    """Who needs no token vectors does not pay for them."""
    model, embedder = slow(tokens=False)
    model.gate.set()
    assert (await embedder.read("gate")).tokens == b""
    await embedder.close()


@running
async def test_the_least_recently_used_goes() -> None:
    """The kept results stay within their bytes; the one not asked for longest goes first."""
    model, embedder = slow(cache_bytes=32 * 410)
    model.gate.set()
    for number in range(40):
        await embedder.read(f"{number:02}")
        await embedder.read("00")
    assert len(model.seen) == 40
    assert embedder._desk._cache._bytes <= 32 * 410
    await embedder.read("39")
    assert len(model.seen) == 40
    await embedder.read("01")
    assert len(model.seen) == 41
    await embedder.close()


@running
async def test_long_results_are_not_kept() -> None:
    """A result that takes more than its share is given and forgotten."""
    model, embedder = slow(cache_bytes=32 * 300)
    model.gate.set()
    await embedder.read("gate")
    await embedder.read("gate")
    assert len(model.seen) == 2
    await embedder.close()


@running
async def test_the_queue_is_bounded() -> None:
    """When too many wait the next one is refused at once; a text that is already waited for is not."""
    model, embedder = slow(queue=3)
    asked = [asyncio.create_task(embedder.read(f"{number}")) for number in range(3)]
    await begun(model)
    with pytest.raises(BusyError, match="3 texts"):
        await embedder.read("4")
    asked.append(asyncio.create_task(embedder.read("2")))
    await asyncio.sleep(0)
    model.gate.set()
    await asyncio.gather(*asked)
    await embedder.read("4")
    await embedder.close()


@running
async def test_a_cancelled_asker_harms_nobody() -> None:
    """One of two who wait for a text goes: the other gets it. Both go: the text is not worked on any more."""
    model, embedder = slow()
    first = asyncio.create_task(embedder.read("first"))
    await begun(model)
    stays, goes = (asyncio.create_task(embedder.read("shared")) for _ in range(2))
    dropped = [asyncio.create_task(embedder.read("dropped")) for _ in range(2)]
    await asyncio.sleep(0)
    for task in (goes, *dropped):
        task.cancel()
    await asyncio.wait([goes, *dropped])
    model.gate.set()
    assert await stays is not None
    await first
    assert goes.cancelled()
    assert len(model.seen) == 2
    assert await embedder.read("dropped") is not None
    await embedder.close()


@running
async def test_cancelled_while_it_is_worked_on() -> None:
    """A result that nobody waits for any more is kept for the next who asks."""
    model, embedder = slow()
    task = asyncio.create_task(embedder.read("gate"))
    await begun(model)
    task.cancel()
    await asyncio.wait([task])
    model.gate.set()
    await embedder.read("other")
    await embedder.read("gate")
    assert len(model.seen) == 2
    await embedder.close()


@running
async def test_a_fault_costs_its_text_only() -> None:
    """An exception from the tokenizer or the model reaches who asked; the thread goes on."""
    model, embedder = slow()
    model.gate.set()
    results = await asyncio.gather(
        *(embedder.read(text) for text in ("one", "bad", "two", "bad")), return_exceptions=True
    )
    assert [type(result).__name__ for result in results] == ["Read", "EmbeddingError", "Read", "EmbeddingError"]
    assert results[1] is not results[3]
    assert str(results[1]) == "slow: ValueError: bad text"
    await embedder.close()


@running
async def test_loading_happens_in_the_thread() -> None:
    """Nothing is loaded before the first use, and then not on the loop."""
    threads = []

    def load() -> Any:
        threads.append(threading.current_thread())
        model = Slow()
        model.gate.set()
        return model

    embedder = LocalEmbedder(load, name="slow")
    assert threads == []
    await asyncio.gather(embedder.start(), embedder.start(), embedder.read("gate"))
    await embedder.start()
    assert [thread.name for thread in threads] == ["isartor-embedding"]
    await embedder.close()
    assert not threads[0].is_alive()


@running
async def test_a_model_that_cannot_be_loaded(tmp_path: Path) -> None:
    """`start` tells why; those who ask are told as well, and a folder that is put right works later."""
    embedder = from_folder(tmp_path / "mine", Tokenizer)
    for ask in (embedder.start(), embedder.read("gate"), embedder.embed("gate")):
        with pytest.raises(EmbeddingError, match="mine: expected a folder"):
            await ask
    graphs.write(tmp_path / "mine")
    embedder._failed = None
    assert (await embedder.embed("gate")).dimension == graphs.DIMENSION
    assert embedder.name == "mine"
    await embedder.close()


@running
async def test_close_sends_away_who_waits() -> None:
    """`close` ends the thread after its present text; who waits gets an error, and so does who comes later."""
    model, embedder = slow()
    asked = [asyncio.create_task(embedder.read(f"{number}")) for number in range(3)]
    await begun(model)
    closing = asyncio.create_task(embedder.close())
    await asyncio.wait(asked)
    assert all("closed" in str(task.exception()) for task in asked)
    model.gate.set()
    await closing
    assert len(model.seen) == 1
    for ask in (embedder.read("gate"), embedder.start()):
        with pytest.raises(EmbeddingError, match="closed"):
            await ask
    await embedder.close()


def test_close_before_use() -> None:
    """An embedder that was never used closes without having made a thread."""
    _, embedder = slow()
    asyncio.run(embedder.close())
    assert embedder._thread is None


def test_a_loop_that_ends_first() -> None:
    """A loop that is closed under the thread ends it without a word."""
    model, embedder = slow()

    async def ask() -> None:
        task = asyncio.create_task(embedder.read("gate"))
        await begun(model)
        task.cancel()

    asyncio.run(ask())
    thread = embedder._thread
    model.gate.set()
    thread.join(10)
    assert not thread.is_alive()


FORKS = """
import asyncio, os, sys
from pathlib import Path
from typing import Any
from isartor.embedding.local import from_folder
from tests.embedding.tokens import Tokenizer

embedder = from_folder(Path(sys.argv[1]), Tokenizer)

async def ask():
    found = await embedder.embed("gate")
    await embedder.close()
    return found.dimension

if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or asyncio.run(ask()) != 4)
os._exit(asyncio.run(ask()) != 4)
"""


def test_made_before_a_fork(tmp_path: Path) -> None:
    """An embedder that is made before a process forks works in both."""
    graphs.write(tmp_path)
    subprocess.run([sys.executable, "-c", FORKS, str(tmp_path)], check=True, timeout=30, cwd=ROOT)
