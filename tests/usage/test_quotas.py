"""What quotas let pass."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from isartor.config import Secret
from isartor.config.upstream import GatewayKey, Price, Quota
from isartor.errors import QuotaError
from isartor.ports import Tally, Ticket
from isartor.usage.ledger import Ledger
from isartor.usage.prices import Prices
from isartor.usage.quotas import OUTPUT_TOKENS, Quotas
from tests.usage.making import DAY, NOON, Clock

PRICES = Prices({"openai": Price(input_cost_per_million_usd=1, output_cost_per_million_usd=2)})


def quotas(clock: Clock | None = None, *, keys: tuple[GatewayKey, ...] = (), **providers: Quota) -> Quotas:
    clock = clock or Clock()
    return Quotas(providers, keys, prices=PRICES, ledger=Ledger(None, clock=clock), clock=clock)


def ask(of: Quotas, tokens: int = 44, provider: str = "openai", tenant: str = "") -> Ticket:
    return of.reserve(provider=provider, model="gpt-4o-mini", tenant=tenant, tokens=tokens)


def used(of: Quotas, place: int = 0) -> tuple[Any, Any]:
    limit = of.status()[0]["limits"][place]
    return limit["used"], limit["reserved"]


def key(label: str, **how: Any) -> GatewayKey:
    return GatewayKey(key=Secret("k"), label=label, **how)


def test_what_is_reserved_gives_way_to_what_was_used() -> None:
    """The estimate counts while the call runs, the provider's count after it; a second settlement does nothing."""
    of = quotas(openai=Quota(daily_token_limit=1000))
    ticket = ask(of)
    assert used(of) == (0, 44 + OUTPUT_TOKENS)
    ticket.settle(Tally(input=50, output=7, cached=20))
    ticket.settle(Tally(input=50, output=7))
    assert used(of) == (57, 0)
    ask(of).settle(None)
    assert used(of) == (57, 0)


def test_a_limit_is_reached_when_what_is_used_and_needed_comes_up_to_it() -> None:
    """Projected use that meets the limit is refused, one token less is not."""
    of = quotas(openai=Quota(daily_token_limit=600, action_on_limit="block"))
    first = ask(of)
    with pytest.raises(QuotaError):
        ask(of)
    ask(of, tokens=43)
    first.settle(None)
    with pytest.raises(QuotaError):
        ask(of, tokens=45)


@pytest.mark.parametrize("action", ["block", "fallback"])
def test_the_refusal_names_the_quota_and_when_it_ends(action: Any) -> None:
    """With the seconds until the window's end, and whether another provider may be asked."""
    of = quotas(openai=Quota(daily_token_limit=100, action_on_limit=action))
    with pytest.raises(QuotaError) as caught:
        ask(of)
    error = caught.value
    assert error.status == 429
    assert error.fallback == (action == "fallback")
    assert error.retry_after == DAY - NOON % DAY
    assert error.message == (
        "The daily token quota of the provider 'openai' does not allow this request: 0 of 100 tokens are used, and it "
        "needs about 300 tokens. The quota begins anew at 2026-11-22T00:00:00Z."
    )


def test_the_longest_of_several_windows_is_waited_for() -> None:
    """Retrying before the month is over would be in vain."""
    of = quotas(openai=Quota(daily_token_limit=100, monthly_token_limit=100, action_on_limit="block"))
    with pytest.raises(QuotaError, match="monthly token quota.*2026-12-01") as caught:
        ask(of)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 9 * DAY


def test_a_clock_that_is_set_back_gives_nothing_back() -> None:
    """What is used before the window's beginning counts into the present one, and nothing of that is forgotten."""
    clock = Clock()
    of = quotas(clock, openai=Quota(daily_token_limit=1000, monthly_token_limit=2000, action_on_limit="block"))
    ask(of).settle(Tally(input=400, output=0))
    midnight = NOON - NOON % DAY + DAY
    clock.now = midnight + 1
    ask(of).settle(Tally(input=500, output=0))
    clock.now = midnight - 1
    assert used(of) == (500, 0)
    ask(of).settle(Tally(input=300, output=0))
    assert used(of) == (800, 0)
    assert used(of, 1) == (1200, 0)
    with pytest.raises(QuotaError, match="800 of 1,000.*2026-11-23T00:00:00Z") as caught:
        ask(of)
    assert caught.value.retry_after == DAY + 1
    clock.now = midnight + 2
    assert used(of) == (800, 0)
    clock.now = midnight + DAY
    assert used(of) == (0, 0)


def test_cost_is_limited_as_tokens_are() -> None:
    """By the price of each kind of token."""
    of = quotas(openai=Quota(weekly_cost_limit_usd=0.01, action_on_limit="block"))
    ask(of).settle(Tally(input=5000, output=2000))
    assert used(of) == (pytest.approx(0.009), 0)
    with pytest.raises(QuotaError, match=r"weekly cost quota.*\$0\.0090 of \$0\.0100 are used"):
        ask(of, tokens=500)


@pytest.mark.parametrize("dollars", [1e-12, 1e300])
def test_any_limit_can_be_counted(dollars: float) -> None:
    """One below what is counted forbids all, one above it nothing."""
    of = quotas(openai=Quota(daily_cost_limit_usd=dollars, action_on_limit="block"))
    if dollars < 1:
        with pytest.raises(QuotaError):
            ask(of)
    else:
        ask(of).settle(Tally(input=1, output=1))
    assert of.status()[0]["limits"][0]["ratio"] == 0


def test_a_quota_that_only_warns_lets_all_pass_and_says_it_once(caplog: pytest.LogCaptureFixture) -> None:
    """Once near the limit and once at it, for each window."""
    clock = Clock()
    of = quotas(clock, openai=Quota(daily_token_limit=1000))
    with caplog.at_level(logging.WARNING):
        for _ in range(10):
            ask(of)
    assert [record.getMessage() for record in caplog.records] == [
        "the daily token quota of the provider 'openai' has reached 90%",
        "the daily token quota of the provider 'openai' is used up; requests go on, because its action is `warn`",
    ]
    assert len(of.warnings()) == 1
    clock.now += DAY
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        ask(of)
    assert len(caplog.records) == 1


def test_a_window_begins_anew() -> None:
    """The day's use ends with the day, the week's with Sunday, the month's with the month."""
    clock = Clock()
    limit = Quota(daily_token_limit=9999, weekly_token_limit=9999, monthly_token_limit=9999)
    of = quotas(clock, openai=limit)

    def three() -> list[int]:
        return [row["used"] for row in of.status()[0]["limits"]]

    ask(of).settle(Tally(input=10))
    assert three() == [10, 10, 10]
    clock.now += DAY  # Sunday
    assert three() == [0, 10, 10]
    clock.now += DAY  # Monday
    ask(of).settle(Tally(input=1))
    assert three() == [1, 1, 11]
    clock.now += 9 * DAY  # December
    assert three() == [0, 0, 0]


def test_a_call_over_midnight_counts_for_the_day_on_which_it_ends() -> None:
    """And its reservation is not left behind."""
    clock = Clock()
    of = quotas(clock, openai=Quota(daily_token_limit=1000))
    ticket = ask(of)
    clock.now += DAY
    assert used(of) == (0, 300)
    ticket.settle(Tally(input=10))
    assert used(of) == (10, 0)


def test_a_gateway_key_has_a_budget_of_its_own() -> None:
    """Which is over for all providers at once, so that `fallback` means `block`, and reserves nothing of the provider's."""
    keys = (key("a", daily_token_limit=400, action_on_limit="fallback"), key("b"))
    of = quotas(keys=keys, openai=Quota(daily_token_limit=100_000, action_on_limit="block"))
    ask(of, tenant="a")
    with pytest.raises(QuotaError, match="of the gateway key 'a'") as caught:
        ask(of, tenant="a")
    assert not caught.value.fallback
    ask(of, tenant="b")
    assert used(of) == (0, 600)
    assert [row["tenant"] for row in of.status()] == [None, "a"]


def test_what_no_quota_is_about_costs_nothing() -> None:
    """A provider and a key without limits get a ticket all the same."""
    of = quotas(openai=Quota())
    ask(of).settle(Tally(input=1))
    ask(of, provider="groq").settle(None)
    assert of.status() == []
    assert repr(of) == "<Quotas of []>"


def test_a_provider_cannot_give_a_quota_back() -> None:
    """Whatever numbers it tells."""
    of = quotas(openai=Quota(daily_token_limit=1000, daily_cost_limit_usd=1))
    ask(of).settle(Tally(input=-500, output=3, cached=10))
    assert used(of)[0] == 3
    assert used(of, 1)[0] >= 0


def test_200_calls_at_once_overspend_by_no_more_than_themselves(tmp_path: Path) -> None:
    """What has been let pass is within the limit by estimate, so that only the calls in flight can go beyond it."""
    clock = Clock()
    ledger = Ledger(tmp_path, clock=clock)
    limit = 10_000
    of = Quotas(
        {"openai": Quota(daily_token_limit=limit, action_on_limit="block")}, prices=PRICES, ledger=ledger, clock=clock
    )
    ledger.open([policy.account.name for policy in of.policies])
    in_flight = most = refused = 0

    async def call(number: int) -> None:
        nonlocal in_flight, most, refused
        await asyncio.sleep(0)
        try:
            ticket = ask(of, tokens=100)
        except QuotaError:
            refused += 1
            return
        in_flight += 1
        most = max(most, in_flight)
        for _ in range(number % 7):
            await asyncio.sleep(0)
        in_flight -= 1
        # The reply is twice as long as was thought.
        ticket.settle(Tally(input=100, output=2 * OUTPUT_TOKENS))

    async def main() -> None:
        await asyncio.gather(*(call(number) for number in range(200)))

    asyncio.run(main())
    ledger.close()
    assert refused > 100
    assert used(of)[1] == 0
    assert limit - 612 <= used(of)[0] <= limit + most * OUTPUT_TOKENS
