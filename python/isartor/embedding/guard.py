"""Stands before an embedder, so that whatever goes wrong there costs a hit and never a request.

Every failure is counted; one line a minute is logged, with the number of failures since the last one. After three
failures in a row the embedder rests for 30 seconds: texts are skipped and counted, then a single one tries it again.
A text that is too long and a full queue are refusals: counted, and otherwise nothing. So is an answer that is not there
in time, for a burst makes many wait at once; only if nothing at all has been heard for a while is that a failure.
"""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import msgspec

from isartor.errors import BusyError, IsartorError, TooLongError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from isartor.embedding.local import Read
    from isartor.ports import Embedder, Embedding

T = TypeVar("T")

log = logging.getLogger("isartor.embedding")

_FAILURES_TO_REST: Final = 3
_REST_SECS: Final = 30.0
_LOG_SECS: Final = 60.0
# So long may everybody wait in vain before that counts as a fault and no longer as a burst.
_SILENCE_SECS: Final = 5.0


class Counts(msgspec.Struct):
    """What became of the texts."""

    embedded: int = 0
    too_long: int = 0
    busy: int = 0
    failed: int = 0
    skipped: int = 0
    """While the embedder rested."""


class Reader(Protocol):
    """An embedder that gives the vectors of tokens as well (`isartor.embedding.local.LocalEmbedder`)."""

    async def read(self, text: str) -> Read | None:
        """Return all that the model says; `None` if the text is too long."""


class Guard:
    """Decides whether to ask, and what an answer or its absence means."""

    def __init__(
        self, name: str, *, patience_secs: float | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        """`name` stands in the log lines; who waits longer than `patience_secs` does without."""
        self._name = name
        self._patience_secs = patience_secs
        self._clock = clock
        self.counts = Counts()
        self._in_a_row = 0
        self._silent_since: float | None = None
        self._rests_until: float | None = None
        self._log_again = float("-inf")
        self._unlogged = 0

    @property
    def resting(self) -> bool:
        """Whether texts are being skipped."""
        return self._rests_until is not None and self._clock() < self._rests_until

    async def call(self, ask: Callable[[str], Awaitable[T | None]], text: str) -> T | None:
        """Return what `ask` says of `text`; `None` if it says nothing, fails, or may not be asked now."""
        trial = self._rests_until is not None
        if self.resting:
            self.counts.skipped += 1
            return None
        if trial:
            # One text finds out; the others go on resting until it has.
            self._rests_until = self._clock() + _REST_SECS
        heard = False
        try:
            async with asyncio.timeout(self._patience_secs):
                found = await ask(text)
            heard = True
        except TooLongError:
            found, heard = None, True
        except BusyError:
            self.counts.busy += 1
            return None
        except TimeoutError as error:
            if not self._silent(trial=trial):
                self.counts.busy += 1
                return None
            self._failure(error)
            heard = True
            return None
        except Exception as error:  # noqa: BLE001  # an embedder's fault must never become a request's
            self._failure(error)
            heard = True
            return None
        finally:
            if trial and not heard:
                # Cancelled or refused: that text found out nothing, so the next one tries.
                self._rests_until = self._clock()
        self._in_a_row = 0
        self._silent_since = None
        self._rests_until = None
        if found is None:
            self.counts.too_long += 1
        else:
            self.counts.embedded += 1
        return found

    def _silent(self, *, trial: bool) -> bool:
        """Whether one more answer that is not there in time means that something is wrong."""
        now = self._clock()
        if self._silent_since is None:
            self._silent_since = now
        return trial or now - self._silent_since >= _SILENCE_SECS

    def _failure(self, error: Exception) -> None:
        now = self._clock()
        self.counts.failed += 1
        self._in_a_row += 1
        if self._in_a_row >= _FAILURES_TO_REST:
            self._rests_until = now + _REST_SECS
        self._unlogged += 1
        if now >= self._log_again:
            self._log_again = now + _LOG_SECS
            message = _message(error)
            log.warning(
                "no embedding, the semantic cache is skipped",
                extra={"embedder": self._name, "error": message, "failures": self._unlogged},
            )
            self._unlogged = 0


class Guarded:
    """An embedder that answers or does not, and never raises."""

    def __init__(
        self, embedder: Embedder, *, patience_secs: float | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        """Stands before `embedder`."""
        self.embedder = embedder
        self.guard = Guard(embedder.name, patience_secs=patience_secs, clock=clock)

    @property
    def counts(self) -> Counts:
        """What became of the texts."""
        return self.guard.counts

    async def embed(self, text: str) -> Embedding | None:
        """Return the vector of `text`, or nothing."""
        return await self.guard.call(self.embedder.embed, text)


class GuardedReader:
    """The same for an embedder that gives the vectors of tokens as well."""

    def __init__(
        self, reader: Reader, name: str, *, patience_secs: float | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        """Stands before `reader`."""
        self.reader = reader
        self.guard = Guard(name, patience_secs=patience_secs, clock=clock)

    @property
    def counts(self) -> Counts:
        """What became of the texts."""
        return self.guard.counts

    async def read(self, text: str) -> Read | None:
        """Return all that the model says of `text`, or nothing."""
        return await self.guard.call(self.reader.read, text)


def _message(error: Exception) -> str:
    if isinstance(error, IsartorError):
        return error.message
    return "it took too long" if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
