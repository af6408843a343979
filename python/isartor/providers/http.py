"""What all providers on the network have in common: an address, a key, a transport.

A provider's own file says what is its own: operations, address, how the key is sent, what a ping asks.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple
from urllib.parse import urlsplit

from isartor.errors import IsartorError
from isartor.providers.base import (
    Call,
    Headers,
    Ping,
    ProviderStatus,
    Response,
    Settings,
    missing_key,
    request_headers,
    unsupported,
)
from isartor.providers.transport import Transport
from isartor.providers.urls import Base, same_host, target

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from isartor.ports import Revealable
    from isartor.providers.row import Row

# Every body that goes upstream is JSON, also where a client did not say so.
_JSON: Final = ("content-type", "application/json")

_SHORTEST_PING: Final = 1.0
_LONGEST_PING: Final = 15.0
_OK: Final = range(200, 300)
_SERVER_ERROR: Final = 500
_NOT_FOUND: Final = 404
_REFUSED: Final = {401: "the key was refused", 403: "the key was refused", 429: "the limit of the key is reached"}


class Probe(NamedTuple):
    """What a ping sends."""

    method: str
    path: str
    body: bytes = b""


class HttpProvider:
    """Base of the providers that are reached over HTTP."""

    operations: ClassVar[Mapping[str, str]]
    """Endpoint to path below the address's prefix."""
    credential: ClassVar[tuple[str, str]]
    """Header that carries the key, and what stands before the key in it."""
    required: ClassVar[Headers] = []
    """Headers that the provider insists on, sent where the client has not sent its own."""

    def __init__(self, settings: Settings, row: Row, base: Base) -> None:
        """Take the address from `base`, what is the provider's own from `row`."""
        self.name = settings.provider
        self.model = settings.model or row.model
        self.quirks = row.quirks
        self._settings = settings
        self._row = row
        self._base = base
        self._host = urlsplit(base.origin).netloc
        spoken = row.speaks or self.operations
        self._paths = {name: base.prefix + path for name, path in self.operations.items() if name in spoken}
        self.endpoints = frozenset(self._paths)
        self._own = self._credentials(settings.api_key)
        self._needed = (_JSON, *self.required)
        # A server at an address of the user's own may well need no key, and says so itself if it does.
        elsewhere = settings.url is not None and not (row.url is not None and same_host(settings.url, row.url))
        self._keyless = not row.keyed or elsewhere
        self._transport = self._connections(base.origin)

    def _connections(self, origin: str) -> Transport:
        """Return connections to `origin`, under this provider's limits."""
        settings = self._settings
        return Transport(
            self.name,
            origin,
            settings.limits,
            offline=settings.offline,
            offline_allowed_hosts=settings.offline_allowed_hosts,
            url_key=settings.key("url"),
        )

    def path(self, call: Call) -> str | None:
        """Path of a call, `None` if the provider does not speak its format."""
        return self._paths.get(call.endpoint)

    def query(self, call: Call) -> str:
        """What of the client's query goes along."""
        return call.query

    def call(self, call: Call) -> Coroutine[Any, Any, Response]:
        """See `isartor.ports.Provider`. Without a key in `call` the provider's own is sent."""
        path = self.path(call)
        if path is None:
            raise unsupported(self.name, call.endpoint, self.endpoints)
        credentials = self._own if call.key is None else self._credentials(call.key)
        if not credentials and not self._keyless:
            raise missing_key(self.name, self._settings.where)
        headers = request_headers(call.headers)
        self._complete(headers)
        headers += credentials
        if call.query or self._base.query:
            path = target(path, self._base.query, self.query(call))
        return self._transport.send("POST", path, headers, call.body, stream=call.stream)

    def _complete(self, headers: Headers) -> None:
        """Add what the provider needs to the client's headers."""
        sent = [name for name, _ in headers]
        headers += [line for line in self._needed if line[0] not in sent]

    def _credentials(self, key: Revealable | None) -> Headers:
        """Return the header that carries `key`; keys are sent in headers only, and to this provider's host only."""
        secret = key.reveal() if key is not None else ""
        header, scheme = self.credential
        return [(header, scheme + secret)] if secret else []

    def probe(self, *, deep: bool) -> Probe:
        """Return what a ping sends: something that costs nothing, except where `deep` allows for it."""
        del deep
        return Probe("GET", self._below(self._row.probe))

    def _below(self, path: str) -> str:
        """`path` below the address, or below its host if it begins with a slash."""
        prefix = self._base.prefix
        if path.startswith("/"):
            return prefix.removesuffix(f"/{self._row.version}") + path
        return f"{prefix}/{path}"

    async def ping(self, key: Revealable | None = None, *, deep: bool = False) -> Ping:
        """Ask whether the provider is there and takes `key`, its own if `None`. Never raises an `IsartorError`.

        `deep`: try what a real request needs too, which some providers bill as a request of one token.
        """
        asked = self.probe(deep=deep)
        headers: Headers = [("accept", "application/json"), *self.required]
        if asked.body:
            headers.append(_JSON)
        headers += self._own if key is None else self._credentials(key)
        return await self._measured(self._transport, asked, headers)

    async def _measured(self, transport: Transport, asked: Probe, headers: Headers) -> Ping:
        limit = min(max(self._settings.limits.l3_timeout_secs, _SHORTEST_PING), _LONGEST_PING)
        started = monotonic()
        path = target(asked.path, self._base.query, "")
        try:
            async with asyncio.timeout(limit):
                response = await transport.send(asked.method, path, headers, asked.body, stream=False)
                elapsed = _milliseconds(started)
                await response.close()
        except IsartorError as error:
            return Ping(reachable=False, latency_ms=_milliseconds(started), error=error.message)
        except TimeoutError:
            return Ping(reachable=False, latency_ms=_milliseconds(started), error=f"no answer within {limit:g} s")
        return judged(response.status, elapsed)

    def status(self) -> ProviderStatus:
        """See `isartor.ports.Provider`."""
        return {
            "provider": self.name,
            "model": self.model,
            "endpoint": self._host,
            "state": "active" if self._own or self._keyless else "no_api_key",
        }

    def __repr__(self) -> str:
        """Never shows the key."""
        return f"{type(self).__name__}({self.name!r} at {self._host}, {self.status()['state']})"

    async def close(self) -> None:
        """See `isartor.ports.Provider`."""
        await self._transport.close()


def judged(status: int, latency_ms: float) -> Ping:
    """Return what an answer with `status` says of a provider."""
    error = None
    # Not every provider has the list that is asked for; that it does not is an answer.
    if status not in _OK and status != _NOT_FOUND:
        word = _REFUSED.get(status)
        error = f"status {status}" if word is None else f"{word} (status {status})"
    return Ping(reachable=status < _SERVER_ERROR, status_code=status, latency_ms=latency_ms, error=error)


def _milliseconds(started: float) -> float:
    return round((monotonic() - started) * 1000, 3)
