"""Tables of known keys that a user may write more than once: `[[provider_keys]]`, `[quota.openai]`.

A table is read in two steps. `read` takes it apart into a dictionary of checked values, since two sources may each give
a part of it: the file a quota, a variable one of its limits. `build` makes the structs of what is left when the sources
are merged, and only then reads the secrets that stand in files.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from isartor.config import values
from isartor.config.keys import FILE_SUFFIX, Key, field_key
from isartor.config.secret_file import SecretFile
from isartor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Locate = Callable[[object, str, str], Path]
    """Gives the path of a secret's file from its value, place and key."""


@cache
def fields(struct: type[msgspec.Struct]) -> dict[str, Key]:
    """The keys of a table, by name."""
    return {field.name: field_key(field.name, field) for field in msgspec.structs.fields(struct)}


@cache
def required(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    """The keys that each table must have."""
    return tuple(field.name for field in msgspec.structs.fields(struct) if field.required)


def read(key: Key, value: object, where: str, locate: Locate, *, text: bool = False) -> Any:
    """Take the tables of `key` apart: a list of dictionaries, or a dictionary of them by the names that the user gave.

    `text`: the value comes from the environment, as JSON. Raises `ConfigError` for the first thing that is wrong; as
    secrets may stand anywhere in it, it shows no value but that of a known key that is none.
    """
    if text and isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (ValueError, RecursionError):
            message = f"{where} must be {values.rule(key)} as JSON"
            raise ConfigError(message, param=key.path) from None
    struct = _struct(key)
    if key.array:
        if not isinstance(value, list):
            message = f"{where} must be {values.rule(key)}"
            raise ConfigError(message, param=key.path)
        return [
            _read_one(struct, item, f"{where}[{place}]", f"{key.path}[{place}]", locate)
            for place, item in enumerate(value)
        ]
    if not isinstance(value, dict):
        message = f"{where} must be {values.rule(key)}"
        raise ConfigError(message, param=key.path)
    return {
        name: _read_one(struct, item, f"{where}.{name}", f"{key.path}.{name}", locate) for name, item in value.items()
    }


def read_variable(key: Key, rest: str, value: str, where: str, locate: Locate) -> dict[str, dict[str, object]]:
    """Take what one variable gives: a key of a table (`rest` is `openai.daily_token_limit`), or a table as JSON."""
    struct = _struct(key)
    name, _, last = rest.rpartition(".")
    field = fields(struct).get(last)
    if name and field is not None:
        entry = msgspec.structs.replace(field, path=f"{key.path}.{rest}")
        return {name: {last: values.convert(entry, value, where, text=True)}}
    if value.lstrip().startswith("{"):
        try:
            table = msgspec.json.decode(value)
        except (ValueError, RecursionError):
            message = f"{where} must be a JSON object"
            raise ConfigError(message, param=f"{key.path}.{rest}") from None
        return {rest: _read_one(struct, table, where, f"{key.path}.{rest}", locate)}
    if not name:
        message = f"{where} must be a JSON object with {_names(struct)}"
        raise ConfigError(message, param=f"{key.path}.{rest}")
    near = _nearest(struct, last)
    hint = f"; did you mean {key.environment}__{name.upper()}__{near.upper()}?" if near else ""
    message = f"{where} is not a known setting{hint}"
    raise ConfigError(message, param=f"{key.path}.{rest}")


def build(key: Key, raw: Any, where: str) -> Any:
    """Return the structs that the dictionaries of `read` describe; reads the secrets that stand in files."""
    struct = _struct(key)
    if key.array:
        return tuple(
            _build_one(struct, item, f"{where}[{place}]", f"{key.path}[{place}]") for place, item in enumerate(raw)
        )
    return {name: _build_one(struct, item, f"{where}.{name}", f"{key.path}.{name}") for name, item in raw.items()}


def _read_one(struct: type[msgspec.Struct], value: object, where: str, param: str, locate: Locate) -> dict[str, object]:
    if not isinstance(value, dict):
        message = f"{where} must be a table with {_names(struct)}"
        raise ConfigError(message, param=param)
    known = fields(struct)
    found: dict[str, object] = {}
    for name, inner in value.items():
        place, path = f"{where}.{name}", f"{param}.{name}"
        field = known.get(name)
        if field is None:
            secret = known.get(name.removesuffix(FILE_SUFFIX)) if name.endswith(FILE_SUFFIX) else None
            if secret is None or not secret.secret:
                near = _nearest(struct, name)
                hint = f"; did you mean {param}.{near}?" if near else ""
                message = f"{place} is not a known setting{hint}"
                raise ConfigError(message, param=path)
            if value.get(secret.path) not in {None, ""}:
                message = f"{where} has both {secret.path} and {name}; give only one"
                raise ConfigError(message, param=path)
            found[secret.path] = SecretFile(locate(inner, place, path))
        elif field.struct is not None:
            found[name] = read(msgspec.structs.replace(field, path=path), inner, place, locate)
        elif name not in found:
            found[name] = values.convert(msgspec.structs.replace(field, path=path), inner, place, text=False)
    for name in required(struct):
        if found.get(name) is None:
            also = f" (or {name}{FILE_SUFFIX})" if known[name].secret else ""
            message = f"{where}.{name}{also} is missing"
            raise ConfigError(message, param=f"{param}.{name}")
    return found


def _build_one(struct: type[msgspec.Struct], raw: dict[str, object], where: str, param: str) -> msgspec.Struct:
    given: dict[str, object] = {}
    for name, value in raw.items():
        field = fields(struct)[name]
        if isinstance(value, SecretFile):
            given[name] = value.read(f"{where}.{name}{FILE_SUFFIX}", f"{param}.{name}")
        elif field.struct is not None:
            given[name] = build(msgspec.structs.replace(field, path=f"{param}.{name}"), value, f"{where}.{name}")
        else:
            given[name] = value
    return struct(**given)


def _struct(key: Key) -> type[msgspec.Struct]:
    """What its tables hold; the caller has made sure that it has some."""
    struct: type[msgspec.Struct] | None = key.struct
    if struct is None:
        raise TypeError(key.path)
    return struct


def _names(struct: type[msgspec.Struct]) -> str:
    return ", ".join(struct.__struct_fields__)


def _nearest(struct: type[msgspec.Struct], name: str) -> str | None:
    import difflib

    known = [*fields(struct), *(field.path + FILE_SUFFIX for field in fields(struct).values() if field.secret)]
    found = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return found[0] if found else None
