"""Lists of models in the shape that the caller reads: OpenAI's, Anthropic's or Gemini's.

The gateway does not ask the provider: it lists the configured model, and the aliases and their targets.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.errors import NotFoundError
from isartor.formats.base import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_GEMINI_METHODS: Final = ("generateContent", "streamGenerateContent", "countTokens")


class Model(msgspec.Struct, frozen=True):
    """One model that a client may ask for. `created` is Unix time in seconds."""

    id: str
    owned_by: str
    created: int


def known(provider: str, model: str, aliases: Mapping[str, str], *, created: int) -> tuple[Model, ...]:
    """Return the configured model, the aliases' targets, then the aliases, each once.

    `created` is the same for all, by convention when the gateway started.
    """
    targets = dict.fromkeys((model, *aliases.values()))
    found = {name: Model(name, provider, created) for name in targets if name}
    for alias in aliases:
        found[alias] = Model(alias, f"alias:{provider}", created)
    return tuple(found.values())


def openai_list(models: Sequence[Model]) -> bytes:
    """`GET /v1/models` for OpenAI's clients."""
    return encode({"object": "list", "data": [_openai(model) for model in models]})


def openai_model(models: Sequence[Model], wanted: str) -> bytes:
    """`GET /v1/models/{id}`; `NotFoundError` if there is none."""
    return _one(models, wanted, _openai)


def anthropic_list(models: Sequence[Model]) -> bytes:
    """`GET /v1/models` for callers that send `anthropic-version`: all on one page."""
    page = {
        "data": [_anthropic(model) for model in models],
        "has_more": False,
        "first_id": models[0].id if models else None,
        "last_id": models[-1].id if models else None,
    }
    return encode(page)


def anthropic_model(models: Sequence[Model], wanted: str) -> bytes:
    """`GET /v1/models/{id}` for callers that send `anthropic-version`; `NotFoundError` if there is none."""
    return _one(models, wanted, _anthropic)


def gemini_list(models: Sequence[Model]) -> bytes:
    """`GET /v1beta/models`: all on one page."""
    return encode({"models": [_gemini(model) for model in models]})


def gemini_model(models: Sequence[Model], wanted: str) -> bytes:
    """`GET /v1beta/models/{id}`; `NotFoundError` if there is none."""
    return _one(models, wanted, _gemini)


def _one(models: Sequence[Model], wanted: str, shape: Callable[[Model], dict[str, Any]]) -> bytes:
    for model in models:
        if model.id == wanted:
            return encode(shape(model))
    message = f"The model {wanted!r} is not known to this gateway."
    raise NotFoundError(message, code="model_not_found")


def _openai(model: Model) -> dict[str, Any]:
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by}


def _anthropic(model: Model) -> dict[str, Any]:
    moment = datetime.fromtimestamp(model.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": model.id, "display_name": model.id, "created_at": moment}


def _gemini(model: Model) -> dict[str, Any]:
    return {
        "name": f"models/{model.id}",
        "baseModelId": model.id,
        "version": "001",
        "displayName": model.id,
        "description": f"Served by {model.owned_by}.",
        "supportedGenerationMethods": _GEMINI_METHODS,
    }
