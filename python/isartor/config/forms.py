"""What a single value must look like where its type does not say it. Each gives the rest of a sentence, or `None`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from isartor.config.values import shown

if TYPE_CHECKING:
    from collections.abc import Callable

_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s?#@]+")
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f:.]+")
_HOST_OR_BELOW: Final = re.compile(rf"(?:\*\.)?(?:{_HOST.pattern})")
_PROVIDER: Final = re.compile(r"[a-z0-9][a-z0-9_.-]*")

_CREDENTIALS: Final = "must not contain a user name or password"


def host(value: object) -> str | None:
    """A host without scheme and port."""
    if _HOST.fullmatch(str(value)):
        return None
    return f"must be a host name or an IP address without scheme and port, got {shown(value)}"


def provider(value: object) -> str | None:
    """A provider's id."""
    if _PROVIDER.fullmatch(str(value)):
        return None
    return f"must be a provider's name in lower case, got {shown(value)}"


def priced(value: object) -> str | None:
    """A provider's id, or the one of a model of it."""
    name, slash, wanted = str(value).partition("/")
    if _PROVIDER.fullmatch(name) and (not slash or (wanted.strip() and model(wanted) is None)):
        return None
    return f"must be a provider's name in lower case, or provider/model, got {shown(value)}"


def provider_url(secret: str) -> Callable[[object], str | None]:
    """A provider's address, whose key goes into the setting `secret`."""

    def rule(value: object) -> str | None:
        problem = url(value)
        return f"{problem}; the provider's key goes into {secret}" if problem == _CREDENTIALS else problem

    return rule


def url(value: object) -> str | None:
    """An address for HTTP."""
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


def model(value: object) -> str | None:
    """A model's name."""
    return None if str(value).isprintable() else f"must be a model's name on one line, got {shown(value)}"


def label(value: object) -> str | None:
    """A name under which something is shown."""
    text = str(value)
    if text.isprintable() and text == text.strip() and text:
        return None
    return f"must be a name on one line without spaces around it, got {shown(value)}"


def model_pattern(value: object) -> str | None:
    """A model's name, or how it begins."""
    text = str(value)
    if text and text.isprintable() and "*" not in text[:-1]:
        return None
    return f"must be a model's name, or how it begins with * at the end, got {shown(value)}"


def origins(value: object) -> str | None:
    """Origins of browsers."""
    bad = _first_bad(value, _ORIGIN)
    return None if bad is None else f"must hold origins as https://app.example, without a path, got {shown(bad)}"


def hosts(value: object) -> str | None:
    """Hosts without scheme and port."""
    bad = _first_bad(value, _HOST)
    return None if bad is None else f"must hold host names without scheme, port or wildcard, got {shown(bad)}"


def hosts_or_below(value: object) -> str | None:
    """Hosts, or all that are below a name."""
    bad = _first_bad(value, _HOST_OR_BELOW)
    return None if bad is None else f"must hold host names or *.domain, without scheme and port, got {shown(bad)}"


def _first_bad(value: object, pattern: re.Pattern[str]) -> str | None:
    words = value if isinstance(value, tuple) else ()
    return next((word for word in words if not pattern.fullmatch(word)), None)


def aliases(value: object) -> str | None:
    """Names for models, none of which leads to another name."""
    table = value if isinstance(value, dict) else {}
    for name, wanted in table.items():
        if not name.strip() or not wanted.strip():
            return f"must give each alias a name and a model, got {shown(name)} = {shown(wanted)}"
        if wanted == name:
            return f"must not name the alias {shown(name)} as its own model"
        if wanted in table:
            return f"must give {shown(name)} a real model: {shown(wanted)} is an alias, and aliases are resolved once"
    return None
