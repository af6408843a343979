"""The windows of quotas: a UTC day, a week from Monday, a month."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Period = Literal["daily", "weekly", "monthly"]
PERIODS: Final[tuple[Period, ...]] = ("daily", "weekly", "monthly")

DAY_SECS: Final = 86_400
# 1970-01-01 was a Thursday.
_FROM_MONDAY: Final = 3


class Windows(NamedTuple):
    """The present windows, one for each of `PERIODS`."""

    ids: tuple[int, int, int]
    """Two moments are in the same window if its number is the same."""
    begins: tuple[int, int, int]
    """Seconds since 1970."""
    ends: tuple[int, int, int]
    """Seconds since 1970: when the next one begins."""


def windows(now: float) -> Windows:
    """Return the windows around a moment."""
    day = int(now) // DAY_SECS
    week = (day + _FROM_MONDAY) // 7
    moment = time.gmtime(now)
    month = moment.tm_year * 12 + moment.tm_mon - 1
    monday = week * 7 - _FROM_MONDAY
    return Windows(
        (day, week, month),
        (day * DAY_SECS, monday * DAY_SECS, _first(month)),
        ((day + 1) * DAY_SECS, (monday + 7) * DAY_SECS, _first(month + 1)),
    )


def _first(month: int) -> int:
    return int(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp())


class Calendar:
    """The windows by a clock, worked out once a day.

    They never move backwards: while a clock that has been set back shows a time before them, the latest ones go on, so
    that what was counted in them is not forgotten. A calendar that is made anew follows its clock.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock`: seconds since 1970."""
        self.clock = clock
        self._now = windows(clock())
        self._ends = self._now.ends[0]

    def now(self) -> Windows:
        """The windows around the present moment, or around the latest one that the clock has shown."""
        seconds = self.clock()
        if seconds >= self._ends:
            self._now = windows(seconds)
            self._ends = self._now.ends[0]
        return self._now


def moment(seconds: float) -> str:
    """Return a time as text, `2026-11-22T00:00:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
