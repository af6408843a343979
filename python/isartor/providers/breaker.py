"""A circuit breaker: a provider that fails again and again is left alone for a while, then one request tries it.

It only says; the chain decides. A provider that rests is passed over. If no other has answered it is asked all the
same, but once and without waiting: a breaker is to spare people a wait, not to be an outage of its own.
"""

from __future__ import annotations


class Breaker:
    """Closed: `rests_until` is `None`. Open until that time; from then on half open, one request at a time."""

    __slots__ = ("_failures", "_open_secs", "_threshold", "rests_until")

    def __init__(self, failure_threshold: int = 5, open_secs: float = 30) -> None:
        """`failure_threshold`: failed requests in a row that open it; 0: never."""
        self._threshold = failure_threshold
        self._open_secs = open_secs
        self._failures = 0
        self.rests_until: float | None = None
        """On the clock of the caller."""

    def state(self, now: float) -> str:
        """`closed`, `open` or `half_open`."""
        if self.rests_until is None:
            return "closed"
        return "open" if now < self.rests_until else "half_open"

    def ready(self, now: float) -> bool:
        """Whether a request would be let through; takes no place."""
        return self.rests_until is None or now >= self.rests_until

    def admit(self, now: float) -> bool:
        """Whether a request may go through. Half open, the one that may takes the place of all others."""
        if self.rests_until is None:
            return True
        if now < self.rests_until:
            return False
        # Should nothing be heard of this one, as of a client that leaves, another may try when that time has passed.
        self.rests_until = now + self._open_secs
        return True

    def answered(self) -> None:
        """A good head has come: closed, but what is left of the reply must come too."""
        if self.rests_until is not None:
            self.rests_until = None
            self._failures = max(self._threshold - 1, 0)

    def succeeded(self) -> None:
        """A reply has come whole."""
        self._failures = 0
        self.rests_until = None

    def failed(self, now: float) -> None:
        """A request has failed for good, or a reply broke off."""
        self._failures += 1
        if self._threshold and self._failures >= self._threshold:
            self.rests_until = now + self._open_secs

    def __repr__(self) -> str:
        """Failures in a row, and whether it rests."""
        resting = "" if self.rests_until is None else f", rests until {self.rests_until:.1f}"
        return f"Breaker({self._failures} of {self._threshold} failures{resting})"
