"""The network under the providers, and the only module that imports the HTTP client.

One `Transport` per provider holds one pooled client: HTTP/2 where TLS negotiates it, HTTP/1.1 keep-alive
otherwise. Proxies come from the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), and so do
trusted certificates, in place of the system's (`SSL_CERT_FILE`, `SSL_CERT_DIR`); the library reads both by
itself, which the tests hold it to. A provider on this machine is never asked through a proxy,
for no proxy can reach it. Redirects are not followed: a key must not travel to a host that nobody configured.

Bodies come back decoded. A stream's pieces come back as they arrive.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pyreqwest import exceptions as foreign
from pyreqwest.client import ClientBuilder

from isartor.providers.base import Limits, reply_headers
from isartor.providers.faults import Faults
from isartor.providers.hosts import allowed_offline, is_loopback

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from pyreqwest.client import Client
    from pyreqwest.request import StreamRequest
    from pyreqwest.response import Response as RawResponse

    from isartor.errors import UpstreamError
    from isartor.ports import Headers

# How much of the body the library collects before it hands the reply over. Its own default, 64 KiB, would
# hold a stream back until it is over. Nothing is collected of a stream: while the library collects, a call
# cannot be cancelled, so `send` waits for the first piece itself. Short replies are better collected: one
# trip between the threads less.
_COLLECT_STREAM: Final = 0
_COLLECT_WHOLE: Final = 64 * 1024

# HTTP/2's default windows of 64 KiB would stall a fast reply once per round trip. A stream's window bounds
# what a slow client can pile up here. The connection's is out of reach on purpose: it is shared, and a few
# slow clients that fill it would stall every other reply on the same connection.
_H2_STREAM_WINDOW: Final = 512 * 1024
_H2_CONNECTION_WINDOW: Final = 1024 * 1024 * 1024

# Shorter than the idle limit of common servers and load balancers (60 s and more): the side that waits longer
# is the one that sends a request into a connection just being closed.
_POOL_IDLE: Final = timedelta(seconds=50)
_KEEPALIVE: Final = timedelta(seconds=30)
_KEEPALIVE_ANSWER: Final = timedelta(seconds=10)

_FIRST_REDIRECT: Final = 300
_LAST_REDIRECT: Final = 399


class Transport:
    """Pooled connections to one provider's `origin` (scheme, host and port)."""

    def __init__(  # noqa: PLR0913 - what sets one connection apart, by name
        self,
        provider: str,
        origin: str,
        limits: Limits,
        *,
        offline: bool = False,
        offline_allowed_hosts: Sequence[str] = (),
        who: str | None = None,
        url_key: str | None = "external_llm_url",
    ) -> None:
        """With `offline`, only private and allowed hosts can be reached, and never by a proxy.

        `who`: what messages call the other end, if it is no provider. `url_key`: the setting that its address is from,
        if it can be set.
        """
        parts = urlsplit(origin)
        host = parts.hostname or ""
        self._origin = origin
        who = f"the provider {provider!r}" if who is None else who
        self._faults = Faults(who, parts.netloc.rpartition("@")[2], limits, url_key)
        self._limits = limits
        self._total = timedelta(seconds=limits.l3_timeout_secs)
        first = limits.l3_first_byte_timeout_secs
        # A limit that another one passes first needs no clock of its own.
        self._first_whole = first if first < min(limits.l3_read_timeout_secs, limits.l3_timeout_secs) else None
        self._first_stream = first if first < limits.l3_read_timeout_secs else None
        self._direct = offline or is_loopback(host)
        self._forbidden = offline and not allowed_offline(host, offline_allowed_hosts)
        self._client: Client | None = None

    def open(self) -> Client:
        """Return the client, built on first use, in the process that sends: threads do not survive a fork."""
        if self._client is None:
            try:
                self._client = self._build()
            except foreign.BuilderError as error:
                raise self._faults.no_certificates(_detail(error)) from error
        return self._client

    def _build(self) -> Client:
        limits = self._limits
        builder = (
            ClientBuilder()
            .follow_redirects(enable=False)
            .referer(enable=False)
            .http2(enable=True)
            .http2_initial_stream_window_size(_H2_STREAM_WINDOW)
            .http2_initial_connection_window_size(_H2_CONNECTION_WINDOW)
            .http2_keep_alive_interval(_KEEPALIVE)
            .http2_keep_alive_timeout(_KEEPALIVE_ANSWER)
            .tcp_keepalive(_KEEPALIVE)
            .pool_idle_timeout(_POOL_IDLE)
            .connect_timeout(timedelta(seconds=limits.l3_connect_timeout_secs))
            .read_timeout(timedelta(seconds=limits.l3_read_timeout_secs))
        )
        if self._direct:
            builder = builder.no_proxy()
        return builder.build()

    def send(
        self, method: str, target: str, headers: Headers, body: bytes, *, stream: bool
    ) -> Coroutine[Any, Any, UpstreamResponse]:
        """Send one request to `target` (path and query); return when its head is there, or a stream's first piece.

        `stream` says that the reply is to be one: then only silence is bounded and not the whole call, and
        compression is declined, because an encoder on the way may sit on single events.

        Cancelled, the call ends at once, but the library does not let go of a request before its head: the provider
        works on until its reply begins or a limit has passed.
        """
        if self._forbidden:
            raise self._faults.offline()
        first = self._first_stream if stream else self._first_whole
        if first is None:
            return self._send(method, target, headers, body, stream=stream, collect=not stream)
        # What the library collects it does not let go of in time.
        return self._in_time(first, self._send(method, target, headers, body, stream=stream, collect=False))

    async def _in_time(self, first: float, sending: Coroutine[Any, Any, UpstreamResponse]) -> UpstreamResponse:
        try:
            async with asyncio.timeout(first):
                return await sending
        except TimeoutError:
            raise self._faults.first_byte_timeout() from None

    async def _send(  # noqa: PLR0913 - as `send`
        self, method: str, target: str, headers: Headers, body: bytes, *, stream: bool, collect: bool
    ) -> UpstreamResponse:
        client = self._client or self.open()
        started = monotonic()
        try:
            request = client.request(method, self._origin + target).headers(headers).body_bytes(body)
            request = request.header("accept-encoding", "identity") if stream else request.timeout(self._total)
            request = request.streamed_read_buffer_limit(_COLLECT_WHOLE if collect else _COLLECT_STREAM)
            sent = request.build_streamed()
            raw = await sent.__aenter__()
        except (foreign.PyreqwestError, ValueError) as error:
            raise _translate(error, self._faults, monotonic() - started, stream=stream, begun=False) from error
        if _FIRST_REDIRECT <= raw.status <= _LAST_REDIRECT:
            await sent.__aexit__(None, None, None)
            raise self._faults.redirect(raw.status)
        response = UpstreamResponse(sent, raw, self._faults, started, stream=stream)
        if stream:
            await response.begin()
        return response

    async def close(self) -> None:
        """Close all connections. A later call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


class UpstreamResponse:
    """`isartor.ports.Response` over the library's streamed reply."""

    code = None
    tally = None
    __slots__ = ("_ahead", "_faults", "_reader", "_reading", "_request", "_started", "_stream", "headers", "status")

    def __init__(
        self, request: StreamRequest, raw: RawResponse, faults: Faults, started: float, *, stream: bool
    ) -> None:
        """Take over a sent request and its reply."""
        self.status: int = raw.status
        self.headers: Headers = reply_headers(_lines(raw))
        self._request: StreamRequest | None = request
        self._reader = raw.body_reader
        self._reading: asyncio.Task[object] | None = None
        self._ahead: list[bytes | None] = []
        self._faults = faults
        self._started = started
        self._stream = stream

    async def begin(self) -> None:
        """Wait for the first piece: an upstream that breaks off before it is an HTTP error, not an error event."""
        try:
            self._ahead.append(await self.read())
        except BaseException:
            await self.close()
            raise

    def ready(self) -> bytes | None:
        """See `isartor.ports.Response`."""
        return self._ahead.pop() if self._ahead and self._ahead[0] is not None else None

    def unread(self, piece: bytes) -> None:
        """See `isartor.ports.Response`."""
        self._ahead.append(piece)

    async def read(self) -> bytes | None:
        """Next piece of the body, `None` at its proper end."""
        if self._request is None:
            raise self._faults.closed()
        if self._ahead:
            return self._ahead.pop()
        self._reading = task = asyncio.current_task()
        try:
            piece = await self._reader.read_chunk()
        except foreign.PyreqwestError as error:
            elapsed = monotonic() - self._started
            raise _translate(error, self._faults, elapsed, stream=self._stream, begun=True) from error
        except asyncio.CancelledError:
            # `close` ends a read of another task by cancelling it. That task itself is not cancelled, unless
            # somebody else asked for that too.
            if self._closed() and task is not None and task.uncancel() == 0:
                raise self._faults.closed() from None
            raise
        finally:
            self._reading = None
        return None if piece is None else piece.to_bytes()

    def _closed(self) -> bool:
        return self._request is None

    async def read_all(self, limit: int) -> bytes:
        """Return the rest of the body, at most `limit` bytes."""
        pieces = []
        size = 0
        while (piece := await self.read()) is not None:
            size += len(piece)
            if size > limit:
                await self.close()
                raise self._faults.too_long(limit)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def close(self) -> None:
        """Give the connection back, or cut it if the body has not ended."""
        request, self._request = self._request, None
        if request is None:
            return
        reading = self._reading
        if reading is not None:
            # The library lets go of the connection only after a read in flight, which may take up to the read
            # limit.
            reading.cancel()
        await request.__aexit__(None, None, None)


def _lines(raw: RawResponse) -> Headers:
    headers = raw.headers
    try:
        return list(headers.items())
    except ValueError:
        # A value is not text, for which the library refuses the whole list. Take the lines that can be read.
        lines: Headers = []
        for name in dict.fromkeys(headers.keys()):
            try:
                lines.extend((name, value) for value in raw.get_header_all(name))
            except ValueError:
                continue
        return lines


# What the library raises while it reads a body; before that, everything else that is no time limit and no
# connection is a head which is not HTTP.
_BODY: Final = (foreign.BodyDecodeError, foreign.ReadError)


def _translate(error: Exception, faults: Faults, elapsed: float, *, stream: bool, begun: bool) -> UpstreamError:
    """One of ours for one of the library's; `begun` says that the reply's head has been handed over."""
    if isinstance(error, foreign.ClientClosedError):
        return faults.closed()
    # While a connection is made and while a reply is awaited the library raises the same classes. Which it
    # was stands in the chain of causes.
    connecting = "client error (Connect)" in _causes(error)
    if isinstance(error, foreign.RequestTimeoutError):
        if connecting:
            return faults.connect_timeout()
        return faults.reply_timeout(elapsed, stream=stream, begun=begun)
    detail = _detail(error)
    if connecting:
        return faults.untrusted(detail) if "certificate" in detail else faults.unreachable(detail)
    return faults.cut(detail) if begun or isinstance(error, _BODY) else faults.broken(detail)


def _causes(error: Exception) -> list[str]:
    details = getattr(error, "details", None)
    causes = details.get("causes") if isinstance(details, dict) else None
    return [cause["message"] for cause in causes or ()]


def _detail(error: Exception) -> str:
    """Return the innermost cause: the outer ones repeat the address, which can hold a secret in its query."""
    if isinstance(error, foreign.PyreqwestError):
        causes = _causes(error)
        return causes[-1] if len(causes) > 1 else error.message
    return "the request could not be built"
