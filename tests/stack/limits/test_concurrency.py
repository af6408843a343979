"""`Turnstile`: requests at once, and the queue before them."""

from __future__ import annotations

import asyncio

import pytest

from isartor.errors import BusyGatewayError
from isartor.stack.flights import GoneError
from isartor.stack.limits import Pace, Turnstile
from tests.stack.fakes import FakeClient, run, settled

LONG = 3600.0


def turnstile(most: int = 1, *, length: int = 10, timeout: float = LONG) -> Turnstile:
    """Return one with room for `most`."""
    return Turnstile(Pace(1, most, 1.0), length=length, timeout_secs=timeout)


class Crowd:
    """Requests that come one by one, and the order in which they get in."""

    def __init__(self, stile: Turnstile) -> None:
        """Nobody has come."""
        self.stile = stile
        self.order: list[str] = []
        self.errors: dict[str, BaseException] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.clients: dict[str, FakeClient] = {}

    async def come(self, *names: str) -> None:
        """`names`: the tenant is the first letter."""
        for name in names:
            self.clients[name] = FakeClient()
            self.tasks[name] = asyncio.ensure_future(self._one(name))
            await settled()

    async def _one(self, name: str) -> None:
        try:
            if not self.stile.enter():
                await self.stile.wait(name[0], self.clients[name])
            self.order.append(name)
        except (BusyGatewayError, GoneError) as error:
            self.errors[name] = error

    async def leave(self, times: int = 1) -> None:
        """So many of those inside are done."""
        for _ in range(times):
            self.stile.leave()
            await settled()

    def counts(self) -> tuple[int, int]:
        """Inside and waiting."""
        return self.stile.inside, self.stile.waiting


def test_with_room_nobody_waits() -> None:
    """Coming in is a comparison: no loop is needed for it."""
    stile = turnstile(2)
    assert [stile.enter(), stile.enter(), stile.enter()] == [True, True, False]
    stile.leave()
    assert stile.enter()
    assert repr(stile) == "<Turnstile 2 of 2, 0 waiting>"
    assert stile.status() == {"limit": 2, "in_flight": 2, "waiting": 0, "refused": 0, "p95_ms": None}


def test_who_came_first_goes_first() -> None:
    """Among the requests of one tenant."""

    async def test() -> None:
        crowd = Crowd(turnstile())
        await crowd.come("a1", "a2", "a3", "a4")
        assert (crowd.order, crowd.counts()) == (["a1"], (1, 3))
        await crowd.leave(4)
        assert (crowd.order, crowd.counts()) == (["a1", "a2", "a3", "a4"], (0, 0))

    run(test)


def test_tenants_take_turns() -> None:
    """However many requests one of them sends."""

    async def test() -> None:
        crowd = Crowd(turnstile())
        await crowd.come("a1", "a2", "a3", "a4", "b1", "b2", "c1")
        await crowd.leave(7)
        assert crowd.order == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]

    run(test)


def test_a_full_queue_refuses_at_once() -> None:
    """503 `gateway_busy`, with a time to come back at."""

    async def test() -> None:
        crowd = Crowd(turnstile(length=1))
        await crowd.come("a1", "a2", "a3")
        error = crowd.errors["a3"]
        assert isinstance(error, BusyGatewayError)
        assert (error.status, error.code, error.retryable) == (503, "gateway_busy", True)
        assert error.retry_after
        assert "concurrency.queue_length" in error.message
        await crowd.leave(2)
        assert (crowd.order, crowd.counts()) == (["a1", "a2"], (0, 0))

    run(test)


def test_nobody_keeps_the_others_out() -> None:
    """In a full queue, who has most places gives up the latest one for a tenant that has none."""

    async def test() -> None:
        crowd = Crowd(turnstile(length=3))
        await crowd.come("a1", "a2", "a3", "a4", "b1", "b2", "c1")
        assert list(crowd.errors) == ["a4", "b2", "a3"]
        await crowd.leave(4)
        assert (crowd.order, crowd.counts()) == (["a1", "a2", "b1", "c1"], (0, 0))

    run(test)


@pytest.mark.parametrize(("length", "timeout"), [(0, LONG), (10, 0)])
def test_without_a_queue_nobody_waits(length: int, timeout: float) -> None:
    """No places, or no time: 503 at once."""

    async def test() -> None:
        crowd = Crowd(turnstile(length=length, timeout=timeout))
        await crowd.come("a1", "a2")
        assert (list(crowd.errors), crowd.counts()) == (["a2"], (1, 0))

    run(test)


def test_a_wait_ends_in_time() -> None:
    """503 after `queue_timeout_ms`; the place is free again."""

    async def test() -> None:
        crowd = Crowd(turnstile(timeout=0.001))
        await crowd.come("a1", "a2")
        await crowd.tasks["a2"]
        assert "concurrency.queue_timeout_ms" in str(crowd.errors["a2"])
        assert (crowd.counts(), crowd.stile.refused) == ((1, 0), 1)

    run(test)


def test_a_client_that_leaves_leaves_the_queue() -> None:
    """Nobody handles what nobody waits for."""

    async def test() -> None:
        crowd = Crowd(turnstile())
        await crowd.come("a1", "a2", "a3")
        await crowd.clients["a2"].go()
        assert isinstance(crowd.errors["a2"], GoneError)
        assert crowd.counts() == (1, 1)
        await crowd.leave(2)
        assert (crowd.order, crowd.counts()) == (["a1", "a3"], (0, 0))

    run(test)


@pytest.mark.parametrize("late", [False, True])
def test_a_request_that_is_cancelled_takes_nothing_with_it(*, late: bool) -> None:
    """Neither a place in the queue nor, in the moment of its turn, the room."""

    async def test() -> None:
        crowd = Crowd(turnstile())
        await crowd.come("a1", "a2", "a3")
        if late:
            crowd.stile.leave()
        crowd.tasks["a2"].cancel()
        if not late:
            crowd.stile.leave()
        await settled()
        assert crowd.tasks["a2"].cancelled()
        assert (crowd.order, crowd.counts()) == (["a1", "a3"], (1, 0))
        await crowd.leave()
        assert crowd.counts() == (0, 0)

    run(test)


def test_a_lower_limit_lets_nobody_in_until_it_is_met() -> None:
    """Those inside are left alone."""

    async def test() -> None:
        crowd = Crowd(turnstile(10))
        await crowd.come(*(f"a{number}" for number in range(12)))
        for _ in range(10):
            crowd.stile.took(9.0)
        assert (crowd.stile.status()["limit"], crowd.counts()) == (9, (10, 2))
        await crowd.leave()
        assert crowd.counts() == (9, 2)
        await crowd.leave()
        assert crowd.counts() == (9, 1)

    run(test)


def test_a_higher_limit_lets_the_next_in() -> None:
    """At once, not only when somebody leaves."""

    async def test() -> None:
        crowd = Crowd(turnstile(2))
        for _ in range(10):
            crowd.stile.took(9.0)
        await crowd.come("a1", "a2")
        assert crowd.counts() == (1, 1)
        for _ in range(10):
            crowd.stile.took(0.1)
        await settled()
        assert crowd.counts() == (2, 0)

    run(test)


def test_a_thousand_come_and_go() -> None:
    """Nobody is lost or counted twice, whether they leave, are cancelled or refused, and the limit is never passed."""

    async def test() -> None:
        import random

        chance = random.Random(4)
        stile = turnstile(5, length=20)

        async def one(tenant: str, client: FakeClient) -> None:
            try:
                if not stile.enter():
                    await stile.wait(tenant, client)
            except (BusyGatewayError, GoneError):
                return
            try:
                assert stile.inside <= 5
                for _ in range(chance.randrange(6)):
                    await asyncio.sleep(0)
            finally:
                stile.leave()

        tasks = []
        for number in range(1000):
            tasks.append(asyncio.ensure_future(one(chance.choice("abc"), FakeClient())))
            if number % 7 == 0:
                chance.choice(tasks).cancel()
            if number % 3 == 0:
                await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not [task for task in tasks if not task.cancelled() and task.exception()]
        assert (stile.inside, stile.waiting) == (0, 0)

    run(test)
