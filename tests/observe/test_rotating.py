"""A log that begins anew when it is full."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from isartor.observe.rotating import Rotating, generation


def test_it_is_put_aside_when_it_is_full(tmp_path: Path) -> None:
    """Each file stays below its limit, five old ones are kept, and only their owner may read them."""
    path = tmp_path / "folder" / "requests.log"
    log = Rotating(path, max_bytes=100)
    for number in range(200):
        log.append(f"{number:019}\n".encode())
    log.close()
    files = [generation(path, number) for number in range(6)]
    assert all(file.stat().st_size == 100 for file in files)
    assert not generation(path, 6).exists()
    lines = [line for file in reversed(files) for line in file.read_text().split()]
    assert [int(line) for line in lines] == list(range(170, 200))
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_line_longer_than_the_file_may_be_is_written(tmp_path: Path) -> None:
    """Alone in its file."""
    path = tmp_path / "requests.log"
    log = Rotating(path, max_bytes=10)
    log.append(b"x" * 50 + b"\n")
    log.append(b"short\n")
    assert (path.read_bytes(), generation(path, 1).stat().st_size) == (b"short\n", 51)


def test_what_a_killed_process_left_is_ended(tmp_path: Path) -> None:
    """A torn line stays alone."""
    path = tmp_path / "requests.log"
    path.write_bytes(b'{"a":1}\n{"b"')
    Rotating(path).append(b'{"c":3}\n')
    assert path.read_bytes() == b'{"a":1}\n{"b"\n{"c":3}\n'


def test_a_full_disk_leaves_no_part_of_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could be written of a batch is taken back, and the error is told."""
    path = tmp_path / "requests.log"
    log = Rotating(path)
    log.append(b"first\n")
    write = os.write
    calls: list[int] = []

    def full(handle: int, content: memoryview) -> int:
        calls.append(handle)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return write(handle, content[:3])

    monkeypatch.setattr("isartor.observe.rotating.os.write", full)
    with pytest.raises(OSError, match="No space left"):
        log.append(b"second\n")
    assert path.read_bytes() == b"first\n"


def _write(path: Path, who: int) -> None:
    log = Rotating(path, max_bytes=2000, generations=200)
    for number in range(500):
        log.append(f"{who}:{number}:{'x' * (number % 50)}\n".encode())


def test_processes_share_it(tmp_path: Path) -> None:
    """Four processes write and put aside at the same time: every line is whole, none is lost."""
    path = tmp_path / "requests.log"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write, args=(path, who)) for who in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    lines = [line for file in tmp_path.glob("requests.log*") for line in file.read_text().splitlines()]
    expected = {f"{who}:{number}:{'x' * (number % 50)}" for who in range(4) for number in range(500)}
    assert len(lines) == len(expected)
    assert set(lines) == expected
