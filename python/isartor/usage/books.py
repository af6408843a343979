"""Hears of every request that a provider was asked for; `isartor.ports.Books`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from isartor.ports import Tally

if TYPE_CHECKING:
    from isartor._native import Head, UsageLog
    from isartor.ports import Spent

_NONE: Final = Tally()
_ERROR: Final = 400


class Books:
    """Hands on what was used to the usage log. Hits are none of its business: the store of replies records them."""

    def __init__(self, events: UsageLog) -> None:
        """`events`: where they wait to be written."""
        self._events = events

    def spent(self, head: Head, spent: Spent, *, tenant: str, followers: int = 0) -> None:
        """One request to L3 is over. `followers`: other clients that got the same reply without asking for it anew."""
        tally = spent.tally or _NONE
        record, provider, model, status, latency = (
            self._events.record,
            spent.provider,
            spent.model,
            spent.status,
            spent.latency_ms,
        )
        record(head, provider, model, tenant, "l3", status, tally, latency)
        if followers:
            # What they got cost nothing more; if it was an error, they have saved nothing either.
            well = status < _ERROR
            tally = tally if well else _NONE
            record(head, provider, model, tenant, "l3", status, tally, latency, deflected=well, requests=followers)
