"""Which provider an id means."""

from __future__ import annotations

import pytest

from isartor.errors import ConfigError
from isartor.providers import registry
from isartor.providers.openai import OpenAI

from .upstream import settings


@pytest.mark.parametrize("name", registry.known())
def test_every_built_in_provider(name: str) -> None:
    """Every id gives a provider of that name, with a model and something to speak."""
    provider = registry.build(settings(name))
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


def test_configured_model_wins() -> None:
    """The configured model replaces the provider's own."""
    assert registry.build(settings("openai", model="gpt-x")).model == "gpt-x"
