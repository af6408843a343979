"""Messages and token counting in Anthropic's shape.

Source: https://docs.anthropic.com/en/api/errors. The SDKs choose the exception by HTTP status, and raise for
an `error` event inside a stream.
"""

from __future__ import annotations

from typing import Final

from isartor.formats.base import encode, sse, word

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
