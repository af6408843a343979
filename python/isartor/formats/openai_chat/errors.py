"""Chat completions, completions, embeddings and models in OpenAI's shape.

Source: https://platform.openai.com/docs/guides/error-codes. The SDKs choose the exception by HTTP status, and
inside a stream raise for any event whose data has an `error` member.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import DecodeError
from msgspec.json import decode

from isartor.formats.base import encode, sse, word
from isartor.formats.canonical import Failed

TYPES: Final = {
    400: "invalid_request_error",
    # The real API words a wrong key as `invalid_request_error` too, told apart by `code`.
    401: "invalid_request_error",
    403: "permission_error",
    404: "invalid_request_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "service_unavailable_error",
}


class Errors:
    """OpenAI's error shape."""

    name = "openai_chat"

    def error(
        self, status: int, message: str, *, code: str, param: str | None = None, request_id: str | None = None
    ) -> bytes:
        """`{"error": {message, type, param, code}}`; the request id travels in its header."""
        del request_id
        return encode({"error": _error(status, message, code, param)})

    def stream_error(self, status: int, message: str, *, code: str, request_id: str | None = None) -> bytes:
        """Return an event with an `error` member, and no `[DONE]`: the stream did not end well."""
        return sse(self.error(status, message, code=code, request_id=request_id))


def _error(status: int, message: str, code: str, param: str | None) -> dict[str, str | None]:
    return {"message": message, "type": word(TYPES, status), "param": param, "code": code}


def read(status: int, body: bytes) -> Failed:
    """What a provider's error reply says: `error` is an object, or with some providers a string or the whole body."""
    try:
        said: Any = decode(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        said = None
    if isinstance(said, list) and said:
        said = said[0]
    error = said.get("error", said) if isinstance(said, dict) else said
    if isinstance(error, str):
        return Failed(status, error, "upstream_refused")
    if not isinstance(error, dict):
        return Failed(status, body[:300].decode("utf-8", "replace").strip(), "upstream_refused")
    message = error.get("message") or error.get("detail") or body[:300].decode("utf-8", "replace")
    code = error.get("code") or error.get("type") or "upstream_refused"
    return Failed(status, str(message), str(code))


_STATUSES: Final = {
    "invalid_request_error": 400,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "tokens": 429,
    "requests": 429,
    "service_unavailable_error": 503,
    "overloaded_error": 503,
}

_DIGITS: Final = 3


def inside(error: Any) -> Failed:
    """An `error` member in a reply or a stream whose own status was 200."""
    if not isinstance(error, dict):
        return Failed(502, str(error), "upstream_refused")
    said = read(502, encode({"error": error}))
    for name in ("status", "status_code", "code"):
        value = error.get(name)
        if isinstance(value, str) and len(value) == _DIGITS and value.isdecimal():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600:
            return Failed(value, said.message, said.code)
    for name in ("code", "type"):
        status = _STATUSES.get(str(error.get(name)))
        if status is not None:
            return Failed(status, said.message, said.code)
    return said
