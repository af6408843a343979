"""Judges many pairs and shows how far it is: on stderr, and only if somebody is watching."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isartor.cli.cache.judging import Judge, Judged
    from isartor.cli.cache.pairs import Pair


def judged_all(judge: Judge, pairs: list[Pair]) -> list[tuple[Judged | None, bool]]:
    """Each pair as it is judged, `None` if it cannot be, and whether its questions are the same."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    found = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("judging", total=len(pairs))
        for pair in pairs:
            found.append((judge.judge(pair.a, pair.b), pair.same))
            progress.advance(task)
    return found
