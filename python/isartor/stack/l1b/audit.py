"""Finds out whether what L1b would have served was right, when the provider has answered all the same.

Runs after the client has its answer, at most four at a time; whatever comes meanwhile is skipped and counted, so that
comparing never takes the model away from those who ask.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from isartor.stack.l1b.compare import Reply, compare

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Callable

    from isartor.stack.l1b.compare import Likeness

log = logging.getLogger("isartor.semantic")

_AT_A_TIME: Final = 4


class Auditor:
    """Compares replies in the background."""

    def __init__(self, embed: Callable[[str], Awaitable[bytes | None]]) -> None:
        """`embed` gives the bundled model's vector of a text."""
        self._embed = embed
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(
        self,
        stored: tuple[str, str | None],
        fresh: tuple[str, str | None],
        counts: Counter[str],
        done: Callable[[Likeness], None],
    ) -> None:
        """Compares the replies to two questions and calls `done`; one without a plain text (`None`) is `unclear`."""
        if stored[1] is None or fresh[1] is None:
            counts["unclear"] += 1
            return
        if len(self._tasks) >= _AT_A_TIME:
            counts["skipped"] += 1
            return
        task = asyncio.get_running_loop().create_task(
            self._compare(Reply(stored[0], stored[1]), Reply(fresh[0], fresh[1]), counts, done)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _compare(
        self, stored: Reply, fresh: Reply, counts: Counter[str], done: Callable[[Likeness], None]
    ) -> None:
        try:
            found = await compare(stored, fresh, self._embed)
            counts[found.value] += 1
            done(found)
        except Exception:
            log.exception("an audit failed")

    async def close(self) -> None:
        """Gives up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
