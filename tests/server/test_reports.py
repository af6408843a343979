"""A wrong answer that is reported to one worker is taken away by all. Each `Fellow` stands for a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from isartor._native import Stats
from isartor.server import fellows
from isartor.server.fellows import Dropped, Fellow, Worker
from tests.native.reading import head, store

TENANT = head("chat").tenant
OWN, OTHER = "a" * 64, "b" * 64
"""The entry's own key, and that of a second wording."""
PAIR = (0.93, 2.5)


class Quarantined(NamedTuple):
    """As the native one."""

    key: str
    pair: tuple[float, float] | None


class Reports:
    """A semantic cache that knows what it is told to know."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.known: dict[str, Quarantined] = {}
        self.asked: list[str] = []
        self.learned: list[tuple[float, float]] = []

    def quarantine(self, tenant: bytes, key: str) -> Quarantined | None:
        """Takes the entry away, under all its keys."""
        assert tenant == TENANT
        self.asked.append(key)
        found = self.known.pop(key, None)
        if found is not None:
            self.known = {other: entry for other, entry in self.known.items() if entry.key != found.key}
        return found

    def entries(self, tenant: bytes, limit: int) -> list[dict[str, Any]]:
        return [{"key": key} for key in self.known][:limit]

    def report(self, pair: tuple[float, float]) -> None:
        self.learned.append(pair)

    def sums(self) -> dict[str, Any]:
        return {}


Make = Callable[[], tuple[Fellow, Reports]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make workers that share a folder; all leave at the end."""
    made: list[Fellow] = []

    def one() -> tuple[Fellow, Reports]:
        stats, reports = Stats(), Reports()
        made.append(Fellow(store(stats=stats), stats, tmp_path, reports))
        return made[-1], reports

    yield one
    for fellow in made:
        fellow.leave()


async def reported(by: Fellow, key: str, *others: Fellow) -> Dropped:
    """Report to one worker while the others' clocks run."""

    async def clocks() -> None:
        while True:
            for other in others:
                other.tick()
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(clocks())
    try:
        return await by.report(TENANT, key)
    finally:
        ticking.cancel()


def test_a_single_worker_quarantines_and_learns() -> None:
    """The pair of a second wording teaches; a key that nobody knows is nothing."""
    stats, reports = Stats(), Reports()
    worker = Worker(store(stats=stats), stats, reports)
    reports.known = {OWN: Quarantined(OWN, None), OTHER: Quarantined(OWN, PAIR)}
    assert asyncio.run(worker.report(TENANT, OTHER)) == Dropped(1)
    assert (reports.learned, reports.known) == ([PAIR], {})
    assert asyncio.run(worker.report(TENANT, OTHER)) == Dropped(0)
    assert reports.learned == [PAIR]


def test_what_is_reported_to_one_worker_all_take_away(make: Make) -> None:
    """Also if the worker that was asked does not know the entry."""
    (a, knows_nothing), (b, knows), (c, knows_too) = make(), make(), make()
    for reports in (knows, knows_too):
        reports.known = {OWN: Quarantined(OWN, None)}
    assert asyncio.run(reported(a, OWN, b, c)) == Dropped(2)
    assert (knows.known, knows_too.known) == ({}, {})
    assert knows_nothing.learned == knows.learned == []


def test_a_second_wording_leads_to_the_own_key_everywhere(make: Make) -> None:
    """One worker knows whose wording it is; the others then take the entry away by its own key, and one worker learns."""
    (a, asked), (b, knows), (c, has_it) = make(), make(), make()
    knows.known = {OTHER: Quarantined(OWN, PAIR), OWN: Quarantined(OWN, None)}
    has_it.known = {OWN: Quarantined(OWN, None)}
    assert asyncio.run(reported(a, OTHER, b, c)) == Dropped(2)
    assert (knows.known, has_it.known) == ({}, {})
    assert (asked.learned, knows.learned, has_it.learned) == ([PAIR], [], [])
    assert asked.asked == [OTHER, OWN]


def test_a_pair_that_two_workers_served_is_learned_once(make: Make) -> None:
    """It was one wrong judgement, however often it was used."""
    (a, asked), (b, knows) = make(), make()
    for reports in (asked, knows):
        reports.known = {OTHER: Quarantined(OWN, PAIR)}
    assert asyncio.run(reported(a, OTHER, b)) == Dropped(2)
    assert (asked.learned, knows.learned) == ([PAIR], [])


def test_a_worker_that_hangs_is_told_of_and_follows(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report comes back, and the worker quarantines when it wakes."""
    monkeypatch.setattr(fellows, "_PATIENCE_SECS", 0.1)
    (a, _), (hangs, knows) = make(), make()
    knows.known = {OWN: Quarantined(OWN, None)}
    assert asyncio.run(a.report(TENANT, OWN)) == Dropped(0, pending=1)
    hangs.tick()
    assert knows.known == {}


def test_an_exact_entry_can_be_reported(tmp_path: Path) -> None:
    """Without a semantic cache the entry is removed from the store."""
    from tests.server.test_fellows import entries, keep

    stats = Stats()
    worker = Fellow(store(stats=stats), stats, tmp_path)
    key = keep(worker, "q", "r")
    assert asyncio.run(worker.report(TENANT, key)) == Dropped(1)
    assert entries(worker) == 1
    worker.leave()
