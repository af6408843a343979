"""The circuit breaker."""

from __future__ import annotations

from isartor.providers.breaker import Breaker


def test_opens_after_failures_in_a_row() -> None:
    """Only failures in a row count."""
    breaker = Breaker(3, 30)
    for _ in range(5):
        breaker.failed(0)
        breaker.failed(0)
        breaker.succeeded()
    assert breaker.state(0) == "closed"
    for _ in range(3):
        breaker.failed(10)
    assert breaker.state(10) == "open"
    assert not breaker.admit(39.9)
    assert breaker.state(40) == "half_open"


def test_half_open_lets_one_through() -> None:
    """One request tries; should it vanish, the next one tries after another rest."""
    breaker = Breaker(1, 30)
    breaker.failed(0)
    assert breaker.ready(30)
    assert breaker.admit(30)
    assert not breaker.ready(30)
    assert not breaker.admit(31)
    assert breaker.admit(60)


def test_trial() -> None:
    """A good trial closes it, a bad one opens it again for as long."""
    breaker = Breaker(2, 30)
    breaker.failed(0)
    breaker.failed(0)
    assert breaker.admit(30)
    breaker.failed(35)
    assert not breaker.admit(64)
    assert breaker.admit(65)
    breaker.succeeded()
    assert breaker.state(65) == "closed"
    breaker.failed(65)
    assert breaker.state(65) == "closed"


def test_a_head_is_half_a_success() -> None:
    """A trial's head lets others through again, but one cut body is enough to open it."""
    breaker = Breaker(3, 30)
    for _ in range(3):
        breaker.failed(0)
    assert breaker.admit(30)
    breaker.answered()
    assert breaker.admit(30)
    breaker.failed(31)
    assert breaker.state(31) == "open"


def test_heads_do_not_count_while_closed() -> None:
    """A provider that begins well and always breaks off does open it."""
    breaker = Breaker(2, 30)
    for _ in range(2):
        breaker.answered()
        breaker.failed(0)
    assert breaker.state(0) == "open"


def test_never() -> None:
    """A threshold of 0 turns it off."""
    breaker = Breaker(0, 30)
    for _ in range(100):
        breaker.failed(0)
    assert breaker.state(0) == "closed"
    assert "100 of 0" in repr(breaker)
