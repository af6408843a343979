"""Stand-ins for what the stack talks to: a client's connection and a provider, both driven by the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any

from isartor._native import Exact, Gate
from isartor.errors import IsartorError
from isartor.formats import FORMATS, SURFACES
from isartor.formats.translate import Translator
from isartor.ports import Call, Headers, Ping, ProviderStatus, Quirk, Reached, Revealable, Tally
from isartor.server import routes
from isartor.stack.cloud import Cloud
from isartor.stack.exact import ExactCache
from isartor.stack.exchange import Answer, Exchange, Route, Streamed
from tests.native import reading

JSON: Headers = [("content-type", "application/json")]
SSE: Headers = [("content-type", "text/event-stream")]


class FakeClient:
    """A client's connection: a body to read, and a way to go."""

    def __init__(self, pieces: Iterable[bytes | None] = ()) -> None:
        """`pieces`: the body; `None` stands for a client that sends no more."""
        self.pieces = list(pieces)
        self.read = 0
        self._gone = asyncio.Event()
        self._watched = asyncio.Event()

    def __call__(self) -> asyncio.Task[bytes]:
        """Read the whole body."""
        return asyncio.ensure_future(self._whole())

    async def _whole(self) -> bytes:
        return b"".join([piece async for piece in self])

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Read the body in pieces."""
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if piece is None:
                await asyncio.Event().wait()
                continue
            self.read += len(piece)
            yield piece

    async def client_disconnect(self) -> None:
        """Return when the client has gone."""
        self._watched.set()
        await self._gone.wait()

    async def go(self) -> None:
        """Go away, and wait until whoever watches has seen it."""
        self._gone.set()
        await self._watched.wait()
        await settled()


class FakeResponse:
    """A reply whose pieces the test gives; an error among them is raised in its place."""

    code: str | None = None
    tally: Tally | None = None

    def __init__(
        self, status: int, headers: Headers, pieces: Iterable[bytes | IsartorError] = (), *, ends: bool = True
    ) -> None:
        """`ends`: the body is over after the pieces; otherwise `feed` and `end` go on."""
        self.status = status
        self.headers = headers
        self.closed = 0
        self.reads = 0
        self._queue: asyncio.Queue[bytes | IsartorError | None] = asyncio.Queue()
        for piece in pieces:
            self._queue.put_nowait(piece)
        if ends:
            self._queue.put_nowait(None)

    def feed(self, piece: bytes | IsartorError) -> None:
        """One piece more arrives."""
        self._queue.put_nowait(piece)

    def end(self) -> None:
        """The body is over."""
        self._queue.put_nowait(None)

    def ready(self) -> bytes | None:
        """See `isartor.ports.Response`."""
        return None

    async def read(self) -> bytes | None:
        """See `isartor.ports.Response`."""
        self.reads += 1
        piece = await self._queue.get()
        if isinstance(piece, IsartorError):
            raise piece
        return piece

    def rest(self) -> bytes | None:
        return None

    async def read_all(self, limit: int) -> bytes:
        """See `isartor.ports.Response`."""
        del limit
        pieces = []
        while (piece := await self.read()) is not None:
            pieces.append(piece)
        return b"".join(pieces)

    async def close(self) -> None:
        """See `isartor.ports.Response`."""
        self.closed += 1


class FakeTicket:
    """Remembers what it was settled with."""

    def __init__(self) -> None:
        """Nothing is settled yet."""
        self.settled: list[Tally | None] = []

    def settle(self, tally: Tally | None) -> None:
        """See `isartor.ports.Ticket`."""
        self.settled.append(tally)


def uncounted(endpoint: str, body: bytes) -> bytes:
    """Stand in for the tokenizer."""
    del body
    return b'{"counted":"%s"}' % endpoint.encode()


class FakeProvider:
    """Gives the replies it was made with, one per call; an error is raised. As an upstream every surface reaches it."""

    name = "fake"
    model = "fake-model"
    quirks: frozenset[Quirk] = frozenset()

    def __init__(self, *replies: FakeResponse | Exception, endpoints: Iterable[str] | None = None) -> None:
        """`endpoints`: what it speaks; everything if not given."""
        self.replies = list(replies)
        self.calls: list[Call] = []
        self.ticket: FakeTicket | None = None
        self.substitute = False
        self.finished: list[bool] = []
        self.endpoints = frozenset(endpoints if endpoints is not None else _EVERYTHING)
        self._reachable = Translator(self, FORMATS, SURFACES, uncounted)

    async def call(self, call: Call) -> FakeResponse:
        """See `isartor.ports.Provider`."""
        self.calls.append(call)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def ask(self, call: Call) -> Reached:
        """See `isartor.ports.Upstream`: a chain of this provider alone, whose model is `call`'s."""
        response = await self._reachable.call(call)
        return Reached(
            response=response,
            provider=self.name,
            model=call.model,
            ticket=self.ticket,
            substitute=self.substitute,
            finished=self.finished.append,
        )

    async def ping(self, key: Revealable | None = None, *, deep: bool = False) -> Ping:
        """See `isartor.ports.Provider`."""
        del key, deep
        return Ping(reachable=True)

    def status(self) -> ProviderStatus:
        """See `isartor.ports.Provider`."""
        return {"provider": self.name, "model": self.model, "endpoint": "fake:1", "state": "active"}

    async def close(self) -> None:
        """See `isartor.ports.Provider`."""


_EVERYTHING = (
    "chat",
    "completions",
    "embeddings",
    "responses",
    "messages",
    "count_tokens",
    "generate",
    "stream_generate",
)
_ROUTES: dict[str, Route] = {route.endpoint: route for route in routes.PROMPTS.values()}


def route_of(endpoint: str) -> Route:
    """Return the route of an endpoint."""
    if endpoint in {"generate", "stream_generate"}:
        method = "generateContent" if endpoint == "generate" else "streamGenerateContent"
        found = routes.gemini(f"/v1beta/models/m:{method}", {})
        assert found is not None
        return found
    return _ROUTES[endpoint]


class Stack:
    """L1a and L3 over one store, asked without a server."""

    def __init__(self, provider: FakeProvider, *, keeps: bool = True, limit: int = 1 << 20, **store: Any) -> None:
        """`store`: settings of the store."""
        self.store: Exact = reading.store(**store)
        self.provider = provider
        self.exact = ExactCache(self.store, enabled=keeps)
        self.cloud = Cloud(provider, self.store, keeps=keeps, limit=limit)

    def exchange(self, body: Any, headers: Headers | None = None, endpoint: str = "chat", query: str = "") -> Exchange:
        """Return a request as it comes to L1a."""
        route = route_of(endpoint)
        head = _GATE.read(route.number, query, headers or [], route.model, route.stream, route.google_key)
        exchange = Exchange(route, head, FakeClient(), query, headers or [])
        exchange.body = reading.encoded(body)
        return exchange

    async def ask(self, body: Any, headers: Headers | None = None, endpoint: str = "chat", query: str = "") -> Answer:
        """Ask L1a, then L3."""
        return await self.send(self.exchange(body, headers, endpoint, query))

    async def send(self, exchange: Exchange) -> Answer:
        """Send one request through both layers."""
        answer: Answer | None = await self.exact.answer(exchange)
        if answer is None:
            answer = await self.cloud.answer(exchange)
        assert answer is not None
        return answer

    @property
    def entries(self) -> int:
        """How many replies are kept."""
        return self.store.size()["entries"]


_GATE: Gate = reading.gate()


async def everything(answer: Answer) -> bytes:
    """Return the whole body of a reply, and let go of it."""
    if not isinstance(answer, Streamed):
        return answer.body
    pieces = []
    try:
        while (piece := await answer.pieces.next()) is not None:
            pieces.append(piece)
    finally:
        answer.pieces.close()
    return b"".join(pieces)


def header(answer: Answer, name: str) -> str:
    """Return one header of a reply, empty if it has none of that name."""
    return dict(answer.headers).get(name, "")


async def settled() -> None:
    """Let everything that can run do so: the loop has nothing left but what waits for the test."""
    for _ in range(50):
        await asyncio.sleep(0)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test's coroutine; a task that is left over, or an exception that nobody took, fails it."""
    complaints: list[dict[str, Any]] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        await asyncio.wait_for(test(), 20)
        await settled()

    asyncio.run(watched())
    assert not complaints, complaints
