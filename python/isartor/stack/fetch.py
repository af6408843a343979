"""Carries one provider reply into a flight: checks it, stores it if it is complete, hands it on.

What reaches the client are the provider's own bytes, unless it answered in another form than it was asked for (JSON
where a stream was wanted, or the reverse): then the reply is rebuilt, for a client that waits for a stream may ask
again without end when it gets JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from isartor._native import Complete, gather
from isartor.errors import IsartorError, UpstreamError
from isartor.formats import native
from isartor.formats.told import usage_of
from isartor.stack.exchange import Whole

if TYPE_CHECKING:
    from isartor._native import Exact, Request
    from isartor.ports import Call, Headers, Response, Upstream
    from isartor.stack.account import Account
    from isartor.stack.exchange import Exchange
    from isartor.stack.flights import Flight
    from isartor.stack.semantic import SemanticCache

_JSON: Final = ("content-type", "application/json")
_SSE: Final = ("content-type", "text/event-stream; charset=utf-8")
_OK: Final = range(200, 300)
_ERROR_BYTES: Final = 1024 * 1024
_SERVER_ERROR: Final = 500
_COUNTS: Final = frozenset({"count_tokens", "gemini_count"})
# Said of a stream that ended in good order on the wire, but before its end.
_BROKEN: Final = frozenset({"cut", "unfinished", "malformed"})
# How often a stream is looked through because it may have come to its end.
_LOOKS: Final = 3
# The event after which nothing follows, where a surface has one. Gemini has none: its stream ends with the body.
_TERMINAL: Final = {
    "chat": b"[DONE]",
    "completions": b"[DONE]",
    "messages": b"message_stop",
    "responses": b"response.completed",
}


class Fetch:
    """One upstream call and what becomes of its reply."""

    def __init__(  # noqa: PLR0913 - each is a part, all but two by name
        self,
        exchange: Exchange,
        request: Request,
        *,
        store: Exact | None,
        limit: int,
        semantic: SemanticCache | None = None,
        account: Account,
    ) -> None:
        """`store`: where a complete reply goes, `None` for nowhere. `limit`: largest reply kept, in bytes.

        `semantic` hears of each reply that was stored.
        """
        self._account = account
        self._name = ""
        self._substitute = False
        self._response: Response | None = None
        self._exchange = exchange
        self._request = request
        self._store = store
        self._limit = limit
        self._semantic = semantic
        self.endpoint = exchange.route.endpoint
        self._number = exchange.route.number
        self._pouring = False

    async def run(self, upstream: Upstream, call: Call, flight: Flight) -> None:
        """Makes the call. Raises `UpstreamError` and its kin; what has been handed on by then stays handed on."""
        account = self._account
        try:
            reached = await upstream.ask(call)
        except IsartorError as error:
            account.failed(upstream.name, error.status)
            raise
        response = reached.response
        self._name = flight.provider = reached.provider
        self._substitute = reached.substitute
        self._response = response
        account.open(reached)
        well: bool | None = None
        try:
            if response.status not in _OK:
                try:
                    await self._refused(response, flight)
                finally:  # it took no tokens, whether or not its words can be handed on
                    account.refused(response.status)
            elif self.endpoint == "native":
                await self._native(response, flight)
            elif self._request.stream and _streams(response.headers, sse=self._request.sse):
                self._stream(response, flight)
            else:
                await self._whole(response, flight)
            well = True
        except UpstreamError:
            well = False
            raise
        finally:
            if not self._pouring:
                await response.close()
                account.settle(well=well)

    async def _refused(self, response: Response, flight: Flight) -> None:
        """An error reply: the provider's own words, if they are in the surface's shape."""
        body = await response.read_all(_ERROR_BYTES)
        if _is_json(body):
            flight.answer(Whole(response.status, response.headers, body))
            return
        text = _said(body)
        status = response.status if response.status < _SERVER_ERROR else 502
        error = UpstreamError(
            f"The provider {self._name!r} answered with status {response.status}: {text or 'no message'}",
            status=status,
            code="upstream_refused",
        )
        error.retry_after = _retry_after(response.headers)
        raise error

    def _stream(self, response: Response, flight: Flight) -> None:
        """Opens a stream, with its first piece if that is there; the rest goes on in a task of its own."""
        watch = _End(self, flight)
        flight.begin(response.headers)
        piece = response.ready()
        if piece is not None:
            self._account.bytes += len(piece)
            watch.take(piece)
            flight.put(piece)
        self._pouring = True
        flight.follow(self._rest(response, flight, watch))

    async def _rest(self, response: Response, flight: Flight, watch: _End) -> None:
        well: bool | None = None
        try:
            while (piece := await self._next(response, settled=watch.settled)) is not None:
                self._account.bytes += len(piece)
                watch.take(piece)
                await flight.push(piece)
            if watch.broken():
                message = f"The provider {self._name!r} ended the stream before the reply was complete."
                raise UpstreamError(message, code="upstream_cut", retryable=True)  # noqa: TRY301 - told like one
            well = True
        except UpstreamError:
            well = False
            raise
        finally:
            await response.close()
            self._account.settle(well=well)

    async def _next(self, response: Response, *, settled: bool) -> bytes | None:
        try:
            return await response.read()
        except UpstreamError:
            if settled:  # the reply was complete; how the connection ended is nobody's concern
                return None
            raise

    async def _whole(self, response: Response, flight: Flight) -> None:
        body = response.rest()
        if body is None or len(body) > self._limit:
            body = await self._collect(response, flight, body)
        if body is None:
            return
        form = "json" if _JSON in response.headers or not _is_stream(response.headers) else "sse"
        outcome = gather(self._number, form, body, self._limit)
        headers = response.headers
        self._account.bytes = len(body)
        if isinstance(outcome, Complete):
            # What was only estimated here is estimated again: a stored one would pass for the provider's own count.
            counts = self.endpoint in _COUNTS
            estimated = counts and any(name == "x-isartor-estimated" for name, _ in headers)
            flight.note = "detail=estimate" if estimated else self._keep(outcome)
            if self._request.stream:
                body = outcome.render_for(self._request)
                headers = _as(headers, _SSE if self._request.sse else _JSON)
            elif form == "sse":
                body = outcome.json
                headers = _as(headers, _JSON)
        else:
            flight.note = f"detail={outcome}"
            self._account.told = usage_of(self.endpoint, body, stream=form == "sse")
            # JSON of a shape that is not known here is still the provider's answer; what is no JSON at all is not.
            if self._request.stream or form == "sse" or not _is_json(body):
                raise UpstreamError(
                    f"The provider {self._name!r} sent a reply that is not one of this API ({outcome}).",
                    code="upstream_invalid_reply",
                )
        flight.answer(Whole(response.status, headers, body))

    async def _collect(self, response: Response, flight: Flight, piece: bytes | None) -> bytes | None:
        """The whole body; `None` if it was too large to hold and has been handed on piece by piece instead.

        `piece`: what has been read of it already.
        """
        pieces: list[bytes] = []
        size = 0
        if piece is None:
            piece = await response.read()
        while piece is not None:
            pieces.append(piece)
            size += len(piece)
            if size > self._limit:
                if self._request.stream or _is_stream(response.headers):
                    message = f"The provider's reply is larger than {self._limit} bytes and not of the form asked for."
                    raise UpstreamError(message, code="upstream_too_large")
                flight.note = "detail=too-large"
                flight.close()
                flight.begin(response.headers)
                self._pouring = True
                flight.follow(self._pour(response, b"".join(pieces), flight))
                return None
            piece = await response.read()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _pour(self, response: Response, piece: bytes | None, flight: Flight) -> None:
        """Hands on a reply that is too large to hold."""
        well: bool | None = None
        try:
            while piece is not None:
                self._account.bytes += len(piece)
                await flight.push(piece)
                piece = await response.read()
            well = True
        except UpstreamError:
            well = False
            raise
        finally:
            await response.close()
            self._account.settle(well=well)

    async def _native(self, response: Response, flight: Flight) -> None:
        """A native reply says which layer it is from: 3 now, 1 when it is given again."""
        body = await response.read_all(self._limit)
        self._account.bytes = len(body)
        fresh = _complete(self._number, body)
        again = native.from_layer(1, body)
        flight.note = "detail=content-filtered" if again is None else self._keep(_complete(self._number, again))
        kind = _SSE if self._request.stream else _JSON
        flight.answer(Whole(response.status, _as(response.headers, kind), fresh.render_for(self._request)))

    def settle(self, flight: Flight, piece: bytes) -> str | None:
        """Stores a stream that has come to its end with `piece`; otherwise the token that says why not."""
        kept = flight.kept()
        if kept is None:
            return "too-large"
        outcome = gather(self._number, "sse" if self._request.sse else "json-array", kept + piece, self._limit)
        if isinstance(outcome, Complete):
            flight.note = self._keep(outcome)
            return None
        if not piece and self._request.sse:
            self._account.told = usage_of(self.endpoint, kept, stream=True)
        return outcome

    def _keep(self, complete: Complete) -> str:
        self._account.complete = complete
        if self._store is None:
            return ""
        if self._substitute:
            # Asked again, the first provider may be well again, and its answer is the one that was asked for.
            return "detail=substitute"
        if getattr(self._response, "doubtful", False):
            # Translated, it looks like any other: only who read the provider's own words can tell.
            return "detail=unfinished"
        source = self._account.source()
        refusal = self._store.store(self._exchange.head, self._request, complete, **source)
        if refusal is not None:
            return f"detail={refusal}"
        if self._semantic is not None:
            self._semantic.kept(self._exchange, complete)
        return "stored"


class _End:
    """Watches a stream for its end."""

    def __init__(self, fetch: Fetch, flight: Flight) -> None:
        self._fetch = fetch
        self._flight = flight
        self._terminal = _TERMINAL.get(fetch.endpoint)
        self._seen = 0
        self._tail = b""  # a terminal event may be cut in two
        self.settled = False
        """Stored; nothing that may still come belongs to the reply."""

    def take(self, piece: bytes) -> None:
        """Looks at a piece before it is handed on: stored before the client sees the end, its next request finds it."""
        terminal = self._terminal
        if self.settled or terminal is None:
            return
        if terminal in piece or terminal in self._tail + piece[: len(terminal)]:
            self._seen += 1
            # A text that speaks of the terminal event again and again is not looked through again and again.
            if self._seen <= _LOOKS and self._fetch.settle(self._flight, piece) is None:
                self.settled = True
                self._flight.close()
        self._tail = (self._tail + piece[-len(terminal) :])[-len(terminal) :]

    def broken(self) -> bool:
        """Whether a stream that has ended in good order on the wire lacks its end. Stores it otherwise."""
        if self.settled:
            return False
        refusal = self._fetch.settle(self._flight, b"")
        # Of what was too much to keep only this is known: whether the word for its end ever came.
        return refusal in _BROKEN or (refusal == "too-large" and self._terminal is not None and not self._seen)


def _complete(number: int, body: bytes) -> Complete:
    outcome = gather(number, "json", body, len(body))
    if not isinstance(outcome, Complete):
        raise UpstreamError(f"The reply cannot be given in the native form ({outcome}).")
    return outcome


def _content_type(headers: Headers) -> str:
    for name, value in headers:
        if name == "content-type":
            return value.partition(";")[0].strip().lower()
    return ""


def _is_stream(headers: Headers) -> bool:
    return _content_type(headers) == "text/event-stream"


def _streams(headers: Headers, *, sse: bool) -> bool:
    """Whether the reply has the form of the stream asked for. A provider that names no type is taken at its word."""
    kind = _content_type(headers)
    return kind == "text/event-stream" if sse else kind in {"application/json", ""}


def _as(headers: Headers, content_type: tuple[str, str]) -> Headers:
    return [content_type, *(line for line in headers if line[0] != "content-type")]


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(body), dict | list)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _said(body: bytes) -> str:
    """What an error reply says, for a person: its `error.message` if it has one, else how it begins."""
    try:
        said = msgspec.json.decode(body)
        return str(said["error"]["message"])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, TypeError):
        return body[:300].decode("utf-8", "replace").strip()


def _retry_after(headers: Headers) -> float | None:
    for name, value in headers:
        if name == "retry-after":
            try:
                return max(float(value), 0.0)
            except ValueError:
                return None
    return None
