"""The network under the providers, and the only module that uses the HTTP client.

One `Transport` per provider holds one pooled client (`_native.HttpClient`): HTTP/2 where TLS negotiates it, HTTP/1.1
keep-alive otherwise. Proxies come from the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), and so
do trusted certificates, in place of the system's (`SSL_CERT_FILE`, `SSL_CERT_DIR`). A provider on this machine is never
asked through a proxy, for no proxy can reach it. Redirects are not followed: a key must not travel to a host that
nobody configured.

Bodies come back decoded. A stream's pieces come back as they arrive. A call that is cancelled or closed lets go of its
request at once, also before its head.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from isartor._native import HttpClient, HttpError
from isartor.providers.base import Limits, reply_headers
from isartor.providers.faults import Faults
from isartor.providers.hosts import allowed_offline, is_loopback

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Sequence

    from isartor._native import HttpCall
    from isartor.errors import UpstreamError
    from isartor.ports import Headers

# How much of the body is there when `send` returns. Of a stream its first piece: an upstream that breaks off before it
# is an HTTP error, not an error event. Short replies are better collected: one trip between the threads less.
_COLLECT_STREAM: Final = 1
_COLLECT_WHOLE: Final = 64 * 1024

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
        first = limits.l3_first_byte_timeout_secs
        # A limit that another one passes first needs no clock of its own.
        self._first_whole = first if first < min(limits.l3_read_timeout_secs, limits.l3_timeout_secs) else None
        self._first_stream = first if first < limits.l3_read_timeout_secs else None
        self._direct = offline or is_loopback(host)
        self._forbidden = offline and not allowed_offline(host, offline_allowed_hosts)
        self._client: HttpClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> tuple[HttpClient, asyncio.AbstractEventLoop]:
        """Return client and event loop; the client is built on first use, in the process and for the loop that send."""
        loop = asyncio.get_running_loop()
        if self._client is None or loop is not self._loop:
            limits = self._limits
            try:
                with _patience():
                    self._client = HttpClient(
                        self._origin,
                        direct=self._direct,
                        connect_secs=limits.l3_connect_timeout_secs,
                        silence_secs=limits.l3_read_timeout_secs,
                    )
            except ValueError as error:
                raise self._faults.no_certificates(str(error)) from error
            self._loop = loop
            loop.add_reader(self._client.fileno(), self._client.deliver)
        return self._client, loop

    def send(
        self, method: str, target: str, headers: Headers, body: bytes, *, stream: bool
    ) -> Coroutine[Any, Any, UpstreamResponse]:
        """Send one request to `target` (path and query); return when its head is there, or a stream's first piece.

        `stream` says that the reply is to be one: then only silence is bounded and not the whole call, and
        compression is declined, because an encoder on the way may sit on single events.

        Cancelled, the call ends at once.
        """
        if self._forbidden:
            raise self._faults.offline()
        first = self._first_stream if stream else self._first_whole
        least = _COLLECT_STREAM if stream else _COLLECT_WHOLE if first is None else 0
        sending = self._send(method, target, headers, body, stream=stream, least=least)
        return sending if first is None else self._in_time(first, sending)

    async def _in_time(self, first: float, sending: Coroutine[Any, Any, UpstreamResponse]) -> UpstreamResponse:
        try:
            async with asyncio.timeout(first):
                return await sending
        except TimeoutError:
            raise self._faults.first_byte_timeout() from None

    async def _send(  # noqa: PLR0913 - as `send`; `least`: bytes of the body to wait for
        self, method: str, target: str, headers: Headers, body: bytes, *, stream: bool, least: int
    ) -> UpstreamResponse:
        client, loop = self.open()
        if stream:
            # An encoder on the way may sit on single events.
            headers = [*headers, ("accept-encoding", "identity")]
        came: asyncio.Future[None] = loop.create_future()
        total = None if stream else self._limits.l3_timeout_secs
        try:
            call = client.send(came, method, target, headers, body, least=least, total_secs=total)
        except ValueError as error:
            raise self._faults.broken(str(error)) from error
        try:
            await came
            head = call.head()
        except HttpError as error:
            raise told(error, self._faults, begun=False) from error
        except BaseException:
            call.close()
            raise
        if head is None:  # the transport was closed
            raise self._faults.closed()
        status, lines, rest = head
        if _FIRST_REDIRECT <= status <= _LAST_REDIRECT:
            call.close()
            raise self._faults.redirect(status)
        return UpstreamResponse(call, loop, self._faults, status, reply_headers(lines), rest)

    async def close(self) -> None:
        """Close all connections. A later call opens new ones."""
        client, self._client = self._client, None
        if client is not None and self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(client.fileno())
            client.close()


class UpstreamResponse:
    """`isartor.ports.Response` over a call whose head has come."""

    code = None
    tally = None
    __slots__ = ("_call", "_faults", "_held", "_loop", "_over", "headers", "status")

    def __init__(  # noqa: PLR0913 - of every reply that there is: by position
        self,
        call: HttpCall,
        loop: asyncio.AbstractEventLoop,
        faults: Faults,
        status: int,
        headers: Headers,
        rest: bytes | None,
    ) -> None:
        """Take over a call. `rest`: its whole body, if that has come."""
        self.status = status
        self.headers = headers
        self._call = call
        self._loop = loop
        self._faults = faults
        self._held = rest
        self._over = rest is not None

    def ready(self) -> bytes | None:
        """See `isartor.ports.Response`."""
        piece, self._held = self._held, None
        if piece:
            return piece
        try:
            return self._call.take() or None
        except HttpError:
            return None  # `read` says why

    def rest(self) -> bytes | None:
        """See `isartor.ports.Response`."""
        if not self._over:
            return None
        rest, self._held = self._held, None
        return rest

    def unread(self, piece: bytes) -> None:
        """See `isartor.ports.Response`."""
        self._held = piece

    async def read(self) -> bytes | None:
        """Next piece of the body, `None` at its proper end."""
        held, self._held = self._held, None
        if held:
            return held
        try:
            while True:
                piece = self._call.take()
                if piece is not False:
                    return piece
                more: asyncio.Future[None] = self._loop.create_future()
                if self._call.wait(more):
                    await more
        except HttpError as error:
            raise told(error, self._faults, begun=True) from error

    async def read_all(self, limit: int) -> bytes:
        """Return the rest of the body, at most `limit` bytes."""
        pieces = []
        size = 0
        while (piece := await self.read()) is not None:
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                await self.close()
                raise self._faults.too_long(limit)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def close(self) -> None:
        """Give the connection back, or cut it if the body has not ended."""
        self._call.close()


@contextmanager
def _patience() -> Iterator[None]:
    """Threads that are begun meanwhile do not interrupt others, where the system knows of such (Linux).

    What the client's thread brings is of no use before the interpreter is free; on a processor that both share, being
    interrupted for it costs more than the reply.
    """
    before = _batch() if sys.platform == "linux" else None
    try:
        yield
    finally:
        if before is not None:
            os.sched_setscheduler(0, *before)


def _batch() -> tuple[int, os.sched_param] | None:
    """Makes this thread one that preempts nobody; returns what it was, `None` if the system does not let it be one."""
    try:
        before = os.sched_getscheduler(0), os.sched_getparam(0)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    except OSError:  # a sandbox, or musl, which has no such calls
        return None
    return before


def told(error: HttpError, faults: Faults, *, begun: bool) -> UpstreamError:
    """One of ours for one of the client's; `begun` says that the reply's head has been handed over."""
    kind, detail = error.args
    match kind:
        case "connect-time":
            failure: UpstreamError = faults.connect_timeout()
        case "silence":
            failure = faults.silence(begun=begun)
        case "total":
            failure = faults.total_timeout()
        case "connect":
            failure = faults.untrusted(detail) if "certificate" in detail else faults.unreachable(detail)
        case "body":
            failure = faults.cut(detail)
        case "closed":
            failure = faults.closed()
        case _:
            failure = faults.broken(detail)
    return failure
