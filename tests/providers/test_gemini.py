"""Gemini."""

from __future__ import annotations

import pytest

from isartor.providers.registry import build

from .upstream import OK, answering, call, running, settings, upstream


@pytest.mark.parametrize(
    ("endpoint", "operation"),
    [
        ("generate", "generateContent"),
        ("stream_generate", "streamGenerateContent"),
        ("gemini_count", "countTokens"),
    ],
)
@running
async def test_call(endpoint: str, operation: str) -> None:
    """The model stands in the path, the key in a header and never in the address."""
    headers = [("x-goog-api-key", "client"), ("x-goog-api-client", "genai"), ("user-agent", "GeminiCLI")]
    async with upstream(answering(OK)) as server:
        provider = build(settings("gemini", server.url))
        sent = call(endpoint, model="gemini-x", headers=headers, query="alt=sse&key=client")
        await (await provider.call(sent)).close()
        await provider.close()
    (seen,) = server.seen
    assert seen.target == f"/v1beta/models/gemini-x:{operation}?alt=sse"
    assert seen.header("x-goog-api-key") == "sk-upstream"
    assert seen.header("x-goog-api-client") == "genai"
    assert "client" not in [value for _, value in seen.headers]


@pytest.mark.parametrize("model", ["../../admin", "a/b", "m?key=x", "m#x", "m:deleteModel", "m%2e"])
@running
async def test_model_stays_in_its_place(model: str) -> None:
    """No model name reaches another path, operation or query."""
    async with upstream(answering(OK)) as server:
        provider = build(settings("gemini", server.url))
        await (await provider.call(call("generate", model=model))).close()
        await provider.close()
    target = server.seen[0].target
    assert target.startswith("/v1beta/models/")
    assert target.endswith(":generateContent")
    assert target.count("/") == 3
    assert target.count(":") == 1
    assert "?" not in target
