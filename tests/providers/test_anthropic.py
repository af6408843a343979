"""Anthropic."""

from __future__ import annotations

import pytest

from isartor.providers.registry import build

from .upstream import OK, answering, call, running, settings, upstream


@pytest.mark.parametrize(
    ("endpoint", "path"), [("messages", "/v1/messages"), ("count_tokens", "/v1/messages/count_tokens")]
)
@running
async def test_call(endpoint: str, path: str) -> None:
    """Path and query are Anthropic's; the key is ours, also where the client sent a bearer token."""
    headers = [("authorization", "Bearer client"), ("x-api-key", "client"), ("anthropic-beta", "a,b")]
    async with upstream(answering(OK)) as server:
        provider = build(settings("anthropic", server.url))
        await (await provider.call(call(endpoint, headers=headers, query="beta=true"))).close()
        await provider.close()
    (seen,) = server.seen
    assert seen.target == f"{path}?beta=true"
    assert seen.header("x-api-key") == "sk-upstream"
    assert seen.header("authorization") is None
    assert seen.header("anthropic-beta") == "a,b"
    assert "client" not in str(seen.headers)


@pytest.mark.parametrize(
    ("sent", "arrives"), [([], "2023-06-01"), ([("anthropic-version", "2024-10-22")], "2024-10-22")]
)
@running
async def test_version(sent: list[tuple[str, str]], arrives: str) -> None:
    """The version is the client's if it sent one."""
    async with upstream(answering(OK)) as server:
        provider = build(settings("anthropic", server.url))
        await (await provider.call(call("messages", headers=sent))).close()
        await provider.close()
    assert server.seen[0].header("anthropic-version") == arrives
