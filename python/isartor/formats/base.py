"""What the surfaces share when they write errors.

Each surface file has the same parts in the same order: the table from HTTP status to the API's own word, the
error body, the error inside a stream. Statuses that a table does not name fall back to its 400 or its 500.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from isartor.ports import Surface

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Surface", "encode", "sse", "word"]

_SERVER_ERROR: Final = 500

encode: Final = msgspec.json.Encoder().encode
"""Compact JSON of plain data."""


def word(table: Mapping[int, str], status: int) -> str:
    """Return the API's own word for `status`."""
    found = table.get(status)
    if found is None:
        found = table[500] if status >= _SERVER_ERROR else table[400]
    return found


def sse(data: bytes, event: str | None = None) -> bytes:
    """One server-sent event; `data` is one line."""
    head = b"" if event is None else b"event: %s\n" % event.encode()
    return b"%sdata: %s\n\n" % (head, data)
