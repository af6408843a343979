"""The providers that a configuration names, each with its own settings and those of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isartor.providers.base import Limits, Settings

if TYPE_CHECKING:
    from isartor.config import Config


def settings_of(config: Config) -> tuple[Settings, ...]:
    """The providers as they are configured, in the order of the chain."""
    first = Settings(
        provider="demo" if config.demo else config.llm_provider,
        url=None if config.demo else config.external_llm_url,
        model=config.external_llm_model,
        api_key=config.external_llm_api_key,
        azure_deployment_id=config.azure_deployment_id,
        azure_api_version=config.azure_api_version,
        **_common(config),
    )
    others = (
        Settings(
            provider=entry.provider,
            url=entry.url,
            model=entry.model,
            api_key=entry.api_key,
            azure_deployment_id=entry.azure_deployment_id,
            azure_api_version=entry.azure_api_version,
            where=f"fallback_providers[{place}]",
            **_common(config),
        )
        for place, entry in enumerate(config.fallback_providers)
    )
    return first, *others


def _common(config: Config) -> dict[str, Any]:
    return {
        "limits": Limits(
            l3_connect_timeout_secs=config.l3_connect_timeout_secs,
            l3_first_byte_timeout_secs=config.l3_first_byte_timeout_secs,
            l3_read_timeout_secs=config.l3_read_timeout_secs,
            l3_timeout_secs=config.l3_timeout_secs,
        ),
        "offline": config.offline_mode,
        "offline_allowed_hosts": config.offline_allowed_hosts,
    }
