"""Rules that a type cannot say: addresses, origins, aliases, and what may listen where without a key."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from isartor.config.values import shown
from isartor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s?#@]+")
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f:.]+")
_HOST_OR_BELOW: Final = re.compile(rf"(?:\*\.)?(?:{_HOST.pattern})")

_CREDENTIALS: Final = "must not contain a user name or password"


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
    _bind(settings, where)
    _semantic(settings, where)
    entry, total = settings["cache_max_entry_bytes"], settings["cache_max_bytes"]
    if isinstance(entry, int) and isinstance(total, int) and entry > total:
        message = f"{where('cache_max_entry_bytes')} must be at most cache_max_bytes ({total}), got {entry}"
        raise ConfigError(message, param="cache_max_entry_bytes")


def _bind(settings: Mapping[str, object], where: Callable[[str], str]) -> None:
    host = str(settings["host"])
    if is_loopback(host) or settings["gateway_api_key"] is not None or settings["allow_unauthenticated"]:
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


def _host(value: object) -> str | None:
    if _HOST.fullmatch(str(value)):
        return None
    return f"must be a host name or an IP address without scheme and port, got {shown(value)}"


def _provider(value: object) -> str | None:
    if re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", str(value)):
        return None
    return f"must be a provider's name in lower case, got {shown(value)}"


def _provider_url(value: object) -> str | None:
    problem = _url(value)
    return f"{problem}; the provider's key goes into external_llm_api_key" if problem == _CREDENTIALS else problem


def _url(value: object) -> str | None:
    text = str(value)
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return "is not a valid URL"
    if "@" in parts.netloc:
        return _CREDENTIALS
    if parts.scheme not in {"http", "https"} or not parts.hostname or any(char.isspace() for char in text):
        without_query = shown(text.partition("?")[0])
        return f"must be a URL that starts with http:// or https:// and names a host, got {without_query}"
    return None


def _model(value: object) -> str | None:
    return None if str(value).isprintable() else f"must be a model's name on one line, got {shown(value)}"


def _origins(value: object) -> str | None:
    bad = _first_bad(value, _ORIGIN)
    return None if bad is None else f"must hold origins as https://app.example, without a path, got {shown(bad)}"


def _hosts(value: object) -> str | None:
    bad = _first_bad(value, _HOST)
    return None if bad is None else f"must hold host names without scheme, port or wildcard, got {shown(bad)}"


def _hosts_or_below(value: object) -> str | None:
    bad = _first_bad(value, _HOST_OR_BELOW)
    return None if bad is None else f"must hold host names or *.domain, without scheme and port, got {shown(bad)}"


def _first_bad(value: object, pattern: re.Pattern[str]) -> str | None:
    words = value if isinstance(value, tuple) else ()
    return next((word for word in words if not pattern.fullmatch(word)), None)


def _aliases(value: object) -> str | None:
    table = value if isinstance(value, dict) else {}
    for name, model in table.items():
        if not name.strip() or not model.strip():
            return f"must give each alias a name and a model, got {shown(name)} = {shown(model)}"
        if model == name:
            return f"must not name the alias {shown(name)} as its own model"
        if model in table:
            return f"must give {shown(name)} a real model: {shown(model)} is an alias, and aliases are resolved once"
    return None


_RULES: Final[dict[str, Callable[[object], str | None]]] = {
    "host": _host,
    "allowed_origins": _origins,
    "allowed_hosts": _hosts,
    "llm_provider": _provider,
    "external_llm_url": _provider_url,
    "external_llm_model": _model,
    "model_aliases": _aliases,
    "offline_allowed_hosts": _hosts_or_below,
    "semantic_cache.remote_url": _url,
    "embedding_sidecar.sidecar_url": _url,
}
