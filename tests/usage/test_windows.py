"""The windows of quotas."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from isartor.usage.windows import Calendar, moment, windows
from tests.usage.making import DAY, Clock

MOMENTS = st.datetimes(datetime(1970, 1, 12), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(MOMENTS)
def test_windows_are_those_of_the_calendar(now: datetime) -> None:
    """A day, a week from Monday and a month, each from midnight UTC, around every moment there is."""
    found = windows(now.timestamp())
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - timedelta(days=midnight.weekday())
    first = midnight.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    assert found.begins == (midnight.timestamp(), monday.timestamp(), first.timestamp())
    ends = (midnight + timedelta(days=1), monday + timedelta(days=7), following)
    assert found.ends == tuple(end.timestamp() for end in ends)


@given(MOMENTS, st.floats(0, 40 * DAY))
def test_a_window_has_one_number(now: datetime, later: float) -> None:
    """Two moments have the same number exactly if they are in the same window."""
    one, two = windows(now.timestamp()), windows(now.timestamp() + later)
    for place in range(3):
        assert (one.ids[place] == two.ids[place]) == (one.begins[place] == two.begins[place])


def test_the_calendar_follows_its_clock_forwards() -> None:
    """A clock that is set back, as clocks sometimes are, shows no window again that is over."""
    clock = Clock()
    calendar = Calendar(clock)
    first = calendar.now()
    clock.now += DAY
    second = calendar.now()
    assert second.ids[0] == first.ids[0] + 1
    for back in (1, DAY, 40 * DAY):
        clock.now -= back
        assert calendar.now() == second
    clock.now = second.ends[0]
    assert calendar.now().begins[0] == second.ends[0]
    assert moment(first.ends[0]) == "2026-11-22T00:00:00Z"
