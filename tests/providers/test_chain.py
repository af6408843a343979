"""The chain."""

from __future__ import annotations

import asyncio
import json

import pytest
from msgspec.structs import replace

from isartor.config.upstream import Retry
from isartor.errors import (
    IsartorError,
    NoProviderError,
    NotImplementedFormatError,
    QuotaError,
    RequestError,
    UpstreamError,
)
from isartor.providers.link import with_model
from tests.providers.links import CALL, NO_KEY, OFFLINE, OK, TLS, Tickets, World, said, settle
from tests.providers.upstream import running

SESSION = replace(CALL, session="s")


def quota(*, fallback: bool) -> QuotaError:
    error = QuotaError("used up", retry_after=99)
    error.fallback = fallback
    return error


@running
async def test_one_provider() -> None:
    """The request goes through as it is, with the key; no task is made and nothing is waited for."""
    world = World([OK])
    reached = await world.chain.ask(CALL)
    (call,) = world.providers[0].calls
    assert (call.body, call.model) == (CALL.body, "asked")
    assert call.key is not None
    assert call.key.reveal() == "a1"
    assert (reached.provider, reached.model, reached.label) == ("a", "asked", "a1")
    assert (reached.attempts, reached.substitute) == (1, False)
    assert world.clock.waits == []
    assert len(asyncio.all_tasks()) == 1
    assert (world.chain.name, world.chain.model) == ("a", "a-model")


@running
async def test_without_keys() -> None:
    """A provider without a pool is asked with the very call."""
    world = World([OK], keys=0)
    reached = await world.chain.ask(CALL)
    assert world.providers[0].calls[0] is CALL
    assert reached.label is None


@running
async def test_substitute_is_asked_for_its_own_model() -> None:
    """In the call and in the body, whose other bytes stay."""
    world = World([TLS], [OK])
    reached = await world.chain.ask(CALL)
    (call,) = world.providers[1].calls
    assert call.model == "b-model"
    assert call.body == b'{"model":"b-model","x":1e0}'
    assert (reached.model, reached.substitute) == ("b-model", True)
    same = await world.chain.ask(replace(CALL, model="b-model"))
    assert not same.substitute


@pytest.mark.parametrize("body", [b"", b"no json", b"[1]", b'{"contents": []}', b'"model"'])
def test_no_model_in_the_body(body: bytes) -> None:
    """A body without a model is left alone."""
    assert with_model(body, "m") is body


def test_with_model_keeps_order_and_numbers() -> None:
    """Only the model changes, wherever it stands."""
    body = b'{"z":1.50,"model":"x","a":{"model":"y"},"big":123456789012345678901234567890,"u":"\\u00e9"}'
    changed = with_model(body, 'ne"w')
    assert changed == body.replace(b'"model":"x"', b'"model":"ne\\"w"')
    json.loads(changed)


@running
async def test_round_robin_over_requests() -> None:
    """Requests without a session take turns."""
    world = World([OK], keys=3)
    for _ in range(4):
        await world.chain.ask(CALL)
    assert world.asked == "a1 a2 a3 a1"


@running
async def test_a_limited_key_rests() -> None:
    """Later requests do not touch it until its time is over."""
    world = World([said(429, retry_after="10"), OK], keys=2)
    for _ in range(3):
        await world.chain.ask(CALL)
    assert world.asked == "a1 a2 a2 a2"
    world.clock.now += 10
    await world.chain.ask(CALL)
    await world.chain.ask(CALL)
    assert set(world.asked.split()[-2:]) == {"a1", "a2"}


@running
async def test_a_pool_that_rests_is_passed_over() -> None:
    """While all keys rest the next provider is asked at once; a lone key is not taken out."""
    limited = said(429)
    world = World([limited, limited, OK], [OK], keys=2)
    assert (await world.chain.ask(CALL)).provider == "b"
    assert (await world.chain.ask(CALL)).provider == "b"
    assert world.asked == "a1 a2 b1 b2"
    world.clock.now += 60
    assert (await world.chain.ask(CALL)).provider == "a"


@running
async def test_one_dead_key_of_two() -> None:
    """It is not used again, and nobody hears of it."""
    world = World([said(401), OK], keys=2)
    for _ in range(3):
        assert (await world.chain.ask(CALL)).response.status == 200
    assert world.asked == "a1 a2 a2 a2"
    assert world.open_replies()[0].status == 200


@running
async def test_all_keys_dead() -> None:
    """502 with a code of its own, which names the setting; no other provider is asked; it heals by itself."""
    world = World([said(401), said(403), OK], [OK], keys=2)
    with pytest.raises(UpstreamError) as caught:
        await world.chain.ask(CALL)
    assert (caught.value.status, caught.value.code) == (502, "upstream_credentials_exhausted")
    assert "external_llm_api_key" in caught.value.message
    assert "a1" not in caught.value.message
    assert world.open_replies() == []
    assert (await world.chain.ask(CALL)).provider == "a"
    assert world.asked == "a1 a2 a1"


@running
async def test_dead_and_limited() -> None:
    """If not all keys are dead, the others' limits decide."""
    world = World([said(401), said(429, retry_after="5"), OK], keys=2)
    assert (await world.chain.ask(CALL)).response.status == 200
    assert world.asked == "a1 a2 a2"
    assert world.clock.waits == [5.125]


@running
async def test_missing_key() -> None:
    """A provider without a key is passed over; if nobody has one, the first says which setting it wants."""
    world = World([NO_KEY], [OK], keys=0, states=["no_api_key"])
    assert (await world.chain.ask(CALL)).attempts == 1
    alone = World([NO_KEY], [OFFLINE], keys=0)
    with pytest.raises(NoProviderError) as caught:
        await alone.chain.ask(CALL)
    assert caught.value is NO_KEY


@running
async def test_what_failed_says_more_than_what_could_not_be_asked() -> None:
    """The client hears of the failing primary, not of a substitute that lacks a key, a format or a word."""
    unable: list[IsartorError] = [
        NO_KEY,
        OFFLINE,
        NotImplementedFormatError("not spoken"),
        RequestError("cannot be said"),
    ]
    for error in unable:
        world = World([said(500)], [error])
        reached = await world.chain.ask(CALL)
        assert (reached.provider, reached.response.status) == ("a", 500)
        assert not reached.substitute
        assert world.open_replies() == [reached.response]


@running
async def test_operation_not_spoken() -> None:
    """The next provider that speaks it is asked; what the primary refuses as the client's fault is final."""
    world = World([NotImplementedFormatError("not spoken")], [OK])
    assert (await world.chain.ask(CALL)).provider == "b"
    refused = RequestError("n", param="n")
    world = World([refused], [OK])
    with pytest.raises(RequestError) as caught:
        await world.chain.ask(CALL)
    assert caught.value is refused


@running
async def test_a_substitute_that_cannot_say_it_is_passed_over() -> None:
    """While the primary rests its substitute is asked first; what that cannot say the primary may still be asked."""
    world = World([said(500)], [RequestError("n", param="n")], threshold=1, retry=Retry(max_attempts=1))
    await world.chain.ask(CALL)
    assert world.chain.links[0].breaker.state(world.clock.now) == "open"
    world.providers[0].script = [OK]
    assert (await world.chain.ask(CALL)).provider == "a"
    assert world.asked == "a1 b1 b1 a1"


@running
async def test_nobody_waits_for_nobody() -> None:
    """A provider that is known to be unusable is no reason to give up on the one before."""
    world = World([said(503, retry_after="19"), OK], [OK])
    world.providers[1].endpoints = frozenset({"messages"})
    assert (await world.chain.ask(CALL)).provider == "a"
    quota_left = World([said(429, "insufficient_quota"), OK], [NO_KEY], keys=0, states=["active", "no_api_key"])
    assert (await quota_left.chain.ask(CALL)).provider == "a"


@running
async def test_breaker_passes_over() -> None:
    """After failed requests in a row a provider rests; one request tries it afterwards."""
    world = World([said(500)], [OK], threshold=2, retry=Retry(max_attempts=1), affinity=False)
    for _ in range(4):
        assert (await world.chain.ask(CALL)).provider == "b"
    assert world.asked == "a1 b1 a1 b1 b1 b1"
    world.clock.now += 30
    world.providers[0].script = [OK]
    reached = await world.chain.ask(CALL)
    assert reached.provider == "a"
    assert reached.finished is not None
    reached.finished(True)
    assert world.chain.links[0].breaker.state(world.clock.now) == "closed"


@running
async def test_breaker_of_the_last_provider() -> None:
    """What rests is asked all the same if no other answers, but only once: nobody waits for it, nobody is locked out."""
    world = World([said(500)], threshold=1)
    await world.chain.ask(CALL)
    assert len(world.log) == 5
    await world.chain.ask(CALL)
    assert len(world.log) == 6
    both = World([said(500)], [TLS], threshold=1, retry=Retry(max_attempts=1))
    for _ in range(3):
        with pytest.raises(UpstreamError):
            await both.chain.ask(CALL)
    assert both.asked.split().count("a1") == 3


@running
async def test_breaker_hears_of_the_clients_faults() -> None:
    """A provider that refuses requests is alive."""
    world = World([said(500), said(400)], threshold=2, retry=Retry(max_attempts=1))
    for _ in range(2):
        await world.chain.ask(CALL)
    world.providers[0].script = [said(500)]
    await world.chain.ask(CALL)
    assert world.chain.links[0].breaker.state(world.clock.now) == "closed"


@running
async def test_session_keeps_its_key() -> None:
    """Requests of a session take no turns; those of another session and those without one do."""
    world = World([OK], keys=3)
    for call in (SESSION, SESSION, replace(CALL, session="t"), CALL, SESSION):
        await world.chain.ask(call)
    assert world.asked == "a1 a1 a2 a3 a1"


@running
async def test_session_moves_when_its_key_rests() -> None:
    """To another key of the same provider, and it stays there."""
    world = World([OK, said(429, retry_after="10"), OK], keys=2)
    for _ in range(3):
        await world.chain.ask(SESSION)
    world.clock.now += 60
    await world.chain.ask(SESSION)
    assert world.asked == "a1 a1 a2 a2 a2"


@running
async def test_session_stays_with_its_provider() -> None:
    """After a failover too, while that provider is well; then the order of the chain holds again."""
    world = World([TLS, OK], [OK, TLS])
    assert [(await world.chain.ask(SESSION)).provider for _ in range(3)] == ["b", "a", "a"]
    assert world.asked == "a1 b1 b1 a1 a1"
    assert (await world.chain.ask(CALL)).provider == "a"
    off = World([TLS, OK], [OK], affinity=False)
    assert [(await off.chain.ask(SESSION)).provider for _ in range(2)] == ["b", "a"]


@running
async def test_session_leaves_a_provider_that_rests() -> None:
    """An open breaker ends the affinity."""
    world = World([TLS, OK], [OK], threshold=1)
    await world.chain.ask(SESSION)
    world.chain.links[1].breaker.failed(world.clock.now)
    world.clock.now += 1
    world.chain.links[0].breaker.succeeded()
    assert (await world.chain.ask(SESSION)).provider == "a"


@running
async def test_quota_is_reserved_once_for_each_provider() -> None:
    """Not for each try; the loser's ticket is given back, the winner's goes with the reply."""
    budget = Tickets()
    world = World([said(500)], [said(500), OK], budget=budget)
    reached = await world.chain.ask(replace(CALL, tenant="t"))
    assert budget.reserved == [("a", "asked", "t", 10), ("b", "b-model", "t", 10)]
    assert budget.settled == [None]
    assert reached.ticket is budget
    refused = World([said(400)], budget=budget)
    assert (await refused.chain.ask(CALL)).ticket is None
    assert budget.settled == [None, None]


@running
async def test_used_up_quota() -> None:
    """`fallback` asks the next provider, `block` is told at once; without a next one `fallback` is told too."""
    world = World([OK], [OK], budget=Tickets(a=quota(fallback=True)))
    assert (await world.chain.ask(CALL)).provider == "b"
    assert world.asked == "b1"
    for budget in (Tickets(a=quota(fallback=False)), Tickets(a=quota(fallback=True), b=quota(fallback=False))):
        world = World([OK], [OK], budget=budget)
        with pytest.raises(QuotaError) as caught:
            await world.chain.ask(CALL)
        assert caught.value.retry_after == 99
        assert world.log == []
    failing = World([said(500)], [OK], budget=Tickets(b=quota(fallback=False)))
    assert (await failing.chain.ask(CALL)).response.status == 500


@running
async def test_used_up_quota_of_the_sessions_substitute() -> None:
    """A session that was served by a substitute goes back to the first provider when the substitute may not be asked."""
    budget = Tickets()
    world = World([said(500), OK], [OK], budget=budget, retry=Retry(max_attempts=1))
    assert (await world.chain.ask(SESSION)).provider == "b"
    budget.forbidden = {"b": quota(fallback=False)}
    assert (await world.chain.ask(SESSION)).provider == "a"


@running
async def test_client_leaves_during_a_wait() -> None:
    """Nothing stays open, and what was reserved is given back."""
    budget = Tickets()
    world = World([said(503)], slow=True, budget=budget)
    task = asyncio.create_task(world.chain.ask(CALL))
    await settle()
    assert world.clock.waits == [1]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.open_replies() == []
    assert budget.settled == [None]


@running
async def test_client_leaves_during_a_call() -> None:
    """The call is cancelled; the breaker blames nobody."""
    budget = Tickets()
    world = World([asyncio.Event()], threshold=1, budget=budget)
    task = asyncio.create_task(world.chain.ask(CALL))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.providers[0].cancelled == 1
    assert budget.settled == [None]
    assert world.chain.links[0].breaker.state(world.clock.now) == "closed"


@running
async def test_superseded_replies_are_closed() -> None:
    """Of many failures only the last one's reply is ever open."""
    world = World([said(500)], [said(500)], [said(503)])
    reached = await world.chain.ask(CALL)
    assert (reached.provider, reached.response.status, reached.attempts) == ("c", 503, 15)
    assert world.open_replies() == [reached.response]


@running
async def test_report() -> None:
    """The shape of `GET /debug/providers`, without a secret in it."""
    world = World([said(429, "rate_limit_exceeded", retry_after="30"), OK], [OK], keys=2)
    await world.chain.ask(CALL)
    report = world.chain.report()
    assert report["active_provider"] == "a"
    first, second = report["providers"]
    assert (first["name"], first["active"], first["status"]) == ("a", True, "healthy")
    assert (first["requests_total"], first["errors_total"]) == (2, 1)
    assert first["last_error_message"] == "status 429 (rate_limit_exceeded)"
    assert first["last_success"] == first["last_error"] == "2027-01-15T08:16:40Z"
    assert first["keys"][0] == {
        "masked_key": "********",
        "label": "a1",
        "priority": 1,
        "status": "cooling_down",
        "requests_total": 1,
        "rate_limit_total": 1,
        "last_used": "2027-01-15T08:16:40Z",
        "cooldown_until": "2027-01-15T08:17:10Z",
    }
    assert first["keys"][1]["status"] == "available"
    assert (second["active"], second["status"], second["model"]) == (False, "unknown", "b-model")
    assert (second["key_rotation_strategy"], second["key_cooldown_secs"]) == ("round_robin", 60)
    assert "last_error" not in second
    json.dumps(report)


@running
async def test_health_of_a_link() -> None:
    """What was seen last counts: replies and pings."""
    world = World([OK])
    link = world.chain.links[0]
    states = []
    for at, error in ((1.0, None), (2.0, "not reached"), (3.0, None)):
        link.seen(at, error)
        states.append(link.report(0, 0, active=True)["status"])
    assert states == ["healthy", "failing", "healthy"]


@running
async def test_status_and_close() -> None:
    """`/health` shows the primary, a key in the pool is a key; closing closes all."""
    world = World([OK], [OK], states=["no_api_key"])
    assert world.chain.status()["state"] == "active"
    assert World([OK], keys=0, states=["no_api_key"]).chain.status()["state"] == "no_api_key"
    await world.chain.close()
    assert all(provider.closed for provider in world.providers)
    assert "Link('a'" in repr(world.chain)
