"""From what a source gives to a value of the key's type, and the words for what is allowed.

TOML and the command line give typed values, which are taken as they are. The environment gives text: numbers and
booleans are read from it, an array is JSON or words separated by commas, a table is JSON.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin

import msgspec

from isartor.config.keys import HOST_PORT
from isartor.config.secret import Secret
from isartor.errors import ConfigError

if TYPE_CHECKING:
    from isartor.config.keys import Key

_SHOWN_LENGTH: Final = 60
_FALSE: Final = {"false", "0", "no", "off"}
_TRUE: Final = {"true", "1", "yes", "on"}
_RULES: Final = {
    bool: "true or false",
    tuple[str, ...]: "an array of strings",
    dict[str, str]: "a table of strings",
}


def convert(key: Key, value: object, where: str, *, text: bool) -> object:
    """Return `value` as `key`'s type; `text` says that it comes from the environment.

    Raises `ConfigError` with `where` it stands, the rule and, unless it is a secret, what was given.
    """
    if key.secret:
        return _secret(key, value, where)
    base = key.base
    try:
        if text and isinstance(value, str) and (value.strip() or not key.optional):
            value = _read(base, value)
        if get_origin(base) is Literal and isinstance(value, str):
            value = value.strip().lower()
        if key.optional and isinstance(value, str):
            value = (value.strip() if base is str else value) or None
        if value is None and key.optional:
            return None
        given = _finite(msgspec.convert(value, key.limited))
    except (ValueError, RecursionError, msgspec.ValidationError):
        message = f"{where} must be {rule(key)}, got {shown(value)}"
        raise ConfigError(message, param=key.path) from None
    return given


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(value)
    return value


def _secret(key: Key, value: object, where: str) -> Secret | None:
    if not isinstance(value, str):
        message = f"{where} must be {rule(key)}, got something else"
        raise ConfigError(message, param=key.path)
    return secret(value, where, key.path) if value else None


def secret(value: str, where: str, path: str) -> Secret:
    """Wrap a credential after making sure that it can stand in an HTTP header."""
    if not value.isascii() or not value.isprintable() or value != value.strip():
        message = f"{where} must be printable ASCII without spaces around it, because it is sent in an HTTP header"
        raise ConfigError(message, param=path)
    return Secret(value)


def host_port(value: object, where: str) -> tuple[str, int]:
    """Take `host:port` apart; an IPv6 address stands in brackets."""
    text = value.strip() if isinstance(value, str) else ""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if colon and port.isascii() and port.isdigit() and 0 < int(port[:6]) <= 65535:
        if bracketed and len(host) > 2:
            return host[1:-1], int(port)
        if host and not bracketed and ":" not in host and not any(char.isspace() for char in host):
            return host, int(port)
    message = f"{where} must be host:port, as 127.0.0.1:8080 or [::1]:8080, got {shown(value)}"
    raise ConfigError(message, param=HOST_PORT)


def rule(key: Key) -> str:
    """What the value of `key` must be, in words that end a sentence."""
    base = key.base
    limits = next((meta for meta in getattr(key.type, "__metadata__", ()) if isinstance(meta, msgspec.Meta)), None)
    if key.struct is not None:
        return "an array of tables" if key.array else "tables by name"
    if get_origin(base) is Literal:
        return "one of " + ", ".join(get_args(base))
    if base in {int, float}:
        return ("an integer" if base is int else "a number") + _range(limits)
    if base in _RULES:
        return _RULES[base]
    return "a non-empty string" if limits is not None and limits.min_length else "a string"


def type_name(key: Key) -> str:
    """The type of `key` in a word, for the reference table."""
    base = key.base
    if key.struct is not None:
        return "array of tables" if key.array else "tables"
    if get_origin(base) is Literal:
        return " or ".join(f"`{word}`" for word in get_args(base))
    names = {bool: "boolean", int: "integer", float: "number", tuple[str, ...]: "array", dict[str, str]: "table"}
    return "secret" if key.secret else names.get(base, "string")


def shown(value: object) -> str:
    """`value` as it may stand in an error: short, on one line."""
    text = repr(value)
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"


def _range(limits: msgspec.Meta | None) -> str:
    if limits is None:
        return ""
    if limits.ge is not None and limits.le is not None:
        return f" from {limits.ge:g} to {limits.le:g}"
    if limits.gt is not None:
        return f" above {limits.gt:g}" + (f", up to {limits.le:g}" if limits.le is not None else "")
    return f" of at least {limits.ge:g}" if limits.ge is not None else ""


def _read(base: Any, text: str) -> object:
    """The environment's `text` as a value for `base`; `ValueError` if it is none."""
    text = text.strip()
    if base is bool:
        word = text.lower()
        if word not in _TRUE | _FALSE:
            raise ValueError(text)
        return word in _TRUE
    if base is int:
        return int(text)
    if base is float:
        return float(text)
    if base == dict[str, str] or (base == tuple[str, ...] and text.startswith("[")):
        return msgspec.json.decode(text)
    if base == tuple[str, ...]:
        return [word.strip() for word in text.split(",") if word.strip()]
    return text
