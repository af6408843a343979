"""Every row of the table: where its requests go, what they carry, what a ping asks."""

from __future__ import annotations

from typing import Any, get_args
from urllib.parse import urlsplit

import pytest

from isartor.ports import Quirk
from isartor.providers.http import HttpProvider
from isartor.providers.registry import ROWS, TABLE, build

from .upstream import OK, Seen, answering, call, running, settings, upstream

ADDRESSES = {
    "openai": "https://api.openai.com/v1/chat/completions",
    "anthropic": "https://api.anthropic.com/v1/messages",
    "copilot": "https://api.githubcopilot.com/chat/completions",
    "xai": "https://api.x.ai/v1/chat/completions",
    "gemini": "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent",
    "mistral": "https://api.mistral.ai/v1/chat/completions",
    "groq": "https://api.groq.com/openai/v1/chat/completions",
    "cerebras": "https://api.cerebras.ai/v1/chat/completions",
    "nebius": "https://api.tokenfactory.nebius.com/v1/chat/completions",
    "siliconflow": "https://api.siliconflow.cn/v1/chat/completions",
    "fireworks": "https://api.fireworks.ai/inference/v1/chat/completions",
    "nvidia": "https://integrate.api.nvidia.com/v1/chat/completions",
    "chutes": "https://llm.chutes.ai/v1/chat/completions",
    "deepseek": "https://api.deepseek.com/chat/completions",
    "cohere": "https://api.cohere.ai/compatibility/v1/chat/completions",
    "galadriel": "https://api.galadriel.com/v1/chat/completions",
    "hyperbolic": "https://api.hyperbolic.xyz/v1/chat/completions",
    "huggingface": "https://router.huggingface.co/v1/chat/completions",
    "mira": "https://api.mira.network/v1/chat/completions",
    "moonshot": "https://api.moonshot.cn/v1/chat/completions",
    "ollama": "http://localhost:11434/v1/chat/completions",
    "openrouter": "https://openrouter.ai/api/v1/chat/completions",
    "perplexity": "https://api.perplexity.ai/chat/completions",
    "together": "https://api.together.xyz/v1/chat/completions",
}
"""The address that each provider's own documentation gives."""

PROBES = {
    "anthropic": "/v1/models",
    "gemini": "/v1beta/models/gemini-2.0-flash",
    "groq": "/openai/v1/models",
    "fireworks": "/inference/v1/models",
    "deepseek": "/models",
    "perplexity": "/models",
    "openrouter": "/api/v1/models",
    "ollama": "/api/tags",
    "cohere": "/v1/models",
}
"""What a ping asks for, where it is not `/v1/models`."""

FOREIGN = sorted({*ADDRESSES} - {"copilot"})
"""All but Copilot, which needs two requests."""


def chat(provider: str) -> str:
    """Return the operation that a conversation is, in the provider's own format."""
    return {"anthropic": "messages", "gemini": "generate"}.get(provider, "chat")


def credentials(provider: str, seen: Seen) -> dict[str, str]:
    """Return the headers that carry a key, checked to be the provider's one."""
    names = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
    found = {name: value for name in names if (value := seen.header(name)) is not None}
    own = {"anthropic": "x-api-key", "gemini": "x-goog-api-key", "azure": "api-key"}.get(provider, "authorization")
    assert set(found) <= {own}
    return found


def own_path(provider: str) -> str:
    """Return the path of the provider's own address, without the operation."""
    url = TABLE[provider].url
    assert url is not None
    return urlsplit(url).path


class Wire:
    """Stands in for a provider's connections and notes the address."""

    def __init__(self) -> None:
        """Nothing is sent yet."""
        self.urls: list[str] = []

    def put(self, provider: HttpProvider) -> None:
        """Take the place of the provider's own."""
        origin = provider._base.origin

        async def send(_: str, target: str, *__: Any, **___: Any) -> None:
            self.urls.append(origin + target)

        provider._transport.send = send  # type: ignore[method-assign, assignment]


def test_all_of_the_table_is_tested() -> None:
    """No row is forgotten here; the providers of the table are those 25 that are promised, and three ids more."""
    assert {*ADDRESSES, "azure", "custom", "demo"} == set(TABLE)
    assert len(ADDRESSES) + 1 == 25
    assert len(ROWS) == len(TABLE)


@pytest.mark.parametrize("provider", FOREIGN)
@running
async def test_address(provider: str) -> None:
    """Without a configured address a request goes to the one of the provider's documentation."""
    wire = Wire()
    made = build(settings(provider))
    assert isinstance(made, HttpProvider)
    wire.put(made)
    await made.call(call(chat(provider)))
    assert wire.urls == [ADDRESSES[provider]]


@pytest.mark.parametrize("provider", FOREIGN)
@running
async def test_bare_host(provider: str) -> None:
    """The bare host of a provider's address means the whole of it, whatever its path is."""
    wire = Wire()
    parts = urlsplit(ADDRESSES[provider])
    made = build(settings(provider, f"{parts.scheme}://{parts.netloc}/"))
    assert isinstance(made, HttpProvider)
    wire.put(made)
    await made.call(call(chat(provider)))
    assert wire.urls == [ADDRESSES[provider]]


@pytest.mark.parametrize("provider", FOREIGN)
@running
async def test_request(provider: str) -> None:
    """Method, path and body arrive as they should; the key is in the provider's header, and nowhere else."""
    body = b'{"model": "m",  "n": 1.0}'
    async with upstream(answering(OK)) as server:
        made = build(settings(provider, server.url + own_path(provider)))
        sent = call(chat(provider), body=body, headers=[("authorization", "Bearer client"), ("x-api-key", "client")])
        await (await made.call(sent)).close()
        await made.close()
    (seen,) = server.seen
    assert (seen.method, seen.target, seen.body) == ("POST", urlsplit(ADDRESSES[provider]).path, body)
    (value,) = credentials(provider, seen).values()
    assert value.removeprefix("Bearer ") == "sk-upstream"
    assert seen.header("content-type") == "application/json"
    assert "client" not in str(seen.headers)
    assert "sk-upstream" not in seen.target + seen.body.decode()


class Other:
    """Another key than the provider's own."""

    def reveal(self) -> str:
        """Return it."""
        return "sk-pool"


@pytest.mark.parametrize("provider", FOREIGN)
@running
async def test_key_of_the_call(provider: str) -> None:
    """A key that comes with the call is sent in place of the provider's own, also where that has none."""
    async with upstream(answering(OK)) as server:
        for own in (settings(provider).api_key, None):
            made = build(settings(provider, server.url, api_key=own))
            await (await made.call(call(chat(provider), key=Other()))).close()
            await made.close()
    for seen in server.seen:
        (value,) = credentials(provider, seen).values()
        assert value.removeprefix("Bearer ") == "sk-pool"
        assert "sk-upstream" not in str(seen)


@pytest.mark.parametrize("provider", FOREIGN)
@running
async def test_ping(provider: str) -> None:
    """A ping is a GET without a body that asks no model, with the key in the same header."""
    async with upstream(answering(OK)) as server:
        made = build(settings(provider, server.url + own_path(provider)))
        assert isinstance(made, HttpProvider)
        ping = await made.ping(Other())
        await made.close()
    (seen,) = server.seen
    assert (seen.method, seen.target, seen.body) == ("GET", PROBES.get(provider, "/v1/models"), b"")
    (value,) = credentials(provider, seen).values()
    assert value.removeprefix("Bearer ") == "sk-pool"
    assert (ping.reachable, ping.status_code, ping.error) == (True, 200, None)
    assert ping.latency_ms is not None
    assert ping.latency_ms > 0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_words(row: Any) -> None:  # noqa: ANN401 - a row
    """Quirks and operations of a row are words that the rest of the gateway knows."""
    assert row.quirks <= set(get_args(Quirk))
    every = {"chat", "completions", "embeddings", "responses", "messages", "count_tokens"}
    assert set(row.speaks) <= every
    assert row.url is None or not row.url.endswith("/")


def test_a_server_of_ones_own_has_no_quirks_of_openais() -> None:
    """What only OpenAI's newest models want is not asked of a server on this machine or network."""
    assert build(settings("openai")).quirks == {"max_completion_tokens", "developer"}
    assert build(settings("openai", "https://proxy.example/v1")).quirks == {"max_completion_tokens", "developer"}
    assert build(settings("openai", "http://localhost:8000")).quirks == frozenset()
    assert build(settings("cohere", "http://localhost:8000")).quirks == {"no_stream_options", "no_parallel"}


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("", "/compatibility/v1"),
        ("/v1", "/compatibility/v1"),
        ("/v2/chat", "/compatibility/v1"),
        ("/compatibility/v1", "/compatibility/v1"),
        ("/compatibility/v1/chat/completions", "/compatibility/v1"),
        ("/proxy/v1", "/proxy/v1"),
    ],
)
@running
async def test_cohere_addresses(url: str, path: str) -> None:
    """An address of Cohere's own API means the compatible one beside it."""
    async with upstream(answering(OK)) as server:
        made = build(settings("cohere", server.url + url))
        await (await made.call(call("embeddings"))).close()
        await made.close()
    assert server.seen[0].target == f"{path}/embeddings"
