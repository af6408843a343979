"""What has been used of quotas, over restarts and workers."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from isartor.usage.ledger import Amount, Ledger
from isartor.usage.windows import windows
from tests.usage.making import DAY, NOON, Clock

NAMES = ["provider openai", "gateway key a"]
NOTHING = Amount()


def begun(folder: Path | None, clock: Clock | None = None, names: list[str] | None = None) -> Ledger:
    ledger = Ledger(folder, clock=clock or Clock())
    ledger.open(names or NAMES)
    return ledger


def spend(ledger: Ledger, tokens: int, name: str = NAMES[0], now: float = NOON) -> None:
    ledger.settle(ledger.account(name), windows(now).ids, NOTHING, Amount(tokens, tokens * 10))


def used(ledger: Ledger, name: str = NAMES[0], now: float = NOON) -> tuple[int, int]:
    """Tokens used today, tokens reserved."""
    amounts, reserved = ledger.used(ledger.account(name), windows(now).ids)
    assert amounts[0].nanos == amounts[0].tokens * 10
    return amounts[0].tokens, reserved.tokens


def test_counts_survive_a_restart_and_reservations_do_not(tmp_path: Path) -> None:
    """The calls have ended with the worker that made them."""
    first = begun(tmp_path)
    spend(first, 70)
    first.reserve(first.account(NAMES[0]), Amount(500))
    assert used(first) == (70, 500)
    first.close()
    second = begun(tmp_path)
    assert used(second) == (70, 0)
    assert len(list(tmp_path.glob("*.ledger"))) == 1
    second.close()


def test_a_look_is_no_worker(tmp_path: Path) -> None:
    """It sees what is used, leaves no trace, and a quota that nobody has counted is still a new one."""
    first = begun(tmp_path, names=NAMES[:1])
    spend(first, 70)
    before = sorted(path.name for path in tmp_path.iterdir())
    eye = Ledger(tmp_path, clock=Clock())
    eye.peek()
    assert (used(eye), used(eye, NAMES[1])) == ((70, 0), (0, 0))
    eye.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    second = Ledger(tmp_path, clock=Clock())
    assert second.open(NAMES) == NAMES[1:]
    second.close()
    first.close()


def test_workers_see_what_the_others_use_and_reserve(tmp_path: Path) -> None:
    """At once, though each writes only a file of its own."""
    ledgers = [begun(tmp_path) for _ in range(3)]
    for ledger in ledgers:
        ledger.tick()
    for number, ledger in enumerate(ledgers):
        spend(ledger, 10**number)
        ledger.reserve(ledger.account(NAMES[1]), Amount(5))
    assert [used(ledger) for ledger in ledgers] == [(111, 0)] * 3
    assert [used(ledger, NAMES[1]) for ledger in ledgers] == [(0, 15)] * 3
    ledgers[0].close()
    assert used(ledgers[1]) == (111, 0)
    again = begun(tmp_path)
    assert used(again) == (111, 0)
    assert len(list(tmp_path.glob("*.ledger"))) == 3
    for ledger in [again, *ledgers[1:]]:
        ledger.close()


def test_a_worker_that_has_gone_reserves_nothing(tmp_path: Path) -> None:
    """One that was killed says so by its silence; what it had used stays."""
    clock = Clock()
    gone, other = begun(tmp_path, clock), begun(tmp_path, clock)
    spend(gone, 3)
    gone.tick()
    gone.reserve(gone.account(NAMES[0]), Amount(500))
    other.tick()
    assert used(other) == (3, 500)
    clock.now += 60
    other.tick()
    assert used(other) == (3, 0)
    gone.tick()
    other.tick()
    assert used(other) == (3, 500)
    for ledger in (gone, other):
        ledger.close()


def test_a_window_that_is_over_counts_for_nothing(tmp_path: Path) -> None:
    """Neither one's own nor another's."""
    one, two = begun(tmp_path), begun(tmp_path)
    one.tick()
    spend(one, 5)
    spend(two, 5)
    assert used(one, now=NOON + DAY) == (0, 0)
    assert used(two, now=NOON + DAY) == (0, 0)
    for ledger in (one, two):
        ledger.close()


def test_only_the_first_that_has_a_quota_calls_it_new(tmp_path: Path) -> None:
    """So that what was used before is added once."""
    first = Ledger(tmp_path, clock=Clock())
    assert first.open(NAMES) == NAMES
    second = Ledger(tmp_path, clock=Clock())
    assert second.open([*NAMES, "provider groq"]) == ["provider groq"]
    first.close()
    second.close()
    third = Ledger(tmp_path, clock=Clock())
    assert third.open([*NAMES, "provider groq"]) == []
    third.close()


def test_a_quota_that_is_not_configured_for_a_while_keeps_its_counts(tmp_path: Path) -> None:
    """A file holds more than its worker asks for."""
    first = begun(tmp_path)
    spend(first, 5)
    spend(first, 6, NAMES[1])
    first.close()
    second = begun(tmp_path, names=["provider groq", NAMES[1]])
    spend(second, 1, NAMES[1])
    spend(second, 9, "provider groq")
    second.close()
    third = begun(tmp_path, names=[*NAMES, "provider groq"])
    assert (used(third), used(third, NAMES[1]), used(third, "provider groq")) == ((5, 0), (7, 0), (9, 0))
    third.close()


@pytest.mark.parametrize("content", [b"x", b"isartor-quota-1\n", b"isartor-quota-1\n" + b"\xff" * 200, b"\0" * 500])
def test_a_file_that_is_none_of_ours_begins_anew(tmp_path: Path, content: bytes) -> None:
    """And half a record is none."""
    (tmp_path / "quota-0.ledger").write_bytes(content)
    (tmp_path / "quota-1.ledger").write_bytes(content)
    ledger = begun(tmp_path)
    ledger.tick()
    spend(ledger, 4)
    assert used(ledger) == (4, 0)
    ledger.close()
    again = begun(tmp_path)
    assert used(again) == (4, 0)
    again.close()


def test_nobody_waits_for_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written is remembered, told, and written when it can be."""
    ledger = begun(tmp_path)
    write = os.pwrite

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    spend(ledger, 5)
    ledger.tick()
    assert used(ledger) == (5, 0)
    assert ledger.fault == "quotas are not kept on disk: No space left on device"
    monkeypatch.setattr(os, "pwrite", write)
    ledger.tick()
    assert ledger.fault == ""
    ledger.close()
    again = begun(tmp_path)
    assert used(again) == (5, 0)
    again.close()


def test_a_folder_that_cannot_be_made_is_tried_again(tmp_path: Path) -> None:
    """Until then the worker counts alone, and what it counted is not lost."""
    (tmp_path / "usage").write_text("in the way")
    before = begun(tmp_path / "before")
    spend(before, 7)
    before.close()
    ledger = begun(tmp_path / "usage")
    spend(ledger, 5)
    assert ledger.fault
    (tmp_path / "usage").unlink()
    (tmp_path / "before").rename(tmp_path / "usage")
    ledger.tick()
    assert (used(ledger), ledger.fault) == ((12, 0), "")
    ledger.close()


def test_without_a_folder_it_is_only_remembered() -> None:
    """As for a user without a home."""
    ledger = begun(None)
    spend(ledger, 5)
    ledger.tick()
    assert used(ledger) == (5, 0)
    ledger.close()
    assert repr(ledger) == "<Ledger 2 quotas, 0 other files, well>"


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    """What is used of a quota is nobody else's business."""
    ledger = begun(tmp_path / "usage")
    assert (tmp_path / "usage").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "usage").iterdir()} == {0o600}
    ledger.close()


KILLED = """
import sys
from pathlib import Path
from tests.usage.test_ledger import NAMES, Amount, begun, spend
ledger = begun(Path(sys.argv[1]))
ledger.reserve(ledger.account(NAMES[0]), Amount(1000))
for number in range(1, 10**9):
    spend(ledger, 1)
    if number % 100 == 0:
        print(number, flush=True)
"""


def test_a_kill_loses_nothing_that_was_counted(tmp_path: Path) -> None:
    """What the worker had settled is in the file, and the next one takes it over."""
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 1000:
            pass
        process.kill()
        last = [int(line) for line in process.stdout.read().splitlines() if line.isdigit()]
    ledger = begun(tmp_path)
    tokens, reserved = used(ledger)
    assert tokens >= max(last, default=1000)
    assert reserved == 0
    ledger.close()


def test_what_is_set_aside_is_not_written_while_nobody_else_looks(tmp_path: Path) -> None:
    """One worker alone writes once a call, when it is over; it knows by itself what it has set aside."""
    ledger = begun(tmp_path)
    before = (tmp_path / "quota-0.ledger").read_bytes()
    ledger.reserve(ledger.account(NAMES[0]), Amount(500))
    assert (tmp_path / "quota-0.ledger").read_bytes() == before
    assert used(ledger) == (0, 500)
    ledger.close()
