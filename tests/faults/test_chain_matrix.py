"""Every way in which a provider fails, at every place of the chain, with one key and with two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isartor.errors import IsartorError, UpstreamError
from tests.providers.links import CALL, CUT, OFFLINE, OK, REFUSED, TIMEOUT, TLS, Reply, Tickets, World, said
from tests.providers.upstream import running

BACKOFF = [1.0, 2.0, 4.0, 8.0]
TOLD = [7.125] * 4

# Way, and what is asked and waited for with (one key, two keys), if there is another provider and if there is none.
# Keys of one round stand together; between two rounds is a wait.
AGAIN = ("1|1|1|1|1", BACKOFF)
ONCE = ("1", [])
BOTH = ("12", [])
Course = tuple[str, list[float]]
Table = tuple[Course, Course, Course, Course]  # one key, two keys; the same without another provider
FAILING: Table = (AGAIN, AGAIN, AGAIN, AGAIN)
BROKEN: Table = (ONCE, ONCE, ONCE, ONCE)
REFUSING: Table = (ONCE, BOTH, ONCE, BOTH)
# Without another provider keys that rest on a guess are tried, the one first that has rested longest.
POOL_LAST: Course = ("12|1|2|1|2", BACKOFF)
TOLD_TABLE: Table = (("1|1|1|1|1", TOLD), ("12|21|12|21|12", TOLD)) * 2  # type: ignore[assignment]

NEXT, FINAL, DEAD = "next", "final", "dead"
WAYS: dict[str, tuple[Any, str, Table]] = {
    "429": (said(429), NEXT, (AGAIN, BOTH, AGAIN, POOL_LAST)),
    "429, retry-after": (said(429, retry_after="7"), NEXT, TOLD_TABLE),
    "429, retry-after-ms": (said(429, retry_after_ms="7000"), NEXT, TOLD_TABLE),
    "429, reset": (said(429, x_ratelimit_remaining_tokens="0", x_ratelimit_reset_tokens="7s"), NEXT, TOLD_TABLE),
    "429, long retry-after": (said(429, retry_after="3600"), NEXT, REFUSING),
    "429, not again": (said(429, x_should_retry="false"), NEXT, REFUSING),
    "insufficient_quota": (said(429, "insufficient_quota"), NEXT, (ONCE, BOTH, AGAIN, POOL_LAST)),
    "402": (said(402), NEXT, (ONCE, BOTH, AGAIN, POOL_LAST)),
    "500": (said(500), NEXT, FAILING),
    "502": (said(502), NEXT, FAILING),
    "503": (said(503), NEXT, FAILING),
    "503, retry-after": (said(503, retry_after="7"), NEXT, (("1|1|1|1|1", TOLD),) * 4),
    "503, long retry-after": (said(503, retry_after="21"), NEXT, BROKEN),
    "529": (said(529, "overloaded_error"), NEXT, FAILING),
    "501": (said(501), NEXT, BROKEN),
    "400": (said(400), FINAL, BROKEN),
    "404": (said(404), FINAL, BROKEN),
    "409": (said(409), FINAL, BROKEN),
    "422": (said(422), FINAL, BROKEN),
    "401": (said(401), DEAD, REFUSING),
    "403": (said(403), DEAD, REFUSING),
    "400, bad key": (said(400, "API_KEY_INVALID"), DEAD, REFUSING),
    "connection refused": (REFUSED, NEXT, FAILING),
    "connect timeout": (TIMEOUT, NEXT, FAILING),
    "first-byte timeout": (TIMEOUT, NEXT, FAILING),
    "cut before the head": (CUT, NEXT, FAILING),
    "overloaded inside the stream": (
        UpstreamError("full", status=529, code="overloaded_error", retryable=True),
        NEXT,
        FAILING,
    ),
    "bad request inside the stream": (UpstreamError("no", status=400, code="x", retryable=True), FINAL, BROKEN),
    "TLS": (TLS, NEXT, BROKEN),
    "offline": (OFFLINE, NEXT, BROKEN),
}


@pytest.mark.parametrize("keys", [1, 2])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("way", WAYS)
@running
async def test_attempts_and_waits(way: str, place: int, keys: int) -> None:
    """Keys and providers are asked in exactly this order with these waits, and nothing stays open."""
    act, ends, table = WAYS[way]
    rounds, waits = table[(keys - 1) + (2 if place == 2 else 0)]
    # Those before it fail in the shortest way; those after it are well.
    scripts = [[TLS] if at < place else [act] if at == place else [OK] for at in range(3)]
    world = World(*scripts, keys=keys)
    name = "abc"[place]
    expected = ["abc"[at] + "1" for at in range(place)] + [name + key for key in rounds.replace("|", "")]
    goes_on = ends == NEXT and place < 2
    if goes_on:
        expected.append("abc"[place + 1] + "1")

    error: IsartorError | None = None
    try:
        reached = await world.chain.ask(CALL)
    except IsartorError as raised:
        error = raised

    assert world.asked.split() == expected
    assert world.clock.waits == waits
    if goes_on:
        assert error is None
        assert (reached.provider, reached.response.status, reached.substitute) == ("abc"[place + 1], 200, True)
        assert reached.attempts == len(expected) - (way == "offline")
        await reached.response.close()
    elif ends == DEAD:
        assert isinstance(error, UpstreamError)
        assert (error.status, error.code) == (502, "upstream_credentials_exhausted")
    elif isinstance(act, Exception):
        # Offline nothing was asked, so that what did fail says more.
        assert error is (TLS if way == "offline" and place else act)
    else:
        assert error is None
        assert reached.response.status == act().status
        assert reached.ticket is None
        assert reached.response.closed == 0
        await reached.response.close()
    assert world.open_replies() == []


@pytest.mark.parametrize("place", [0, 1, 2])
@running
async def test_cut_after_the_head(place: int) -> None:
    """After the head nobody else is asked; the breaker hears of the cut."""
    cut: Callable[[], Reply] = lambda: Reply(cut=True)  # noqa: E731
    scripts = [[TLS] if at < place else [cut] if at == place else [OK] for at in range(3)]
    world = World(*scripts, threshold=1)
    reached = await world.chain.ask(CALL)
    with pytest.raises(UpstreamError):
        await reached.response.read()
    assert reached.finished is not None
    reached.finished(False)
    assert len(world.log) == place + 1
    assert world.chain.links[place].breaker.state(world.clock.now) == "open"


@pytest.mark.parametrize("fails", [1, 2, 4])
@pytest.mark.parametrize(
    "way", ["429", "429, retry-after", "insufficient_quota", "500", "529", "connection refused", "cut before the head"]
)
@running
async def test_recovers(way: str, fails: int) -> None:
    """A lone provider that recovers within its tries answers, and the client notices nothing but the wait."""
    world = World([WAYS[way][0]] * fails + [OK])
    reached = await world.chain.ask(CALL)
    assert (reached.response.status, reached.attempts) == (200, fails + 1)
    assert len(world.clock.waits) == fails
    await reached.response.close()
    assert world.open_replies() == []


SCRIPTS = st.lists(st.lists(st.sampled_from([*WAYS, "ok"]), min_size=1, max_size=4), min_size=1, max_size=3)


@given(SCRIPTS, st.integers(0, 3), st.sampled_from([0, 2]), st.integers(0, 3), st.integers(1, 3))
def test_any_course(scripts: list[list[str]], keys: int, threshold: int, hedge: int, requests: int) -> None:
    """Whatever providers do, a request ends with one reply or one error, asks no more than it may and leaves nothing."""
    budget = Tickets()
    acts = [[OK if way == "ok" else WAYS[way][0] for way in script] for script in scripts]
    world = World(*acts, keys=keys, threshold=threshold, hedge_after_secs=hedge, budget=budget)

    async def ask() -> None:
        for _ in range(requests):
            before = len(world.log)
            given = 0
            try:
                reached = await world.chain.ask(CALL)
            except IsartorError as error:
                assert error.status >= 400
            else:
                given = reached.ticket is not None
                assert given == (reached.response.status == 200)
                await reached.response.close()
            if world.chain._hedge is not None:
                await world.chain._hedge.close()
            asked = [name for name, _ in world.log[before:]]
            # A provider that rests is asked once more at the end.
            assert all(asked.count(name) <= 5 * max(keys, 1) for name in asked)
            assert len(budget.reserved) - len(budget.settled) == given
            for _ in range(given):
                budget.settle(None)
            assert world.open_replies() == []
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(ask())
