"""Rules that a type cannot say: forms of values, what may listen where without a key, which limits fit together."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

from isartor.config import forms, keyrings
from isartor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on `host`; decided without looking a name up."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost":
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def check(settings: Mapping[str, object], where: Callable[[str], str]) -> None:
    """Raise `ConfigError` for the first rule that the resolved `settings` break; `where` names a key's place."""
    for path, rule in _RULES.items():
        value = settings[path]
        problem = None if value is None else rule(value)
        if problem is not None:
            message = f"{where(path)} {problem}"
            raise ConfigError(message, param=path)
    for path, rule in _NAMES.items():
        names = settings[path]
        for name in names if isinstance(names, dict) else ():
            problem = rule(name)
            if problem is not None:
                message = f"{where(path)}: the name of a table {problem}"
                raise ConfigError(message, param=f"{path}.{name}")
    _bind(settings, where)
    _semantic(settings, where)
    for path, limit in AT_MOST.items():
        value, most = settings[path], settings[limit]
        if isinstance(value, int) and isinstance(most, int) and value > most:
            message = f"{where(path)} must be at most {limit} ({most}), got {value}"
            raise ConfigError(message, param=path)
    keyrings.check(settings, where)


def _bind(settings: Mapping[str, object], where: Callable[[str], str]) -> None:
    host = str(settings["host"])
    keyed = settings["gateway_api_key"] is not None or settings["gateway_keys"]
    if is_loopback(host) or keyed or settings["allow_unauthenticated"]:
        return
    message = (
        f"{where('host')} = {host} can be reached from other machines and no gateway key is set. Set gateway_api_key "
        "(ISARTOR__GATEWAY_API_KEY), or listen on 127.0.0.1, or set allow_unauthenticated = true to let everybody in."
    )
    raise ConfigError(message, param="host")


def _semantic(settings: Mapping[str, object], where: Callable[[str], str]) -> None:
    path = "semantic_cache.remote_url"
    if settings["semantic_cache.provider"] == "tei" and settings[path] is None and settings["cache_mode"] != "exact":
        message = (
            f"{where('semantic_cache.provider')} = tei needs semantic_cache.remote_url (ISARTOR__TEI_URL): "
            "the address of the server"
        )
        raise ConfigError(message, param=path)


AT_MOST: Final = {
    "cache_max_entry_bytes": "cache_max_bytes",
    "concurrency.min": "concurrency.max",
    "retry.base_delay_ms": "retry.max_delay_ms",
}
"""Keys that must not be larger than another."""
_RULES: Final[dict[str, Callable[[object], str | None]]] = {
    "host": forms.host,
    "allowed_origins": forms.origins,
    "allowed_hosts": forms.hosts,
    "llm_provider": forms.provider,
    "external_llm_url": forms.provider_url("external_llm_api_key"),
    "external_llm_model": forms.model,
    "model_aliases": forms.aliases,
    "offline_allowed_hosts": forms.hosts_or_below,
    "semantic_cache.remote_url": forms.url,
    "embedding_sidecar.sidecar_url": forms.url,
}
_NAMES: Final[dict[str, Callable[[object], str | None]]] = {
    "quota": forms.provider,
    "usage_pricing": forms.priced,
}
"""What the tables of a key may be called."""
