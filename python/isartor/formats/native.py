"""The native surface, `POST /api/chat`: one prompt in, `{layer, message, model}` out.

A native prompt travels as one request of the provider's own format, and its reply's text comes back:
`to_wire` and `from_wire`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from isartor.errors import UpstreamError
from isartor.formats.base import encode, sse

_MAX_TOKENS: Final = 4096
_SERVER_ERROR: Final = 500

WIRE_ENDPOINTS: Final = ("chat", "messages", "generate")
"""Wire operations that can carry a native prompt, in order of preference."""


class Native:
    """The product's own error shape."""

    name = "native"

    def error(
        self, status: int, message: str, *, code: str, param: str | None = None, request_id: str | None = None
    ) -> bytes:
        """`{"error": code, "message", ...}`; what comes from L3 or its absence also says `layer_reached`."""
        body: dict[str, object] = {"error": code, "message": message}
        if param is not None:
            body["param"] = param
        if status >= _SERVER_ERROR:
            body["layer_reached"] = "L3"
        if request_id is not None:
            body["request_id"] = request_id
        return encode(body)

    def stream_error(self, status: int, message: str, *, code: str, request_id: str | None = None) -> bytes:
        """Write one event; the native surface does not stream, so nothing asks for it today."""
        return sse(self.error(status, message, code=code, request_id=request_id), "error")


def to_wire(prompt: str, model: str, endpoint: str) -> bytes:
    """Return the request body that asks `model` for an answer to `prompt`.

    `endpoint` is one of `WIRE_ENDPOINTS`. For `generate` the model stands in the path and not in the body.
    """
    match endpoint:
        case "chat":
            return encode({"model": model, "messages": [{"role": "user", "content": prompt}]})
        case "messages":
            messages = [{"role": "user", "content": prompt}]
            return encode({"model": model, "max_tokens": _MAX_TOKENS, "messages": messages})
        case "generate":
            return encode({"contents": [{"role": "user", "parts": [{"text": prompt}]}]})
        case _:
            raise ValueError(endpoint)


def from_wire(endpoint: str, body: bytes) -> str:
    """Return the text of a provider's JSON reply; several text parts are joined.

    Raises `UpstreamError` if the reply is not of the endpoint's shape.
    """
    try:
        reply: Any = msgspec.json.decode(body)
        match endpoint:
            case "chat":
                # `content` is null where the model only called a tool or refused.
                return str(reply["choices"][0]["message"]["content"] or "")
            case "messages":
                parts = [block for block in reply["content"] if block["type"] == "text"]
            case "generate":
                content = reply["candidates"][0].get("content", {})
                parts = [part for part in content.get("parts", ()) if "text" in part and not part.get("thought")]
            case _:
                raise ValueError(endpoint)
        return "".join(part["text"] for part in parts)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, TypeError, AttributeError) as error:
        message = f"The provider's reply is not a valid {endpoint!r} reply."
        raise UpstreamError(message, code="upstream_invalid_reply") from error


def reply(layer: int, message: str, model: str) -> bytes:
    """Return the native reply body; `layer` says who answered: 1 cache, 2 small model, 3 cloud."""
    return encode({"layer": layer, "message": message, "model": model})


def prompt_of(body: bytes) -> str:
    """Return the prompt of a native request that has been read before."""
    return str(msgspec.json.decode(body)["prompt"])
