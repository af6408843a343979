"""Takes a stream of server-sent events apart, wherever the network cut it.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html. Comments, `id` and `retry` are left out: no
provider's format gives them a meaning.
"""

from __future__ import annotations

import re
from typing import Final

from isartor.errors import UpstreamError

# Two ends of lines, also of two kinds; a CR beside an LF is half of a CRLF.
_BLANK: Final = re.compile(rb"(?:\r\n|\n)(?:\r\n|\n)|\r\r")
_BOM: Final = b"\xef\xbb\xbf"
_LINE: Final = re.compile(rb"\r\n|\n|\r")
_MOST: Final = 64 * 1024 * 1024


class Events:
    """Collects pieces of a body and gives whole events."""

    __slots__ = ("_begun", "_rest", "_returns", "_seen")

    def __init__(self) -> None:
        """Begin at the start of a body."""
        # Grows in place: to join it with every piece takes minutes for an event of many megabytes.
        self._rest = bytearray()
        self._seen = 0  # bytes of the rest that hold no blank line
        self._begun = False
        self._returns = False  # whether there has been a CR, which hardly anybody sends

    def feed(self, piece: bytes) -> list[tuple[str | None, bytes]]:
        """Name and data of each event that `piece` completes. Raises `UpstreamError` for one that never ends."""
        rest = self._rest
        rest += piece
        self._returns = self._returns or b"\r" in piece
        if not self._begun and len(rest) >= len(_BOM):
            self._begun = True
            if rest.startswith(_BOM):
                del rest[: len(_BOM)]
        found = []
        start = 0
        for end, after in self._blanks():
            event = _event(bytes(rest[start:end]))
            if event is not None:
                found.append(event)
            start = after
        if start:
            self._rest = rest = rest[start:]
        # A blank line may be cut in the middle, so the last bytes are looked at again.
        self._seen = max(len(rest) - 3, 0)
        if len(rest) > _MOST:
            message = f"The provider's stream has an event of more than {_MOST} bytes."
            raise UpstreamError(message, code="upstream_too_large")
        return found

    def _blanks(self) -> list[tuple[int, int]]:
        """Where each blank line begins and ends."""
        rest, seen = self._rest, self._seen
        if self._returns:
            return [found.span() for found in _BLANK.finditer(rest, seen)]
        spans = []
        while (at := rest.find(b"\n\n", seen)) >= 0:
            seen = at + 2
            spans.append((at, seen))
        return spans

    def end(self) -> list[tuple[str | None, bytes]]:
        """The last event, if the body ended without the blank line after it."""
        rest, self._rest, self._seen = self._rest, bytearray(), 0
        event = _event(bytes(rest))
        return [] if event is None else [event]


def _event(block: bytes) -> tuple[str | None, bytes] | None:
    name: str | None = None
    data: list[bytes] = []
    for line in _LINE.split(block) if b"\r" in block else block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode("utf-8", "replace")
    return (name, b"\n".join(data)) if data else None
