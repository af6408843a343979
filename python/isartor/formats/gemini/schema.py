"""Gemini's older schemas, a subset of OpenAPI 3.0, as JSON Schema.

Source: https://ai.google.dev/api/caching#Schema.
"""

from __future__ import annotations

from typing import Any, Final

_TYPES: Final = {
    "STRING": "string",
    "NUMBER": "number",
    "INTEGER": "integer",
    "BOOLEAN": "boolean",
    "ARRAY": "array",
    "OBJECT": "object",
    "NULL": "null",
}
_SNAKE: Final = {
    "any_of": "anyOf",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_properties": "minProperties",
    "max_properties": "maxProperties",
    "property_ordering": "propertyOrdering",
}
_COUNTS: Final = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
_LONG: Final = 20
"""Digits of the largest 64-bit integer, and one."""
_LISTS: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_TABLES: Final = frozenset({"properties", "patternProperties", "$defs", "definitions"})
_ONES: Final = frozenset({"items", "additionalProperties", "not"})


def convert(schema: Any) -> Any:
    """`schema` as JSON Schema; one that is so already comes out equal."""
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for given, value in schema.items():
        name = _SNAKE[given] if given in _SNAKE else str(given)
        if name == "type":
            kind = [_named(each) for each in value] if isinstance(value, list) else _type(value)
            if kind is not None:
                made["type"] = kind
        elif name in _COUNTS and isinstance(value, str) and value.isdecimal() and len(value) < _LONG:
            # 64-bit integers are strings in Google's JSON.
            made[name] = int(value)
        else:
            made[name] = _inner(name, value)
    return _nullable(_ordered(made))


def _type(value: Any) -> Any:
    return None if value == "TYPE_UNSPECIFIED" else _named(value)


def _named(value: Any) -> Any:
    return _TYPES.get(value, value) if isinstance(value, str) else value


def _inner(name: str, value: Any) -> Any:
    if name in _LISTS and isinstance(value, list):
        return [convert(each) for each in value]
    if name in _TABLES and isinstance(value, dict):
        return {key: convert(each) for key, each in value.items()}
    return convert(value) if name in _ONES else value


def _ordered(made: dict[str, Any]) -> dict[str, Any]:
    """The order that the model is to write the members in is that of `properties` everywhere else."""
    order = made.get("propertyOrdering")
    properties = made.get("properties")
    if isinstance(order, list) and isinstance(properties, dict):
        del made["propertyOrdering"]
        first = {name: properties[name] for name in order if isinstance(name, str) and name in properties}
        made["properties"] = first | properties
    return made


def _nullable(made: dict[str, Any]) -> dict[str, Any]:
    nullable = made.get("nullable")
    if not isinstance(nullable, bool):
        return made
    del made["nullable"]
    if not nullable:
        return made
    if isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    if isinstance(made.get("enum"), list) and None not in made["enum"]:
        made["enum"] = [*made["enum"], None]
    if isinstance(made.get("anyOf"), list):
        made["anyOf"] = [*made["anyOf"], {"type": "null"}]
    return made
