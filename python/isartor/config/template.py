"""The file that `isartor init` writes: every key with its meaning and its default, commented out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.config.keys import FALLBACK_KEYS, active
from isartor.config.schema import Server

if TYPE_CHECKING:
    from isartor.config.keys import Key

_HEAD: Final = """\
## Isartor's settings. A line that begins with "# " is a setting at its default: remove the "# " to change it.
## The environment overrides this file: ISARTOR__CACHE_TTL_SECS=60 is cache_ttl_secs = 60. A secret can stand in a file
## of its own instead: gateway_api_key_file = "/run/secrets/gateway". `isartor config show` tells what is in effect.
"""
_TITLES: Final = {
    "host": "Where it listens and whom it lets in",
    "gateway_api_key": "Gateway key",
    "cache_mode": "Cache (L1)",
    "similarity_threshold": "Semantic cache (L1b)",
    "llm_provider": "Provider (L3)",
    "log_level": "Logs",
}
"""Heading before a key."""


def template() -> str:
    """The text of the file."""
    parts = [_HEAD]
    tables = []
    for path, key in active().items():
        if path in FALLBACK_KEYS.values():
            continue
        if path in _TITLES:
            parts.append(f"\n## {_TITLES[path]}\n")
        if key.table:
            # A table takes all lines below it, so it has to come last.
            tables.append(f'\n## {key.meaning}\n# [{path}]\n# # fast = "gpt-4o-mini"\n')
            continue
        parts.append(f"\n## {_unmarked(key.meaning)}\n# {path} = {toml(key.default)}\n")
    return "".join([*parts, *tables])


def toml(value: Any) -> str:
    """A default as TOML. `None` is an empty string: for the keys that can be unset, both mean the same."""
    if value is None:
        return '""'
    if isinstance(value, bool):
        return "true" if value else "false"
    # The forms that remain (numbers, strings, arrays of strings) are the same in JSON.
    return msgspec.json.encode(value).decode()


def place(key: Key) -> str:
    """The key as the file spells it, with its section if it has one that users write."""
    return f"server.{key.path}" if key.path in Server.__struct_fields__ else key.path


def _unmarked(text: str) -> str:
    return text.replace("`", "")
