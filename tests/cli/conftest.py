"""Fixtures of the command-line tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.running import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell in an empty home; a gateway that a test leaves behind is killed."""
    running = Shell(tmp_path)
    yield running
    if (running.home / ".isartor" / "isartor.pid").exists():
        running.run("stop", "--force")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process moved into an empty home and working directory, without settings in its environment."""
    import os

    for name in [name for name in os.environ if name.upper().startswith("ISARTOR")]:
        monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path
