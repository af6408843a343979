"""Which provider stands behind a `llm_provider` id: one line each.

Another provider that speaks OpenAI's format is one more line here; any other is one more file beside
`openai.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from isartor.errors import ConfigError
from isartor.providers.anthropic import Anthropic
from isartor.providers.demo import Demo
from isartor.providers.gemini import Gemini
from isartor.providers.openai import OpenAI

if TYPE_CHECKING:
    from collections.abc import Callable

    from isartor.providers.base import Provider, Settings

_BUILDERS: Final[dict[str, Callable[[Settings], Provider]]] = {
    "anthropic": Anthropic,
    "demo": Demo,
    "gemini": Gemini,
    "ollama": lambda s: OpenAI(s, url="http://localhost:11434", model="llama3.2", needs_key=False),
    "openai": lambda s: OpenAI(s, url="https://api.openai.com/v1", model="gpt-4o-mini"),
}


def build(settings: Settings) -> Provider:
    """Return the provider that `settings` describe.

    An id that is not in the table is taken for an OpenAI-compatible provider if `external_llm_url` says where
    it is (`llm_provider = "custom"` is the id for a provider without a name). Raises `ConfigError` otherwise.
    """
    builder = _BUILDERS.get(settings.provider)
    if builder is not None:
        return builder(settings)
    if settings.url is None:
        known = ", ".join(sorted(_BUILDERS))
        message = (
            f"llm_provider = {settings.provider!r} is not built in (built in: {known}). "
            "If it speaks the OpenAI format, set external_llm_url to its address."
        )
        raise ConfigError(message, param="llm_provider")
    return OpenAI(settings, url=settings.url, model="gpt-4o-mini")


def known() -> tuple[str, ...]:
    """Return the ids that need no `external_llm_url`, sorted."""
    return tuple(sorted(_BUILDERS))
