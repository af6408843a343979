"""Chat completions, completions, embeddings and models in OpenAI's shape.

Source: https://platform.openai.com/docs/guides/error-codes. The SDKs choose the exception by HTTP status, and
inside a stream raise for any event whose data has an `error` member.
"""

from __future__ import annotations

from typing import Final

from isartor.formats.base import encode, sse, word

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


class OpenAIChat:
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
