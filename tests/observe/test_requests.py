"""The request log, from the record to the line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from isartor.config import Config
from isartor.observe import requests
from isartor.observe.requests import BODY_BYTES, READ_BYTES, Record, RequestLog
from isartor.observe.rotating import Rotating

FIELDS = {
    "timestamp",
    "method",
    "path",
    "endpoint_family",
    "client",
    "tool",
    "provider",
    "model",
    "request_headers",
    "request_body",
    "request_body_truncated",
    "response_status",
    "response_headers",
    "response_body",
    "response_body_truncated",
    "response_body_note",
    "latency_ms",
    "final_layer",
}
"""Those of the reference."""


def record(body: bytes = b'{"model":"m","api_key":"hidden"}', **more: Any) -> Record:
    """A request to a provider, streamed."""
    made = Record(
        began=1_800_000_000.5,
        method="POST",
        path="/v1/chat/completions",
        query="key=hidden",
        endpoint_family="openai",
        client="openai",
        tool="codex",
        tenant="team",
        request_headers=[("x-api-key", "hidden")],
        request_body=body,
        request_bytes=len(body),
        response_status=200,
        response_headers=[("x-isartor-layer", "l3"), ("x-isartor-provider", "groq"), ("x-request-id", "r1")],
        response_body=b"data: {}\n\n",
        response_bytes=10,
        note="stream of 10 bytes",
        latency_ms=12.3456,
    )
    return replace(made, **more)


def written(one: Record) -> dict[str, Any]:
    line = requests.line(one)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_line_has_the_fields_of_the_reference() -> None:
    """And the request's id and tenant; no secret from header, query or body."""
    line = written(record())
    assert FIELDS | {"request_id", "tenant"} == set(line)
    assert "hidden" not in json.dumps(line)
    assert (line["provider"], line["model"], line["final_layer"]) == ("groq", "m", "l3")
    assert (line["timestamp"], line["latency_ms"]) == ("2027-01-15T08:00:00.500Z", 12.346)
    assert line["path"] == "/v1/chat/completions?key=***"


@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        ("/v1beta/models/gemini-2.0-flash:generateContent", b"{}", "gemini-2.0-flash"),
        ("/v1/messages", b'{"model":"claude"}', "claude"),
        ("/v1/messages", b'{"model":5}', None),
        ("/v1/messages", b"no json", None),
    ],
)
def test_the_model_is_the_one_that_was_asked_for(path: str, body: bytes, model: str | None) -> None:
    """From path or body; left out if there is none."""
    assert written(record(body, path=path)).get("model") == model


@pytest.mark.parametrize("size", [BODY_BYTES + 1, READ_BYTES - 100, READ_BYTES * 2])
def test_long_bodies_are_cut(size: int) -> None:
    """To the limit, said so, and a secret that lies across the cut does not show."""
    for lead in range(0, 40, 3):
        body = json.dumps({"a": "x" * (BODY_BYTES - 40 + lead), "token": "hidden" * 10, "rest": "y" * size}).encode()
        kept = body if len(body) <= READ_BYTES else body[: requests.KEPT_BYTES]
        line = written(record(kept, request_bytes=len(body)))
        assert line["request_body_truncated"] is True
        assert len(line["request_body"].encode()) == BODY_BYTES
        assert "hid" not in line["request_body"]


def test_characters_that_steer_a_terminal_are_escaped() -> None:
    """A model's reply cannot clear the screen of whoever reads the log."""
    line = requests.line(record('{"a":"\x9b2J\x1b[2J\x7f\u2028"}'.encode()))
    assert line.decode().isprintable() is False  # the line's end
    assert line.decode().rstrip("\n").isprintable()


def test_what_waits_is_bounded(tmp_path: Path) -> None:
    """In number and in bytes; the rest is counted and told."""
    log = RequestLog(Rotating(tmp_path / "requests.log"))
    for _ in range(5000):
        log.add(record())
    assert log.lost == 5000 - 4096
    log.flush()
    assert len((tmp_path / "requests.log").read_text().splitlines()) == 4096
    for _ in range(200):
        log.add(record(b"x" * READ_BYTES))
    assert log.lost > 1000
    assert log.faults() == [f"{log.lost} requests are missing in requests.log"]


def test_a_thread_writes_and_ends(tmp_path: Path) -> None:
    """What was added before the stop is in the file."""
    log = RequestLog(Rotating(tmp_path / "requests.log"))
    log.start()
    for _ in range(10):
        log.add(record())
    log.stop()
    assert len((tmp_path / "requests.log").read_text().splitlines()) == 10
    assert log.faults() == []


def test_a_disk_that_fails_is_told_and_stops_nothing(tmp_path: Path) -> None:
    """The fault goes when the disk works again; what was lost stays counted."""
    folder = tmp_path / "folder"
    folder.write_text("no folder")
    log = RequestLog(Rotating(folder / "requests.log"))
    log.add(record())
    log.flush()
    assert "requests.log cannot be written" in log.faults()[0]
    folder.unlink()
    log.add(record())
    log.flush()
    assert log.faults() == ["1 requests are missing in requests.log"]


def test_there_is_none_unless_it_is_asked_for(tmp_path: Path) -> None:
    """`enable_request_logs` is off by default."""
    assert RequestLog.of(Config()) is None
    log = RequestLog.of(Config(enable_request_logs=True, request_log_path=str(tmp_path)))
    assert log is not None
    assert log.path == tmp_path / "requests.log"
