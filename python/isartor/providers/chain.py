"""The chain: all providers as one that does not fail because one of them does.

A request goes to the first provider that is well; what comes of each call is judged by `retry.decide`. Each provider
has its own tries. Up to the head of a good reply (of a stream: its first piece) another may take over; after it nothing
is asked again. With one provider and one key that is well, nothing is awaited here but the call itself.
"""

from __future__ import annotations

import asyncio
import random
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from isartor.config.upstream import Retry
from isartor.errors import IsartorError, QuotaError, RequestError, UpstreamError
from isartor.ports import Reached
from isartor.providers.affinity import Affinity, Pin
from isartor.providers.hedge import Hedge
from isartor.providers.retry import Again, GiveUp, Kind, NextKey, Outcome, Place, decide, of_error, of_reply
from isartor.providers.trip import Failure, Trip

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from isartor.ports import Budget, Call, ProviderStatus, Response, Ticket
    from isartor.providers.keys import Key
    from isartor.providers.link import Link
    from isartor.providers.retry import Decision

_OK: Final = range(200, 300)
_RETRY: Final = Retry()
_OF_THE_KEY: Final = frozenset({Kind.DEAD, Kind.LIMITED, Kind.SPENT})


class Chain:
    """`isartor.ports.Upstream` over an ordered list of providers."""

    def __init__(  # noqa: PLR0913 - all but one by name
        self,
        links: Sequence[Link],
        *,
        retry: Retry = _RETRY,
        budget: Budget | None = None,
        hedge_after_secs: float = 0,
        affinity: bool = True,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        roll: Callable[[], float] = random.random,
    ) -> None:
        """`links`: at least one, the primary first. `hedge_after_secs`: 0 for never. `roll`: numbers from 0 to 1."""
        self.links = tuple(links)
        self._ends = {link: partial(self._finished, link) for link in self.links}
        self.name = self.links[0].name
        self.model = self.links[0].provider.model
        self._retry = retry
        self._budget = budget
        self._hedge = Hedge(hedge_after_secs, sleep) if hedge_after_secs and len(self.links) > 1 else None
        self._affinity = Affinity() if affinity else None
        self._clock = clock
        self._wall = wall
        self._sleep = sleep
        self._roll = roll

    async def ask(self, call: Call) -> Reached:
        """See `isartor.ports.Upstream`."""
        pin = None
        if call.session and self._affinity is not None:
            pin = self._affinity.get(call, self._clock())
        link = self.links[0]
        begun = None
        # The usual way: the first provider is well and its first reply is good. The rest is there for when it is not.
        if self._hedge is None and (pin is None or pin.link is link) and link.breaker.rests_until is None:
            now = 0.0 if link.pool.alone else self._clock()
            if link.pool.alone or not link.pool.resting(now):
                ticket = None
                if self._budget is not None:
                    try:
                        ticket = self._reserve(self._budget, call, link)
                    except QuotaError:
                        return await self._go(call, pin, None)
                key = link.pool.take(now, None if pin is None else pin.key)
                came: Response | IsartorError
                try:
                    came = await link.provider.call(call if key is None else replace(call, key=key.secret))
                    if came.status in _OK:
                        return self._arrived(call, link, key, came, ticket)
                except IsartorError as error:
                    came = error
                except BaseException:
                    if ticket is not None:
                        ticket.settle(None)
                    raise
                begun = Begun(link, key, ticket, came)
        return await self._go(call, pin, begun)

    async def _go(self, call: Call, pin: Pin | None, begun: Begun | None) -> Reached:
        """The whole way. `begun`: the first call, which did not succeed."""
        trip = self._trip(call, pin)
        kept: Response | None = None
        try:
            if self._hedge is None:
                reached = await self._walk(trip, begun)
            else:
                reached = await self._hedge.run(lambda: self._walk(trip))
            if reached is None:
                reached = trip.conclude()
            kept = reached.response
            return reached
        finally:
            trip.over = True
            if trip.failure is not None:
                await trip.drop(kept)

    def status(self) -> ProviderStatus:
        """See `isartor.ports.Upstream`."""
        return self.links[0].status()

    def report(self) -> dict[str, Any]:
        """Body of `GET /debug/providers`."""
        now, wall = self._clock(), self._wall()
        rows = [link.report(now, wall, active=place == 0) for place, link in enumerate(self.links)]
        return {"active_provider": self.name, "providers": rows}

    async def close(self) -> None:
        """See `isartor.ports.Upstream`."""
        if self._hedge is not None:
            await self._hedge.close()
        for link in self.links:
            await link.provider.close()

    def __repr__(self) -> str:
        """The providers in order."""
        return f"Chain({', '.join(map(repr, self.links))})"

    # -- which provider

    def _trip(self, call: Call, pin: Pin | None) -> Trip:
        """The providers in the order of this request: its session's first, while that one is well."""
        links = self.links
        if pin is not None and pin.link is not links[0] and pin.link.usable(call, self._clock()):
            links = (pin.link, *(link for link in links if link is not pin.link))
        return Trip(call, links, pin)

    def _next(self, trip: Trip) -> Link | None:
        """The next provider to ask. One that rests is passed over, and asked only if no other has answered."""
        while trip.place < len(trip.links):
            link = trip.links[trip.place]
            trip.place += 1
            if link.breaker.rests_until is None and link.pool.alone:
                return link
            now = self._clock()
            if link.pool.resting(now) and self._more(trip):
                trip.rested.append(link)
            elif link.breaker.admit(now):
                return link
            else:
                trip.rested.append(link)
        if trip.asking == 0 and trip.rested:
            return trip.rested.pop(0)
        return None

    def _more(self, trip: Trip) -> bool:
        if trip.place >= len(trip.links):
            return False
        now = self._clock()
        return any(link.usable(trip.call, now) for link in trip.links[trip.place :])

    async def _walk(self, trip: Trip, begun: Begun | None = None) -> Reached | None:
        """Ask one provider after the other; `None` when all have failed. `begun`: with the first, already."""
        while (link := self._next(trip) if begun is None else trip.first()) is not None:
            ticket = None
            if begun is not None:
                ticket = begun.ticket
            elif self._budget is not None:
                try:
                    ticket = self._reserve(self._budget, trip.call, link)
                except QuotaError as error:
                    # That a substitute's quota is used up is not what the client should hear; the one that its
                    # session was served by before is asked ahead of the first provider.
                    ahead = link is trip.links[0] and link is not self.links[0]
                    if not error.fallback and trip.failure is None and not ahead:
                        raise
                    trip.skipped = trip.skipped or error
                    continue
            reached = None
            trip.asking += 1
            try:
                reached = await self._visit(trip, link, ticket, begun)
            finally:
                begun = None
                trip.asking -= 1
                if ticket is not None and (reached is None or reached.ticket is None):
                    ticket.settle(None)
            if reached is not None:
                return reached
        return None

    @staticmethod
    def _reserve(budget: Budget, call: Call, link: Link) -> Ticket:
        model = link.model or call.model
        return budget.reserve(provider=link.name, model=model, tenant=call.tenant, tokens=call.tokens)

    # -- one provider

    async def _visit(self, trip: Trip, link: Link, ticket: Ticket | None, begun: Begun | None) -> Reached | None:
        """Ask one provider as often as it may be asked; `None` if the next has to be."""
        call = link.address(trip.call)
        if begun is not None:
            key, came = begun.key, begun.came
        else:
            held = trip.held.key if trip.held is not None and trip.held.link is link else None
            key = link.pool.take(self._clock(), held)
            came = await _called(link, call, key)
        tried: list[Key] = []
        tries = 1
        while True:
            if isinstance(came, IsartorError):
                substitute = link is not self.links[0] or trip.failure is not None
                outcome = _judged(came, substitute=substitute)
                failure = Failure(link, key, call.model, outcome, error=came)
            elif came.status in _OK:
                return self._arrived(trip.call, link, key, came, ticket, trip.attempts)
            else:
                failure = Failure(link, key, call.model, of_reply(came, self._wall()), came)
            if failure.outcome.kind is Kind.FINAL:
                return self._refused(trip, failure)
            await trip.failed(failure)
            if trip.over:  # another walk has won; a cancellation can get lost on its way through the library
                return None
            spare, decision = self._decide(trip, failure, tried, tries)
            if isinstance(decision, NextKey):
                key = spare
            elif isinstance(decision, Again):
                await self._sleep(decision.after)
                tries += 1
                tried.clear()
                key = link.pool.take(self._clock(), key)
            else:
                self._leave(failure)
                if failure.outcome.kind is Kind.DEAD and isinstance(decision, GiveUp):
                    raise _exhausted(failure)
                return None
            came = await _called(link, call, key)

    def _decide(self, trip: Trip, failure: Failure, tried: list[Key], tries: int) -> tuple[Key | None, Decision]:
        """What to do after a failure, and the other key, if there is one."""
        self._note(trip, failure)
        link, key, kind = failure.link, failure.key, failure.outcome.kind
        now = self._clock()
        spare = wait = None
        guessed = False
        if key is not None and not link.pool.alone and kind in _OF_THE_KEY:
            tried.append(key)
            spare = link.pool.spare(now, tried)
            wait, guessed = link.pool.wait(now)
        place = Place(
            tries=tries,
            spare=spare is not None,
            wait=wait,
            guessed=guessed,
            more=self._more(trip),
            resting=link.breaker.rests_until is not None,
        )
        return spare, decide(failure.outcome, place, self._retry, self._roll)

    def _arrived(  # noqa: PLR0913 - of every reply that there is: by position
        self, call: Call, link: Link, key: Key | None, response: Response, ticket: Ticket | None, failed: int = 0
    ) -> Reached:
        """A good head has come, after `failed` calls."""
        wall = self._wall()
        link.requests_total += 1
        link.last_success = wall
        if link.breaker.rests_until is not None:
            link.breaker.answered()
        if key is not None:
            key.used(wall)
            if key.dead:
                key.accepted()
        if self._affinity is not None and call.session:
            self._affinity.put(call, Pin(link, key, self._clock()))
        model = call.model if link.model is None else link.model
        return Reached(
            response=response,
            provider=link.name,
            model=model,
            label=None if key is None else key.label,
            attempts=failed + 1,
            substitute=model != call.model,
            ticket=ticket,
            finished=self._ends[link],
        )

    def _finished(self, link: Link, whole: bool) -> None:  # noqa: FBT001 # `Reached.finished` is called so
        """The body of a good reply is over."""
        if whole:
            link.breaker.succeeded()
        else:
            link.breaker.failed(self._clock())
            link.errors_total += 1
            link.seen(self._wall(), "the reply broke off")

    def _refused(self, trip: Trip, failure: Failure) -> Reached:
        """The client's own fault: no other provider is asked."""
        if failure.error is not None:
            if isinstance(failure.error, UpstreamError):
                self._note(trip, failure)
            raise failure.error
        assert failure.response is not None
        self._note(trip, failure)
        self._leave(failure)
        return trip.refused(failure, failure.response)

    def _note(self, trip: Trip, failure: Failure) -> None:
        """Take a failure down in the figures, and let its key rest."""
        link, key, outcome = failure.link, failure.key, failure.outcome
        if outcome.kind is Kind.UNABLE:
            return
        wall = self._wall()
        trip.attempts += 1
        link.requests_total += 1
        if outcome.kind is not Kind.FINAL:
            link.errors_total += 1
            link.seen(wall, str(failure))
        if key is None:
            return
        key.used(wall)
        if outcome.kind is Kind.DEAD:
            key.refused(self._clock())
        elif outcome.kind in _OF_THE_KEY:
            link.pool.limited(key, self._clock(), outcome.after)

    def _leave(self, failure: Failure) -> None:
        """Tell the breaker how a request to the provider ended. One that refuses is alive."""
        if failure.outcome.kind in {Kind.FAILED, Kind.BROKEN}:
            failure.link.breaker.failed(self._clock())
        elif failure.response is not None:
            failure.link.breaker.succeeded()


class Begun(msgspec.Struct, frozen=True):
    """A first call that did not succeed, and what it was made with."""

    link: Link
    key: Key | None
    ticket: Ticket | None
    came: Response | IsartorError


async def _called(link: Link, call: Call, key: Key | None) -> Response | IsartorError:
    try:
        return await link.provider.call(call if key is None else replace(call, key=key.secret))
    except IsartorError as error:
        return error


def _judged(error: IsartorError, *, substitute: bool) -> Outcome:
    """Outcome of a call that raised.

    What a request cannot say in a `substitute`'s format is no fault of the client, who asked another provider.
    """
    outcome = of_error(error)
    cannot_say = substitute and isinstance(error, RequestError)
    return Outcome(Kind.UNABLE) if cannot_say and outcome.kind is Kind.FINAL else outcome


def _exhausted(failure: Failure) -> UpstreamError:
    """None of a provider's keys is accepted: not with the provider's 401, which a client would take for its own."""
    link = failure.link
    count = len(link.pool.keys)
    keys = "the gateway's key" if count <= 1 else f"any of the gateway's {count} keys"
    return UpstreamError(
        f"The provider {link.name!r} does not accept {keys} (the last answer: {failure}). The key of the client is not "
        f"meant: check {link.setting} of the gateway.",
        code="upstream_credentials_exhausted",
    )
