"""The table of settings in the documentation, made from the schema."""

from __future__ import annotations

from typing import Final

from isartor.config import later
from isartor.config.keys import FALLBACK_KEYS, Key, active
from isartor.config.tables import fields, required
from isartor.config.template import place, toml
from isartor.config.values import type_name

_NAMES: Final = {"usage_pricing": "provider or provider/model", "quota": "provider"}
"""What the user names the tables of a key by."""


def markdown() -> str:
    """A table of every key in effect: key, environment variable, type, default, meaning."""
    rows = ["| key | environment | type | default | meaning |", "| --- | --- | --- | --- | --- |"]
    rows += [_row(key) for key in active().values()]
    return "\n".join(rows) + "\n"


def later_markdown() -> str:
    """A list of the keys that are accepted and have no effect yet."""
    return "".join(f"- `{path}{'.*' if path in later.TABLES else ''}`\n" for path in sorted(later.KEYS))


def tables_markdown() -> str:
    """A table of keys for each setting that is several tables: key, type, default, meaning."""
    parts = []
    for setting in active().values():
        struct = setting.struct
        if struct is None:
            continue
        name = setting.path
        heading = f"[[{name}]]" if setting.array else f"[{name}.<{_NAMES[name]}>]"
        rows = [
            f"### `{heading}`",
            "",
            setting.meaning,
            "",
            "| key | type | default | meaning |",
            "| --- | --- | --- | --- |",
        ]
        needed = required(struct)
        inner = sorted(fields(struct).values(), key=lambda key: key.path not in needed)
        rows += [_inner_row(key, required=key.path in needed) for key in inner]
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def _row(key: Key) -> str:
    spelling = f"fallback.{key.path}" if key.path in FALLBACK_KEYS.values() else place(key)
    return f"| `{spelling}` | `{key.environment}` | {type_name(key)} | {_default(key)} | {key.meaning} |"


def _inner_row(key: Key, *, required: bool) -> str:
    return f"| `{key.path}` | {type_name(key)} | {'required' if required else _default(key)} | {key.meaning} |"


def _default(key: Key) -> str:
    return "" if key.default is None or key.secret or key.table or key.struct else f"`{toml(key.default)}`"
