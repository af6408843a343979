"""`Shared`: numbers that workers share."""

from __future__ import annotations

import logging
import multiprocessing
import os
from pathlib import Path

import pytest

from isartor.stack.limits.cells import Memory, Shared


def _count(folder: Path, times: int) -> None:
    cells = Shared(2, folder)
    for _ in range(times):
        cells.change(1, lambda number: number + 1)


def test_processes_lose_no_change(tmp_path: Path) -> None:
    """All of them change one number at once."""
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_count, args=(tmp_path, 2000)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    cells = Shared(2, tmp_path)
    assert (cells.look(0), cells.look(1)) == (0, 6000)
    cells.close()
    assert (tmp_path / "rates").stat().st_mode & 0o777 == 0o600


def test_a_number_nobody_wrote_is_zero(tmp_path: Path) -> None:
    """In memory as in the file."""
    for cells in (Memory(3), Shared(3, tmp_path)):
        assert [cells.look(place) for place in range(3)] == [0, 0, 0]
        cells.change(2, lambda number: number - 1.5)
        assert [cells.look(place) for place in range(3)] == [0, 0, -1.5]


def test_a_file_that_fails_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker counts on alone, and says so once."""
    cells = Shared(1, tmp_path)
    cells.change(0, lambda number: number + 1)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING, "isartor.stack"):
        patched.setattr(os, "pread", full)
        patched.setattr(os, "pwrite", full)
        for _ in range(3):
            cells.change(0, lambda number: number + 1)
        assert cells.look(0) == 4
    assert [record.getMessage() for record in caplog.records] == [
        "rate limits are not shared between workers: No space left on device"
    ]
    cells.close()
