"""The command line as it is declared: from the functions' annotations, since help's layout changes with its library."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo

from isartor.cli.app import app


@dataclass(frozen=True)
class Option:
    names: tuple[str, ...]
    value: str
    help: str
    hidden: bool


@dataclass(frozen=True)
class Command:
    name: str
    help: str
    options: tuple[Option, ...]


def commands() -> list[Command]:
    """Every command, the bare `isartor` first."""
    assert app.registered_callback is not None
    return [_command("isartor", app.registered_callback.callback), *_of(app, "isartor")]


def _of(table: typer.Typer, above: str) -> Iterator[Command]:
    for info in table.registered_commands:
        if info.hidden:
            continue
        assert info.callback is not None
        yield _command(f"{above} {info.name or info.callback.__name__.replace('_', '-')}", info.callback)
    for group in table.registered_groups:
        assert group.typer_instance is not None
        yield from _of(group.typer_instance, f"{above} {group.name}")


def _command(name: str, function: Any) -> Command:
    hints = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    options = [_option(p.name, hints[p.name], p.default) for p in parameters if get_origin(hints[p.name]) is Annotated]
    return Command(name, inspect.getdoc(function) or "", tuple(options))


def _option(name: str, hint: Any, default: object) -> Option:
    kind, info = get_args(hint)[:2]
    if isinstance(info, ArgumentInfo):
        return Option((info.metavar or name.upper(),), _value(kind, info), info.help or "", info.hidden)
    # In an annotation the first name stands where a default would.
    first = [info.default] if isinstance(info.default, str) and info.default.startswith("-") else []
    names = (*first, *(info.param_decls or ())) or ("--" + name.replace("_", "-"),)
    words = [info.help or ""]
    if info.envvar and info.show_envvar:
        words.append(f"Environment: `{info.envvar}`.")
    if isinstance(default, int | Path) and not isinstance(default, bool):
        words.append(f"Default: {default}.")
    return Option(names, _value(kind, info), " ".join(words), info.hidden)


def _value(kind: Any, info: Any) -> str:
    if info.min is not None and info.max is not None:
        return f"{info.min} to {info.max}"
    if kind is bool:
        return ""
    return "path" if "Path" in str(kind) else "text"
