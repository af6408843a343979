"""`Outcomes`: what is learned, kept in a file that several processes write."""

from __future__ import annotations

import logging
import math
import os
import stat
from pathlib import Path

import pytest

from isartor.stack.l1b.outcomes import NEWEST, Outcomes
from isartor.stack.l1b.policy import Outcome

MODEL = "0123456789abcdef"


def outcome(score: float = 3.0, *, right: bool = True) -> Outcome:
    return Outcome(similarity=0.9, score=score, right=right, source="audit")


def opened(file: Path | None, model: str = MODEL) -> Outcomes:
    return Outcomes(file, model=model, clock=lambda: 1_700_000_000.9)


def test_outcomes_outlive_a_process(tmp_path: Path) -> None:
    """What one process writes, the next one reads, in order; the file is its owner's alone."""
    file = tmp_path / "new" / "outcomes.jsonl"
    first = opened(file)
    assert first.load() == []
    given = [outcome(1.5), outcome(-math.inf, right=False), outcome(2.5, right=False)]
    for each in given:
        first.add(each)
    assert opened(file).load() == given
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_line_has_no_text_and_no_key(tmp_path: Path) -> None:
    """Similarity, score, right or wrong, source, time, verifier and process: nothing else."""
    file = tmp_path / "o"
    opened(file).add(outcome(1.23456789))
    line = file.read_text()
    assert line.count("\n") == 1
    assert line.startswith(
        '{"time":1700000000,"similarity":0.9,"right":true,"source":"audit","model":"0123456789abcdef"'
    )
    assert line.endswith('"score":1.2346}\n')


def test_several_processes_hear_of_each_other(tmp_path: Path) -> None:
    """Each gets what the others have written since its last look, and never its own."""
    file = tmp_path / "o"
    one, two = opened(file), opened(file)
    one.load()
    two.load()
    one.add(outcome(1))
    two.add(outcome(2))
    assert one.grown() == [outcome(2)]
    assert two.grown() == [outcome(1)]
    assert one.grown() == two.grown() == []
    one.add(outcome(3))
    assert two.grown() == [outcome(3)]


def test_another_verifiers_outcomes_are_left_alone(tmp_path: Path) -> None:
    """Scores of two verifiers mean different things."""
    file = tmp_path / "o"
    opened(file, "other").add(outcome())
    reader = opened(file)
    assert reader.load() == []
    assert reader.unreadable == 0


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"\xff\xfe", b"[]", b'{"time":1}', b'{"similarity":"x"}', b"x" * 100_000, b"\x00" * 10],
)
def test_unreadable_lines_are_skipped_and_counted(tmp_path: Path, line: bytes) -> None:
    """Whatever stands between good lines, the good ones count."""
    file = tmp_path / "o"
    opened(file).add(outcome(1))
    with file.open("ab") as stream:
        stream.write(line + b"\n")
    opened(file).add(outcome(2))
    reader = opened(file)
    assert reader.load() == [outcome(1), outcome(2)]
    assert reader.unreadable == 1


def test_a_line_that_is_still_being_written_is_read_later(tmp_path: Path) -> None:
    """Half a line at the end is no fault: it is read once it is whole."""
    file = tmp_path / "o"
    opened(file).add(outcome(1))
    whole = file.read_bytes()
    reader = opened(file)
    reader.load()
    with file.open("ab") as stream:
        stream.write(whole[:40])
        stream.flush()
        assert reader.grown() == []
        stream.write(whole[40:])
    assert reader.grown() == [outcome(1)]
    assert reader.unreadable == 0


def test_of_a_long_file_the_newest_are_read_and_kept(tmp_path: Path) -> None:
    """At most 10,000 are read; a file that has grown out of hand is cut down to them."""
    file = tmp_path / "o"
    opened(file).add(outcome(1))
    line = file.read_bytes()
    file.write_bytes(line * 40_000)
    opened(file).add(outcome(7))
    other = opened(file)
    other.grown()
    reader = opened(file)
    found = reader.load()
    assert len(found) == NEWEST
    assert found[-1] == outcome(7)
    assert file.stat().st_size < 10_100 * len(line)
    assert reader.grown() == other.grown() == []
    other.add(outcome(8))
    assert reader.grown() == [outcome(8)]
    assert other.grown() == []


def test_nowhere_is_fine() -> None:
    """Without a home nothing is kept, and nothing is said."""
    nowhere = opened(None)
    nowhere.add(outcome())
    assert nowhere.load() == nowhere.grown() == []


def test_a_home_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One warning, however many outcomes follow."""
    (tmp_path / "file").write_text("")
    nowhere = opened(tmp_path / "file" / "o")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            nowhere.add(outcome())
            assert nowhere.load() == nowhere.grown() == []
    assert len(caplog.records) == 1
    assert os.path.basename(str(tmp_path)) in caplog.text
