"""Messages and token counting in Anthropic's shape.

Source: https://docs.anthropic.com/en/api/errors. The SDKs choose the exception by HTTP status, and raise for
an `error` event inside a stream.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import DecodeError
from msgspec.json import decode

from isartor.formats.base import encode, sse, word
from isartor.formats.canonical import Failed

TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class Errors:
    """Anthropic's error shape."""

    name = "anthropic"

    def error(
        self, status: int, message: str, *, code: str, param: str | None = None, request_id: str | None = None
    ) -> bytes:
        """`{"type": "error", "error": {type, message}, "request_id"}`; a `param` is named in the message."""
        del code
        if param is not None and param not in message:
            message = f"{param}: {message}"
        error = {"type": word(TYPES, status), "message": message}
        return encode({"type": "error", "error": error, "request_id": request_id})

    def stream_error(self, status: int, message: str, *, code: str, request_id: str | None = None) -> bytes:
        """Return an `error` event in place of `message_stop`."""
        return sse(self.error(status, message, code=code, request_id=request_id), "error")


def read(status: int, body: bytes) -> Failed:
    """What a provider's error reply says; its `type` is the code."""
    try:
        said: Any = decode(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        said = None
    return of(said, body, status)


def of(said: Any, raw: bytes, status: int | None = None) -> Failed:
    """What an error object says. Without `status` (inside a stream) its type tells it."""
    error = said.get("error", said) if isinstance(said, dict) else said
    if not isinstance(error, dict):
        text = error if isinstance(error, str) else raw[:300].decode("utf-8", "replace").strip()
        return Failed(status or 502, text, "upstream_refused")
    code = str(error.get("type") or "upstream_refused")
    message = error.get("message") or raw[:300].decode("utf-8", "replace")
    return Failed(status or _STATUSES.get(code, 502), str(message), code)


_STATUSES: Final = {name: status for status, name in TYPES.items()}
