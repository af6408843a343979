"""Which provider an id means."""

from __future__ import annotations

import pytest

from isartor.errors import ConfigError
from isartor.providers import registry
from isartor.providers.openai import OpenAI

from .upstream import settings

AZURE = {"url": "https://r.openai.azure.com", "azure_deployment_id": "d"}
CUSTOM = {"url": "http://localhost:8000"}


@pytest.mark.parametrize("name", registry.known())
def test_every_built_in_provider(name: str) -> None:
    """Every id gives a provider of that name, with a model and something to speak."""
    more: dict[str, str] = {"azure": AZURE, "custom": CUSTOM}.get(name, {})
    provider = registry.build(settings(name, **more))
    assert provider.name == name
    assert provider.model
    assert provider.endpoints


@pytest.mark.parametrize("name", ["custom", "my-vllm"])
def test_any_other_is_openai_compatible(name: str) -> None:
    """An id of the user's own works as soon as there is an address."""
    provider = registry.build(settings(name, "http://localhost:8000"))
    assert isinstance(provider, OpenAI)
    assert provider.name == name


def test_unknown_without_an_address() -> None:
    """Otherwise the error names the key, the value and the ids that are known."""
    with pytest.raises(ConfigError, match=r"'opneai'.*openai.*external_llm_url") as caught:
        registry.build(settings("opneai"))
    assert caught.value.param == "llm_provider"


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [("opneai", "openai"), ("antropic", "anthropic"), ("Mistral", "mistral"), ("hugging-face", "huggingface")],
)
def test_nearest(typed: str, nearest: str) -> None:
    """The ids that are like an unknown one are named, the likest first."""
    with pytest.raises(ConfigError, match=f"did you mean '{nearest}'"):
        registry.build(settings(typed))


def test_nothing_near() -> None:
    """For an id that is like none all are named."""
    with pytest.raises(ConfigError) as caught:
        registry.build(settings("zzzz", where="fallback_providers[2]"))
    assert all(name in caught.value.message for name in registry.known())
    assert caught.value.param == "fallback_providers[2].provider"
    assert "fallback_providers[2].url" in caught.value.message


@pytest.mark.parametrize("name", registry.known())
@pytest.mark.parametrize("url", ["http://[", "ftp://host", "https://user:secret@host", "https://host:port"])
def test_useless_address(name: str, url: str) -> None:
    """Whichever provider it is for, an address that is none is refused by the name of its setting."""
    if name == "demo":
        return
    with pytest.raises(ConfigError) as caught:
        registry.build(settings(name, url, azure_deployment_id="d", where="fallback_providers[0]"))
    assert caught.value.param == "fallback_providers[0].url"
    assert "secret" not in caught.value.message


def test_custom_without_an_address() -> None:
    """A provider that has no usual address says which setting it lacks."""
    with pytest.raises(ConfigError, match="custom needs external_llm_url") as caught:
        registry.build(settings("custom"))
    assert caught.value.param == "external_llm_url"


def test_own_address_still_needs_a_key() -> None:
    """A key is wanted at the provider's own host, also where the user has written it down."""
    own = registry.build(settings("openai", "https://api.openai.com/v1/chat/completions", api_key=None))
    assert own.status()["state"] == "no_api_key"
    elsewhere = registry.build(settings("openai", "https://proxy.example", api_key=None))
    assert elsewhere.status()["state"] == "active"


def test_configured_model_wins() -> None:
    """The configured model replaces the provider's own."""
    assert registry.build(settings("openai", model="gpt-x")).model == "gpt-x"
