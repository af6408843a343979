"""`Engine`: what is loaded, in which order questions are read, and what is said when it cannot be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from isartor.embedding.local import Read
from isartor.errors import EmbeddingError, TooLongError
from isartor.ports import Embedding
from isartor.stack.l1b import calibration, engine
from isartor.stack.l1b.calibration import Calibration, Fit, digest_of
from isartor.stack.l1b.engine import Engine, Files
from tests.stack.fakes import run

SHIPPED = Calibration(slope=1.0, intercept=0.0)


class FakeReader:
    """The bundled model."""

    name = "bundled"
    dimension = 2
    window = 8

    def __init__(self, fault: str | None = None) -> None:
        """`fault`: why it cannot be loaded."""
        self.fault = fault
        self.closed = 0

    async def start(self) -> None:
        if self.fault is not None:
            raise EmbeddingError(self.fault)

    async def read(self, text: str) -> Read | None:
        if text == "fault":
            raise EmbeddingError(text)
        return None if text == "long" else Read(cast("Any", None), b"read " + text.encode(), b"")

    async def close(self) -> None:
        self.closed += 1


class FakeSearch(FakeReader):
    """An embedder of the user's own."""

    name = "own"
    dimension = 3

    async def embed(self, text: str) -> Embedding:
        if text == "long there":
            raise TooLongError(text)
        return Embedding(b"found " + text.encode(), 3)


class FakeVerifier:
    """Reads a question as its text."""

    def __init__(self, *, lexicon: bytes, weights: bytes) -> None:
        if weights != b"weights":
            raise ValueError("no magic")

    def read(self, text: str, encoded: Any, sentence: bytes, tokens: bytes) -> str:
        assert sentence == b"read " + text.encode()
        return text


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with everything in it."""
    (tmp_path / "lexicon.bin").write_bytes(b"lexicon")
    (tmp_path / "verifier.bin").write_bytes(b"weights")
    calibration.write(tmp_path / "calibration.json", SHIPPED)
    yield tmp_path


def made(folder: Path, search: Any = None, own: Path | None = None, *, remote: bool = False) -> Engine:
    files = Files(folder, own)
    return Engine(cast("Any", FakeReader()), search, files, remote=remote, verifier=cast("Any", FakeVerifier))


def test_one_model_reads_for_search_and_verdict(folder: Path) -> None:
    """The bundled model's vector is what is searched; a text that is too long, or a fault, gives nothing."""

    async def test() -> None:
        made_of = made(folder)
        assert await made_of.read("x") is None
        loaded = await made_of.load()
        assert loaded is not None
        assert (made_of.state, made_of.dimension, loaded.model) == ("active", 2, digest_of(b"lexicon", b"weights"))
        found = await made_of.read("x")
        assert found is not None
        assert (found.question, found.embedding) == ("x", b"read x")
        assert await made_of.read("long") is None
        assert await made_of.read("fault") is None
        assert (made_of.counts[0].too_long, made_of.counts[0].failed) == (1, 1)

    run(test)


def test_two_models_read_the_same_question(folder: Path) -> None:
    """The search's vector is its own, the verifier's question the bundled model's; both have to have one."""

    async def test() -> None:
        search = FakeSearch()
        made_of = made(folder, search)
        await made_of.load()
        assert made_of.dimension == 3
        found = await made_of.read("x")
        assert found is not None
        assert (found.question, found.embedding) == ("x", b"found x")
        for text in ("long", "long there", "fault"):
            assert await made_of.read(text) is None
        await made_of.close()
        assert search.closed == 1

    run(test)


def test_comparing_replies_is_not_counted_with_the_questions(folder: Path) -> None:
    """An audit's texts are no questions, and a fault with them is no fault of a request."""

    async def test() -> None:
        made_of = made(folder)
        await made_of.load()
        assert await made_of.embed("x") == b"read x"
        assert await made_of.embed("long") is None
        assert await made_of.embed("fault") is None
        assert (made_of.counts[0].embedded, made_of.counts[0].too_long, made_of.counts[0].failed) == (0, 0, 0)

    run(test)


@pytest.mark.parametrize("name", ["lexicon.bin", "verifier.bin", "calibration.json"])
def test_a_missing_file_is_named_once(folder: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """One line with its path; the gateway goes on without L1b."""

    async def test() -> None:
        (folder / name).unlink()
        made_of = made(folder)
        assert await made_of.load() is None
        assert made_of.state == f"unavailable: {folder / name}: cannot be read: No such file or directory"

    with caplog.at_level(logging.INFO):
        run(test)
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("name", "said"), [("verifier.bin", "the verifier's weights"), ("calibration.json", "slope")])
def test_a_wrong_file_is_named(folder: Path, name: str, said: str) -> None:
    """What is there and no such file is told with what was expected."""

    async def test() -> None:
        (folder / name).write_bytes(b"garbage")
        made_of = made(folder)
        assert await made_of.load() is None
        assert made_of.state.startswith(f"unavailable: {folder / name}: expected ")
        assert said in made_of.state
        assert "\n" not in made_of.state

    run(test)


def test_a_service_that_comes_up_later_is_found(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again and again, said once for each reason; a folder is not tried again."""
    monkeypatch.setattr(engine, "RETRY_SECS", 0)

    async def test() -> None:
        search = FakeSearch("tei:80: nobody there")
        made_of = made(folder, search, remote=True)
        task = asyncio.ensure_future(made_of.load())
        while made_of.state == "loading":
            await asyncio.sleep(0.001)
        assert made_of.state == "unavailable: tei:80: nobody there"
        await asyncio.sleep(0.02)
        search.fault = None
        assert await task is not None
        assert made_of.state == "active"
        own = made(folder, FakeSearch("/m: expected a folder"))
        assert await own.load() is None

    with caplog.at_level(logging.ERROR):
        run(test)
    assert len(caplog.records) == 2


def test_the_users_own_calibration_counts_if_it_fits(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One for this verifier replaces the shipped line; any other is said and left alone; none is fine."""
    own = folder / "own.json"
    right = digest_of(b"lexicon", b"weights")

    def line(content: str | None) -> Fit:
        found: list[Fit] = []
        own.unlink(missing_ok=True)
        if content is not None:
            own.write_text(content)

        async def test() -> None:
            loaded = await made(folder, own=own).load()
            assert loaded is not None
            found.append(loaded.line)

        run(test)
        return found[0]

    with caplog.at_level(logging.WARNING):
        assert line(None) == SHIPPED.fit
        assert line(f'{{"slope": 2, "intercept": 1, "model": "{right}"}}') == Fit(2, 1)
        assert caplog.records == []
        assert line('{"slope": 2, "intercept": 1, "model": "0"}') == SHIPPED.fit
        assert line("garbage") == SHIPPED.fit
    assert len(caplog.records) == 2
    assert all(str(own) in record.getMessage() for record in caplog.records)
