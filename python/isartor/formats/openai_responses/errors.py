"""The Responses API in OpenAI's shape: errors as in chat completions, but a stream fails in two events.

Source: https://platform.openai.com/docs/api-reference/responses-streaming. As the real API does, a failing
stream says `error` and then `response.failed`, since no single event reaches every client:

- the SDKs raise for data with an `error` member, and hand `response.failed` on as one more event;
- typed clients read `code`, `message` and `param` of `error` at the top level, as documented;
- Codex ignores `error` and fails on `response.failed`; without it, it reports a stream that just ended.
"""

from __future__ import annotations

import time
from typing import Final
from uuid import uuid4

from isartor.formats.base import encode, sse, word
from isartor.formats.openai_chat.errors import TYPES, Errors as ChatErrors

# Of the API's closed list of failure codes. Codex asks again after all but the first.
_FAILURE: Final = {400: "invalid_prompt", 429: "rate_limit_exceeded", 500: "server_error"}

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
