"""As many requests at once as the pace allows; the others wait in a fair queue of bounded length and time.

Tenants take turns, and of each tenant's requests the one that came first goes first. When the queue is full, a tenant
that fills it gives up its latest place to one that has fewer, so that nobody keeps the others out.

**Cost**: with room, a comparison and an addition. Only who has to wait makes a future and a timer.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from isartor.errors import BusyGatewayError
from isartor.stack.flights import GoneError

if TYPE_CHECKING:
    from isartor.stack.exchange import Client
    from isartor.stack.limits.pace import Pace

_RETRY_AFTER_SECS: Final = 2.0

Turn = asyncio.Future[None]


class Turnstile:
    """Counts the requests of one worker from the gate to the end of their replies."""

    def __init__(self, pace: Pace, *, length: int, timeout_secs: float) -> None:
        """`length`: most requests that wait. `timeout_secs`: longest wait."""
        self._pace = pace
        pace.widened = self._admit
        self.took = pace.took
        """To be told how many seconds a provider's reply took to begin."""
        self._length = length
        self._timeout = timeout_secs
        self._queues: dict[str, dict[Turn, None]] = {}
        """By tenant, the one whose turn it is first; a dictionary keeps its order and is quick to leave."""
        self.inside = 0
        """Requests that are being handled."""
        self.waiting = 0
        self.refused = 0
        """Requests that found no room, or waited too long."""

    def __repr__(self) -> str:
        """How full it is."""
        return f"<Turnstile {self.inside} of {self._pace.limit}, {self.waiting} waiting>"

    def status(self) -> dict[str, Any]:
        """How full it is, for reports."""
        p95 = self._pace.p95()
        return {
            "limit": self._pace.limit,
            "in_flight": self.inside,
            "waiting": self.waiting,
            "refused": self.refused,
            "p95_ms": None if p95 is None else round(p95 * 1000, 1),
        }

    def enter(self) -> bool:
        """Comes in, if there is room."""
        # Nobody waits while there is room: whoever makes some lets the next one in at once.
        if self.inside < self._pace.limit:
            self.inside += 1
            return True
        return False

    async def wait(self, tenant: str, client: Client) -> None:
        """Comes in when it is this request's turn. Raises `BusyGatewayError`, or `GoneError` if the client leaves."""
        turn = self._queue(tenant)
        timer = asyncio.get_running_loop().call_later(self._timeout, self._late, tenant, turn)
        watch = asyncio.ensure_future(client.client_disconnect())
        watch.add_done_callback(partial(self._left, tenant, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave()  # its turn had come in the same moment
            else:
                self._drop(tenant, turn)
            raise
        finally:
            timer.cancel()
            watch.cancel()

    def leave(self) -> None:
        """A request that had come in is over."""
        self.inside -= 1
        if self.waiting:
            self._admit()

    def _queue(self, tenant: str) -> Turn:
        """A place in the queue."""
        if not self._length or not self._timeout:
            none = "and none may wait (concurrency.queue_length, concurrency.queue_timeout_ms)"
            raise self._busy(none)
        if self.waiting >= self._length:
            full = f"and {self._length} are waiting already (concurrency.queue_length)"
            longest = max(self._queues, key=lambda name: len(self._queues[name]))
            if len(self._queues[longest]) <= len(self._queues.get(tenant, ())) + 1:
                raise self._busy(full)
            self._refuse(longest, next(reversed(self._queues[longest])), full)
        turn: Turn = asyncio.get_running_loop().create_future()
        self._queues.setdefault(tenant, {})[turn] = None
        self.waiting += 1
        return turn

    def _admit(self) -> None:
        while self.waiting and self.inside < self._pace.limit:
            tenant = next(iter(self._queues))
            turn = next(iter(self._queues[tenant]))
            self._drop(tenant, turn)
            if tenant in self._queues:  # behind the others
                self._queues[tenant] = self._queues.pop(tenant)
            if not turn.done():  # it may have been given up a moment ago
                self.inside += 1
                turn.set_result(None)

    def _drop(self, tenant: str, turn: Turn) -> bool:
        """Takes a place out of the queue; whether it was there."""
        queue = self._queues.get(tenant)
        if queue is None or turn not in queue:
            return False
        del queue[turn]
        self.waiting -= 1
        if not queue:
            del self._queues[tenant]
        return True

    def _late(self, tenant: str, turn: Turn) -> None:
        self._refuse(tenant, turn, f"and none ended within {self._timeout:g} seconds (concurrency.queue_timeout_ms)")

    def _refuse(self, tenant: str, turn: Turn, why: str) -> None:
        if self._drop(tenant, turn) and not turn.done():
            turn.set_exception(self._busy(why))

    def _left(self, tenant: str, turn: Turn, watch: asyncio.Future[None]) -> None:
        if watch.cancelled():
            return
        with suppress(Exception):
            watch.result()
        if self._drop(tenant, turn) and not turn.done():
            turn.set_exception(GoneError())

    def _busy(self, why: str) -> BusyGatewayError:
        self.refused += 1
        return BusyGatewayError(
            f"This gateway handles as many requests as it may at once ({self._pace.limit}), {why}.",
            retry_after=_RETRY_AFTER_SECS,
            retryable=True,
        )
