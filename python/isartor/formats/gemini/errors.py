"""Gemini's error shape, which is that of all Google APIs.

Source: https://cloud.google.com/apis/design/errors. The SDK raises `ClientError` for 4xx and `ServerError`
for 5xx, inside a stream for any piece that has an `error` member.
"""

from __future__ import annotations

from typing import Final

from isartor.formats.base import encode, sse, word

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
