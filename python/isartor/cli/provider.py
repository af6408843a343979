"""What the command line knows about the providers before a gateway runs: whether each can be built and has a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isartor.config import Config
    from isartor.providers.base import Settings

# The provider's usual variable: never read, since a key that happens to lie there must not spend money unasked; named
# in the hint, because it is where the user's key is likely to be.
_USUAL_VARIABLE: Final = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "gemini": "GEMINI_API_KEY",
}


def check(config: Config) -> None:
    """Raise `ConfigError` for a provider that cannot be: its name is unknown, or something that it needs is missing."""
    from isartor.providers.configured import settings_of

    for settings in settings_of(config):
        _lacks_key(settings)


def keyless(config: Config) -> bool:
    """Whether a miss can only be refused, because the provider needs a key and none is set."""
    from isartor.providers.configured import settings_of

    return not config.provider_keys and _lacks_key(settings_of(config)[0])


def keyless_fallbacks(config: Config) -> Iterator[str]:
    """What to say of each provider behind the first that needs a key and has none."""
    from isartor.providers.base import key_warning
    from isartor.providers.configured import settings_of

    for entry, settings in zip(config.fallback_providers, settings_of(config)[1:], strict=True):
        if not entry.provider_keys and _lacks_key(settings):
            yield key_warning(entry.provider, settings.where)


def _lacks_key(settings: Settings) -> bool:
    """Whether the provider needs a key and has none of its own: it is asked itself, for it knows when it needs none."""
    from isartor.providers import registry

    return registry.build(settings).status()["state"] == "no_api_key"


def hint(config: Config) -> str:
    """How to set a key."""
    usual = _USUAL_VARIABLE.get(config.llm_provider)
    example = f'="${usual}"' if usual else "=<your key>"
    return f"export ISARTOR__EXTERNAL_LLM_API_KEY{example}"


def host(config: Config) -> str | None:
    """Host and port of the configured address, without the rest, which may hold what nobody else should see."""
    if config.external_llm_url is None:
        return None
    from urllib.parse import urlsplit

    return urlsplit(config.external_llm_url).netloc.rpartition("@")[2]
