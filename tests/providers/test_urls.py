"""However the address is written, every operation of the provider is found."""

from __future__ import annotations

import pytest

from isartor.errors import ConfigError
from isartor.providers import anthropic, gemini, openai, urls
from isartor.providers.registry import build

from .upstream import call, settings

CHAT = "/chat/completions"


@pytest.mark.parametrize(
    ("url", "chat"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/chat/completions/", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/responses", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/completions", "https://api.openai.com/v1/chat/completions"),
        ("https://host/openai/v1", "https://host/openai/v1/chat/completions"),
        ("https://host/openai", "https://host/openai/v1/chat/completions"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1/chat/completions"),
        ("https://openrouter.ai/api/v1/chat/completions", "https://openrouter.ai/api/v1/chat/completions"),
        (
            "https://api.groq.com/openai/v1/chat/completions",
            "https://api.groq.com/openai/v1/chat/completions",
        ),
        ("https://api.deepseek.com/chat/completions", "https://api.deepseek.com/chat/completions"),
        ("https://api.perplexity.ai/chat/completions", "https://api.perplexity.ai/chat/completions"),
        ("https://host/v1beta/openai/", "https://host/v1beta/openai/chat/completions"),
        ("https://host/api/paas/v4", "https://host/api/paas/v4/chat/completions"),
        ("http://localhost:11434", "http://localhost:11434/v1/chat/completions"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1/chat/completions"),
        ("HTTP://Host.Example:8000", "http://host.example:8000/v1/chat/completions"),
        ("  https://host/v1  ", "https://host/v1/chat/completions"),
    ],
)
def test_openai_address(url: str, chat: str) -> None:
    """Host, base with version and full path lead to the same chat address, and to its siblings."""
    base = urls.parse(url, openai.OpenAI.operations, version="v1")
    assert base.origin + base.prefix + CHAT == chat
    assert base.query == ""


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("https://api.anthropic.com", "/v1"),
        ("https://api.anthropic.com/v1/messages", "/v1"),
        ("https://api.anthropic.com/v1/messages/count_tokens", "/v1"),
        ("https://api.deepseek.com/anthropic", "/anthropic/v1"),
        ("https://host/x/messages", "/x"),
    ],
)
def test_anthropic_address(url: str, prefix: str) -> None:
    """The same for Anthropic's operations, of which one path begins with the other."""
    assert urls.parse(url, anthropic.Anthropic.operations, version="v1").prefix == prefix


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://host", "/v1beta/models/m:generateContent"),
        ("https://host/v1", "/v1/models/m:generateContent"),
        ("https://host/v1beta/models", "/v1beta/models/m:generateContent"),
        ("https://host/v1beta/models/gemini-2.0-flash:generateContent", "/v1beta/models/m:generateContent"),
        ("https://host/google", "/google/v1beta/models/m:generateContent"),
    ],
)
def test_gemini_address(url: str, path: str) -> None:
    """The same for Gemini, whose full address names a model."""
    provider = build(settings("gemini", url))
    assert isinstance(provider, gemini.Gemini)
    assert provider.path(call("generate")) == path


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("https://api.groq.com", "/openai/v1"),
        ("https://API.GROQ.com/", "/openai/v1"),
        ("https://api.groq.com/v1", "/v1"),
        ("https://proxy.example", "/v1"),
    ],
)
def test_bare_host_of_the_provider(url: str, prefix: str) -> None:
    """The bare host of a provider's own address stands for all of it; any other address is taken as it is."""
    own = "https://api.groq.com/openai/v1"
    assert urls.parse(url, openai.OpenAI.operations, version="v1", own=own).prefix == prefix


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("https://host", ""),
        ("https://host/v1", "/v1"),
        ("https://host/a/", "/a"),
        ("https://host/chat/completions", ""),
    ],
)
def test_provider_without_a_version(url: str, prefix: str) -> None:
    """Nothing is put behind the address where the provider has no version in its own."""
    assert urls.parse(url, openai.OpenAI.operations, version="").prefix == prefix


def test_key_of_another_provider() -> None:
    """An error names the setting that the address is from."""
    with pytest.raises(ConfigError, match=r"^a\.url .*use a\.api_key") as caught:
        urls.parse("https://u:p@host", {}, version="", key="a.url", secret="a.api_key")
    assert caught.value.param == "a.url"


def test_query_of_the_address_is_kept() -> None:
    """A query in the configured address goes along with every call."""
    base = urls.parse("https://host/v1?api-version=2024&x=1", openai.OpenAI.operations, version="v1")
    assert base.query == "api-version=2024&x=1"


@pytest.mark.parametrize(
    ("configured", "client", "whole"),
    [
        ("", "", "/p"),
        ("a=1", "", "/p?a=1"),
        ("", "beta=true", "/p?beta=true"),
        ("a=1", "beta=true", "/p?a=1&beta=true"),
        ("", "key=secret", "/p"),
        ("key=configured", "alt=sse&key=secret&x=key=1", "/p?key=configured&alt=sse&x=key=1"),
    ],
)
def test_queries_are_joined(configured: str, client: str, whole: str) -> None:
    """The client's query follows the configured one, without the client's `key`, which is for the gateway."""
    assert urls.target("/p", configured, client) == whole


@pytest.mark.parametrize(
    "url",
    ["", "api.openai.com", "ftp://host/", "https://", "https://user:secret@host/v1", "https://host:port/"],
)
def test_bad_address(url: str) -> None:
    """What is no usable address is refused by the name of its key, and credentials in it are not repeated."""
    with pytest.raises(ConfigError, match="external_llm_url") as caught:
        urls.parse(url, openai.OpenAI.operations, version="v1")
    assert caught.value.param == "external_llm_url"
    assert "secret" not in str(caught.value)
