"""`Pace`: how many requests may be handled at once."""

from __future__ import annotations

import random

import pytest

from isartor.stack.limits import Pace


def paced(*times: float, least: int = 4, most: int = 100) -> Pace:
    """Return a pace with a target of one second that has seen these times."""
    pace = Pace(least, most, 1.0)
    for secs in times:
        pace.took(secs)
    return pace


def test_it_begins_with_the_most() -> None:
    """Nobody waits before there is a reason."""
    assert paced().limit == 100


@pytest.mark.parametrize("times", [(9.0,) * 9, ()])
def test_fewer_than_ten_times_say_nothing(times: tuple[float, ...]) -> None:
    """A single slow reply is no trend."""
    pace = paced(*times)
    assert (pace.limit, pace.p95()) == (100, None)


def test_slow_replies_take_a_tenth_away() -> None:
    """Ten new times make one decision."""
    assert paced(*(9.0,) * 10).limit == 90
    assert paced(*(9.0,) * 20).limit == 81


def test_slow_replies_count_once() -> None:
    """Those that led to a decrease do not lead to another one."""
    assert paced(*(9.0,) * 10, *(0.1,) * 50).limit == 95


def test_quick_replies_give_one_back() -> None:
    """One more for every ten, up to the most."""
    pace = paced(*(9.0,) * 20)
    assert pace.limit == 81
    for _ in range(30):
        pace.took(0.5)
    assert pace.limit == 84
    for _ in range(1000):
        pace.took(0.5)
    assert pace.limit == 100


def test_five_of_a_hundred_may_be_slow() -> None:
    """The target is about the 95th percentile of the latest hundred."""
    pace = paced(*(0.5,) * 95)
    for secs in (9.0,) * 5:
        pace.took(secs)
    assert pace.limit == 100
    for secs in (*(0.5,) * 9, 9.0):
        pace.took(secs)
    assert pace.limit == 90


@pytest.mark.parametrize(("least", "most"), [(1, 1), (1, 3), (4, 4), (4, 256)])
def test_it_stays_within_its_bounds(least: int, most: int) -> None:
    """Whatever comes, and it always moves when it should."""
    chance = random.Random(least * most)
    pace = Pace(least, most, 1.0)
    for _ in range(5000):
        pace.took(chance.choice((0.1, 5.0)))
        assert least <= pace.limit <= most
    for _ in range(5000):
        pace.took(5.0)
    assert pace.limit == least


def test_it_tells_its_state() -> None:
    """`repr` has the counts."""
    assert repr(paced()) == "<Pace 100 in 4..100>"
