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
        self._record(head, spent, tenant, tally)
        if followers:
            # What they got cost nothing more; if it was an error, they have saved nothing either.
            well = spent.status < _ERROR
            self._record(head, spent, tenant, tally if well else _NONE, deflected=well, requests=followers)

    def _record(  # noqa: PLR0913 - the last two by name, and seldom
        self, head: Head, spent: Spent, tenant: str, tally: Tally, *, deflected: bool = False, requests: int = 1
    ) -> None:
        self._events.record(
            head,
            spent.provider,
            spent.model,
            tenant=tenant,
            layer="l3",
            status=spent.status,
            deflected=deflected,
            tally=tally,
            latency_ms=spent.latency_ms,
            requests=requests,
        )
