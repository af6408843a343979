"""The chain over the real transport: what a network does to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from isartor.config.secret import Secret
from isartor.config.upstream import Retry
from isartor.errors import UpstreamError
from isartor.formats import SURFACES
from isartor.formats.openai_chat import OpenAIChat
from isartor.formats.translate import Translator
from isartor.providers.chain import Chain
from isartor.providers.keys import Key, Pool
from isartor.providers.link import Link
from isartor.providers.registry import build
from tests.providers.upstream import (
    CHUNKED,
    OK,
    Peer,
    Script,
    Seen,
    Upstream,
    answering,
    call,
    running,
    settings,
    upstream,
)

CHAT = call("chat", body=b'{"model":"asked","messages":[]}')
QUICK = Retry(base_delay_ms=1, max_delay_ms=1)


def reply(status: int, body: bytes = b"{}", headers: bytes = b"") -> bytes:
    # The server ends each connection after its reply; a client that is not told may send into one just being closed.
    return b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\nconnection: close\r\n%scontent-length: %d\r\n\r\n%s" % (
        status,
        headers,
        len(body),
        body,
    )


def scripted(*replies: bytes) -> Script:
    """One reply after the other, the last one ever after."""
    left = list(replies)

    async def script(_: Seen, peer: Peer) -> None:
        await peer.send(left.pop(0) if len(left) > 1 else left[0])

    return script


def chain(*servers: str, keys: Sequence[str] = ("k1",), hedge: float = 0) -> Chain:
    links = []
    for place, url in enumerate(servers):
        provider = Translator(build(settings("openai", url)), {"openai_chat": OpenAIChat()}, SURFACES, lambda *_: b"")
        pool = Pool([Key(Secret(f"{place}-{key}"), label=key) for key in keys])
        links.append(Link(provider, model=f"model-{place}" if place else None, pool=pool))
    return Chain(links, retry=QUICK, hedge_after_secs=hedge)


def bearers(server: Upstream) -> list[str]:
    return [(seen.header("authorization") or "").removeprefix("Bearer ") for seen in server.seen]


@pytest.mark.parametrize(
    "failure",
    [
        reply(500),
        reply(529, b'{"error":{"type":"overloaded_error"}}'),
        reply(429, headers=b"retry-after-ms: 1\r\n"),
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"garbage\r\n\r\n",
    ],
)
@running
async def test_again(failure: bytes) -> None:
    """What the network and the provider do before the head is gone through on the same provider."""
    async with upstream(scripted(failure, failure, OK)) as server:
        asked = chain(server.url)
        reached = await asked.ask(CHAT)
        assert (reached.response.status, reached.attempts) == (200, 3)
        assert {seen.body for seen in server.seen} == {CHAT.body}
        await reached.response.close()
        await asked.close()


@running
async def test_a_stream_that_breaks_before_its_first_byte() -> None:
    """Its head is not enough: another try, then another provider; the client sees one good stream."""
    async with upstream(answering(CHUNKED)) as first, upstream(answering(CHUNKED + b"2\r\nhi\r\n0\r\n\r\n")) as second:
        asked = chain(first.url, second.url)
        reached = await asked.ask(replace(CHAT, stream=True))
        assert (reached.provider, reached.model, reached.attempts) == ("openai", "model-1", 6)
        assert await reached.response.read_all(100) == b"hi"
        assert b'"model":"model-1"' in second.seen[0].body
        await reached.response.close()
        await asked.close()


@running
async def test_after_the_head_nothing_is_asked_again() -> None:
    """A stream that breaks off after its first piece is the client's to hear of."""
    async with upstream(answering(CHUNKED + b"2\r\nhi\r\n")) as first, upstream(answering(OK)) as second:
        asked = chain(first.url, second.url)
        reached = await asked.ask(replace(CHAT, stream=True))
        with pytest.raises(UpstreamError):
            await reached.response.read_all(100)
        assert (len(first.seen), len(second.seen)) == (1, 0)
        await reached.response.close()
        await asked.close()


@running
async def test_keys_stay_with_their_provider() -> None:
    """Dead and limited keys of one provider are tried there, and never sent to the other."""
    limited = reply(429, b'{"error":{"code":"insufficient_quota"}}')
    async with upstream(answering(limited)) as first, upstream(scripted(reply(401), OK)) as second:
        asked = chain(first.url, second.url, keys=("k1", "k2"))
        reached = await asked.ask(CHAT)
        assert reached.label == "k2"
        assert bearers(first) == ["0-k1", "0-k2"]
        assert bearers(second) == ["1-k1", "1-k2"]
        await reached.response.close()
        await asked.close()


@running
async def test_nothing_listens() -> None:
    """A provider that is not there is left for the next one."""
    async with upstream(answering(OK)) as gone:
        pass
    async with upstream(answering(OK)) as second:
        asked = chain(gone.url, second.url)
        reached = await asked.ask(CHAT)
        assert (reached.model, reached.attempts) == ("model-1", 6)
        await reached.response.close()
        await asked.close()


@running
async def test_hedge() -> None:
    """The client does not wait for the provider that is late, whose connection is cut at its first byte at the latest."""
    gate, left = asyncio.Event(), asyncio.Event()

    async def late(_: Seen, peer: Peer) -> None:
        await gate.wait()
        # The library lets go of a request only when its head has come.
        await peer.send(CHUNKED + b"2\r\nhi\r\n")
        await peer.gone()
        left.set()

    async with upstream(late) as first, upstream(answering(CHUNKED + b"2\r\nhi\r\n0\r\n\r\n")) as second:
        asked = chain(first.url, second.url, hedge=0.01)
        reached = await asked.ask(replace(CHAT, stream=True))
        assert reached.model == "model-1"
        gate.set()
        await left.wait()
        assert await reached.response.read_all(100) == b"hi"
        await reached.response.close()
        await asked.close()
