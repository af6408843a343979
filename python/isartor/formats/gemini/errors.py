"""Gemini's error shape, which is that of all Google APIs.

Source: https://cloud.google.com/apis/design/errors. The SDK raises `ClientError` for 4xx and `ServerError`
for 5xx, inside a stream for any piece that has an `error` member.
"""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec import DecodeError
from msgspec.json import decode

from isartor.formats.base import encode, sse, word
from isartor.formats.canonical import Failed

STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}

_DELAY: Final = re.compile(r"(\d+(?:\.\d+)?)s")
"""A duration in Google's JSON."""


class Errors:
    """Google's error shape."""

    name = "gemini"

    def error(
        self, status: int, message: str, *, code: str, param: str | None = None, request_id: str | None = None
    ) -> bytes:
        """`{"error": {code, message, status}}` with the HTTP status as `code`; `param` is a violation."""
        del code, request_id
        error: dict[str, object] = {"code": status, "message": message, "status": word(STATUSES, status)}
        if param is not None:
            violation = {"field": param, "description": message}
            kind = "type.googleapis.com/google.rpc.BadRequest"
            error["details"] = [{"@type": kind, "fieldViolations": [violation]}]
        return encode({"error": error})

    def stream_error(self, status: int, message: str, *, code: str, request_id: str | None = None) -> bytes:
        """One event of the SSE form (`alt=sse`); in the array form the plain body is the last element."""
        return sse(self.error(status, message, code=code, request_id=request_id))


def read(status: int, body: bytes) -> Failed:
    """What a provider's error reply says. `code`: the reason in the details where that says more than the status."""
    try:
        said: Any = decode(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        said = None
    # In the array form of a stream the error is an element.
    if isinstance(said, list) and said:
        said = said[-1]
    error = said.get("error") if isinstance(said, dict) else None
    if not isinstance(error, dict):
        return Failed(status, body[:300].decode("utf-8", "replace").strip(), "upstream_refused")
    return failed(error, status)


def failed(error: dict[str, Any], status: int) -> Failed:
    """What the `error` object says, in a reply or inside a stream; `status` if it has no `code`."""
    given = error.get("code")
    number = given if isinstance(given, int) and 400 <= given < 600 else status
    code = error.get("status") or "upstream_refused"
    retry_after = None
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if not isinstance(detail, dict):
            continue
        # A wrong key is a 400 here, told apart from a malformed request only by this.
        if str(detail.get("reason", "")).startswith("API_KEY_"):
            code = detail["reason"]
        delay = _DELAY.fullmatch(str(detail.get("retryDelay", "")))
        retry_after = float(delay[1]) if delay else retry_after
    return Failed(number, str(error.get("message") or ""), str(code), retry_after)
