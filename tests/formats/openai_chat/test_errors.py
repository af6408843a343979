"""Error replies of the many providers of this format."""

from __future__ import annotations

import pytest

from isartor.formats.canonical import Failed
from isartor.formats.openai_chat import errors
from tests.formats.openai_chat.making import CHAT


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"error":{"message":"no","type":"t","code":"c"}}', "no", "c"),
        (b'{"error":{"message":"no","type":"t","code":null}}', "no", "t"),
        (b'[{"error":{"message":"no","code":400,"status":"INVALID_ARGUMENT"}}]', "no", "400"),
        (b'{"error":"no"}', "no", "upstream_refused"),
        (b'{"message":"no","type":"invalid"}', "no", "invalid"),
        (b'{"detail":"no"}', "no", "upstream_refused"),
        (b"no", "no", "upstream_refused"),
        (b"", "", "upstream_refused"),
        (b'"no"', "no", "upstream_refused"),
        (b"\xff", "�", "upstream_refused"),
    ],
)
def test_replies(body: bytes, message: str, code: str) -> None:
    """The message for a person and the code for the chain."""
    failed = CHAT.read_error(400, body)
    assert failed == Failed(400, message, code)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": 429}, 429),
        ({"code": "503"}, 503),
        ({"status": 400, "code": "x"}, 400),
        ({"type": "rate_limit_error"}, 429),
        ({"code": "insufficient_quota"}, 429),
        ({"code": True}, 502),
        ({"code": 7}, 502),
        ({"code": "²"}, 502),
        ({"code": "9" * 5000}, 502),
        ("words", 502),
        (3, 502),
    ],
)
def test_inside(error: object, status: int) -> None:
    """An error in a reply of 200 tells its own status, in a number or in a word."""
    assert errors.inside(error).status == status
