"""`isartor cache list`, `report` and `invalidate` against a gateway that answers as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner

from isartor.cli.app import app
from isartor.cli.cache.list import age, size
from isartor.cli.main import main

KEYS = ["3f9c1e07a2b4" + "0" * 52, "3f9c1e07a2b4" + "1" * 52, "77777777777777" + "2" * 50]
ENTRIES = [
    {
        "key": KEYS[0],
        "endpoint": "streamGenerateContent",
        "model": "a-model-with-a-very-long-name-2026-01-31",
        "question": "What does [red]HTTP[/red]\x1b[31m status\n429 mean, and what should a client do when it gets one?",
        "age_secs": 7300,
        "bytes": 2_600_000,
        "keys": 12,
    },
    {"key": KEYS[1], "endpoint": "chat", "model": "m", "question": None, "age_secs": 3, "bytes": 840, "keys": 1},
    {"key": KEYS[2], "endpoint": "chat", "model": "m", "question": "short", "age_secs": 3, "bytes": 840, "keys": 1},
]


class Handler(BaseHTTPRequestHandler):
    """Answers three routes, and keeps what was asked."""

    protocol_version = "HTTP/1.1"
    entries: ClassVar[list[dict[str, Any]]] = ENTRIES
    partial: ClassVar[bool] = False
    replies: ClassVar[dict[str, tuple[int, dict[str, Any]]]] = {}
    asked: ClassVar[list[tuple[str, Any]]] = []

    def do_GET(self) -> None:
        """The list."""
        self.asked.append((self.path, None))
        self.reply(200, {"entries": self.entries, "partial": self.partial})

    def do_POST(self) -> None:
        """One of the operations."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append((self.path, body))
        self.reply(*self.replies[self.path])

    def reply(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


REPORT, INVALIDATE = "/api/v1/cache/report", "/api/v1/cache/invalidate"


@pytest.fixture(autouse=True)
def gateway(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A gateway that is only an answering machine."""
    assert place.exists()
    monkeypatch.setattr(Handler, "asked", [])
    monkeypatch.setattr(
        Handler,
        "replies",
        {REPORT: (200, {"quarantined": 1, "pending": 0}), INVALIDATE: (200, {"invalidated": 1})},
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("ISARTOR_GATEWAY_URL", f"http://127.0.0.1:{server.server_address[1]}")
        yield
        server.shutdown()
        thread.join()


def run(*arguments: str) -> str:
    """The output of a command that succeeds."""
    result = CliRunner().invoke(app, ["cache", *arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line of a command that fails."""
    with pytest.raises(SystemExit) as caught:
        main(["cache", *arguments])
    assert caught.value.code == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err


def test_the_table_fits_and_text_stays_text() -> None:
    """One line an entry within 80 columns; what clients wrote is no markup and no terminal code."""
    out = run("list", "--limit", "7")
    lines = out.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert "\x1b" not in out
    rows = [line for line in lines if line.strip().startswith(("3f9c", "7777"))]
    assert len(rows) == len(ENTRIES)
    for part in ("3f9c1e07a2b4 ", "2h", "2.48M", "12", "What does [red]HTTP"):
        assert part in rows[0]
    assert rows[1].rstrip().endswith("-")
    assert rows[2].rstrip().endswith("short")
    assert Handler.asked == [("/api/v1/cache/entries?limit=7", None)]


def test_the_list_as_json_is_what_the_gateway_said() -> None:
    """Whole keys and whole questions, for programs."""
    assert json.loads(run("list", "--json")) == {"entries": ENTRIES, "partial": False}


def test_one_worker_of_several_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that is not all of it does not look as if it were."""
    monkeypatch.setattr(Handler, "partial", True)
    assert "one of several workers" in run("list")


def test_an_empty_cache_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of a table without rows."""
    monkeypatch.setattr(Handler, "entries", [])
    assert run("list") == "The cache holds nothing of yours.\n"


@pytest.mark.parametrize(("secs", "shown"), [(0, "0s"), (59, "59s"), (60, "1m"), (7300, "2h"), (200_000, "2d")])
def test_ages_are_short(secs: float, shown: str) -> None:
    """One number and its unit."""
    assert age(secs) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0B"), (1023, "1023B"), (1024, "1K"), (1 << 20, "1M"), (3 << 30, "3G")]
)
def test_sizes_are_short(count: int, shown: str) -> None:
    """One number and its unit."""
    assert size(count) == shown


@pytest.mark.parametrize("key", [KEYS[2], KEYS[2][:13], f" {KEYS[2][:20].upper()} "])
def test_a_report_takes_a_key_or_its_beginning(key: str) -> None:
    """The gateway is told the whole key; it is asked for the list only if that is needed."""
    assert run("report", key) == "Quarantined: 1 reply.\n"
    assert Handler.asked[-1] == (REPORT, {"key": KEYS[2]})
    assert len(Handler.asked) == (1 if key == KEYS[2] else 2)


@pytest.mark.parametrize("command", ["report", "invalidate"])
@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("3f9c1e07a2b4", "2 keys begin with"),
        ("aaaaaaaaaaaaa", "none of the listed keys"),
        ("3f9c1e0", "at least its first 12"),
        ("not-hexadecimal", "is no key"),
        ("a" * 65, "is no key"),
        ("\x1b[31m", "is no key"),
    ],
)
def test_an_unclear_key_is_refused(command: str, key: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is removed unless it is plain what is meant."""
    assert message in fails(capsys, command, key)
    assert all(path.startswith("/api/v1/cache/entries") for path, _ in Handler.asked)


def test_what_the_gateway_refuses_is_told_in_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    """A key that is not stored any more is one line and exit code 1."""
    Handler.replies[REPORT] = (404, {"error": "not_found", "message": "No reply of yours\nis stored."})
    assert fails(capsys, "report", KEYS[0]) == "isartor: No reply of yours is stored.\n"
    Handler.replies[REPORT] = (404, {"error": "not_found", "message": "This gateway has no route /api/v1/x."})
    assert "not as an Isartor gateway does" in fails(capsys, "report", KEYS[0])
    Handler.replies[REPORT] = (500, {})
    assert "answers with 500" in fails(capsys, "report", KEYS[0])


def test_workers_that_have_not_answered_are_told() -> None:
    """Their number stands below the result."""
    Handler.replies[REPORT] = (200, {"quarantined": 0, "pending": 2})
    assert "not answered yet and will follow: 2" in run("report", KEYS[0])
    Handler.replies[INVALIDATE] = (200, {"invalidated": 5, "pending_workers": 1})
    out = run("invalidate", "--all")
    assert "Removed: 5 replies.\n" in out
    assert "will follow: 1" in out


def test_invalidate_removes_one_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    """By key or by `--all`; a key that is not there is exit code 1, an empty cache is not."""
    assert run("invalidate", KEYS[2][:12]) == "Removed: 1 reply.\n"
    assert Handler.asked[-1] == (INVALIDATE, {"key": KEYS[2]})
    Handler.replies[INVALIDATE] = (200, {"invalidated": 0})
    assert run("invalidate", "--all") == "Removed: 0 replies.\n"
    assert Handler.asked[-1] == (INVALIDATE, {"all": True})
    assert "no reply of yours" in fails(capsys, "invalidate", KEYS[0])


@pytest.mark.parametrize(
    "arguments",
    [
        ["invalidate"],
        ["invalidate", KEYS[0], "--all"],
        ["report"],
        ["list", "--limit", "0"],
        ["list", "--limit", "1001"],
    ],
)
def test_wrong_usage_exits_with_two(arguments: list[str]) -> None:
    """And nothing is asked."""
    assert CliRunner().invoke(app, ["cache", *arguments]).exit_code == 2
    assert Handler.asked == []
