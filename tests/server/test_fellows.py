"""Several workers that act as one. Each `Fellow` here stands for a process of its own."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from isartor._native import Stats
from isartor.config import Config
from isartor.server import fellows, run
from isartor.server.fellows import Dropped, Fellow, State, Worker, merged
from isartor.stack.l1b.figures import Figures, page
from isartor.wiring import Gateway
from tests.native.reading import chat, complete, encoded, head, store

Make = Callable[[], Fellow]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make workers that share a folder; those that still live leave at the end."""
    made: list[Fellow] = []

    def one() -> Fellow:
        stats = Stats()
        made.append(Fellow(store(stats=stats), stats, tmp_path))
        return made[-1]

    yield one
    for fellow in made:
        fellow.leave()


def end(worker: Fellow) -> None:
    """Let a worker leave before the test's end."""
    worker.leave()
    worker.leave = lambda: None


def keep(worker: Worker, *prompts: str) -> str:
    """Store a reply to each prompt; return the last key."""
    by, last = worker._store, ""
    for prompt in prompts:
        request = by.read(head("chat"), encoded(chat(prompt)))
        assert by.store(head("chat"), request, complete()) is None
        last = request.key
    return last


def entries(worker: Worker) -> int:
    """Count what its own store holds."""
    return worker._store.size()["entries"]


def count(worker: Worker, number: int, layer: str = "l3", status: int = 200) -> None:
    """Count requests."""
    for _ in range(number):
        worker._stats.record(head("chat"), route="/v1/chat/completions", layer=layer, status=status)


async def dropped(by: Fellow, key: str | None, others: list[Fellow]) -> Dropped:
    """Invalidate by one worker while the others' clocks run."""

    async def clocks() -> None:
        while True:
            for other in others:
                other.tick()
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(clocks())
    try:
        return await by.drop(head("chat").tenant, key)
    finally:
        ticking.cancel()


def test_what_one_removes_all_remove(make: Make) -> None:
    """Everything of the tenant is gone from every worker when the call comes back, and all of it is counted."""
    a, b, c = make(), make(), make()
    for worker, number in ((a, 1), (b, 2), (c, 3)):
        keep(worker, *(f"q{place}" for place in range(number)))
    assert asyncio.run(dropped(a, None, [b, c])) == Dropped(6)
    assert [entries(worker) for worker in (a, b, c)] == [0, 0, 0]


def test_one_key_is_removed_everywhere_and_nothing_else(make: Make) -> None:
    """Also if the worker that was asked does not have it."""
    a, b = make(), make()
    keep(a, "other")
    key = keep(b, "other", "this")
    assert asyncio.run(dropped(a, key, [b])) == Dropped(1)
    assert (entries(a), entries(b)) == (1, 1)
    assert asyncio.run(dropped(b, key, [a])) == Dropped(0)


def test_another_tenants_entries_stay(make: Make) -> None:
    """The line names the tenant."""
    a, b = make(), make()
    keep(b, "q")

    async def drop() -> Dropped:
        asked = asyncio.create_task(a.drop(b"x" * 16, None))
        while not asked.done():
            b.tick()
            await asyncio.sleep(0.01)
        return asked.result()

    assert asyncio.run(drop()) == Dropped(0)
    assert entries(b) == 1


@pytest.mark.parametrize("key", ["", "nothing", 'a"\n{"type":"drop"}', "x" * 64, "é" * 64, "\n" * 64])
def test_a_key_is_any_text(key: str, make: Make) -> None:
    """What a client calls a key neither breaks the log nor gets into it as a line of its own."""
    a, b = make(), make()
    keep(b, "q")
    assert asyncio.run(dropped(a, key, [b])) == Dropped(0)
    assert entries(b) == 1
    assert asyncio.run(dropped(a, None, [b])) == Dropped(1)


def test_two_that_ask_at_once_wait_for_each_other_and_end(make: Make) -> None:
    """A worker that waits does what the others ask."""
    a, b = make(), make()
    keep(a, "q")
    keep(b, "q")

    async def both() -> list[Dropped]:
        tenant = head("chat").tenant
        return await asyncio.gather(a.drop(tenant, None), b.drop(tenant, None))

    assert sum(each.removed for each in asyncio.run(both())) == 2
    assert (entries(a), entries(b)) == (0, 0)


def test_nobody_waits_for_the_dead(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker whose lock is free has ended, with or without a farewell."""
    monkeypatch.setattr(fellows, "_PATIENCE_SECS", 3600.0)
    a, gone, killed = make(), make(), make()
    end(gone)
    fcntl.flock(killed._lock, fcntl.LOCK_UN)
    assert asyncio.run(a.drop(head("chat").tenant, None)) == Dropped(0)


def test_who_does_not_answer_is_told_of(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that lives and hangs is not waited for without end, and does it when it wakes."""
    monkeypatch.setattr(fellows, "_PATIENCE_SECS", 0.1)
    a, hangs = make(), make()
    keep(hangs, "q")
    assert asyncio.run(a.drop(head("chat").tenant, None)) == Dropped(0, pending=1)
    assert entries(hangs) == 1
    hangs.tick()
    assert entries(hangs) == 0
    a.tick()


def test_a_new_worker_does_not_repeat_the_past(make: Make, tmp_path: Path) -> None:
    """What was removed before it came is not answered for; what comes after is."""
    a = make()
    asyncio.run(a.drop(head("chat").tenant, None))
    b = make()
    assert b"done" not in (tmp_path / "log").read_bytes()
    keep(b, "q")
    assert asyncio.run(dropped(a, None, [b])) == Dropped(1)


def test_half_a_line_waits_for_its_rest(make: Make, tmp_path: Path) -> None:
    """A line counts when its end has come; one that is no event is passed over."""
    a = make()
    keep(a, "q")
    line = msgspec.json.encode(fellows.Drop("1-x", 1, head("chat").tenant, None)) + b"\n"
    with (tmp_path / "log").open("ab", buffering=0) as log:
        log.write(b"{}\n" + line[:20])
        a.tick()
        a.tick()
        assert entries(a) == 1
        log.write(line[20:])
    a.tick()
    assert entries(a) == 0


def test_a_long_log_is_read_to_its_end(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces of any size."""
    monkeypatch.setattr(fellows, "_CHUNK", 7)
    a, b = make(), make()
    for _ in range(5):
        keep(b, "q")
        assert asyncio.run(dropped(a, None, [b])) == Dropped(1)
    assert a._read == b._read == (tmp_path / "log").stat().st_size


def test_counts_add_up(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any worker tells the sums of all, and the latest requests of all in their order."""
    monkeypatch.setattr(fellows, "_TELL_SECS", 0.0)
    a, b = make(), make()
    for worker, number in ((a, 2), (b, 3), (a, 1)):
        count(worker, number)
    count(b, 1, "l2")
    keep(a, "q")
    keep(b, "q", "r")
    a.tick()
    b.tick()
    for worker in (a, b):
        state = worker.state(5)
        assert state.totals["total_prompts"] == 7
        assert state.totals["by_layer"] == {"l3": 6, "l2": 1}
        assert [row["requests"] for row in state.agents.values()] == [7]
        assert all(
            type(value) is int for row in state.agents.values() for name, value in row.items() if "_ms" not in name
        )
        assert state.cache["entries"] == 3
        assert len(state.recent) == 5
        times = [answered["timestamp_ms"] for answered in state.recent]
        assert times == sorted(times, reverse=True)
        assert state.born == a._born


def test_a_workers_own_numbers_are_live(make: Make) -> None:
    """Only those of the others are up to a second old."""
    a = make()
    count(a, 3)
    assert a.state(0).totals["total_prompts"] == 3


def test_the_dead_keep_their_counts_and_lose_their_cache(make: Make) -> None:
    """A worker that leaves writes its last numbers; what was in its memory is gone."""
    a, b = make(), make()
    count(b, 4)
    keep(b, "q")
    end(b)
    state = a.state(10)
    assert (state.totals["total_prompts"], len(state.recent)) == (4, 4)
    assert state.cache["entries"] == 0
    c = make()
    count(c, 1)
    end(c)
    assert a.state(0).totals["total_prompts"] == 5


def test_the_semantic_cache_adds_up_and_the_dead_lose_its_index() -> None:
    """Sums are added at any depth; from them come one rate and one interval for all workers."""
    figures = Figures()
    figures.served = 4
    figures.risk = 0.02
    figures.audits["agree"] = 20
    figures.audits["disagree"] = 1
    sums = figures.sums() | {"entries": 3, "scopes": 1, "bytes": 100}
    states = [State(1.0, {}, {}, [], {}, sums), State(1.0, {}, {}, [], {}, figures.sums()), State(1.0, {}, {}, [], {})]
    shown = page(merged(states, 0).semantic, {"policy": "verified"})
    assert (shown["policy"], shown["served"], shown["expected_error_rate"]) == ("verified", 8, 0.005)
    observed = shown["observed_error_rate"]
    assert (observed["audits"], observed["rate"]) == (42, pytest.approx(2 / 42))
    assert observed["low"] < observed["rate"] < observed["high"]
    assert shown["index"] == {"added": 0, "entries": 3, "scopes": 1, "bytes": 100}
    nothing = page({}, {})
    assert nothing["expected_error_rate"] is nothing["mean_similarity"] is None
    assert nothing["observed_error_rate"] == {"rate": None, "low": None, "high": None, "audits": 0}


def test_averages_weigh_by_requests() -> None:
    """One slow request does not outweigh nine fast ones."""

    def state(requests: int, average: float) -> State:
        return State(1.0, {}, {"codex": {"requests": requests, "average_latency_ms": average}}, [], {})

    both = merged([state(9, 10.0), state(1, 110.0), state(0, 0.0)], 0)
    assert both.agents == {"codex": {"requests": 10, "average_latency_ms": pytest.approx(20.0)}}


def test_a_state_is_written_only_when_it_changed(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most once a second, and not while nothing happens."""
    a = make()
    path = tmp_path / f"{a._name}.json"
    first = path.stat().st_ino
    count(a, 1)
    a.tick()
    assert path.stat().st_ino == first
    monkeypatch.setattr(fellows, "_TELL_SECS", 0.0)
    a.tick()
    second = path.stat().st_ino
    assert second != first
    a.tick()
    assert path.stat().st_ino == second
    assert list(tmp_path.glob("*.draft")) == []


def test_a_lost_folder_stops_nothing(make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Workers go on by themselves, and say so once."""
    a = make()
    shutil.rmtree(tmp_path)
    for _ in range(3):
        count(a, 1)
        a._told_at = 0.0
        a.tick()
    assert len(caplog.records) == 1
    assert a.state(0).totals["total_prompts"] == 3


def test_one_worker_has_no_folder_and_no_clock(tmp_path: Path) -> None:
    """What serves several workers is not there for one."""

    async def timers(folder: Path | None) -> int:
        gateway = Gateway(msgspec.structs.replace(Config(), demo=True), folder)
        gateway.start(asyncio.get_running_loop())
        assert type(gateway.worker) is (Worker if folder is None else Fellow)
        gateway.stop(asyncio.get_running_loop())
        return len(gateway._timers)

    assert asyncio.run(timers(tmp_path)) == asyncio.run(timers(None)) + 1


@pytest.mark.parametrize("workers", [1, 2])
def test_the_folder_is_private_and_goes_with_the_run(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made for several workers only, for the owner only, and removed however the run ends."""
    seen: list[Path | None] = []

    class FakeGranian:
        def __init__(self, *_: Any, **options: Any) -> None:
            assert options["workers"] == workers

        def serve(self, *, target_loader: Any, wrap_loader: bool) -> None:
            folder = target_loader.args[1]
            seen.append(folder)
            if folder is not None:
                assert stat.S_IMODE(folder.stat().st_mode) == 0o700
                (folder / "log").write_bytes(b"x")
            raise SystemExit(3)

    monkeypatch.setattr("granian.Granian", FakeGranian)
    config = Config()
    config = msgspec.structs.replace(config, server=msgspec.structs.replace(config.server, workers=workers))
    assert run.serve(config) == 3
    [folder] = seen
    assert folder is None if workers == 1 else folder is not None and not folder.exists()
