"""The parts of the documents that are made from the code."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from isartor.config import reference
from tests.docs.commands import Command, commands


@dataclass(frozen=True)
class Part:
    """What stands in `page` between `<!-- begin: name -->` and `<!-- end: name -->`."""

    page: str
    name: str
    make: Callable[[], str]


def current(text: str, part: Part) -> str:
    """The part as it stands in the page."""
    return _place(part).search(text)[2]  # type: ignore[index]  # a page without its markers is a fault of the page


def renewed(text: str, part: Part) -> str:
    """The page with the part as it should be."""
    return _place(part).sub(lambda found: f"{found[1]}\n{part.make()}\n{found[3]}", text)


def command_line() -> str:
    """Every command with its options."""
    return "\n".join(_command(command) for command in commands()).rstrip() + "\n"


def _command(command: Command) -> str:
    lines = [f"### `{command.name}`", "", command.help, ""]
    shown = [option for option in command.options if not option.hidden]
    if shown:
        lines += ["| option | value | meaning |", "| --- | --- | --- |"]
        for option in shown:
            names = ", ".join(f"`{name}`" for name in option.names)
            lines.append(f"| {names} | {option.value} | {option.help} |")
        lines.append("")
    return "\n".join(lines)


PARTS = (
    Part("docs/configuration.md", "settings", reference.markdown),
    Part("docs/configuration.md", "later", reference.later_markdown),
    Part("docs/cli.md", "commands", command_line),
)


def _place(part: Part) -> re.Pattern[str]:
    begin, end = f"<!-- begin: {part.name} -->", f"<!-- end: {part.name} -->"
    return re.compile(rf"({re.escape(begin)}\n)(.*?)({re.escape(end)})", re.DOTALL)
