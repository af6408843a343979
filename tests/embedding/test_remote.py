"""Services that embed, over real connections: those that behave, and those that do not."""

from __future__ import annotations

import asyncio
import json
import math
import struct
from typing import TYPE_CHECKING, Any

import pytest

from isartor.embedding.remote import RemoteEmbedder
from isartor.embedding.sidecar import Sidecar
from isartor.embedding.tei import Tei
from isartor.errors import BusyError, ConfigError, EmbeddingError, TooLongError
from isartor.providers.service import HttpService
from tests.providers.upstream import running, upstream

if TYPE_CHECKING:
    from tests.providers.upstream import Peer, Seen

WINDOW = 64


def vector(text: str) -> list[float]:
    """Any function of the text will do; the second number lets two texts differ in their last character alone."""
    return [1.0 + len(text) % 7, (sum(text.encode()) % 251) / 50, 0.5]


def unit(text: str) -> bytes:
    values = vector(text)
    return struct.pack("<3f", *(value / math.hypot(*values) for value in values))


def reply(status: int, content: Any) -> bytes:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return b"HTTP/1.1 %d X\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
        status,
        len(body),
        body,
    )


class Server:
    """A service that can be told to misbehave; both kinds of it in one."""

    def __init__(self) -> None:
        self.batches = []
        self.under_way = self.most_under_way = 0
        self.answer = None  # bytes instead of a right answer
        self.hold = None  # an event to wait for
        self.window = WINDOW
        self.cuts_at = None  # tokens, here words
        self.counts = True
        self.info = {"model_id": "acme/vectors", "model_sha": "1", "max_input_length": WINDOW, "max_client_batch_size": 8,
                     "model_type": {"embedding": {"pooling": "mean"}}}  # fmt: skip
        self.vector = vector

    async def __call__(self, seen: Seen, peer: Peer) -> None:
        if seen.target.endswith("/info"):
            await peer.send(reply(200, self.info))
            return
        body = json.loads(seen.body)
        texts = body.get("inputs") or body.get("input")
        self.batches.append(texts)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        if self.hold is not None:
            await self.hold.wait()
        self.under_way -= 1
        if self.answer is not None:
            await peer.send(self.answer)
            return
        lengths = [len(text.split()) for text in texts]
        if self.cuts_at is not None:
            texts = [" ".join(text.split()[: self.cuts_at]) for text in texts]
            lengths = [min(length, self.cuts_at) for length in lengths]
        elif max(lengths) > self.window:
            await peer.send(reply(413, {"error": "inputs must have less tokens", "error_type": "Validation"}))
            return
        vectors = [self.vector(text) for text in texts]
        if "inputs" in body:
            assert body == {"inputs": body["inputs"], "normalize": True, "truncate": False}
            await peer.send(reply(200, vectors))
        else:
            assert body["model"] == "all-minilm"
            data = [
                {"object": "embedding", "index": index, "embedding": values} for index, values in enumerate(vectors)
            ]
            usage = {"usage": {"prompt_tokens": sum(lengths), "total_tokens": sum(lengths)}} if self.counts else {}
            await peer.send(reply(200, {"object": "list", "data": data[::-1], "model": "m"} | usage))

    def asked(self) -> list[str]:
        """All texts but those of greetings."""
        return [text for batch in self.batches for text in batch if text != "isartor" and not text.startswith("a a ")]


def made(kind: str, url: str, *, timeout: float = 5.0, **more: Any) -> RemoteEmbedder:
    service = HttpService("tei_url", url, timeout_secs=timeout, **more)
    return RemoteEmbedder(Tei(service) if kind == "tei" else Sidecar(service, "all-minilm", window=WINDOW))


both = pytest.mark.parametrize("kind", ["tei", "sidecar"])


@both
@running
async def test_a_vector(kind: str) -> None:
    """A text's vector comes back with length 1, whatever length it was sent with."""
    server = Server()
    async with upstream(server) as running_:
        embedder = made(kind, running_.url)
        assert embedder.dimension == 0
        found = await embedder.embed("Wie geht's?\n\x00 שלום")
        assert found.sentence == pytest.approx(unit("Wie geht's?\n\x00 שלום"))
        assert (embedder.dimension, embedder.window) == (3, WINDOW)
        assert embedder.name == ("acme/vectors" if kind == "tei" else "all-minilm")
        await embedder.close()


@both
@running
async def test_many_at_once(kind: str) -> None:
    """What queues up goes as batches, each asker gets its own vector, and a text is sent once."""
    server = Server()
    async with upstream(server) as running_:
        embedder = made(kind, running_.url)
        await embedder.start()
        server.hold = asyncio.Event()
        texts = [f"question {number}" for number in range(40)]
        asked = [asyncio.create_task(embedder.embed(text)) for text in texts * 2]
        while server.under_way < 4:
            await asyncio.sleep(0.001)
        server.hold.set()
        found = await asyncio.gather(*asked)
        assert [one.sentence for one in found] == [pytest.approx(unit(text)) for text in texts * 2]
        assert sorted(server.asked()) == sorted(texts)
        assert server.most_under_way == 4
        assert max(map(len, server.batches)) == (8 if kind == "tei" else 16)
        await embedder.embed("question 7")
        assert len(server.asked()) == 40
        await embedder.close()


BAD = {
    "wrong dimension": ([[1.0, 2.0]], {"data": [{"index": 0, "embedding": [1.0, 2.0]}]}, "expected a vector of 3 numbers, got 2"),
    "no vector": ([], {"data": []}, "expected 1 vectors"),
    "two vectors": ([[1.0, 2.0, 3.0]] * 2, {"data": [{"index": 0, "embedding": [1.0, 2.0, 3.0]}] * 2}, "expected 1 vectors"),
    "empty": ([[]], {"data": [{"index": 0, "embedding": []}]}, "expected a vector of 3 numbers, got 0"),
    "NaN": (b"[[NaN, 1.0, 1.0]]", b'{"data": [{"embedding": [NaN, 1.0, 1.0]}]}', "expected from"),
    "null": ([[None, 1.0, 1.0]], {"data": [{"embedding": [None, 1.0, 1.0]}]}, "expected from"),
    "huge": (b"[[1e400, 1.0, 1.0]]", b'{"data": [{"embedding": [1e400, 1.0, 1.0]}]}', "expected"),
    "large": ([[1.7e308] * 3], {"data": [{"embedding": [1.7e308] * 3}]}, "finite numbers"),
    "zeros": ([[0.0] * 3], {"data": [{"embedding": [0.0] * 3}]}, "not all zero"),
    "HTML": (b"<html><h1>Welcome</h1></html>", b"<html><h1>Welcome</h1></html>", "expected from /"),
    "nothing": (b"", b"", "expected from /"),
    "other JSON": ({"ok": True}, {"ok": True}, "expected from /"),
    "too much": (b" " * 5_000_000, b" " * 5_000_000, "more than 4194304 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
@both
@running
async def test_nonsense(kind: str, case: str) -> None:
    """An answer that is no vector as expected is one line with host and expectation, and is not kept."""
    tei, sidecar, pattern = BAD[case]
    server = Server()
    async with upstream(server) as running_:
        embedder = made(kind, running_.url)
        await embedder.start()
        server.answer = reply(200, tei if kind == "tei" else sidecar)
        with pytest.raises(EmbeddingError, match=pattern) as caught:
            await embedder.embed("gate")
        assert running_.url.removeprefix("http://") in caught.value.message
        assert "\n" not in caught.value.message
        assert type(caught.value) is EmbeddingError
        server.answer = None
        assert (await embedder.embed("gate")).sentence == pytest.approx(unit("gate"))
        await embedder.close()


@both
@running
async def test_statuses(kind: str) -> None:
    """500 is a fault, 429 is a refusal, and so is 413 only for a text that may be too long."""
    server = Server()
    async with upstream(server) as running_:
        embedder = made(kind, running_.url)
        await embedder.start()
        for status, expected in ((500, EmbeddingError), (424, EmbeddingError), (429, BusyError), (413, EmbeddingError)):
            server.answer = reply(status, {"error": "no", "error_type": "Backend"})
            with pytest.raises(EmbeddingError, match=str(status)) as caught:
                await embedder.embed("gate")
            assert type(caught.value) is expected
            server.answer = None
            await embedder.start()
        server.answer = reply(413, {})
        with pytest.raises(TooLongError):
            await embedder.embed("gate " * 40)
        await embedder.close()


@both
@running
async def test_a_service_that_hangs(kind: str) -> None:
    """Who waits is told after the time limit; the message names host, limit and setting."""
    server = Server()
    async with upstream(server) as running_:
        embedder = made(kind, running_.url, timeout=0.2)
        await embedder.start()
        server.hold = asyncio.Event()
        with pytest.raises(EmbeddingError, match=r"127\.0\.0\.1:\d+ did not answer within 0\.2 s \(tei_url\)"):
            await embedder.embed("gate")
        await embedder.close()


@both
@running
async def test_a_service_that_is_not_there(kind: str) -> None:
    """`start` says that nothing answers; when the service comes back, it is used again."""
    async with upstream(Server()) as running_:
        url = running_.url
    embedder = made(kind, url)
    with pytest.raises(
        EmbeddingError, match=r"^The service at 127\.0\.0\.1:\d+ could not be reached: .* Check tei_url,"
    ):
        await embedder.start()
    with pytest.raises(EmbeddingError, match="could not be reached"):
        await embedder.embed("gate")
    await embedder.close()


@both
@running
async def test_one_too_long_takes_no_other_along(kind: str) -> None:
    """A text over the window is refused, alone or in company; it never fails the others."""
    server = Server()
    async with upstream(server) as running_:
        embedder = made(kind, running_.url)
        await embedder.start()
        server.hold = asyncio.Event()
        texts = [f"question {number}" for number in range(12)]
        texts[6:6] = ["gate " * 70, "gate " * 90, "x" * 10_000_000]
        asked = [asyncio.create_task(embedder.embed(text)) for text in texts]
        while not server.under_way:
            await asyncio.sleep(0.001)
        server.hold.set()
        results = await asyncio.gather(*asked, return_exceptions=True)
        for text, result in zip(texts, results, strict=True):
            assert isinstance(result, TooLongError) if len(text) > 20 else result.sentence == pytest.approx(unit(text))
        await embedder.close()


@both
@running
async def test_a_model_that_changed(kind: str) -> None:
    """A service that comes back with another model is not believed: its vectors cannot be compared with the old ones."""
    server = Server()
    async with upstream(server) as running_:
        embedder = made(kind, running_.url)
        await embedder.embed("gate")
        server.answer = reply(500, {})
        with pytest.raises(EmbeddingError):
            await embedder.embed("river")
        server.answer = None
        server.vector = lambda text: [-number for number in vector(text)[::-1]]
        if kind == "tei":
            with pytest.raises(EmbeddingError, match="same vectors as before"):
                await embedder.embed("river")
            server.info |= {"model_id": "acme/other"}
        pattern = (
            "expected the model acme/vectors as before, got acme/other" if kind == "tei" else "same vectors as before"
        )
        with pytest.raises(EmbeddingError, match=pattern):
            await embedder.embed("river")
        server.vector = vector
        server.info["model_id"] = "acme/vectors"
        await embedder.embed("river")
        await embedder.close()


@pytest.mark.parametrize("info", [b"<html>", {"model_id": "x"}, {"model_id": "x", "max_input_length": 0}])
@running
async def test_an_info_that_says_nothing(info: Any) -> None:
    """A TEI server whose `/info` does not tell the window is refused at start."""
    server = Server()
    server.info = info
    async with upstream(server) as running_:
        embedder = made("tei", running_.url)
        with pytest.raises(
            EmbeddingError, match="expected from /info a JSON object with model_id and max_input_length"
        ):
            await embedder.start()
        await embedder.close()


@running
async def test_a_sidecar_that_cuts() -> None:
    """A sidecar that cuts texts unasked is found out by its greeting, and only what surely fits is believed."""
    server = Server()
    server.cuts_at = 40
    async with upstream(server) as running_:
        embedder = made("sidecar", running_.url)
        await embedder.start()
        assert embedder.window == 32
        await embedder.embed("a short one")
        await embedder.embed("north south gate river bridge isartor")
        for words in (32, 45, 60):
            with pytest.raises(TooLongError, match=r"may have cut a text: \d+ tokens"):
                await embedder.embed("river " * words)
        await embedder.close()


@running
async def test_a_sidecar_that_cuts_everything() -> None:
    """A sidecar that cuts even short texts is refused."""
    server = Server()
    server.cuts_at = 10
    async with upstream(server) as running_:
        embedder = made("sidecar", running_.url)
        with pytest.raises(EmbeddingError, match="differ in their last word"):
            await embedder.start()
        await embedder.close()


@running
async def test_a_sidecar_that_does_not_count() -> None:
    """Without `usage` a text is believed only if it fits by any tokenizer: a byte is a token at least."""
    server = Server()
    server.counts = False
    async with upstream(server) as running_:
        embedder = made("sidecar", running_.url)
        await embedder.embed("x" * (WINDOW - 2))
        for text in ("x" * (WINDOW - 1), "é" * (WINDOW // 2)):
            with pytest.raises(TooLongError, match="no tokens counted"):
                await embedder.embed(text)
        await embedder.close()


@both
@running
async def test_cancelled_and_closed(kind: str) -> None:
    """A cancelled asker harms nobody; `close` ends what is under way."""
    server = Server()
    async with upstream(server) as running_:
        embedder = made(kind, running_.url)
        await embedder.start()
        server.hold = asyncio.Event()
        goes, stays = (asyncio.create_task(embedder.embed("gate")) for _ in range(2))
        while not server.under_way:
            await asyncio.sleep(0.001)
        goes.cancel()
        await asyncio.wait([goes])
        server.hold.set()
        await stays
        server.hold.clear()
        late = asyncio.create_task(embedder.embed("river"))
        while not server.under_way:
            await asyncio.sleep(0.001)
        await embedder.close()
        with pytest.raises(EmbeddingError, match="closed"):
            await late


@both
@running
async def test_offline_mode(kind: str) -> None:
    """In offline mode a service outside is not asked, unless it is allowed; one on this machine is."""
    message = r"Offline mode is active, and embed\.example\.com \(tei_url\) is outside"
    embedder = made(kind, "https://embed.example.com/", offline=True)
    with pytest.raises(EmbeddingError, match=message):
        await embedder.embed("gate")
    await embedder.close()
    async with upstream(Server()) as running_:
        embedder = made(kind, running_.url, offline=True)
        await embedder.embed("gate")
        await embedder.close()


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/v1/embeddings"])
@running
async def test_addresses(path: str) -> None:
    """Host, base and full address mean the same sidecar."""
    async with upstream(Server()) as running_:
        embedder = made("sidecar", running_.url + path)
        await embedder.embed("gate")
        assert {seen.target for seen in running_.seen} == {"/v1/embeddings"}
        await embedder.close()


@pytest.mark.parametrize("url", ["embed:8080", "ftp://embed", "http://", "http://user:pass@embed", "http://[::1"])
def test_useless_addresses(url: str) -> None:
    """An address that cannot work is a mistake in the configuration, told with its key and without credentials."""
    with pytest.raises(ConfigError, match="tei_url") as caught:
        HttpService("tei_url", url, timeout_secs=1)
    assert "pass" not in caught.value.message
