"""Takes down what clients send and get, for the request log: an application around the application.

Without a request log there is none, and nothing to pay. What the gateway says of itself (`/health`, `/metrics`,
`/debug/...`, `/api/admin/...`) is not taken down: the log would be full of those who look.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from isartor.observe.requests import KEPT_BYTES, READ_BYTES, Record, RequestLog
from isartor.server import routes
from isartor.server.admin import NUMBER
from isartor.server.replies import ProtocolClosed

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Generator, Mapping

    from isartor._native import Gate
    from isartor.ports import Headers
    from isartor.server.app import App
    from isartor.stack.exchange import Arriving

_OWN: Final = ("/health", "/metrics", "/debug/", "/api/admin/", "/api/hello")
_FAMILIES: Final = {
    "openai_chat": "openai",
    "openai_responses": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "native": "native",
}


class Witness:
    """The application, watched."""

    def __init__(self, app: App, log: RequestLog, gate: Gate, labels: Mapping[bytes, str]) -> None:
        """`labels`: of the gateway keys that have one, by tenant."""
        self._app = app
        self._log = log
        self._gate = gate
        self._labels = labels

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called when the worker's loop is there."""
        self._app.__rsgi_init__(loop)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called when the worker stops."""
        self._app.__rsgi_del__(loop)

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """One request."""
        if scope.path.startswith(_OWN):
            await self._app.__rsgi__(scope, proto)
            return
        seen = Seen(proto)
        wall, began = time.time(), time.perf_counter()
        try:
            await self._app.__rsgi__(scope, seen)
        finally:
            self._log.add(self._record(scope, seen, wall, (time.perf_counter() - began) * 1000))

    def _record(self, scope: Any, seen: Seen, wall: float, took_ms: float) -> Record:
        path, query, lines = scope.path, scope.query_string, scope.headers.items()
        route = routes.PROMPTS.get(path) or routes.gemini(path, {})
        number = NUMBER if route is None else route.number
        head = self._gate.read(number, query, lines, google_key=route is not None and route.google_key)
        surface = routes.surface_of(path, dict(lines)) if route is None else route.surface.name
        family = _FAMILIES[surface]
        client = family if route is None else "direct" if head.namespace == "native" else head.namespace
        body = seen.body
        return Record(
            began=wall,
            method=scope.method,
            path=path,
            query=query,
            endpoint_family=family,
            client=client,
            tool=head.tool,
            tenant=self._labels.get(head.tenant, ""),
            request_headers=lines,
            request_body=body if len(body) <= READ_BYTES else body[:KEPT_BYTES],
            request_bytes=len(body),
            response_status=seen.status,
            response_headers=seen.headers,
            response_body=bytes(seen.reply),
            response_bytes=seen.size,
            note=seen.note(),
            latency_ms=took_ms,
        )


class Seen:
    """One request's connection, and what has passed over it."""

    def __init__(self, proto: Any) -> None:
        """`proto`: Granian's object."""
        self._proto = proto
        self.body = b""
        self.status = 0
        self.headers: Headers = []
        self.reply: bytes | bytearray = b""
        self.size = 0
        self._streamed = False
        self._left = False

    def __call__(self) -> Arriving:
        """The whole body."""
        return Body(self, self._proto())

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in pieces."""
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        async for piece in self._proto:
            if len(self.body) <= READ_BYTES:
                self.body += piece
            yield piece

    async def client_disconnect(self) -> None:
        """Returns when the client has gone."""
        await self._proto.client_disconnect()

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole reply."""
        self.status, self.headers, self.size = status, headers, len(body)
        self.reply = body if len(body) <= READ_BYTES else body[:KEPT_BYTES]
        try:
            self._proto.response_bytes(status, headers, body)
        except ProtocolClosed:
            self._left = True
            raise

    def response_stream(self, status: int, headers: Headers) -> Stream:
        """A reply in pieces."""
        self.status, self.headers, self.reply = status, headers, bytearray()
        self._streamed = True
        return Stream(self, self._proto.response_stream(status, headers))

    def sent(self, piece: bytes) -> None:
        """A piece of the reply is on its way."""
        self.size += len(piece)
        room = KEPT_BYTES - len(self.reply)
        if room > 0:
            self.reply += piece[:room]

    def left(self) -> None:
        """The client has gone."""
        self._left = True

    def note(self) -> str | None:
        """What else there is to say of the reply."""
        if not self.status:
            return "no reply: the client had left"
        if self._streamed:
            return f"stream of {self.size} bytes" + (", until the client left" if self._left else "")
        return "the client had left" if self._left else None


class Body:
    """A body on its way, kept when it is there (`isartor.stack.exchange.Arriving`)."""

    def __init__(self, seen: Seen, arriving: Any) -> None:
        """`arriving`: Granian's own."""
        self._seen = seen
        self._arriving = arriving

    def __await__(self) -> Generator[object, None, bytes]:
        """The body."""
        body: bytes = yield from self._arriving.__await__()
        self._seen.body = body
        return body

    def cancel(self) -> bool:
        """Whoever waits for it gets a `CancelledError`."""
        return bool(self._arriving.cancel())


class Stream:
    """A reply on its way out."""

    def __init__(self, seen: Seen, transport: Any) -> None:
        """`transport`: Granian's own."""
        self._seen = seen
        self._transport = transport

    async def send_bytes(self, piece: bytes) -> None:
        """One piece."""
        self._seen.sent(piece)
        try:
            await self._transport.send_bytes(piece)
        except ProtocolClosed:
            self._seen.left()
            raise
