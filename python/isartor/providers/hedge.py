"""Asks a second provider when the first is late; the better of two heads wins, the other is cancelled and closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from isartor.ports import Reached

    Walk = Callable[[], Coroutine[object, object, Reached | None]]
    """Asks one provider after the other; `None` if none is left. Two walks of a request share what is left."""

_OK: Final = range(200, 300)


class Hedge:
    """Runs two walks, the second one late, and keeps hold of those that have lost until they are closed."""

    def __init__(self, after_secs: float, sleep: Callable[[float], Awaitable[object]]) -> None:
        """`after_secs`: when the second walk begins, if the first has no head by then."""
        self._after_secs = after_secs
        self._sleep = sleep
        self._leaving: set[asyncio.Task[object]] = set()

    async def run(self, walk: Walk) -> Reached | None:
        """The reply of whichever walk has a good head first.

        What the first walk ends with counts, an error too, unless it has merely run out of providers. The second one's
        errors count only then: a client is not told that a substitute refused while the one it asked may still answer.
        """
        loop = asyncio.get_running_loop()
        first = loop.create_task(walk())
        timer = loop.create_task(self._wait())
        second: asyncio.Task[Reached | None] | None = None
        won: asyncio.Task[Reached | None] | None = None
        try:
            await asyncio.wait((first, timer), return_when=asyncio.FIRST_COMPLETED)
            if not first.done():
                second = loop.create_task(walk())
                await asyncio.wait((first, second), return_when=asyncio.FIRST_COMPLETED)
                if not first.done() and not _good(second):
                    await asyncio.wait((first,))
                if not first.done() or (_good(second) and not _good(first)):
                    won = second
                elif _ran_out(first):
                    await asyncio.wait((second,))
                    won = second
            won = won or first
            return won.result()
        finally:
            timer.cancel()
            for task in (first, second):
                if task is not None and task is not won:
                    self._leave(task)

    async def close(self) -> None:
        """Wait until the losers are closed."""
        while self._leaving:
            await asyncio.wait(tuple(self._leaving))

    async def _wait(self) -> None:
        await self._sleep(self._after_secs)

    def _leave(self, task: asyncio.Task[Reached | None]) -> None:
        task.cancel()
        closing = asyncio.get_running_loop().create_task(_dispose(task))
        self._leaving.add(closing)
        closing.add_done_callback(self._leaving.discard)


def _good(task: asyncio.Task[Reached | None]) -> bool:
    if not task.done() or task.cancelled() or task.exception() is not None:
        return False
    reached = task.result()
    return reached is not None and reached.response.status in _OK


def _ran_out(task: asyncio.Task[Reached | None]) -> bool:
    return not task.cancelled() and task.exception() is None and task.result() is None


async def _dispose(task: asyncio.Task[Reached | None]) -> None:
    """Close what a cancelled walk may have reached all the same: a head can come in the moment of the cancellation."""
    await asyncio.wait((task,))
    if task.cancelled() or task.exception() is not None:
        return
    reached = task.result()
    if reached is not None:
        if reached.ticket is not None:
            reached.ticket.settle(None)
        await reached.response.close()
