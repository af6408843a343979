"""How many requests may be handled at once: a few more while replies begin in time, a tenth fewer when they do not.

Additive increase, multiplicative decrease, as in TCP. What is measured is the time to the head of the replies of
providers; replies from the store say nothing about how busy a provider is. The slow ones that led to a decrease are
forgotten with it, so that each of them counts once.
"""

from __future__ import annotations

from collections import deque
from math import ceil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_WINDOW: Final = 100
"""As many of the latest times are looked at."""
_ROUND: Final = 10
"""As many new ones must have come, so that there is something to judge."""
_QUANTILE: Final = 0.95
_DECREASE: Final = 0.9


class Pace:
    """The limit, and what it follows."""

    def __init__(self, least: int, most: int, target_secs: float) -> None:
        """Begins with `most`. `target_secs`: the time that 95 of 100 replies should meet."""
        self._least = least
        self._most = most
        self._target = target_secs
        self._times: deque[float] = deque(maxlen=_WINDOW)
        self._slow = 0
        """Of these times, those above the target."""
        self._fresh = 0
        self.limit = most
        """Requests at once."""
        self.widened: Callable[[], None] | None = None
        """Hears of it when there may be more of them."""

    def __repr__(self) -> str:
        """Limit and bounds."""
        return f"<Pace {self.limit} in {self._least}..{self._most}>"

    def took(self, secs: float) -> None:
        """One more reply has begun, or was given up, after that time."""
        times = self._times
        if len(times) == _WINDOW and times[0] > self._target:
            self._slow -= 1
        times.append(secs)
        if secs > self._target:
            self._slow += 1
        self._fresh += 1
        if self._fresh < _ROUND:
            return
        self._fresh = 0
        # The quantile is above the target if that many are: without sorting them.
        if self._slow > len(times) - ceil(len(times) * _QUANTILE):
            self.limit = max(self._least, min(self.limit - 1, int(self.limit * _DECREASE)))
            times.clear()
            self._slow = 0
        else:
            self.limit = min(self._most, self.limit + 1)
            if self.widened is not None:
                self.widened()

    def p95(self) -> float | None:
        """The time that 95 of 100 of the latest replies met; `None` if there were too few to say."""
        if len(self._times) < _ROUND:
            return None
        return sorted(self._times)[ceil(len(self._times) * _QUANTILE) - 1]
