"""How long lines are written: within 80 columns, what goes on indented."""

from __future__ import annotations

from textwrap import wrap
from typing import Final

from isartor.cli.failures import one_line

WIDTH: Final = 80
"""Columns of a small terminal."""


def wrapped(text: str, *, first: str = "  ", then: str = "    ") -> list[str]:
    """`text` as lines; `first` and `then` stand before the first and all others. A long word is not broken."""
    return wrap(
        one_line(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )
