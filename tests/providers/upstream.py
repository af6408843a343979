"""An upstream that does exactly what a test says, down to the byte; and what the provider tests share."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec

from isartor.providers.base import Call, Limits, Settings

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

P = ParamSpec("P")

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Seen(NamedTuple):
    """A request as it came over the wire."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the only value of a header, `None` if it was not sent."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name} was sent {len(values)} times"
        return values[0] if values else None


class Peer(NamedTuple):
    """The server's end of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Write and flush."""
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Return when the other end has closed."""
        while await self.reader.read(65536):
            pass


Script = Callable[[Seen, Peer], Awaitable[None]]


class Upstream(NamedTuple):
    """A running server."""

    url: str
    seen: list[Seen]
    asked: asyncio.Event
    """Set when a request has arrived."""
    closed: asyncio.Event
    """Set when a script has come to its end."""
    protocols: list[str | None]
    """What TLS negotiated, per connection."""


def answering(data: bytes) -> Script:
    """Return a script that sends `data` to whatever is asked."""

    async def script(_: Seen, peer: Peer) -> None:
        await peer.send(data)

    return script


@asynccontextmanager
async def upstream(script: Script, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Upstream]:
    """Serve `script` on a free port; each connection closes when its script is over."""
    running = Upstream("", [], asyncio.Event(), asyncio.Event(), [])
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def serve(peer: Peer) -> None:
        try:
            if tls is not None:
                running.protocols.append(peer.writer.get_extra_info("ssl_object").selected_alpn_protocol())
            seen = await _read(peer.reader)
            running.seen.append(seen)
            running.asked.set()
            await script(seen, peer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            running.closed.set()
            peer.writer.close()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        task = asyncio.ensure_future(serve(Peer(reader, writer)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield running._replace(url=f"http{'s' if tls else ''}://127.0.0.1:{port}")
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        # An aborted connection tells its end in the loop's next rounds; after them nothing is left open.
        for _ in range(3):
            await asyncio.sleep(0)


async def _read(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]
    length = int(dict(headers).get("content-length", "0"))
    return Seen(method, target, headers, await reader.readexactly(length))


def running(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test in a loop of its own, for at most 20 seconds."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(20):
                await test(*args, **kwargs)

        asyncio.run(bounded())

    return run


class Key:
    """A secret, as the configuration holds one."""

    def reveal(self) -> str:
        """Return the secret itself."""
        return "sk-upstream"


def settings(provider: str, url: str | None = None, **more: Any) -> Settings:  # noqa: ANN401 - any field of it
    """Return settings with a key and short limits."""
    more.setdefault("api_key", Key())
    more.setdefault("limits", Limits(l3_connect_timeout_secs=5, l3_read_timeout_secs=5, l3_timeout_secs=5))
    return Settings(provider=provider, url=url, **more)


def call(endpoint: str, **more: Any) -> Call:  # noqa: ANN401 - any field of it
    """Return a call with a small body."""
    more.setdefault("model", "m")
    more.setdefault("stream", False)
    more.setdefault("body", b"{}")
    return Call(endpoint=endpoint, **more)
