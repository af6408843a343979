"""Log lines: their form, and what never stands in them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from isartor.config import Secret
from isartor.observe import logs

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("isartor.test")


@pytest.fixture(autouse=True)
def _untouched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions
    monkeypatch.delenv("ISARTOR_DEBUG", raising=False)
    monkeypatch.setattr(logs, "_known", set())
    yield
    root.handlers[:], root.level, logging.raiseExceptions = before


def test_a_record_is_one_line_of_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    """A record becomes `key=value` pairs on one line; what is more than a word is quoted."""
    logs.setup("info")
    log.info("two\nlines", extra={"port": 8080, "path": "/v1 x"})
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert 'level=info logger=isartor.test message="two\\nlines" port=8080 path="/v1 x"' in line
    assert line.startswith("time=20")


def test_the_level_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """Less severe records than the level are not written."""
    logs.setup("warning")
    log.info("quiet")
    log.warning("loud")
    assert "quiet" not in (err := capsys.readouterr().err)
    assert "loud" in err


@pytest.mark.parametrize("level", ["info", "debug"])
def test_an_exception_is_one_line(capsys: pytest.CaptureFixture[str], level: str) -> None:
    """An exception is its type, text and place; the trace is added at level debug only, on the same line."""
    logs.setup(level)
    try:
        int("many")
    except ValueError:
        log.exception("failed")
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert 'error="ValueError: invalid literal' in line
    assert "raised_in=test_logs.py:" in line
    assert ("Traceback" in line) == (level == "debug")


def test_known_secrets_are_masked_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    """A configured secret appears in no message, field or exception, even one that needs quoting."""
    secret = 'hunter2"with quote'
    logs.setup("debug", secrets=[Secret(secret), None])
    try:
        int(secret)
    except ValueError:
        log.exception("key is %s", secret, extra={"key": secret})
    assert "hunter2" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "authorization: Bearer hunter2hunter2",
        "sk-proj-hunter2hunter2",
        "sk-ant-hunter2hunter2",
        "https://x/v1beta/models?alt=sse&key=hunter2hunter2",
        "AIzahunter2hunter2hunter2hunter2",
        "https://user:hunter2hunter2@x.example/",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    """Credentials that nobody told the logger are recognised by their form."""
    assert "hunter2" not in logs.redact(text)
