"""The keys of one provider."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isartor.config.secret import Secret
from isartor.config.upstream import ProviderKey
from isartor.providers.keys import Key, Pool, mask


def keys(*priorities: int) -> list[Key]:
    return [Key(Secret(f"key-{place}"), priority=each, label=str(place)) for place, each in enumerate(priorities)]


def taken(pool: Pool, count: int, now: float = 0) -> str:
    return "".join((key.label or "") if (key := pool.take(now)) else "-" for _ in range(count))


def test_round_robin() -> None:
    """Each key has its turn; those that rest are passed over."""
    pool = Pool(keys(1, 1, 1))
    assert taken(pool, 5) == "01201"
    pool.limited(pool.keys[2], 0, 10)
    assert taken(pool, 4, now=9) == "0101"
    assert taken(pool, 3, now=10) == "201"


def test_priority() -> None:
    """The lowest number first, in the configured order where they are equal."""
    pool = Pool(keys(2, 1, 1, 3), rotation="priority")
    assert taken(pool, 3) == "111"
    pool.limited(pool.keys[0], 0, 10)
    assert taken(pool, 2) == "22"
    pool.limited(pool.keys[1], 0, 10)
    assert taken(pool, 2) == "00"
    assert taken(pool, 1, now=10) == "1"


def test_cooldown() -> None:
    """As long as the provider tells, else as configured; told and guessed are kept apart."""
    pool = Pool(keys(1, 1), cooldown_secs=60)
    first, second = pool.keys
    pool.limited(first, 0, None)
    assert (first.rests_until, first.guessed) == (60, True)
    pool.limited(second, 0, 5)
    assert (second.rests_until, second.guessed) == (5, False)
    assert pool.wait(1) == (4, False)
    assert pool.resting(1)
    assert not pool.resting(5)
    assert first.limited_total == 1


def test_a_lone_key_is_never_out() -> None:
    """It is used while it rests, and when it was refused."""
    pool = Pool(keys(1))
    (key,) = pool.keys
    pool.limited(key, 0, 1000)
    assert pool.take(0) is key
    assert not pool.resting(0)
    key.refused(0)
    assert pool.take(0) is key
    assert not pool.resting(0)


def test_all_rest() -> None:
    """Then it is the turn of the one that has rested longest; a dead one comes after all others."""
    pool = Pool(keys(1, 1, 1))
    for key, secs in zip(pool.keys, (30, 20, 25), strict=True):
        pool.limited(key, 0, secs)
    assert taken(pool, 2) == "11"
    pool.keys[1].refused(0)
    assert taken(pool, 1) == "2"


def test_all_dead() -> None:
    """One of them is tried with each request, and is alive when it is accepted; there is nothing to wait for."""
    pool = Pool(keys(1, 1))
    pool.keys[1].refused(0)
    pool.keys[0].refused(1)
    assert pool.wait(2) == (None, False)
    assert not pool.resting(2)
    assert taken(pool, 2, now=2) == "11"
    pool.keys[1].accepted()
    assert taken(pool, 2, now=2) == "11"
    assert "2 keys, 1 dead" in repr(pool)


def test_held() -> None:
    """A session's key is taken out of turn while it is well, and moves no turn."""
    pool = Pool(keys(1, 1, 1))
    held = pool.keys[2]
    assert pool.take(0, held) is held
    assert taken(pool, 2) == "01"
    pool.limited(held, 0, 10)
    assert pool.take(0, held) is not held


def test_no_keys() -> None:
    """A provider without keys is asked without one."""
    assert Pool().take(0) is None
    assert not Pool().resting(0)


def test_of() -> None:
    """The single key is the first of the pool, and no second one if it is listed again."""
    several = (ProviderKey(key=Secret("one"), label="a"), ProviderKey(key=Secret("two"), priority=2))
    pool = Pool.of(Secret("zero"), several, rotation="priority")
    assert [key.secret.reveal() for key in pool.keys] == ["zero", "one", "two"]
    assert len(Pool.of(Secret("two"), several).keys) == 2
    assert Pool.of(None).keys == ()


@pytest.mark.parametrize(
    ("secret", "shown"),
    [("", "********"), ("12345678", "********"), ("123456789", "1234…6789"), ("sk-" + "x" * 40 + "abcd", "sk-x…abcd")],
)
def test_mask(secret: str, shown: str) -> None:
    """First four, last four; short secrets show nothing."""
    assert mask(secret) == shown


def test_nothing_shows_the_key() -> None:
    """Neither a key nor a pool prints it."""
    key = Key(Secret("sk-1234567890abcdef"))
    assert "567890" not in repr(key) + repr(Pool([key]))


@given(
    st.lists(st.integers(1, 3), min_size=2, max_size=6),
    st.sampled_from(["round_robin", "priority"]),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["take", "limit", "refuse", "accept"]), st.integers(0, 20))),
)
def test_a_rested_key_is_always_preferred(
    priorities: list[int], rotation: str, steps: list[tuple[int, str, int]]
) -> None:
    """Whatever has happened: a key that rests is only taken if all do, and by priority the best one is taken."""
    pool = Pool(keys(*priorities), rotation=rotation)  # type: ignore[arg-type]
    now = 1.0
    for place, what, secs in steps:
        key = pool.keys[place % len(pool.keys)]
        if what == "limit":
            pool.limited(key, now, secs or None)
        elif what == "refuse":
            key.refused(now)
        elif what == "accept":
            key.accepted()
        now += secs
        taken = pool.take(now)
        assert taken is not None
        well = [each for each in pool.keys if each.rests_until <= now]
        assert not well or taken in well
        if well and rotation == "priority":
            assert taken.priority == min(each.priority for each in well)
