"""A provider as every surface reaches it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec

from isartor.formats import FORMATS, SURFACES, seal
from isartor.formats.translate import Translator
from isartor.ports import Call, Provider
from isartor.providers.given import Given


class _Anthropic:
    """A provider of Anthropic's format that notes what it is sent."""

    name = "anthropic"
    model = "claude-sonnet-4-5"
    endpoints = frozenset({"messages"})
    quirks: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def call(self, call: Call) -> Given:
        self.bodies.append(call.body)
        return Given([("content-type", "application/json")], [b"{}"])


def _asked(signature: str) -> bytes:
    said = [{"type": "thinking", "thinking": "hm", "signature": signature}, {"type": "text", "text": "a"}]
    turns = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": said},
        {"role": "user", "content": "r"},
    ]
    return msgspec.json.encode({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": turns})


def _call(body: bytes) -> tuple[bytes, dict[str, str]]:
    provider = _Anthropic()
    translator = Translator(cast("Provider", provider), FORMATS, SURFACES, cast("Any", None))
    call = Call(endpoint="messages", model="claude-sonnet-4-5", stream=False, body=body)
    response = asyncio.run(translator.call(call))
    return provider.bodies[0], dict(response.headers)


def test_the_providers_own_format_goes_through() -> None:
    """A request in the provider's format is sent byte for byte, and nothing is added to the reply."""
    body = _asked("its own")
    assert _call(body) == (body, {"content-type": "application/json"})


def test_thoughts_of_another_provider_are_dropped_and_told() -> None:
    """What was thought by a provider of another format is not sent to one that cannot read it, and the client hears."""
    sealed = seal.seal(seal.Sealed(maker="openai_chat", sealed="x"))
    sent, headers = _call(_asked(sealed))
    assert b"thinking" not in sent
    assert headers["x-isartor-dropped"] == "messages[].content[].thinking"
