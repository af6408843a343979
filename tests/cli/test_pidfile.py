"""The pid file belongs to one living gateway."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from isartor.cli import pidfile

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, time
from pathlib import Path
from isartor.cli import pidfile
with pidfile.held(Path(sys.argv[1])) as other:
    print(other.pid if other else 0, flush=True)
    sys.stdin.read()
"""


def _holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip().isdigit()
    return process


def test_a_held_file_names_its_holder(tmp_path: Path) -> None:
    """While a gateway runs, the file holds its number alone and only its owner may read it."""
    path = tmp_path / "pid"
    with pidfile.held(path) as other:
        assert other is None
        assert path.read_text() == f"{os.getpid()}\n"
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()
    assert pidfile.running(path) is None


def test_another_process_sees_who_runs(tmp_path: Path) -> None:
    """A second process finds the first, does not take its file, and leaves it at its end."""
    path = tmp_path / "pid"
    with _holder(path) as first:
        assert pidfile.running(path) == pidfile.Running(first.pid)
        with pidfile.held(path) as other:
            assert other == pidfile.Running(first.pid)
        assert path.exists()
        first.communicate("", 10)
    assert not path.exists()


def test_a_killed_gateways_file_is_left_over(tmp_path: Path) -> None:
    """After a crash the file names nobody and can be taken again."""
    path = tmp_path / "pid"
    with _holder(path) as first:
        first.kill()
    assert path.exists()
    assert pidfile.running(path) is None
    with pidfile.held(path) as other:
        assert other is None
        assert path.read_text() == f"{os.getpid()}\n"


@pytest.mark.parametrize("content", ["", "x", "-5", "0", "1", "99999999", pytest.param(str(os.getpid()), id="our own")])
def test_a_file_that_nobody_holds_names_nobody(tmp_path: Path, content: str) -> None:
    """Whatever stands in a file without a holder, no process is taken for the gateway."""
    path = tmp_path / "pid"
    path.write_text(content)
    assert pidfile.running(path) is None
