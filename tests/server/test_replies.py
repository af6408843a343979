"""How replies are written."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from granian.rsgi import ProtocolClosed

from isartor.errors import IsartorError, MethodError, NoProviderError, RequestError, UpstreamError
from isartor.formats import SURFACES
from isartor.server import replies
from isartor.stack.exchange import Streamed
from tests.server.fakes import CLIENT, FakeProto


def told(failure: IsartorError, surface: str = "native") -> tuple[int, dict[str, str], Any]:
    """Return status, headers and body of an error."""
    status, headers, body = replies.error(SURFACES[surface], failure, layer="l0", request_id="req_1")
    assert len({name for name, _ in headers}) == len(headers)
    return status, dict(headers), json.loads(body)


@pytest.mark.parametrize("surface", SURFACES)
def test_every_error_carries_the_headers_of_every_reply(surface: str) -> None:
    """Type, layer, deflection and id, and the status of the failure."""
    status, headers, _ = told(RequestError("no", param="messages"), surface)
    assert status == 400
    assert headers == {
        "content-type": "application/json",
        "x-isartor-layer": "l0",
        "x-isartor-deflected": "false",
        "x-request-id": "req_1",
    }


def test_a_wrong_method_is_told_which_are_right() -> None:
    """`Allow` lists them (RFC 9110, section 15.5.6)."""
    assert told(MethodError("no", allow=("GET", "HEAD")))[1]["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (UpstreamError("x", status=429, retry_after=3), "3"),
        (UpstreamError("x", status=429, retry_after=0.2), "1"),
        (UpstreamError("x", status=429), "5"),
        (UpstreamError("x", status=429, retry_after=0), "0"),
        (NoProviderError("x", retryable=True), "5"),
        (NoProviderError("x"), None),
        (UpstreamError("x"), None),
        (UpstreamError("x", retry_after=7), "7"),
        (RequestError("x"), None),
    ],
)
def test_retry_after(failure: IsartorError, expected: str | None) -> None:
    """Every 429 says when to come back, in whole seconds; what will not get better says nothing."""
    assert told(failure)[1].get("retry-after") == expected


class Pieces:
    """A body that ends, breaks or goes on."""

    def __init__(self, *pieces: bytes | BaseException | None) -> None:
        """`pieces`: what comes, in order."""
        self._left = list(pieces)
        self.closed = 0

    async def next(self) -> bytes | None:
        """See `isartor.stack.exchange.Pieces`."""
        piece = self._left.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def close(self) -> None:
        """See `isartor.stack.exchange.Pieces`."""
        self.closed += 1


def test_a_stream_is_written_piece_by_piece() -> None:
    """Nothing is joined, and the pieces are let go of at the end."""
    pieces, proto = Pieces(b"a", b"b", None), FakeProto()
    asyncio.run(replies.stream(proto, CLIENT, Streamed(200, [("x", "y")], pieces)))
    assert (proto.status, proto.headers, proto.pieces, pieces.closed) == (200, {"x": "y"}, [b"a", b"b"], 1)


def test_a_client_that_went_away_is_no_error() -> None:
    """Writing to a closed connection is quiet, and the pieces are let go of."""

    class Closed(FakeProto):
        def response_bytes(self, *_: Any) -> None:
            raise ProtocolClosed

        def response_stream(self, *_: Any) -> Any:
            raise ProtocolClosed

    pieces = Pieces(b"a")
    asyncio.run(replies.stream(Closed(), CLIENT, Streamed(200, [], pieces)))
    assert pieces.closed == 1
    replies.whole(Closed(), 200, [], b"")


@pytest.mark.parametrize("fault", [ValueError("ours"), asyncio.CancelledError()])
def test_pieces_are_let_go_of_whatever_happens(fault: BaseException) -> None:
    """Also when the stream fails in a way that nobody expected."""
    pieces = Pieces(b"a", fault)
    with pytest.raises(type(fault)):
        asyncio.run(replies.stream(FakeProto(), CLIENT, Streamed(200, [], pieces)))
    assert pieces.closed == 1
