"""What all providers on the network have in common: an address, a key, a transport.

A provider's own file says what is its own: operations, default address and model, how the key is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import urlsplit

from isartor.providers.base import (
    Call,
    Headers,
    ProviderStatus,
    Response,
    Settings,
    missing_key,
    request_headers,
    unsupported,
)
from isartor.providers.transport import Transport
from isartor.providers.urls import Base, target

if TYPE_CHECKING:
    from collections.abc import Mapping

# Every body that goes upstream is JSON, also where a client did not say so.
_JSON: Final = ("content-type", "application/json")


class HttpProvider:
    """Base of the providers that are reached over HTTP."""

    operations: ClassVar[Mapping[str, str]]
    """Endpoint to path below the address's prefix."""
    credential: ClassVar[tuple[str, str]]
    """Header that carries the key, and what stands before the key in it."""
    required: ClassVar[Headers] = []
    """Headers that the provider insists on, sent where the client has not sent its own."""

    def __init__(self, settings: Settings, base: Base, *, model: str, needs_key: bool = True) -> None:
        """Take the address from `base`; `model` is the provider's own default."""
        self.name = settings.provider
        self.model = settings.model or model
        self.endpoints = frozenset(self.operations)
        self._base = base
        self._host = urlsplit(base.origin).netloc
        self._paths = {endpoint: base.prefix + path for endpoint, path in self.operations.items()}
        key = settings.api_key.reveal() if settings.api_key is not None else ""
        header, scheme = self.credential
        self._credentials = [(header, scheme + key)] if key else []
        # A server at an address of the user's own may well need no key, and says so itself if it does.
        self._ready = bool(key) or not needs_key or settings.url is not None
        self._transport = Transport(
            self.name,
            base.origin,
            settings.limits,
            offline=settings.offline,
            offline_allowed_hosts=settings.offline_allowed_hosts,
        )

    def path(self, call: Call) -> str | None:
        """Path of a call, `None` if the provider does not speak its format."""
        return self._paths.get(call.endpoint)

    async def call(self, call: Call) -> Response:
        """See `isartor.ports.Provider`."""
        path = self.path(call)
        if path is None:
            raise unsupported(self.name, call.endpoint, self.endpoints)
        if not self._ready:
            raise missing_key(self.name)
        headers = request_headers(call.headers)
        self._complete(headers)
        if call.query or self._base.query:
            path = target(path, self._base.query, call.query)
        return await self._transport.send("POST", path, headers, call.body, stream=call.stream)

    def _complete(self, headers: Headers) -> None:
        """Add what the provider needs to the client's headers."""
        for line in (_JSON, *self.required):
            if not any(name == line[0] for name, _ in headers):
                headers.append(line)
        headers += self._credentials

    def status(self) -> ProviderStatus:
        """See `isartor.ports.Provider`."""
        return {
            "provider": self.name,
            "model": self.model,
            "endpoint": self._host,
            "state": "active" if self._ready else "no_api_key",
        }

    def __repr__(self) -> str:
        """Never shows the key."""
        return f"{type(self).__name__}({self.name!r} at {self._host}, {self.status()['state']})"

    async def close(self) -> None:
        """See `isartor.ports.Provider`."""
        await self._transport.close()
