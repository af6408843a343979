"""The table of settings in the documentation, made from the schema."""

from __future__ import annotations

from isartor.config import later
from isartor.config.keys import FALLBACK_KEYS, Key, active
from isartor.config.template import place, toml
from isartor.config.values import type_name


def markdown() -> str:
    """A table of every key in effect: key, environment variable, type, default, meaning."""
    rows = ["| key | environment | type | default | meaning |", "| --- | --- | --- | --- | --- |"]
    rows += [_row(key) for key in active().values()]
    return "\n".join(rows) + "\n"


def later_markdown() -> str:
    """A list of the keys that are accepted and have no effect yet."""
    return "".join(f"- `{path}{'.*' if path in later.TABLES else ''}`\n" for path in sorted(later.KEYS))


def _row(key: Key) -> str:
    spelling = f"fallback.{key.path}" if key.path in FALLBACK_KEYS.values() else place(key)
    default = "" if key.default is None or key.secret or key.table else f"`{toml(key.default)}`"
    return f"| `{spelling}` | `{key.environment}` | {type_name(key)} | {default} | {key.meaning} |"
