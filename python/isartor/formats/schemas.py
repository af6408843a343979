"""What can be told of a JSON schema."""

from __future__ import annotations

from typing import Any, Final

_VALUES: Final = frozenset({"enum", "const", "default", "examples", "required", "properties"})


def closed(schema: Any) -> bool:
    """Whether nothing is left open or optional: only such a schema may be `strict` for OpenAI."""
    if isinstance(schema, list):
        return all(closed(each) for each in schema)
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties")
    if isinstance(properties, dict):
        required = schema.get("required")
        if not isinstance(required, list) or not set(properties) <= set(required):
            return False
    elif properties is not None:
        return False
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        return False
    inner = [value for name, value in schema.items() if name not in _VALUES]
    return all(closed(each) for each in (*inner, *(properties or {}).values()))
