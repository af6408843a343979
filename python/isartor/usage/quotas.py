"""Quotas of providers and gateway keys: asked before a call, told after it.

A call reserves its input tokens and some output; what it really used takes their place when it is over. So calls that
run at the same time cannot spend more than a quota has left and what they were expected to need.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from isartor.errors import QuotaError
from isartor.usage.ledger import NANO, Account, Amount
from isartor.usage.windows import PERIODS, Calendar, Period, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from isartor.config.upstream import GatewayKey, Quota
    from isartor.ports import Tally, Ticket
    from isartor.usage.ledger import Ledger
    from isartor.usage.prices import Prices, Rates
    from isartor.usage.windows import Windows

log = logging.getLogger("isartor.usage")

OUTPUT_TOKENS: Final = 256
"""As many output tokens are reserved for a call."""

# Model names are the clients' to choose.
_REMEMBERED: Final = 4096
_NOTHING: Final = (0, 0)
# A write costs more than all else that quotas do for a call; those of a moment are made together.
_WRITE_SECS: Final = 0.01
_MOST: Final = 2**62
"""A larger limit is none: the ledger could not hold what it takes to reach it."""

_Known = tuple[tuple["Policy", ...], tuple[Account, ...], "Rates"]
Unit = Literal["token", "cost"]
Kind = Literal["provider", "gateway key"]


class Limit(msgspec.Struct, frozen=True):
    """One limit of a quota."""

    period: int
    """Position in `PERIODS`."""
    unit: Unit
    most: int
    """Tokens, or billionths of a US dollar."""

    @property
    def name(self) -> str:
        """As in messages: `daily token quota`."""
        return f"{PERIODS[self.period]} {self.unit} quota"

    def of(self, amount: Amount) -> int:
        """What of an amount this limit is about."""
        return amount.tokens if self.unit == "token" else amount.nanos

    def shown(self, amount: int) -> str:
        """An amount of it as text."""
        return f"{amount:,} tokens" if self.unit == "token" else f"${amount / NANO:,.4f}"

    def share(self, amount: int) -> str:
        """How much of it that is, as text."""
        whole = self.shown(self.most)
        return f"{amount:,} of {whole}" if self.unit == "token" else f"{self.shown(amount)} of {whole}"


class Policy:
    """The quota of one provider or gateway key."""

    def __init__(self, kind: Kind, label: str, quota: Quota, account: Account) -> None:
        """`label`: the provider's id, or the gateway key's label."""
        self.kind = kind
        self.label = label
        self.account = account
        self.action = quota.action_on_limit
        if kind == "gateway key" and self.action == "fallback":
            self.action = "block"  # whose key it is does not change with the provider
        self.ratio = quota.warning_threshold_ratio
        self.limits = limits(quota)
        self.marks = tuple(
            (limit.period, 0 if limit.unit == "token" else 1, math.ceil(min(self.ratio * limit.most, limit.most)))
            for limit in self.limits
        )
        """Period, place in an `Amount`, and from how much on there is something to say."""
        self.warned: set[tuple[str, int]] = set()

    def __repr__(self) -> str:
        """Whose it is and what happens at its limits."""
        return f"<Policy {self.kind} {self.label!r}: {self.action} at {len(self.limits)} limits>"


def limits(quota: Quota) -> tuple[Limit, ...]:
    """The limits that a quota has."""
    found = []
    for place, period in enumerate(PERIODS):
        tokens: int | None = getattr(quota, f"{period}_token_limit")
        cost: float | None = getattr(quota, f"{period}_cost_limit_usd")
        if tokens is not None:
            found.append(Limit(place, "token", tokens))
        if cost is not None:
            found.append(Limit(place, "cost", max(round(min(cost * NANO, _MOST)), 1)))
    return tuple(found)


class Quotas:
    """All quotas; `isartor.ports.Budget`."""

    def __init__(
        self,
        quota: Mapping[str, Quota],
        gateway_keys: Iterable[GatewayKey] = (),
        *,
        prices: Prices,
        ledger: Ledger,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`quota`: by the provider's id. `gateway_keys`: those with a limit have a quota of their own."""
        self._prices = prices
        self._ledger = ledger
        self._calendar = Calendar(clock)
        self._providers = {
            name: Policy("provider", name, each, ledger.account(f"provider {name}"))
            for name, each in quota.items()
            if limits(each)
        }
        self._tenants = {
            key.label: Policy("gateway key", key.label, key, ledger.account(f"gateway key {key.label}"))
            for key in gateway_keys
            if limits(key)
        }
        self._known: dict[tuple[str, str, str], _Known] = {}
        self._writes_soon = False

    def __repr__(self) -> str:
        """Whose quotas there are."""
        return f"<Quotas of {[*self._providers, *self._tenants]}>"

    def _look_up(self, tenant: str, provider: str, model: str) -> _Known:
        """What such calls are held to, and what they cost."""
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        # The key's quota first: if it is used up, no other provider may be asked either.
        found = self._tenants.get(tenant), self._providers.get(provider)
        policies = tuple(policy for policy in found if policy is not None)
        accounts = tuple(policy.account for policy in policies)
        known = self._known[tenant, provider, model] = policies, accounts, self._prices.of(provider, model)
        return known

    @property
    def policies(self) -> tuple[Policy, ...]:
        """All of them."""
        return (*self._providers.values(), *self._tenants.values())

    def reserve(self, *, provider: str, model: str, tenant: str, tokens: int) -> Ticket:
        """Reserve `tokens` input tokens and some output before a call.

        Raises `QuotaError` if a quota forbids the call; then nothing is reserved.
        """
        known = self._known.get((tenant, provider, model))
        if known is None:
            known = self._look_up(tenant, provider, model)
        policies, accounts, rates = known
        if not policies:
            return _FREE
        cost = tokens * rates.input + OUTPUT_TOKENS * rates.output
        amount = tokens + OUTPUT_TOKENS, round(cost * NANO)
        now = self._calendar.now()
        if not self._ledger.take(accounts, now.ids, amount):
            self._look_closer(policies, amount, now)
        return _Reserved(self, accounts, amount, rates)

    def _look_closer(self, policies: tuple[Policy, ...], amount: tuple[int, int], now: Windows) -> None:
        """Sets an amount aside, unless a limit forbids that: it is set aside of all quotas or of none."""
        rooms = []
        for policy in policies:
            used, held_back = self._ledger.look(policy.account, now.ids)
            room = [_MOST, _MOST]
            for period, place, mark in policy.marks:
                room[place] = min(room[place], mark - used[period][place] - held_back[place])
            if any(more >= left for more, left in zip(amount, room, strict=True)):
                self._check(policy, Amount(*amount), now)
            rooms.append(room)
        for policy, room in zip(policies, rooms, strict=True):
            self._ledger.reserve(policy.account, amount, room)

    def settle(self, accounts: tuple[Account, ...], reserved: tuple[int, int], spent: tuple[int, int]) -> None:
        """A call is over. For tickets."""
        ids = self._calendar.now().ids
        for account in accounts:
            self._ledger.settle(account, ids, reserved, spent, at_once=False)
        if self._ledger.unwritten and not self._writes_soon:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                self._ledger.write()
            else:
                self._writes_soon = True
                loop.call_later(_WRITE_SECS, self._write)

    def _write(self) -> None:
        self._writes_soon = False
        self._ledger.write()

    def _check(self, policy: Policy, amount: Amount, now: Windows) -> None:
        """Some limit has something to say. Raises `QuotaError`, or warns."""
        used, reserved = self._ledger.used(policy.account, now.ids)
        broken: list[Limit] = []
        for limit in policy.limits:
            taken = limit.of(used[limit.period]) + limit.of(reserved) + limit.of(amount)
            if taken >= limit.most:
                broken.append(limit)
            elif taken >= policy.ratio * limit.most:
                self._warn(policy, limit, now, f"has reached {taken / limit.most:.0%}")
        if not broken:
            return
        if policy.action == "warn":
            for limit in broken:
                self._warn(policy, limit, now, "is used up; requests go on, because its action is `warn`")
            return
        # Until the last of them has a new window.
        last = max(broken, key=lambda limit: now.ends[limit.period])
        begins = now.ends[last.period]
        held = last.of(used[last.period]) + last.of(reserved)
        error = QuotaError(
            f"The {last.name} of the {policy.kind} {policy.label!r} does not allow this request: {last.share(held)} "
            f"are used, and it needs about {last.shown(last.of(amount))}. The quota begins anew at {moment(begins)}.",
            retry_after=max(math.ceil(begins - self._calendar.clock()), 1),
        )
        error.fallback = policy.action == "fallback"
        raise error

    def _warn(self, policy: Policy, limit: Limit, now: Windows, what: str) -> None:
        """Once for each limit, each of its windows and each thing to say."""
        about = f"{limit.name} {what[:6]}", now.ids[limit.period]
        if about in policy.warned:
            return
        policy.warned = {known for known in policy.warned if known[1] in now.ids} | {about}
        log.warning("the %s of the %s %r %s", limit.name, policy.kind, policy.label, what)

    # -- reports

    def status(self) -> list[dict[str, Any]]:
        """How much of each quota is used, for reports."""
        now = self._calendar.now()
        return [self._status(policy, now) for policy in self.policies]

    def warnings(self) -> list[str]:
        """One line for each limit that is near or reached."""
        return [
            f"{each['provider'] or each['tenant']}: {line}"
            for each in self.status()
            for line, limit in zip(each["lines"], each["limits"], strict=True)
            if limit["state"] != "ok"
        ]

    def _status(self, policy: Policy, now: Windows) -> dict[str, Any]:
        used, reserved = self._ledger.used(policy.account, now.ids)
        rows = [self._row(policy, limit, used[limit.period], reserved, now) for limit in policy.limits]
        return {
            "provider": policy.label if policy.kind == "provider" else None,
            "tenant": policy.label if policy.kind != "provider" else None,
            "action": policy.action,
            "warning_threshold_ratio": policy.ratio,
            "lines": [line for line, _ in rows],
            "limits": [row for _, row in rows],
        }

    @staticmethod
    def _row(policy: Policy, limit: Limit, used: Amount, reserved: Amount, now: Windows) -> tuple[str, dict[str, Any]]:
        taken = limit.of(used) + limit.of(reserved)
        share = taken / limit.most
        state = "reached" if share >= 1 else "warning" if share >= policy.ratio else "ok"
        resets = moment(now.ends[limit.period])
        period: Period = PERIODS[limit.period]
        line = f"{limit.name}: {limit.share(taken)} ({share:.0%}), begins anew at {resets}"
        scale = 1 if limit.unit == "token" else NANO
        row = {
            "period": period,
            "unit": "tokens" if limit.unit == "token" else "usd",
            "used": limit.of(used) / scale if scale > 1 else limit.of(used),
            "reserved": limit.of(reserved) / scale if scale > 1 else limit.of(reserved),
            "limit": limit.most / scale if scale > 1 else limit.most,
            "ratio": round(share, 4),
            "state": state,
            "resets_at": resets,
        }
        return line, row


class _Reserved:
    """What was reserved for one call."""

    __slots__ = ("_accounts", "_amount", "_quotas", "_rates")

    def __init__(self, quotas: Quotas, accounts: tuple[Account, ...], amount: tuple[int, int], rates: Rates) -> None:
        self._quotas = quotas
        self._accounts = accounts
        self._amount = amount
        self._rates = rates

    def settle(self, tally: Tally | None) -> None:
        """Put what was really used in its place. Once; more calls do nothing."""
        accounts, self._accounts = self._accounts, ()
        if accounts:
            self._quotas.settle(accounts, self._amount, _NOTHING if tally is None else spent(tally, self._rates))


def spent(tally: Tally, rates: Rates) -> tuple[int, int]:
    """What a reply took, as quotas count it: tokens, and billionths of a US dollar."""
    read, written = tally.input, tally.output
    nanos = round(rates.cost(tally) * NANO)
    # A provider may tell anything, but nothing that gives a quota back.
    if read < 0 or written < 0 or nanos < 0:
        read, written, nanos = max(read, 0), max(written, 0), max(nanos, 0)
    return read + written, nanos


class _Free:
    """A call that no quota is about."""

    __slots__ = ()

    def settle(self, tally: Tally | None) -> None:
        """Nothing to do."""


_FREE: Final = _Free()
