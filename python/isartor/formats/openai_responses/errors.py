"""The Responses API in OpenAI's shape: errors as in chat completions, but a stream fails in two events.

Source: https://platform.openai.com/docs/api-reference/responses-streaming. As the real API does, a failing
stream says `error` and then `response.failed`, since no single event reaches every client:

- the SDKs raise for data with an `error` member, and hand `response.failed` on as one more event;
- typed clients read `code`, `message` and `param` of `error` at the top level, as documented;
- Codex ignores `error` and fails on `response.failed`; without it, it reports a stream that just ended.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from isartor.formats.base import encode, sse, word
from isartor.formats.canonical import Failed
from isartor.formats.openai_chat.errors import TYPES, read
from isartor.formats.openai_chat.errors import Errors as ChatErrors

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BAD_REQUEST", "Errors", "read", "told"]

# Of the API's closed list of failure codes. Codex asks again after all but the first.
_FAILURE: Final = {400: "invalid_prompt", 429: "rate_limit_exceeded", 500: "server_error"}

BAD_REQUEST: Final = 400
# The HTTP status that an error inside a reply or a stream amounts to. See also `_REQUEST_CODES`; all others are 502.
_STATUSES: Final = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "insufficient_quota": 429,
    "usage_limit_reached": 429,
    "server_is_overloaded": 503,
    "slow_down": 503,
    "service_unavailable_error": 503,
    "server_error": 502,
    "internal_error": 502,
    "vector_store_timeout": 504,
    "timeout": 504,
}
_REQUEST_CODES: Final = (
    "invalid_", "image_", "empty_image", "unsupported_", "failed_to_download", "context_length_exceeded",
    "cyber_policy", "bio_policy", "misalignment_policy", "data_residency", "content_policy", "model_not_found",
)  # fmt: skip

# The events before may have used any number up to here; a number that is only larger keeps them in order.
_SEQUENCE: Final = 1_000_000


class Errors(ChatErrors):
    """OpenAI's error shape with the Responses API's stream events."""

    name = "openai_responses"

    def stream_error(self, status: int, message: str, *, code: str, request_id: str | None = None) -> bytes:
        """`error`, then `response.failed`."""
        detail = {"type": word(TYPES, status), "code": code, "message": message, "param": None}
        error = {
            "type": "error",
            "code": code,
            "message": message,
            "param": None,
            "sequence_number": _SEQUENCE,
            "error": detail,
        }
        failed = {
            "type": "response.failed",
            "sequence_number": _SEQUENCE + 1,
            "response": {
                "id": f"resp_{request_id or uuid4().hex}",
                "object": "response",
                "created_at": int(time.time()),
                "status": "failed",
                "error": {"code": word(_FAILURE, status), "message": message},
                "incomplete_details": None,
                "model": "",
                "output": [],
                "parallel_tool_calls": True,
                "tool_choice": "auto",
                "tools": [],
                "usage": None,
                "metadata": {},
            },
        }
        return sse(encode(error), "error") + sse(encode(failed), "response.failed")


def told(error: Mapping[str, Any]) -> Failed:
    """What an error object inside a reply or a stream says, which has no HTTP status."""
    code = str(error.get("code") or error.get("type") or "server_error")
    message = str(error.get("message") or "the provider gave no reason")
    status = _STATUSES.get(code)
    if status is None:
        status = BAD_REQUEST if code.startswith(_REQUEST_CODES) else 502
    return Failed(status, message, code)
