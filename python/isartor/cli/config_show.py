"""`isartor config show`: every setting, its value and where it comes from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from isartor.cli.failures import DONE, one_line
from isartor.config import keys, load_with_origins
from isartor.config.keys import FALLBACK_KEYS, active

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isartor.config import Config, Loaded


def run(*, as_json: bool) -> int:
    """Print the effective configuration."""
    loaded = load_with_origins()
    rows = [
        (path, value_of(loaded.config, path), loaded.origins.get(path, "default"))
        for path in active()
        if path not in FALLBACK_KEYS.values()
    ]
    if as_json:
        import msgspec

        settings = {path: {"value": value, "from": origin} for path, value, origin in rows}
        document = {
            "file": None if loaded.file is None else str(loaded.file),
            "settings": settings,
            "inactive": loaded.config.inactive,
            "warnings": loaded.config.warnings,
        }
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")
        return DONE
    _table(loaded, rows)
    return DONE


def value_of(config: Config, path: str) -> Any:
    """The value of a key as it may be shown: no secret, and no query of a URL, which may hold one."""
    import msgspec

    return _shown(msgspec.to_builtins(keys.value_of(config, path), enc_hook=str), path)


def _shown(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {inner: _shown(item, inner) for inner, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_shown(item, name) for item in value]
    if isinstance(value, str) and name.endswith("url") and "?" in value:
        return value.partition("?")[0] + "?***"
    return value


def _unfolded(path: str, value: Any, origin: str) -> Iterator[tuple[str, Any, str]]:
    """A row for each of a key's tables."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        yield from ((f"{path}[{place}]", item, origin) for place, item in enumerate(value))
    elif isinstance(value, dict) and value:
        yield from ((f"{path}.{name}", item, origin) for name, item in value.items())
    else:
        yield path, value, origin


def _table(loaded: Loaded, rows: list[tuple[str, Any, str]]) -> None:
    import msgspec
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("key", "value", "from"):
        table.add_column(heading, overflow="fold")
    for path, value, origin in (shown for row in rows for shown in _unfolded(*row)):
        shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        if value is None:
            shown = "-"
        style = "dim" if origin == "default" else ""
        table.add_row(Text(path), Text(one_line(shown)), Text(one_line(origin)), style=style)
    console = Console(highlight=False)
    console.print(Text(f"file: {loaded.file or 'none'}"))
    console.print(table)
    if loaded.config.inactive:
        console.print(Text("set but not in effect in this version: " + ", ".join(loaded.config.inactive)))
    for warning in loaded.config.warnings:
        console.print(Text(one_line(warning)))
