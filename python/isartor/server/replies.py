"""Writes replies to the client: whole, as a stream, or as an error in the client's own shape."""

from __future__ import annotations

from contextlib import suppress
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import msgspec
from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # public by its documentation, not by its stub

from isartor.errors import IsartorError, MethodError
from isartor.server.drain import Drain, StalledError
from isartor.stack.limits import told

if TYPE_CHECKING:
    from isartor.ports import Headers, Surface
    from isartor.stack.exchange import Streamed
    from isartor.stack.limits import Allowance

__all__ = ["JSON", "ProtocolClosed", "encode", "error", "fault", "stream", "whole"]

JSON: Final = ("content-type", "application/json")
# The HTTP server closes a connection whose request was not read to its end, and does not always say so before: a client
# would send its next request into nothing.
_CLOSING: Final = ("connection", "close")
_TOO_MANY: Final = 429
_UNAVAILABLE: Final = 503
_RETRY_AFTER_SECS: Final = 5

encode: Final = msgspec.json.Encoder().encode


def whole(proto: Any, status: int, headers: Headers, body: bytes) -> None:
    """Writes a reply that is there at once. Quiet when the client has gone."""
    with suppress(ProtocolClosed):
        proto.response_bytes(status, headers, body)


def fault() -> IsartorError:
    """What a client is told of a fault of ours; the log has the rest."""
    return IsartorError("Isartor failed on this request; see its log.")


async def stream(proto: Any, client: str, reply: Streamed) -> None:
    """Writes a stream as it arrives, no faster than the client at `client` reads it.

    Ends early, quietly, when the client has gone or takes nothing any more.
    """
    pieces = reply.pieces
    drain = Drain(client)
    try:
        transport = proto.response_stream(reply.status, reply.headers)
        while (piece := await pieces.next()) is not None:
            await transport.send_bytes(piece)
            await drain.after(len(piece))
    except (ProtocolClosed, StalledError):
        pass
    finally:
        pieces.close()


def error(  # noqa: PLR0913 # each is a fact about the request, by name
    surface: Surface,
    failure: IsartorError,
    *,
    layer: str,
    request_id: str,
    unread: bool = False,
    allowance: Allowance | None = None,
) -> tuple[int, Headers, bytes]:
    """Status, headers and body that tell a client what went wrong.

    `unread`: whether the request's body may not have been read. `allowance`: the client's limits, if there are any.
    """
    body = surface.error(failure.status, failure.message, code=failure.code, param=failure.param, request_id=request_id)
    headers = [
        JSON,
        ("x-isartor-layer", layer),
        ("x-isartor-deflected", "false"),
        ("x-request-id", request_id),
    ]
    if unread:
        headers.append(_CLOSING)
    wait = failure.retry_after
    if wait is None and (failure.status == _TOO_MANY or (failure.status == _UNAVAILABLE and failure.retryable)):
        wait = _RETRY_AFTER_SECS
    if wait is not None:
        headers.append(("retry-after", str(ceil(wait))))
        if surface.name == "gemini":  # whose clients look for it in the body
            body = told.google(body, failure.message, failure.code, wait)
    if isinstance(failure, MethodError):
        headers.append(("allow", ", ".join(failure.allow)))
    if allowance is not None:
        headers = told.headers(surface.name, allowance, headers)
    return failure.status, headers, body
