"""One request's way along the chain: which providers are left, and what has failed so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from isartor.errors import NoProviderError
from isartor.ports import Reached
from isartor.providers.retry import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isartor.errors import IsartorError
    from isartor.ports import Call, Response
    from isartor.providers.affinity import Pin
    from isartor.providers.keys import Key
    from isartor.providers.link import Link
    from isartor.providers.retry import Outcome


class Failure(msgspec.Struct, frozen=True):
    """A call that did not succeed: an error reply, or an error."""

    link: Link
    key: Key | None
    model: str
    outcome: Outcome
    response: Response | None = None
    error: IsartorError | None = None

    def __str__(self) -> str:
        """In a line without secrets."""
        if self.error is not None:
            return self.error.message
        if self.response is None:
            return self.outcome.kind.value
        code = self.response.code
        return f"status {self.response.status}" + (f" ({code})" if code else "")


class Trip:
    """Shared by the walks of one request, of which there are two when it is hedged."""

    __slots__ = ("asking", "attempts", "call", "failure", "held", "links", "over", "place", "rested", "skipped")

    def __init__(self, call: Call, links: Sequence[Link], held: Pin | None) -> None:
        """`links` in the order in which they are to be asked. `held`: where the session was served before."""
        self.call = call
        self.links = links
        self.held = held
        self.place = 0
        """The next of `links`."""
        self.rested: list[Link] = []
        """Passed over because they rest."""
        self.attempts = 0
        """Calls that reached a provider, or tried to."""
        self.asking = 0
        """Providers that are being asked just now."""
        self.failure: Failure | None = None
        """The last one."""
        self.skipped: IsartorError | None = None
        """Why the first of those that could not even be asked was not."""
        self.over = False

    def first(self) -> Link:
        """The first provider, whatever its state: it has been asked already."""
        self.place = 1
        return self.links[0]

    async def failed(self, failure: Failure) -> None:
        """Keep this failure in place of the one before."""
        if failure.outcome.kind is Kind.UNABLE:
            self.skipped = self.skipped or failure.error
            return
        before, self.failure = self.failure, failure
        if before is not None and before.response is not None:
            await before.response.close()
        if self.over:
            await self.drop(None)

    def conclude(self) -> Reached:
        """What the client hears when every provider has failed: the last one's error."""
        failure = self.failure
        if failure is not None and failure.response is not None:
            return self.refused(failure, failure.response)
        error = failure.error if failure is not None else self.skipped
        raise error or NoProviderError("No provider could be asked.")

    def refused(self, failure: Failure, response: Response) -> Reached:
        """An error reply as what was reached. Nothing was used, so there is nothing to settle."""
        return Reached(
            response=response,
            provider=failure.link.name,
            model=failure.model,
            label=None if failure.key is None else failure.key.label,
            attempts=self.attempts,
            substitute=failure.model != self.call.model,
        )

    async def drop(self, kept: Response | None) -> None:
        """Close the last failure's reply, unless it is the one that is handed on."""
        self.over = True
        failure, self.failure = self.failure, None
        if failure is not None and failure.response is not None and failure.response is not kept:
            await failure.response.close()
