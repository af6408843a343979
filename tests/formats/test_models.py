"""The model lists, as the SDKs read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from isartor.errors import NotFoundError
from isartor.formats import models

from .served import JSON, Prepared, served
from .test_sdks import anthropic_client, genai_client, openai_client

if TYPE_CHECKING:
    from collections.abc import Callable

KNOWN = models.known("openai", "gpt-x", {"fast": "gpt-y", "smart": "gpt-x"}, created=1_700_000_000)


def test_known() -> None:
    """The configured model, the aliases' targets and the aliases, each once and with its owner."""
    assert [(model.id, model.owned_by) for model in KNOWN] == [
        ("gpt-x", "openai"),
        ("gpt-y", "openai"),
        ("fast", "alias:openai"),
        ("smart", "alias:openai"),
    ]


def reply(build: Callable[[str], bytes]) -> Callable[[str, bytes], Prepared]:
    return lambda target, _: Prepared(200, JSON, build(target.partition("?")[0].rpartition("/")[2]))


def test_openai() -> None:
    """OpenAI's list and single model."""
    with served(reply(lambda _: models.openai_list(KNOWN))) as url, openai_client(url) as client:
        found = list(client.models.list())
    assert [(model.id, model.created) for model in found] == [(model.id, 1_700_000_000) for model in KNOWN]
    with served(reply(lambda name: models.openai_model(KNOWN, name))) as url, openai_client(url) as client:
        assert client.models.retrieve("fast").owned_by == "alias:openai"


def test_anthropic() -> None:
    """Anthropic's page and single model."""
    with served(reply(lambda _: models.anthropic_list(KNOWN))) as url, anthropic_client(url) as client:
        found = list(client.models.list())
    assert [model.id for model in found] == [model.id for model in KNOWN]
    assert found[0].created_at.isoformat() == "2023-11-14T22:13:20+00:00"
    with (
        served(reply(lambda name: models.anthropic_model(KNOWN, name))) as url,
        anthropic_client(url) as client,
    ):
        assert client.models.retrieve("fast").type == "model"


def test_gemini() -> None:
    """Gemini's page and single model."""
    with served(reply(lambda _: models.gemini_list(KNOWN))) as url, genai_client(url) as client:
        assert [model.name for model in client.models.list()] == [f"models/{model.id}" for model in KNOWN]
    with served(reply(lambda name: models.gemini_model(KNOWN, name))) as url, genai_client(url) as client:
        found = client.models.get(model="fast")
    assert found.name == "models/fast"
    assert found.supported_actions == ["generateContent", "streamGenerateContent", "countTokens"]


@pytest.mark.parametrize("build", [models.openai_model, models.anthropic_model, models.gemini_model])
def test_unknown(build: Callable[[object, str], bytes]) -> None:
    """A model that is not known is a 404 that names it."""
    with pytest.raises(NotFoundError, match="nope") as caught:
        build(KNOWN, "nope")
    assert (caught.value.status, caught.value.code) == (404, "model_not_found")


def test_empty_list() -> None:
    """No model is an empty page and no error."""
    assert b'"first_id":null' in models.anthropic_list(())
