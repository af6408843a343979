"""A provider without a network, for trying the gateway before there is a key.

It speaks every endpoint in its exact shape and never pretends: every answer says that no model was asked, the
model is called `isartor-demo`, and `/health` shows it. Usage counts words, which is what it can count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.errors import RequestError
from isartor.providers import demo_replies as replies
from isartor.providers.base import Call, Ping, ProviderStatus, Settings, unsupported
from isartor.providers.given import Given

if TYPE_CHECKING:
    from collections.abc import Callable

    from isartor.ports import Quirk, Revealable
    from isartor.providers.row import Row

_QUOTED_MAX: Final = 120
_ANSWER: Final = (
    "This answer comes from Isartor's built-in demo provider; no model was asked. You wrote: “{question}”. "
    "Set external_llm_api_key and start the gateway without --demo to get real answers."
)

_BUILD: Final[dict[str, Callable[[replies.Ask], replies.Reply]]] = {
    "chat": replies.chat,
    "completions": replies.completions,
    "embeddings": replies.embeddings,
    "responses": replies.responses,
    "messages": replies.messages,
    "count_tokens": replies.count_tokens,
    "generate": replies.generate,
    "stream_generate": replies.generate,
    "gemini_count": replies.gemini_count,
}


class Demo:
    """The built-in provider behind `isartor up --demo`."""

    name = "demo"
    endpoints = frozenset(_BUILD)
    quirks: frozenset[Quirk] = frozenset()

    def __init__(self, settings: Settings, row: Row) -> None:
        """Nothing is taken from `settings`: the demo has one model and no address."""
        del settings
        self.model = row.model

    async def call(self, call: Call) -> Given:
        """See `isartor.ports.Provider`."""
        build = _BUILD.get(call.endpoint)
        if build is None:
            raise unsupported(self.name, call.endpoint, self.endpoints)
        try:
            body = msgspec.json.decode(call.body)
        except msgspec.DecodeError as error:
            message = f"The body is not valid JSON: {error}"
            raise RequestError(message) from None
        if not isinstance(body, dict):
            message = "The body must be a JSON object."
            raise RequestError(message)
        # Streaming in the form of an array is Gemini's alternative to server-sent events.
        array = call.endpoint == "stream_generate" and "alt=sse" not in call.query.split("&")
        question = " ".join(_question(body).split())
        quoted = question if len(question) <= _QUOTED_MAX else question[: _QUOTED_MAX - 1] + "…"
        ask = replies.Ask(
            body=body,
            answer=_ANSWER.format(question=quoted),
            asked_words=len(question.split()),
            stream=call.stream,
            array=array,
        )
        reply = build(ask)
        kind = "text/event-stream" if call.stream and not array else "application/json"
        return Given([("content-type", kind)], reply)

    def status(self) -> ProviderStatus:
        """See `isartor.ports.Provider`."""
        return {"provider": self.name, "model": self.model, "endpoint": "built in", "state": "demo"}

    async def ping(self, key: Revealable | None = None, *, deep: bool = False) -> Ping:
        """It is always there."""
        del key, deep
        return Ping(reachable=True, latency_ms=0)

    async def close(self) -> None:
        """Nothing to close."""


def _question(body: dict[str, Any]) -> str:
    """Text of the last user turn, whichever surface's body it is."""
    request = body.get("generateContentRequest")
    if isinstance(request, dict):
        body = request
    for key in ("messages", "input", "contents", "prompt"):
        turns = body.get(key)
        if isinstance(turns, str):
            return turns
        if isinstance(turns, list):
            for turn in reversed(turns):
                if isinstance(turn, str):
                    return turn
                # Gemini's turns need no role; every other surface's have one.
                if isinstance(turn, dict) and turn.get("role", "user") == "user":
                    text = _text(turn.get("content", turn.get("parts")))
                    if text:
                        return text
    return ""


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = (part.get("text") for part in content if isinstance(part, dict))
    return " ".join(text for text in texts if isinstance(text, str))
