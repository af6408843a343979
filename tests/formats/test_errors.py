"""The error bodies of every surface, byte by byte where it matters."""

from __future__ import annotations

import json

import pytest

from isartor.formats import SURFACES

ALL = sorted(SURFACES)


def test_every_surface_is_there() -> None:
    """One per client-facing format."""
    assert ALL == ["anthropic", "gemini", "native", "openai_chat", "openai_responses"]


@pytest.mark.parametrize("name", ALL)
def test_every_status_has_a_word(name: str) -> None:
    """No status is without a body that says the message."""
    for status in range(400, 600):
        body = json.loads(SURFACES[name].error(status, "Said “so”.\n", code="c"))
        error = body.get("error", body)
        assert (body if isinstance(error, str) else error)["message"] == "Said “so”.\n"


@pytest.mark.parametrize("name", ALL)
def test_stream_error_is_whole_events(name: str) -> None:
    """What goes into a stream ends with an empty line and has one JSON object per event, on one line."""
    data = SURFACES[name].stream_error(502, "a\r\n\r\ndata: b", code="c", request_id="r")
    assert data.endswith(b"\n\n")
    for event in data.removesuffix(b"\n\n").split(b"\n\n"):
        lines = event.split(b"\n")
        assert isinstance(json.loads(lines[-1].removeprefix(b"data: ")), dict)
        assert len(lines) <= 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "api_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ],
)
def test_anthropic_types(status: int, kind: str) -> None:
    """Anthropic's documented words."""
    body = json.loads(SURFACES["anthropic"].error(status, "m", code="c", request_id="r"))
    assert body == {"type": "error", "error": {"type": kind, "message": "m"}, "request_id": "r"}


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (501, "UNIMPLEMENTED"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
    ],
)
def test_gemini_words(status: int, word: str) -> None:
    """Google's canonical words."""
    body = json.loads(SURFACES["gemini"].error(status, "m", code="c"))
    assert body == {"error": {"code": status, "message": "m", "status": word}}


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request_error"), (429, "rate_limit_error"), (500, "server_error"), (504, "server_error")],
)
def test_openai_types(status: int, kind: str) -> None:
    """OpenAI's four members, always all of them."""
    body = json.loads(SURFACES["openai_chat"].error(status, "m", code="c", param="p"))
    assert body == {"error": {"message": "m", "type": kind, "param": "p", "code": "c"}}


def test_native_says_the_layer() -> None:
    """The native error has `error` and `message`; a fault of L3 says so."""
    native = SURFACES["native"]
    assert json.loads(native.error(400, "m", code="invalid_request")) == {
        "error": "invalid_request",
        "message": "m",
    }
    offline = json.loads(native.error(503, "m", code="offline_mode_active"))
    assert offline == {"error": "offline_mode_active", "message": "m", "layer_reached": "L3"}
