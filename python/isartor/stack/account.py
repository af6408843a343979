"""What one reply of a provider took, settled once, however the reply ends."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from isartor.ports import Spent, Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from isartor._native import Complete
    from isartor.ports import Books, Call, Reached
    from isartor.stack.exchange import Exchange
    from isartor.stack.flights import Flight
    from isartor.stack.limits import Reserved

# Where the provider told nothing: a token is about four bytes of text.
_BYTES_PER_TOKEN: Final = 4
_ERROR: Final = 400
_TIMED_OUT: Final = 504
# To count tokens costs none.
_COUNTS: Final = frozenset({"count_tokens", "gemini_count"})


class Account:
    """One call to the provider chain."""

    __slots__ = (
        "_books",
        "_call",
        "_counted",
        "_exchange",
        "_flight",
        "_reached",
        "_reserved",
        "_started",
        "_took",
        "bytes",
        "complete",
        "told",
    )

    def __init__(  # noqa: PLR0913  # what it sees, and who hears of it
        self,
        exchange: Exchange,
        call: Call,
        flight: Flight,
        books: Books | None,
        *,
        reserved: Reserved | None = None,
        took: Callable[[float], None] | None = None,
    ) -> None:
        """`books` is `None` where nobody keeps any.

        `reserved`: tokens of the tenant's minute. `took`: hears how many seconds the head of the reply took.
        """
        self._reserved = reserved
        self._took = took
        self._exchange = exchange
        self._call = call
        self._flight = flight
        self._books = books
        self._started = monotonic()
        self._reached: Reached | None = None
        self._counted: Tally | None = None  # of a complete reply, counted once
        self.bytes = 0
        """Of the reply's body that have come."""
        self.complete: Complete | None = None
        """The reply, once it is complete."""
        self.told: Tally | None = None
        """What a reply that is not complete says of its tokens."""

    def source(self) -> dict[str, Any]:
        """Who gave the complete reply and what it took: what a later hit saves."""
        reached = self._reached
        if reached is None:
            return {}
        if reached.response.tally is None and self._call.endpoint not in _COUNTS:
            # The store reads in the reply what `_tally` would.
            return {"provider": reached.provider, "model": reached.model, "tokens": self._call.tokens}
        tally = self._counted = self._tally()
        return {"provider": reached.provider, "model": reached.model, "tally": tally}

    def open(self, reached: Reached) -> None:
        """Somebody has answered."""
        self._reached = reached
        # An error says nothing of how busy who answers is: a refused request is refused at once.
        if self._took is not None and reached.response.status < _ERROR:
            self._took(monotonic() - self._started)

    def refused(self, status: int) -> None:
        """The reply was an error: no tokens."""
        self._close(None, status)

    def failed(self, provider: str, status: int) -> None:
        """Nobody has answered."""
        if self._reserved is not None:
            self._reserved.settle(None)
        if self._took is not None and status == _TIMED_OUT:
            self._took(monotonic() - self._started)
        if self._books is not None:
            spent = Spent(provider=provider, model=self._call.model, status=status, latency_ms=self._elapsed())
            self._books.spent(self._exchange.head, spent, tenant=self._exchange.tenant)

    def settle(self, *, well: bool | None) -> None:
        """The reply is over. `well`: whether the provider saw it through; `None` if the client did not wait."""
        reached = self._reached
        if reached is None:
            return
        if well is not None and reached.finished is not None:
            reached.finished(well)
        tally = None
        if self._books is not None or self._reserved is not None or reached.ticket is not None:
            tally = self._tally() if self._counted is None else self._counted
        self._close(tally, reached.response.status if well is not False else 502)

    def _tally(self) -> Tally:
        if self._call.endpoint in _COUNTS:
            return Tally()
        if self._reached is not None and self._reached.response.tally is not None:
            return self._reached.response.tally
        if self.told is not None:
            return self.told
        if self.complete is not None:
            return Tally(*self.complete.tally(self._call.tokens))
        return Tally(input=self._call.tokens, output=self.bytes // _BYTES_PER_TOKEN, estimated=True)

    def _close(self, tally: Tally | None, status: int) -> None:
        reached, self._reached = self._reached, None
        if reached is None:
            return
        if self._reserved is not None:
            self._reserved.settle(tally)
        if reached.ticket is not None:
            reached.ticket.settle(tally)
        if self._books is not None:
            spent = Spent(
                provider=reached.provider,
                model=reached.model,
                status=status,
                tally=tally,
                latency_ms=self._elapsed(),
            )
            followers = max(self._flight.boarded - 1, 0)
            self._books.spent(self._exchange.head, spent, tenant=self._exchange.tenant, followers=followers)

    def _elapsed(self) -> float:
        return (monotonic() - self._started) * 1000
