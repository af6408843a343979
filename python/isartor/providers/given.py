"""A reply that is there already, from no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isartor.errors import UpstreamError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from isartor.ports import Headers


class Given:
    """`isartor.ports.Response` over pieces that are at hand."""

    code = None
    tally = None

    def __init__(self, headers: Headers, pieces: Iterable[bytes], *, status: int = 200) -> None:
        """`pieces` are what `read` gives, one by one."""
        self.status = status
        self.headers = headers
        self._pieces = iter(pieces)

    def ready(self) -> bytes | None:
        """See `isartor.ports.Response`."""
        return None

    def rest(self) -> bytes | None:
        """See `isartor.ports.Response`."""
        return None

    def unread(self, piece: bytes) -> None:
        """See `isartor.ports.Response`."""
        self._pieces = iter((piece, *self._pieces))

    async def read(self) -> bytes | None:
        """Next piece, `None` at the end."""
        return next(self._pieces, None)

    async def read_all(self, limit: int) -> bytes:
        """Return the rest; `UpstreamError` over `limit` bytes."""
        body = b"".join(self._pieces)
        if len(body) > limit:
            message = f"The reply has more than {limit} bytes."
            raise UpstreamError(message, code="upstream_too_large")
        return body

    async def close(self) -> None:
        """Drop what has not been read."""
        self._pieces = iter(())
