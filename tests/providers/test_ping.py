"""What a ping says of a provider, and what it never does."""

from __future__ import annotations

import json

import pytest

from isartor.errors import NoProviderError
from isartor.providers.base import Limits
from isartor.providers.http import HttpProvider
from isartor.providers.registry import build, known

from .upstream import OK, Peer, Seen, answering, call, running, settings, upstream

ELSEWHERE = {"azure": "https://r.openai.azure.com", "custom": "https://llm.example"}


def made(provider: str, url: str | None = None, **more: object) -> HttpProvider:
    """Return a provider on the network."""
    provider_ = build(settings(provider, url, azure_deployment_id="d", **more))
    assert isinstance(provider_, HttpProvider)
    return provider_


@pytest.mark.parametrize(
    ("status", "reachable", "error"),
    [
        (200, True, None),
        (204, True, None),
        (404, True, None),
        (401, True, "the key was refused (status 401)"),
        (403, True, "the key was refused (status 403)"),
        (429, True, "the limit of the key is reached (status 429)"),
        (400, True, "status 400"),
        (500, False, "status 500"),
        (503, False, "status 503"),
    ],
)
@running
async def test_status(status: int, reachable: bool, error: str | None) -> None:
    """An answer shows that the provider is there, unless it is a server error; a refused key is told."""
    head = f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n"
    async with upstream(answering(head.encode())) as server:
        provider = made("openai", server.url)
        ping = await provider.ping()
        await provider.close()
    assert (ping.status_code, ping.reachable, ping.error) == (status, reachable, error)


@running
async def test_nobody_there() -> None:
    """A closed port is told and raises nothing."""
    async with upstream(answering(OK)) as server:
        pass
    provider = made("openai", server.url)
    ping = await provider.ping()
    await provider.close()
    assert (ping.reachable, ping.status_code) == (False, None)
    assert "refused" in str(ping.error)


@running
async def test_no_answer() -> None:
    """A provider that says nothing is given up after the limit of a whole reply."""

    async def silent(_: Seen, peer: Peer) -> None:
        await peer.gone()

    async with upstream(silent) as server:
        provider = made("openai", server.url, limits=Limits(l3_read_timeout_secs=0.05))
        ping = await provider.ping()
        await provider.close()
    assert not ping.reachable
    assert "within 0.05 s" in str(ping.error)


@pytest.mark.parametrize("status", [301, 307])
@running
async def test_redirect(status: int) -> None:
    """A ping follows no redirect, so that the key stays with its own host."""
    async with upstream(answering(OK)) as other:
        head = f"HTTP/1.1 {status} x\r\nlocation: {other.url}/\r\ncontent-length: 0\r\n\r\n"
        async with upstream(answering(head.encode())) as server:
            provider = made("openai", server.url)
            ping = await provider.ping()
            await provider.close()
        assert other.seen == []
    assert not ping.reachable
    assert "redirect" in str(ping.error)


@running
async def test_deep() -> None:
    """A deep ping of Anthropic asks its model for one token; elsewhere it is as any other."""
    async with upstream(answering(OK)) as server:
        for provider in (made("anthropic", server.url), made("mistral", server.url)):
            await provider.ping(deep=True)
            await provider.close()
    anthropic, mistral = server.seen
    assert (anthropic.method, anthropic.target) == ("POST", "/v1/messages")
    assert json.loads(anthropic.body)["max_tokens"] == 1
    assert anthropic.header("anthropic-version") == "2023-06-01"
    assert anthropic.header("content-type") == "application/json"
    assert (mistral.method, mistral.target) == ("GET", "/v1/models")


@running
async def test_no_key() -> None:
    """Without a key none is sent, and the answer still shows whether the provider is there."""
    async with upstream(answering(OK)) as server:
        provider = made("gemini", server.url, api_key=None)
        assert (await provider.ping()).reachable
        await provider.close()
    assert server.seen[0].header("x-goog-api-key") is None


@pytest.mark.parametrize("provider", sorted({*known()} - {"demo", "ollama"}))
@running
async def test_offline(provider: str) -> None:
    """In offline mode neither a call nor a ping of any provider leaves the private network; the host is named."""
    offline = made(provider, ELSEWHERE.get(provider), offline=True)
    with pytest.raises(NoProviderError, match=r" at [a-z.-]+\.[a-z]+ is outside") as caught:
        await offline.call(call(min(offline.endpoints)))
    assert (caught.value.status, caught.value.code) == (503, "offline_mode_active")
    for deep in (False, True):
        ping = await offline.ping(deep=deep)
        assert not ping.reachable
        assert "Offline mode" in str(ping.error)
    await offline.close()


@running
async def test_demo() -> None:
    """The demo is always there."""
    assert (await build(settings("demo")).ping()).reachable  # type: ignore[attr-defined] # not yet of the protocol
