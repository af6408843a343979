"""No trace reaches a user."""

from __future__ import annotations

import pytest

from isartor.cli.failures import CommandError, guarded
from isartor.errors import ConfigError


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConfigError("port must be"), "isartor: port must be\n"),
        (CommandError("two\nlines\x1b[31m"), "isartor: two lines [31m\n"),
        (PermissionError(13, "Permission denied", "/x"), "isartor: Permission denied: /x\n"),
        (ZeroDivisionError("oops"), "isartor: internal error: ZeroDivisionError: oops (ISARTOR_DEBUG=1 shows where)\n"),
        (CommandError("Bearer abcdefghijkl"), "isartor: Bearer ***\n"),
    ],
)
def test_an_error_is_one_line(
    error: Exception, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a command raises becomes one clean line on stderr and exit code 1."""
    monkeypatch.delenv("ISARTOR_DEBUG", raising=False)

    def failing() -> int:
        raise error

    assert guarded(failing) == 1
    assert capsys.readouterr() == ("", line)


def test_the_trace_can_be_asked_for(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With `ISARTOR_DEBUG=1` the trace follows the line."""
    monkeypatch.setenv("ISARTOR_DEBUG", "1")
    assert guarded(lambda: int("x")) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_no_error_message(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C ends a command quietly with code 1."""

    def interrupted() -> int:
        raise KeyboardInterrupt

    assert guarded(interrupted) == 1
    assert capsys.readouterr() == ("", "")
