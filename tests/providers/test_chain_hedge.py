"""A second provider is asked when the first is late."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from isartor.errors import UpstreamError
from isartor.ports import Reached
from tests.providers.links import CALL, OK, TLS, Act, Tickets, World, said, settle
from tests.providers.upstream import running


class Hedged:
    """A request under way, hedged after a second."""

    def __init__(self, *scripts: list[Act], **options: object) -> None:
        self.budget = Tickets()
        self.world = World(*scripts, slow=True, hedge_after_secs=1, budget=self.budget, **options)  # type: ignore[arg-type]
        self.task = asyncio.create_task(self.world.chain.ask(CALL))

    async def after(self, secs: float) -> Hedged:
        await self.world.clock.pass_(secs)
        return self

    async def reached(self) -> Reached:
        reached = await self.task
        await self.world.chain._hedge.close()  # type: ignore[union-attr]
        return reached

    def clean(self, reached: Reached | None) -> None:
        """Only the reply that was handed on is open; every other ticket is settled; no task is left."""
        kept = [reached.response] if reached is not None else []
        assert self.world.open_replies() == kept
        given = reached is not None and reached.ticket is not None
        assert len(self.budget.settled) == len(self.budget.reserved) - given
        assert len(asyncio.all_tasks()) == 1


@running
async def test_a_quick_provider_is_not_hedged() -> None:
    """Nobody else is asked."""
    hedged = Hedged([OK], [OK])
    reached = await hedged.reached()
    assert hedged.world.asked == "a1"
    hedged.clean(reached)


@running
async def test_the_second_wins() -> None:
    """The first is cancelled, and what was reserved for it is given back."""
    hedged = Hedged([asyncio.Event()], [OK], [OK])
    await hedged.after(0.5)
    assert hedged.world.asked == "a1"
    await hedged.after(0.5)
    reached = await hedged.reached()
    assert (reached.provider, reached.substitute) == ("b", True)
    assert hedged.world.providers[0].cancelled == 1
    assert hedged.world.asked == "a1 b1"
    hedged.clean(reached)


@running
async def test_the_first_wins_after_all() -> None:
    """Then the second is cancelled."""
    gate = asyncio.Event()
    hedged = await Hedged([gate], [asyncio.Event()]).after(1)
    assert hedged.world.asked == "a1 b1"
    gate.set()
    reached = await hedged.reached()
    assert reached.provider == "a"
    assert hedged.world.providers[1].cancelled == 1
    hedged.clean(reached)


@pytest.mark.parametrize("bad", [said(400), said(401), TLS])
@running
async def test_a_refusing_substitute_does_not_win(bad: Act) -> None:
    """Its error counts for nothing while the provider that was asked may still answer."""
    gate = asyncio.Event()
    hedged = await Hedged([gate], [bad]).after(1)
    assert not hedged.task.done()
    gate.set()
    reached = await hedged.reached()
    assert (reached.provider, reached.response.status) == ("a", 200)
    hedged.clean(reached)


@running
async def test_the_firsts_refusal_is_told() -> None:
    """The client's own fault is told at once."""
    hedged = Hedged([said(400)], [OK])
    reached = await hedged.reached()
    assert (reached.provider, reached.response.status) == ("a", 400)
    hedged.clean(reached)


@running
async def test_no_provider_is_asked_twice() -> None:
    """Two walks share the chain: when the first fails over, it goes past the one that the hedge has asked."""
    gate = asyncio.Event()
    hedged = await Hedged([gate], [asyncio.Event()], [OK]).after(1)
    hedged.world.providers[0].script = [TLS]
    gate.set()
    await settle()
    reached = await hedged.reached()
    assert reached.provider == "a"
    assert hedged.world.asked == "a1 b1"
    hedged.clean(reached)


@running
async def test_the_first_fails_while_the_second_is_asked() -> None:
    """The second one's reply is waited for."""
    gate = asyncio.Event()
    hedged = await Hedged([said(503)], [gate]).after(1)
    for secs in (1, 2, 4, 8, 8):
        await hedged.after(secs)
    assert not hedged.task.done()
    gate.set()
    reached = await hedged.reached()
    assert reached.provider == "b"
    hedged.clean(reached)


@running
async def test_both_fail() -> None:
    """The client hears the error of the one that failed last, and nothing is left."""
    hedged = await Hedged([said(503)], [TLS]).after(1)
    for secs in (1, 2, 4, 8, 8):
        await hedged.after(secs)
    reached = await hedged.reached()
    assert (reached.provider, reached.response.status) == ("a", 503)
    hedged.clean(reached)
    errors = await Hedged([TLS], [TLS]).after(1)
    with pytest.raises(UpstreamError):
        await errors.reached()
    errors.clean(None)


@running
async def test_the_client_leaves() -> None:
    """Both are cancelled, all is given back, no task stays behind."""
    hedged = await Hedged([asyncio.Event()], [asyncio.Event()]).after(1)
    hedged.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hedged.task
    await settle()
    assert [provider.cancelled for provider in hedged.world.providers] == [1, 1]
    hedged.clean(None)


@running
async def test_both_heads_at_once() -> None:
    """The first one's is taken, the second one's is closed, although it came before it was cancelled."""
    gate = asyncio.Event()
    hedged = await Hedged([gate], [gate]).after(1)
    gate.set()
    reached = await hedged.reached()
    assert reached.provider == "a"
    assert [reply.closed for reply in hedged.world.providers[1].replies] == [1]
    hedged.clean(reached)


@running
async def test_one_provider_is_not_hedged() -> None:
    """There is nobody else to ask, and no task is made."""
    world = World([OK], hedge_after_secs=1)
    await world.chain.ask(replace(CALL, session="s"))
    assert world.chain._hedge is None
