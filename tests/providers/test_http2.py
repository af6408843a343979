"""Replies that share one HTTP/2 connection do not get in each other's way."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
import pytest
import trustme

from isartor.errors import UpstreamError
from isartor.providers.base import Limits
from isartor.providers.transport import Transport

from .test_transport import tls
from .upstream import running

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from pathlib import Path

    from isartor.providers.transport import UpstreamResponse

SIZE = 2 * 1024 * 1024
PATIENT = Limits(l3_connect_timeout_secs=5, l3_read_timeout_secs=5, l3_timeout_secs=5)


class Server(asyncio.Protocol):
    """Answers every request with `SIZE` bytes as fast as the windows let it; `/hang` stops after a piece."""

    def __init__(self, transports: list[asyncio.Transport], reset: asyncio.Event) -> None:
        """Note each connection in `transports`, and set `reset` when a stream is cancelled."""
        config = h2.config.H2Configuration(client_side=False)
        self._http = h2.connection.H2Connection(config)
        self._left: dict[int, int] = {}
        self._transports = transports
        self._reset = reset

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._transports.append(transport)
        self._http.initiate_connection()
        self._transport.write(self._http.data_to_send())

    def data_received(self, data: bytes) -> None:
        """Answer what has come in, and send on where a window has opened."""
        for event in self._http.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                assert event.stream_id is not None
                headers = dict(event.headers or ())
                self._http.send_headers(event.stream_id, [(":status", "200"), ("request-id", "r")])
                if headers[b":path"] == b"/hang":
                    self._http.send_data(event.stream_id, b"piece")
                else:
                    self._left[event.stream_id] = SIZE
            elif isinstance(event, h2.events.StreamReset):
                self._reset.set()
            elif isinstance(event, h2.events.DataReceived) and event.flow_controlled_length:
                self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id or 0)
        self._send()

    def _send(self) -> None:
        for stream in list(self._left):
            while self._left[stream]:
                room = self._http.local_flow_control_window(stream)
                size = min(room, self._http.max_outbound_frame_size, self._left[stream])
                if size <= 0:
                    break
                self._left[stream] -= size
                self._http.send_data(stream, b"x" * size, end_stream=not self._left[stream])
            if not self._left[stream]:
                del self._left[stream]
        self._transport.write(self._http.data_to_send())


@asynccontextmanager
async def serving(
    context: ssl.SSLContext,
) -> AsyncIterator[tuple[str, list[asyncio.Transport], asyncio.Event]]:
    """Run the server; give its address, its connections and the event of a cancelled stream."""
    transports: list[asyncio.Transport] = []
    reset = asyncio.Event()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(transports, reset), "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", transports, reset
    finally:
        server.close()
        for transport in transports:
            transport.abort()
        # An aborted connection tells its end in the loop's next rounds; after them nothing is left open.
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """TLS that offers HTTP/2 alone, by an authority that the environment names."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return tls(authority, "h2")


async def start(transport: Transport, path: str = "/") -> UpstreamResponse:
    return await transport.send("POST", path, [], b"{}", stream=True)


@running
async def test_one_slow_reader_does_not_stall_the_others(context: ssl.SSLContext) -> None:
    """Of 20 large replies on one connection, one can be read to its end while nobody reads the other 19."""
    async with serving(context) as (url, connections, _):
        transport = Transport("x", url, PATIENT)
        # Until one connection has shown that it speaks HTTP/2, each call opens its own.
        await (await start(transport, "/hang")).close()
        responses = await asyncio.gather(*(start(transport) for _ in range(20)))
        assert responses[0].headers == [("request-id", "r")]
        assert len(await responses[-1].read_all(SIZE)) == SIZE
        for response in responses:
            await response.close()
        await transport.close()
    assert len(connections) == 1


@running
async def test_cancelled_stream(context: ssl.SSLContext) -> None:
    """Closing an unfinished reply resets its stream and leaves the connection to the others."""
    async with serving(context) as (url, connections, reset):
        transport = Transport("x", url, PATIENT)
        response = await start(transport, "/hang")
        assert await response.read() == b"piece"
        await response.close()
        await reset.wait()
        other = await start(transport)
        assert len(await other.read_all(SIZE)) == SIZE
        with pytest.raises(UpstreamError):
            await response.read()
        await other.close()
        await transport.close()
    assert len(connections) == 1
