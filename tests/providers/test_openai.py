"""OpenAI and the providers that are like it."""

from __future__ import annotations

import pytest

from isartor.errors import NoProviderError, NotImplementedFormatError
from isartor.providers.registry import build

from .upstream import OK, answering, call, running, settings, upstream


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        ("chat", "/v1/chat/completions"),
        ("completions", "/v1/completions"),
        ("embeddings", "/v1/embeddings"),
        ("responses", "/v1/responses"),
    ],
)
@running
async def test_call(endpoint: str, path: str) -> None:
    """Each operation has its path; the body arrives byte for byte; the key is ours and not the client's."""
    body = b'{ "model" :"m", "n": 1.0e0 }'
    headers = [
        ("authorization", "Bearer client"),
        ("x-api-key", "client"),
        ("openai-beta", "b"),
        ("cookie", "c"),
    ]
    async with upstream(answering(OK)) as server:
        provider = build(settings("openai", server.url))
        response = await provider.call(call(endpoint, body=body, headers=headers, query="a=1&key=client"))
        assert await response.read_all(100) == b"{}"
        await response.close()
        await provider.close()
    (seen,) = server.seen
    assert (seen.method, seen.target, seen.body) == ("POST", f"{path}?a=1", body)
    assert seen.header("authorization") == "Bearer sk-upstream"
    assert seen.header("openai-beta") == "b"
    assert "client" not in str(seen.headers)
    assert seen.header("cookie") is None


@pytest.mark.parametrize("sent", [[], [("content-type", "text/plain")]])
@running
async def test_content_type(sent: list[tuple[str, str]]) -> None:
    """The body is announced as JSON, whatever the client said of it."""
    async with upstream(answering(OK)) as server:
        provider = build(settings("openai", server.url))
        await (await provider.call(call("chat", headers=sent))).close()
        await provider.close()
    assert server.seen[0].header("content-type") == "application/json"


def test_speaks() -> None:
    """Its four operations and no other."""
    assert build(settings("openai")).endpoints == {"chat", "completions", "embeddings", "responses"}


@running
async def test_other_format() -> None:
    """A format that it does not speak is a 501 that says what it does."""
    with pytest.raises(NotImplementedFormatError, match="responses") as caught:
        await build(settings("openai")).call(call("messages"))
    assert caught.value.status == 501


@running
async def test_no_key() -> None:
    """Without a key nothing is sent; the error names the settings."""
    provider = build(settings("openai", api_key=None))
    assert provider.status()["state"] == "no_api_key"
    with pytest.raises(NoProviderError, match="external_llm_api_key") as caught:
        await provider.call(call("chat"))
    assert caught.value.status == 503


@pytest.mark.parametrize("provider", ["openai", "custom", "anthropic", "gemini"])
@running
async def test_own_address_needs_no_key(provider: str) -> None:
    """A server at an address of the user's own is asked without a key, and no credential is made up."""
    async with upstream(answering(OK)) as server:
        made = build(settings(provider, server.url, api_key=None))
        endpoint = min(made.endpoints)
        await (await made.call(call(endpoint, headers=[("authorization", "Bearer client")]))).close()
        await made.close()
    for name in ("authorization", "x-api-key", "x-goog-api-key"):
        assert server.seen[0].header(name) is None


def test_ollama_needs_no_key() -> None:
    """Ollama runs on this machine and has no keys."""
    provider = build(settings("ollama", api_key=None))
    assert provider.status() == {
        "provider": "ollama",
        "model": "llama3.2",
        "endpoint": "localhost:11434",
        "state": "active",
    }


def test_status_shows_no_secret() -> None:
    """Neither `/health` nor a log line shows the key or the query of the address."""
    provider = build(settings("openai", "https://host:1/v1?token=sk-query"))
    assert provider.status()["endpoint"] == "host:1"
    assert "sk-" not in str(provider.status()) + repr(provider)
