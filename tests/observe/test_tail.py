"""The end of a log, and what comes after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from isartor.observe.rotating import Rotating
from isartor.observe.tail import Follower, last_lines


@pytest.mark.parametrize("count", [0, 1, 3, 10])
@pytest.mark.parametrize("content", ["", "a\n", "a", "a\nb\nc\nd", "a\r\nb\x85b\u2028b\n", "x" * 200_000 + "\ny\n"])
def test_the_last_lines_are_those_of_a_plain_split(tmp_path: Path, content: str, count: int) -> None:
    """However long they are; what only Unicode calls a line end ends none."""
    path = tmp_path / "log"
    path.write_bytes(content.encode())
    lines = content.replace("\r\n", "\n").removesuffix("\n").split("\n") if content else []
    assert last_lines(path, count) == (lines[-count:] if count else [])


def test_nothing_is_lost_when_the_log_is_put_aside(tmp_path: Path) -> None:
    """A follower that looks seldom gets every line once, in order, across several files."""
    path = tmp_path / "requests.log"
    log = Rotating(path, max_bytes=100)
    log.append(b"before\n")
    follower = Follower(path)
    seen = ""
    for number in range(60):
        log.append(f"line {number:04} é\n".encode())
        if number % 17 == 0:
            seen += "".join(follower.read())
    seen += "".join(follower.read()) + "".join(follower.read())
    follower.close()
    assert seen.split("\n")[:-1] == [f"line {number:04} é" for number in range(60)]


def test_a_fresh_log_shows_the_end_of_the_one_before(tmp_path: Path) -> None:
    """So that the last lines are there right after a file was put aside."""
    path = tmp_path / "requests.log"
    log = Rotating(path, max_bytes=30)
    for number in range(8):
        log.append(f"line {number}\n".encode())
    follower = Follower(path)
    assert follower.lines(5) == [f"line {number}" for number in range(3, 8)]
    follower.close()


def test_a_log_that_is_cut_begins_anew(tmp_path: Path) -> None:
    """As by a user who empties it."""
    path = tmp_path / "isartor.log"
    path.write_text("old and long\n")
    follower = Follower(path)
    path.write_text("new\n")
    assert "".join(follower.read()) == "new\n"
    path.unlink()
    assert "".join(follower.read()) == ""
    path.write_text("again\n")
    assert "".join(follower.read()) == "again\n"
    follower.close()
