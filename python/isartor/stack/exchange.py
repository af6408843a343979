"""One request on its way through the stack, and the replies that layers give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from isartor._native import Hit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

    from isartor._native import Head, Request
    from isartor.ports import Headers, Surface
    from isartor.stack.limits.rates import Allowance
    from isartor.stack.semantic import Asked

__all__ = ["Answer", "Client", "Exchange", "Hit", "Route", "Streamed", "Whole"]


class Arriving(Protocol):
    """A body on its way."""

    def __await__(self) -> Generator[object, None, bytes]:
        """The body."""

    def cancel(self) -> bool:
        """Whoever waits for it gets a `CancelledError`."""


class Client(Protocol):
    """The client's connection, as far as the stack needs it (Granian's RSGI protocol object)."""

    def __call__(self) -> Arriving:
        """The whole body."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in pieces."""

    async def client_disconnect(self) -> None:
        """Returns when the client has gone."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One operation that clients call: what its path says."""

    endpoint: str
    number: int
    """Position of the endpoint in `_native.ENDPOINTS`."""
    surface: Surface
    path: str
    """Path as shown in statistics."""
    model: str | None = None
    """Model in the path (Gemini), after aliases."""
    stream: bool = False
    """Whether the path asks for a stream (Gemini)."""
    google_key: bool = False
    """Whether a key may come as `x-goog-api-key` or `?key=`."""
    wire: str = ""
    """The endpoint's name towards a provider, where it has another one there."""


class Exchange(msgspec.Struct, gc=False):
    """What the layers know about one request; each layer adds what it learns."""

    route: Route
    head: Head
    client: Client
    query: str
    headers: Headers
    """The client's, names in lower case."""
    tenant: str = ""
    """Label of the gateway key that was used; empty if it has none."""
    allowance: Allowance | None = None
    """What the tenant may send in a minute, if that is limited."""
    inside: bool = False
    """Whether it counts as one of the requests that are handled at once; whoever writes the reply ends that."""
    layer: str = "l0"
    """The layer that has the request now."""
    body: bytes = b""
    request: Request | None = None
    """The view of the body, from L1a on."""
    asked: Asked | None = None
    """What L1b has found out, if it looked."""


class Whole(msgspec.Struct, frozen=True):
    """A reply that is there at once."""

    status: int
    headers: Headers
    body: bytes


class Streamed(msgspec.Struct, frozen=True):
    """A reply that arrives piece by piece. Whoever takes it must close `pieces`."""

    status: int
    headers: Headers
    pieces: Pieces


class Pieces(Protocol):
    """A body in pieces, as they arrive."""

    async def next(self) -> bytes | None:
        """The next piece; `None` at the end, whether it came well or was told to the client as an error event."""

    def close(self) -> None:
        """No more pieces are wanted."""


Answer = Hit | Whole | Streamed
