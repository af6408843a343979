"""What the command line says about the provider, from the configuration alone: providers are not loaded for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isartor.config import Config

# The provider's usual variable: never read, since a key that happens to lie there must not spend money unasked; named
# in the hint, because it is where the user's key is likely to be.
_USUAL_VARIABLE: Final = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "gemini": "GEMINI_API_KEY",
}
_NEEDS_NO_KEY: Final = frozenset({"ollama"})


def keyless(config: Config) -> bool:
    """Whether a miss can only be refused, because the provider needs a key and none is set."""
    return (
        not config.demo
        and config.external_llm_api_key is None
        and not config.provider_keys
        and config.external_llm_url is None
        and config.llm_provider not in _NEEDS_NO_KEY
    )


def keyless_fallbacks(config: Config) -> Iterator[str]:
    """What to say of each provider behind the first that needs a key and has none."""
    for place, entry in enumerate(config.fallback_providers):
        has_key = entry.api_key is not None or entry.provider_keys
        if not has_key and entry.url is None and entry.provider not in _NEEDS_NO_KEY:
            from isartor.providers.base import key_warning

            yield key_warning(entry.provider, f"fallback_providers[{place}]")


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
