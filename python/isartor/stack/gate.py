"""L0: who may come in, and how much they may bring."""

from __future__ import annotations

import asyncio
from types import coroutine
from typing import TYPE_CHECKING, ClassVar, Final

from isartor.errors import AuthError, ForbiddenError, RequestError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from isartor._native import Head
    from isartor.stack.exchange import Arriving, Client, Exchange
    from isartor.stack.limits import Tenant, Turnstile

_WELCOME: Final = 0
_REFUSALS: Final[dict[int, Callable[[], RequestError]]] = {
    1: lambda: AuthError(
        "This gateway asks for a key and none was sent. Send the gateway key as 'x-api-key' or 'Authorization: Bearer'."
    ),
    2: lambda: AuthError(
        "The key sent is not one of this gateway's (gateway_api_key, gateway_keys). Provider keys are not used here."
    ),
    3: lambda: ForbiddenError(
        "Browsers may not call this gateway from another origin. To let a page in, add its origin to allowed_origins.",
        code="foreign_origin",
    ),
    4: lambda: ForbiddenError(
        "The Host header names a host that is not this gateway. Add it to allowed_hosts to let it in.",
        code="foreign_host",
    ),
}


class Gatekeeper:
    """Checks key, origin and rate, waits for room, all before the body is read; then reads it within its limits."""

    name: ClassVar[str] = "l0"

    def __init__(
        self,
        *,
        max_body_bytes: int,
        body_timeout_secs: float,
        tenants: Mapping[bytes, Tenant] | None = None,
        turnstile: Turnstile | None = None,
    ) -> None:
        """`max_body_bytes`: largest body taken. `body_timeout_secs`: longest time a client may take to send it.

        `tenants`: those that have a label or a limit, by the 16 bytes that stand for them. `turnstile`: counts the
        requests that are handled at once.
        """
        self._tenants = tenants or {}
        self._turnstile = turnstile
        self._max = max_body_bytes
        self._timeout = body_timeout_secs
        self._ticks = 0
        self._reading: dict[Arriving, int] = {}

    async def answer(self, exchange: Exchange) -> None:
        """Refuses, or reads the body and lets the next layer look."""
        head = exchange.head
        if head.verdict != _WELCOME:
            self.admit(head)
        if head.encoding is not None:
            message = f"content-encoding {head.encoding!r} is not supported; send the body as it is."
            raise RequestError(message, status=415, code="unsupported_encoding")
        if self._tenants and (tenant := self._tenants.get(head.tenant)) is not None:
            exchange.tenant = tenant.label
            allowance = exchange.allowance = tenant.allowance
            if allowance is not None:
                allowance.admit()
        turnstile = self._turnstile
        if turnstile is not None:
            if not turnstile.enter():
                await turnstile.wait(exchange.tenant, exchange.client)
            exchange.inside = True
        exchange.body = await self.body(exchange.client, head, self._max)

    def admit(self, head: Head) -> None:
        """Raises `AuthError` or `ForbiddenError` if the headers do not let the request in."""
        if head.verdict != _WELCOME:
            refusal = _REFUSALS[head.verdict]
            raise refusal()  # it is a function that builds the error

    async def body(self, client: Client, head: Head, limit: int) -> bytes:
        """The body, if it is no larger than `limit` bytes and comes in time."""
        length = head.content_length
        if length > limit:
            raise _too_large(limit)
        # Granian's own thread collects the body. Whoever awaits it at once has to be woken across threads, which costs
        # more than the rest of a hit; after one turn of the loop it is mostly there.
        arriving = client() if length >= 0 else asyncio.ensure_future(_pieces(client, limit))
        reading = self._reading
        reading[arriving] = self._ticks
        try:
            await _turn()
            return await arriving
        except asyncio.CancelledError:
            if arriving in reading:  # not by the clock
                arriving.cancel()
                raise
            message = f"The body did not arrive within {self._timeout:g} seconds (body_timeout_secs)."
            raise RequestError(message, status=408, code="body_timeout") from None
        finally:
            reading.pop(arriving, None)

    def tick(self) -> None:
        """Called once a second: ends the reading of bodies that take too long.

        One sweep a second instead of a timer per request: the limit is coarse, the hot path is not.
        """
        self._ticks += 1
        for arriving, since in list(self._reading.items()):
            if self._ticks - since > self._timeout:
                del self._reading[arriving]
                arriving.cancel()


@coroutine
def _turn() -> Generator[None]:
    """Lets every other task that is ready go first."""
    yield


async def _pieces(client: Client, limit: int) -> bytes:
    """A body whose length was not announced."""
    pieces = []
    size = 0
    async for piece in client:
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        pieces.append(piece)
    return b"".join(pieces)


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"The body is larger than {limit} bytes (max_body_bytes).")
