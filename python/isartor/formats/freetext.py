"""Takes the free text of a tool out of a function's arguments while they are still on their way."""

from __future__ import annotations

import re
from typing import Final

import msgspec

_OPENING: Final = re.compile(r'\s*\{\s*"input"\s*:\s*"')
# Letters and escapes that are complete; both halves of a surrogate pair together.
_WHOLE: Final = re.compile(
    r'(?:[^"\\]+'
    r'|\\["\\/bfnrt]'
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4})+"
)
_OPENING_LENGTH: Final = 64
_ESCAPE_LENGTH: Final = 12
"""Of the longest escape, two halves of a pair: as much without a letter will never have one."""


class FreeText:
    """`{"input": "..."}`, read piece by piece. A form that is not this one gives nothing: only its end can tell."""

    __slots__ = ("_inside", "_over", "_rest", "_texts")

    def __init__(self) -> None:
        """Begin before the first letter."""
        self._texts: list[str] = []
        self._rest = ""
        self._inside = False
        self._over = False

    @property
    def text(self) -> str:
        """All that has been given."""
        return "".join(self._texts)

    def feed(self, piece: str) -> str:
        """The text that `piece` completes."""
        if self._over:
            return ""
        self._rest += piece
        if not self._inside:
            opening = _OPENING.match(self._rest)
            if opening is None:
                self._over = len(self._rest) > _OPENING_LENGTH
                return ""
            self._inside = True
            self._rest = self._rest[opening.end() :]
        found = _WHOLE.match(self._rest)
        if found is None:
            self._over = self._rest.startswith('"') or len(self._rest) >= _ESCAPE_LENGTH
            return ""
        self._rest = self._rest[found.end() :]
        self._over = self._rest.startswith('"')
        try:
            text = msgspec.json.decode(f'"{found[0]}"', type=str)
        except msgspec.DecodeError:
            self._over = True
            return ""
        self._texts.append(text)
        return text
