"""How fields of this format that have no word elsewhere are kept and put back, also inside nested objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isartor.formats.reading import restore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isartor.formats.reading import Members


def keep(extra: dict[str, Any], name: str, inner: Members) -> None:
    """Keep in `extra` what is left of the object `name`: fields under its name, hints under a hint."""
    rest = inner.rest()
    fields = {field: value for field, value in rest.items() if not field.startswith("~")}
    hints = {field: value for field, value in rest.items() if field.startswith("~")}
    if fields:
        extra[name] = extra.get(name, {}) | fields
    if hints:
        extra["~" + name] = extra.get("~" + name, {}) | hints


def put_back(written: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """`restore`, and what `keep` kept goes into the object that it came from."""
    flat = {}
    for key, value in extra.items():
        inner = written.get(key.removeprefix("~"))
        if isinstance(value, dict) and isinstance(inner, dict):
            put_back(inner, value)
        else:
            flat[key] = value
    return restore(written, flat)
