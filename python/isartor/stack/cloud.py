"""L3: the provider, asked once for identical requests in flight."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Final

from isartor.errors import IsartorError, UpstreamError
from isartor.ports import Call
from isartor.stack.account import Account
from isartor.stack.exchange import Streamed, Whole
from isartor.stack.fetch import Fetch
from isartor.stack.flights import Flight, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from isartor._native import Exact, Hit, Request
    from isartor.ports import Books, Headers, Surface, Upstream
    from isartor.stack.exchange import Answer, Client, Exchange
    from isartor.stack.flights import Passenger
    from isartor.stack.semantic import SemanticCache

_ERROR: Final = 400
_TOO_MANY: Final = 429
# Agents retry a 429 at once, and on and on, if nothing tells them when.
_RETRY_AFTER_SECS: Final = "5"
_BYTES_PER_TOKEN: Final = 4
_SESSIONS: Final = frozenset(
    {
        "session-id",
        "session_id",
        "thread-id",
        "x-claude-code-session-id",
        "x-conversation-id",
        "x-isartor-session-id",
        "x-session-affinity",
        "x-session-id",
        "x-thread-id",
    }
)
"""Headers by which clients name their session."""
_COUNTING: Final = frozenset({"count_tokens", "gemini_count"})
_NO_KEY: Final = "upstream_credentials_exhausted"
_FAILING: Final = frozenset({429, 500, 502, 503, 504, 529})


class Cloud:
    """Asks the provider; followers of the same request share its reply."""

    name: ClassVar[str] = "l3"

    def __init__(  # noqa: PLR0913 - each is a part, all but two by name
        self,
        upstream: Upstream,
        store: Exact,
        *,
        keeps: bool,
        limit: int,
        semantic: SemanticCache | None = None,
        books: Books | None = None,
        took: Callable[[float], None] | None = None,
    ) -> None:
        """`keeps`: complete replies go into `store`. `limit`: largest reply kept, in bytes.

        `took` hears how many seconds each provider's reply took to begin.
        """
        self._took = took
        self._upstream = upstream
        self._books = books
        self._store = store
        self._keeps = keeps
        self._limit = limit
        self._semantic = semantic
        self._flights: dict[bytes, Flight] = {}
        self._by_key: dict[bytes, Flight] = {}
        self._watch = Watch()

    async def answer(self, exchange: Exchange) -> Answer | None:  # noqa: C901 - every miss comes here: one coroutine, not two
        """The provider's reply, or the error that the client must hear of."""
        request = exchange.request
        if request is None:  # the layers above always leave one
            return None
        if exchange.head.only_if_cached:
            message = "There is no stored reply for this request, and it asked for nothing else (only-if-cached)."
            raise IsartorError(message, status=504, code="only_if_cached")
        shared = self._keeps and request.cacheable and not exchange.head.no_cache
        key = request.flight
        flight = self._flights.get(key) if shared else None
        if flight is None and shared and (other := self._by_key.get(key[:-1])) is not None and other.boardable():
            hit = await self._other_form(exchange, request, other)
            if hit is not None:
                return hit
            flight = self._flights.get(key)
        collapsed = flight is not None
        passenger = None
        try:
            if flight is None:
                flight, run = self._start(exchange, request, key, shared=shared)
                await flight.lead(run, exchange.client)
                head = flight.reply
            else:
                passenger, head = await _boarded(flight, exchange.client)
        except IsartorError as error:
            # That no key is accepted is for someone to put right, so it is not hidden by an old reply.
            upstream = isinstance(error, UpstreamError) and error.code != _NO_KEY
            stored = self._stand_in(exchange, request, error.status, shared=shared and upstream)
            if stored is None:
                raise
            return stored
        if isinstance(head, Whole):
            if head.status >= _ERROR:
                stored = self._stand_in(exchange, request, head.status, shared=shared)
                if stored is not None:
                    return stored
            headers = self._headers(exchange, request, head.headers, flight, collapsed=collapsed)
            if head.status == _TOO_MANY and not any(name == "retry-after" for name, _ in head.headers):
                headers.append(("retry-after", _RETRY_AFTER_SECS))
            return Whole(head.status, headers, head.body)
        assert head is not None  # or there would have been an error
        passenger = passenger or flight.seat(exchange.client)
        headers = self._headers(exchange, request, head, flight, collapsed=collapsed)
        return Streamed(200, headers, Relay(passenger, exchange, request))

    def _stand_in(self, exchange: Exchange, request: Request, status: int, *, shared: bool) -> Hit | None:
        """The stored reply that answers for a failing provider.

        One that an audit had withheld, or, for a `shared` request, its own if young enough (`stale_if_error_secs`).
        """
        if self._semantic is not None and status >= _ERROR and (hit := self._semantic.stand_in(exchange)) is not None:
            return hit
        failing = shared and status in _FAILING
        return self._store.stale(exchange.head, request, exchange.route.path) if failing else None

    async def _other_form(self, exchange: Exchange, request: Request, other: Flight) -> Answer | None:
        """Waits for a flight of the same request in another form (JSON and stream), whose reply serves both."""
        passenger = other.board(exchange.client)
        try:
            head = await passenger.head()
            if not isinstance(head, Whole):
                # Once it takes nobody any more it is stored, or too large to be.
                while other.boardable() and await passenger.next() is not None:
                    pass
        except IsartorError:
            return None  # this request asks for itself
        finally:
            passenger.leave()
        return self._store.again(exchange.head, request, exchange.route.path)

    def _start(
        self, exchange: Exchange, request: Request, key: bytes, *, shared: bool
    ) -> tuple[Flight, Coroutine[object, object, None]]:
        call = self._call(exchange, request)
        # To count tokens takes none, and no time.
        counting = exchange.route.endpoint in _COUNTING
        allowance = exchange.allowance
        reserved = None if allowance is None or counting else allowance.reserve(call.tokens)
        flight = Flight(key, self._limit, self._landed if shared else _lands, self._watch)
        if shared:
            self._flights[key] = flight
            self._by_key.setdefault(key[:-1], flight)
        store = self._store if self._keeps else None
        took = None if counting else self._took
        account = Account(exchange, call, flight, self._books, reserved=reserved, took=took)
        fetch = Fetch(exchange, request, store=store, limit=self._limit, semantic=self._semantic, account=account)
        return flight, fetch.run(self._upstream, call, flight)

    def _landed(self, flight: Flight) -> None:
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]
        key = flight.key[:-1]
        if self._by_key.get(key) is flight:
            del self._by_key[key]

    def _call(self, exchange: Exchange, request: Request) -> Call:
        body = request.upstream_body(exchange.body)
        return Call(
            endpoint=exchange.route.wire or exchange.route.endpoint,
            model=request.model or self._upstream.model,
            stream=request.stream and exchange.route.endpoint != "native",
            body=body,
            headers=exchange.headers,
            query=exchange.query,
            request_id=exchange.head.request_id,
            session=_session(exchange),
            tenant=exchange.tenant,
            tokens=len(body) // _BYTES_PER_TOKEN,
        )

    @staticmethod
    def _headers(
        exchange: Exchange, request: Request, upstream: Headers, flight: Flight, *, collapsed: bool
    ) -> Headers:
        semantic = "" if exchange.asked is None else exchange.asked.detail
        return request.headers(exchange.head, upstream, flight.provider, flight.note, semantic, collapsed=collapsed)


async def _boarded(flight: Flight, client: Client) -> tuple[Passenger, Whole | Headers]:
    """One more client of a flight, and its reply or how it begins: of a stream there is more to take."""
    passenger = flight.board(client)
    try:
        head = await passenger.head()
    except BaseException:
        passenger.leave()
        raise
    if isinstance(head, Whole):
        passenger.leave()
    return passenger, head


def _lands(flight: Flight) -> None:
    """A flight that nobody else could have boarded."""


def _session(exchange: Exchange) -> str:
    """What the client calls its session; a tenant's sessions are its own."""
    for name, value in exchange.headers:
        if name in _SESSIONS:
            return f"{exchange.tenant}\n{value[:512]}"
    return ""


class Relay:
    """A flight's pieces for one client; an error on the way becomes the surface's own error event."""

    def __init__(self, passenger: Passenger, exchange: Exchange, request: Request) -> None:
        """`passenger`: this client's place."""
        self._passenger = passenger
        self._surface: Surface = exchange.route.surface
        self._id = exchange.head.request_id
        self._sse = request.sse
        self._streams = request.stream
        self._tail = b"\n\n"
        self._begun = False
        self._over = False

    async def next(self) -> bytes | None:
        """The next piece; `None` at the end."""
        if self._over:
            return None
        try:
            piece = await self._passenger.next()
        except IsartorError as error:
            self._over = True
            # JSON that breaks off says so itself: it does not parse.
            return self._error(error) if self._streams else None
        except asyncio.CancelledError:
            self.close()
            raise
        if piece is not None:
            self._begun = True
            self._tail = (self._tail + piece)[-4:] if len(piece) < len(b"\r\n\r\n") else piece[-4:]
        return piece

    def close(self) -> None:
        """No more pieces are wanted."""
        self._over = True
        self._passenger.leave()

    def _error(self, error: IsartorError) -> bytes:
        event = self._surface.stream_error(error.status, error.message, code=error.code, request_id=self._id)
        if self._sse:
            # An event that was cut must not swallow ours.
            whole = self._tail.endswith((b"\n\n", b"\r\n\r\n"))
            return event if whole else b"\n\n" + event
        body = self._surface.error(error.status, error.message, code=error.code, request_id=self._id)
        return (b"," if self._begun else b"[") + body + b"]"
