"""`isartor cache list`: what a running gateway has stored for this key."""

from __future__ import annotations

import sys
from typing import Any

from isartor.cli.cache import keys
from isartor.cli.failures import DONE, one_line
from isartor.cli.http import local_or


def run(*, limit: int, as_json: bool, url: str | None, key: str | None) -> int:
    """Print the entries, newest first."""
    with local_or(url, key) as gateway:
        found, partial = keys.entries(gateway, limit)
    if as_json:
        import msgspec

        sys.stdout.write(
            msgspec.json.format(msgspec.json.encode({"entries": found, "partial": partial})).decode() + "\n"
        )
        return DONE
    _table(found)
    if partial:
        sys.stdout.write("This is what one of several workers has; the next call may show another's.\n")
    return DONE


def age(secs: float) -> str:
    """A span of time in few characters."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if secs >= size:
            return f"{secs / size:.0f}{unit}"
    return f"{secs:.0f}s"


def size(count: int) -> str:
    """A number of bytes in few characters."""
    for unit, step in (("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)):
        if count >= step:
            return f"{count / step:.3g}{unit}"
    return f"{count}B"


def _table(found: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not found:
        console.print("The cache holds nothing of yours.")
        return
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, expand=True)
    table.add_column("key", no_wrap=True, width=keys.SHORT)
    table.add_column("surface", no_wrap=True, overflow="ellipsis", max_width=9)
    table.add_column("model", no_wrap=True, overflow="ellipsis", max_width=12)
    for heading in ("age", "size", "ways"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("question", no_wrap=True, overflow="ellipsis", ratio=1)
    for entry in found:
        question = entry.get("question")
        table.add_row(
            str(entry.get("key", "?"))[: keys.SHORT],
            Text(one_line(str(entry.get("endpoint", "?")))),
            Text(one_line(str(entry.get("model", "?")))),
            age(_number(entry.get("age_secs"))),
            size(int(_number(entry.get("bytes")))),
            str(entry.get("keys", "?")),
            # A request with tools or pictures has no question that could be asked in other words.
            Text("-", style="dim") if question is None else Text(" ".join(one_line(str(question)).split())),
        )
    console.print(table)


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0
