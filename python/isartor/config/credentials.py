"""Which keys a provider has, and which texts of a configuration must never be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isartor.config.upstream import ProviderKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isartor.config.schema import Config
    from isartor.config.secret import Secret


def pool(api_key: Secret | None, provider_keys: tuple[ProviderKey, ...]) -> tuple[ProviderKey, ...]:
    """All keys of a provider: the single one first, with the highest priority, if it is not among the others."""
    if api_key is None or any(entry.key == api_key for entry in provider_keys):
        return provider_keys
    return (ProviderKey(key=api_key), *provider_keys)


def secrets(config: Config) -> tuple[Secret, ...]:
    """Every secret in `config`, for whoever has to keep them out of what is written."""
    return tuple(_secrets(config))


def _secrets(config: Config) -> Iterator[Secret]:
    gateway = [config.gateway_api_key, *(entry.key for entry in config.gateway_keys)]
    primary = [config.external_llm_api_key, *(entry.key for entry in config.provider_keys)]
    others = [
        key
        for provider in config.fallback_providers
        for key in (provider.api_key, *(entry.key for entry in provider.provider_keys))
    ]
    yield from (secret for secret in (*gateway, *primary, *others) if secret is not None)
