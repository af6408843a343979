"""`Rates`: requests and tokens a minute."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from isartor.errors import RateLimitError
from isartor.ports import Tally
from isartor.stack.limits import Allowance
from isartor.stack.limits.rates import OUTPUT_TOKENS, Bucket
from tests.stack.limits.making import Clock, allowance, key, rates


def refusal(by: Allowance, tokens: int | None = None) -> RateLimitError:
    """Return the error of one request too many."""
    with pytest.raises(RateLimitError) as caught:
        if tokens is None:
            by.admit()
        else:
            by.reserve(tokens)
    return caught.value


def bucket(by: Bucket | None) -> tuple[int, float]:
    """Return what is left, and when it is full."""
    assert by is not None
    return by.remaining(), round(by.reset(), 6)


def test_a_minutes_worth_may_come_at_once() -> None:
    """And no more; then it says when there is one more."""
    clock = Clock()
    given = allowance(clock, requests=60)
    for left in range(59, -1, -1):
        given.admit()
        assert bucket(given.requests) == (left, 60 - left)
    error = refusal(given)
    assert (error.status, error.code, error.retryable) == (429, "rate_limited", True)
    assert error.retry_after == pytest.approx(1.0)
    assert "60 requests a minute" in error.message
    assert "rate_limit.requests_per_minute" in error.message


def test_it_fills_steadily() -> None:
    """Who comes when told gets in, and only so often."""
    clock = Clock()
    given = allowance(clock, requests=60)
    for _ in range(60):
        given.admit()
    for _ in range(100):
        wait = refusal(given).retry_after
        assert wait is not None
        clock.now += wait
        given.admit()
    clock.now += 60
    assert bucket(given.requests) == (60, 0)
    clock.now += 3600
    assert bucket(given.requests) == (60, 0)


def test_what_is_refused_takes_nothing() -> None:
    """A client that knocks without end is not kept out longer for it."""
    clock = Clock()
    given = allowance(clock, requests=1)
    given.admit()
    for _ in range(50):
        assert refusal(given).retry_after == pytest.approx(60)
    clock.now += 60
    given.admit()


def test_tokens_are_taken_by_estimate_and_corrected() -> None:
    """What a reply really took counts."""
    clock = Clock()
    given = allowance(clock, tokens=6000)
    reserved = given.reserve(1000)
    assert reserved is not None
    assert bucket(given.tokens)[0] == 6000 - 1000 - OUTPUT_TOKENS
    reserved.settle(Tally(input=900, output=100, cached=500))
    assert bucket(given.tokens) == (5000, 10)
    reserved.settle(Tally(input=900))
    assert bucket(given.tokens)[0] == 5000


def test_a_call_that_failed_took_nothing() -> None:
    """All of it is put back."""
    given = allowance(Clock(), tokens=6000)
    reserved = given.reserve(1000)
    assert reserved is not None
    reserved.settle(None)
    assert bucket(given.tokens) == (6000, 0)


def test_what_was_too_much_is_owed() -> None:
    """A reply that took more than there was keeps the next one waiting."""
    clock = Clock()
    given = allowance(clock, tokens=600)
    reserved = given.reserve(44)
    assert reserved is not None
    reserved.settle(Tally(input=44, output=1156))
    assert bucket(given.tokens) == (0, 120)
    error = refusal(given, 44)
    assert error.retry_after == pytest.approx(90)
    assert "600 tokens a minute" in error.message
    clock.now += 90
    assert given.reserve(44) is not None


def test_a_call_larger_than_a_minute_waits_for_a_full_one() -> None:
    """It is not refused for ever, and what it took is owed."""
    clock = Clock()
    given = allowance(clock, tokens=600)
    assert given.reserve(1) is not None
    assert refusal(given, 100_000).retry_after == pytest.approx(257 / 10)
    clock.now += 26
    reserved = given.reserve(100_000)
    assert reserved is not None
    reserved.settle(Tally(input=100_000))
    assert bucket(given.tokens) == (0, 10_000)


def test_a_provider_cannot_give_tokens_away() -> None:
    """Numbers below zero count as none."""
    given = allowance(Clock(), tokens=6000)
    reserved = given.reserve(1000)
    assert reserved is not None
    reserved.settle(Tally(input=-9000, output=-9000))
    assert bucket(given.tokens) == (6000, 0)


def test_each_tenant_has_its_own() -> None:
    """A key's own limits win over the common ones, each for itself; a tenant without any has no allowance."""
    clock = Clock()
    found = rates(key("a", requests_per_minute=1), key("b"), clock=clock, requests_per_minute=5, tokens_per_minute=9)
    both = {label: found.of(label) for label in ("a", "b", "")}
    most = {
        label: (given.requests and given.requests.most, given.tokens and given.tokens.most)
        for label, given in both.items()
        if given is not None
    }
    assert most == {"a": (1, 9), "b": (5, 9), "": (5, 9)}
    first, second = both["a"], both["b"]
    assert first is not None
    assert second is not None
    first.admit()
    assert "'a'" in refusal(first).message
    second.admit()
    assert rates(key("a"), clock=clock).of("a") is None
    assert rates(clock=clock).of("") is None
    only = rates(key("a", tokens_per_minute=3), key("b"), clock=clock)
    assert (only.of("b"), only.of("")) == (None, None)


def test_workers_share_a_limit(tmp_path: Path) -> None:
    """Whichever worker a request meets, the tenant gets what it may have, no less and no more."""
    clock = Clock()
    workers = [rates(key("a"), clock=clock, folder=tmp_path, requests_per_minute=10) for _ in range(3)]
    for label in ("a", ""):
        given = [worker.of(label) for worker in workers]
        for number in range(10):
            one = given[number % 3]
            assert one is not None
            one.admit()
        for one in given:
            assert one is not None
            assert bucket(one.requests) == (0, 60)
            refusal(one)


@pytest.mark.parametrize("most", [1, 7, 60, 1000, 10**9])
def test_never_more_than_full_and_filled(most: int) -> None:
    """Whatever comes when, in any time what passes is at most a minute's worth and what that time fills."""
    chance = random.Random(most)
    clock = Clock()
    given = allowance(clock, requests=most)
    begin, passed = clock.now, 0
    assert given.requests is not None
    for _ in range(3000):
        clock.now += chance.expovariate(most / 30)
        amount = chance.randrange(1, max(most // 10, 1) + 1)
        passed += 0 if given.requests.take(amount) else amount
        assert passed <= most + (clock.now - begin) * most / 60 + 1e-3 * most
        assert 0 <= given.requests.remaining() <= most
