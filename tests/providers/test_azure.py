"""Azure OpenAI."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isartor.errors import ConfigError, NoProviderError
from isartor.providers.azure import Azure, address_problem, quirks
from isartor.providers.registry import build

from .upstream import OK, answering, call, running, settings, upstream

HOME = "https://r.openai.azure.com"


def azure(url: str | None, **more: Any) -> Azure:  # noqa: ANN401 - any setting
    """Return the provider, with a deployment."""
    more.setdefault("azure_deployment_id", "prod")
    made = build(settings("azure", url, **more))
    assert isinstance(made, Azure)
    return made


@pytest.mark.parametrize(
    ("endpoint", "operation"),
    [("chat", "chat/completions"), ("completions", "completions"), ("embeddings", "embeddings")],
)
@running
async def test_call(endpoint: str, operation: str) -> None:
    """The deployment stands in the path, the version in the query, the key in a header of its own."""
    body = b'{"messages": []}'
    async with upstream(answering(OK)) as server:
        made = azure(server.url)
        sent = call(endpoint, model="gpt-x", body=body, headers=[("authorization", "Bearer client")])
        await (await made.call(sent)).close()
        await made.close()
    (seen,) = server.seen
    path = f"/openai/deployments/gpt-x/{operation}"
    assert (seen.method, seen.target, seen.body) == ("POST", f"{path}?api-version=2024-08-01-preview", body)
    assert seen.header("api-key") == "sk-upstream"
    assert seen.header("authorization") is None


@pytest.mark.parametrize(
    ("asked", "configured", "deployment"),
    [
        ("gpt-4o", None, "gpt-4o"),
        ("", None, "prod"),
        ("gpt-4o-mini", None, "prod"),
        ("gpt-4o-mini", "gpt-5", "gpt-4o-mini"),
        ("gpt-5", "gpt-5", "prod"),
        ("a/../b?c#d", None, "a%2F..%2Fb%3Fc%23d"),
    ],
)
@running
async def test_deployment(asked: str, configured: str | None, deployment: str) -> None:
    """The requested model is the deployment; the configured deployment is the one behind the configured model."""
    async with upstream(answering(OK)) as server:
        made = azure(server.url, model=configured)
        await (await made.call(call("chat", model=asked))).close()
        await made.close()
    assert server.seen[0].target.startswith(f"/openai/deployments/{deployment}/chat/completions?")


@running
async def test_version() -> None:
    """The configured version of the API is sent once, whatever the client's is, and cannot leave its place."""
    async with upstream(answering(OK)) as server:
        made = azure(server.url, azure_api_version="2025-01-01&x=y")
        await (await made.call(call("chat", query="api-version=1999-01-01&a=b"))).close()
        await made.close()
    assert server.seen[0].target.partition("?")[2] == "api-version=2025-01-01%26x%3Dy&a=b"


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2024-06-01", {"no_stream_options", "no_json_schema", "no_parallel"}),
        ("2024-08-01-preview", {"no_stream_options"}),
        ("2024-10-21", {"max_completion_tokens"}),
        ("2025-04-01-preview", {"max_completion_tokens", "developer"}),
        ("preview", {"max_completion_tokens", "developer"}),
    ],
)
def test_quirks(version: str, expected: set[str]) -> None:
    """What may be asked for depends on the version of the API."""
    assert quirks(version) == expected
    assert azure(HOME, azure_api_version=version).quirks == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://r.openai.azure.com",
        "https://R.OpenAI.azure.com/",
        "https://r.openai.azure.us",
        "https://r.openai.azure.cn",
        "https://r.cognitiveservices.azure.com",
        "https://r.services.ai.azure.com",
        "http://127.0.0.1:8000",
        "http://openai/",
    ],
)
def test_addresses(url: str) -> None:
    """A resource's address is good, and so is a gateway of the user's own network."""
    assert address_problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com",
        "https://r.openai.azure.com.evil.com",
        "https://openai.azure.com.evil.com/x",
        "https://r.openai.azure.com/openai",
        "https://r.openai.azure.com/openai/deployments/d",
        "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-06-01",
        "https://r.openai.azure.com/deployments/d",
        "https://r.openai.azure.com?api-version=2024-06-01",
        "https://r.openai.azure.com/chat/completions",
    ],
)
@pytest.mark.parametrize(
    ("where", "key"), [("", "external_llm_url"), ("fallback_providers[1]", "fallback_providers[1].url")]
)
def test_wrong_addresses(url: str, where: str, key: str) -> None:
    """What is no resource's address alone is refused, with the full path of the setting."""
    with pytest.raises(ConfigError) as caught:
        azure(url, where=where)
    assert caught.value.param == key
    assert caught.value.message.startswith(key)


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"url": None}, "external_llm_url"),
        ({"azure_deployment_id": None}, "azure_deployment_id"),
        ({"azure_deployment_id": ""}, "azure_deployment_id"),
        ({"azure_api_version": ""}, "azure_api_version"),
        ({"azure_deployment_id": "", "where": "fallback_providers[0]"}, "fallback_providers[0].azure_deployment_id"),
    ],
)
def test_missing_settings(more: dict[str, Any], key: str) -> None:
    """What Azure needs and is not set is named."""
    with pytest.raises(ConfigError, match="azure needs") as caught:
        azure(**{"url": HOME, **more})
    assert caught.value.param == key


@running
async def test_no_key() -> None:
    """No resource answers without a key."""
    made = azure(HOME, api_key=None)
    assert made.status()["state"] == "no_api_key"
    with pytest.raises(NoProviderError, match="external_llm_api_key"):
        await made.call(call("chat"))


@pytest.mark.parametrize(
    ("version", "limit"), [("2024-08-01-preview", "max_tokens"), ("2024-10-21", "max_completion_tokens")]
)
@running
async def test_ping(version: str, limit: str) -> None:
    """A ping lists models, which costs nothing; a deep one asks the deployment for one token."""
    async with upstream(answering(OK)) as server:
        made = azure(server.url, azure_api_version=version)
        assert (await made.ping()).error is None
        assert (await made.ping(deep=True)).error is None
        await made.close()
    cheap, deep = server.seen
    assert (cheap.method, cheap.target) == ("GET", f"/openai/models?api-version={version}")
    assert (deep.method, deep.target) == ("POST", f"/openai/deployments/prod/chat/completions?api-version={version}")
    assert json.loads(deep.body)[limit] == 1
    assert cheap.header("api-key") == deep.header("api-key") == "sk-upstream"
