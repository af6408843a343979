"""The gate and L3 with limits: who counts, when, and for how much."""

from __future__ import annotations

import asyncio

import pytest

from isartor.errors import AuthError, RateLimitError, UpstreamError, UpstreamTimeoutError
from isartor.stack.cloud import Cloud
from isartor.stack.exchange import Exchange
from isartor.stack.gate import Gatekeeper
from isartor.stack.limits import Allowance, Pace, Tenant, Turnstile
from tests.native import reading
from tests.native.reading import chat, completion
from tests.stack.fakes import JSON, FakeClient, FakeProvider, FakeResponse, Stack, everything, route_of, run, settled
from tests.stack.limits.making import Clock, allowance

TEAM = b"t" * 16


def keeper(
    *, allowed: Allowance | None = None, most: int = 1, tenants: bool = True, limit: int = 100
) -> tuple[Gatekeeper, Turnstile]:
    """Return a gate, and what counts behind it."""
    stile = Turnstile(Pace(1, most, 1.0), length=10, timeout_secs=3600)
    known = {TEAM: Tenant("team", allowed)} if tenants else {}
    return Gatekeeper(max_body_bytes=limit, body_timeout_secs=2, tenants=known, turnstile=stile), stile


def exchange(key: str = "k", body: bytes = b"x", headers: list[tuple[str, str]] | None = None) -> Exchange:
    """Return a request of the team, or with another key."""
    lines = [("x-api-key", key), *(headers or [])]
    head = reading.head("chat", lines, by=reading.gate(keys=[("k", TEAM), ("single", b"s" * 16)]))
    return Exchange(route_of("chat"), head, FakeClient([body]), "", lines)


def test_the_label_is_the_tenant() -> None:
    """And its allowance goes with the request; the key without a label has neither."""

    async def test() -> None:
        given = allowance(Clock(), requests=5)
        gate, stile = keeper(allowed=given, most=2)
        first, second = exchange(), exchange("single")
        await gate.answer(first)
        await gate.answer(second)
        assert (first.tenant, first.allowance, first.inside, first.body) == ("team", given, True, b"x")
        assert (second.tenant, second.allowance, second.inside) == ("", None, True)
        assert given.requests is not None
        assert (stile.inside, given.requests.remaining()) == (2, 4)

    run(test)


def test_who_may_not_come_in_takes_nothing() -> None:
    """A wrong key costs nobody a request, nor room."""

    async def test() -> None:
        given = allowance(Clock(), requests=5)
        gate, stile = keeper(allowed=given)
        wrong = exchange("wrong")
        with pytest.raises(AuthError):
            await gate.answer(wrong)
        assert given.requests is not None
        assert (stile.inside, given.requests.remaining(), wrong.inside) == (0, 5, False)

    run(test)


def test_one_request_too_many_is_refused_before_its_body() -> None:
    """429, and it does not stand in the queue."""

    async def test() -> None:
        gate, stile = keeper(allowed=allowance(Clock(), requests=1), most=5)
        await gate.answer(exchange())
        refused = exchange()
        with pytest.raises(RateLimitError):
            await gate.answer(refused)
        assert isinstance(refused.client, FakeClient)
        assert (stile.inside, refused.inside, refused.client.read) == (1, False, 0)
        assert refused.allowance is not None  # the client is told of it

    run(test)


def test_without_room_the_body_waits_too() -> None:
    """Nothing is read of a request whose turn has not come."""

    async def test() -> None:
        gate, stile = keeper()
        await gate.answer(exchange())
        second = exchange()
        waiting = asyncio.ensure_future(gate.answer(second))
        await settled()
        assert isinstance(second.client, FakeClient)
        assert (second.inside, second.client.read, stile.waiting) == (False, 0, 1)
        stile.leave()
        await waiting
        assert (second.inside, second.body) == (True, b"x")

    run(test)


def answer(tokens: tuple[int, int] = (30, 12)) -> FakeResponse:
    """Return a provider's reply that took so many tokens."""
    body = completion(usage={"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)})
    return FakeResponse(200, JSON, [body])


class Limited(Stack):
    """A stack whose tenant may send 6,000 tokens a minute."""

    def __init__(self, *replies: FakeResponse | Exception) -> None:
        """`replies`: of the provider."""
        super().__init__(FakeProvider(*replies))
        self.took: list[float] = []
        self.given = allowance(Clock(), tokens=6000)
        self.cloud = Cloud(self.provider, self.store, keeps=True, limit=1 << 20, took=self.took.append)

    async def say(self, text: str, endpoint: str = "chat") -> int:
        """Ask; return the tokens that have been taken so far."""
        given = self.exchange(chat(text), endpoint=endpoint)
        given.allowance = self.given
        await everything(await self.send(given))
        return self.spent

    @property
    def spent(self) -> int:
        """Tokens that have been taken."""
        assert self.given.tokens is not None
        return 6000 - self.given.tokens.remaining()


def test_a_reply_takes_its_tokens_and_a_hit_none() -> None:
    """As the provider counted them."""

    async def test() -> None:
        stack = Limited(answer(), answer((1, 2)))
        assert await stack.say("one") == 42
        assert await stack.say("one") == 42
        assert await stack.say("two") == 45
        assert len(stack.took) == 2

    run(test)


@pytest.mark.parametrize(
    ("reply", "timed"),
    [(UpstreamError("x"), False), (UpstreamTimeoutError("x"), True), (FakeResponse(429, JSON), False)],
)
def test_a_call_that_failed_takes_no_tokens(reply: FakeResponse | Exception, *, timed: bool) -> None:
    """Nor does it say how busy the provider is, unless it was too slow."""

    async def test() -> None:
        stack = Limited(reply)
        try:
            await stack.say("one")
        except UpstreamError:
            pass
        assert stack.spent == 0
        assert len(stack.took) == timed

    run(test)


def test_without_tokens_the_provider_is_not_asked() -> None:
    """429; a stored reply is still given."""

    async def test() -> None:
        stack = Limited(answer(), answer((30, 9000)))
        await stack.say("one")
        await stack.say("two")
        with pytest.raises(RateLimitError):
            await stack.say("three")
        assert len(stack.provider.calls) == 2
        await stack.say("one")

    run(test)


def test_followers_of_one_call_pay_once() -> None:
    """Identical requests in flight share a call, and what it took."""

    async def test() -> None:
        stack = Limited(answer())
        await asyncio.gather(*(stack.say("one") for _ in range(5)))
        assert (stack.spent, len(stack.provider.calls)) == (42, 1)

    run(test)


def test_to_count_tokens_takes_none() -> None:
    """And its time says nothing about replies."""

    async def test() -> None:
        stack = Limited(FakeResponse(200, JSON, [b'{"input_tokens": 5000}']))
        assert await stack.say("one", "count_tokens") == 0
        assert stack.took == []

    run(test)
