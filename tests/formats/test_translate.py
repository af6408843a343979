"""A provider as every surface reaches it."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from typing import Any, cast

import msgspec
import pytest

from isartor.errors import RequestError, UpstreamError
from isartor.formats import FORMATS, SURFACES, seal
from isartor.formats.canonical import Usage
from isartor.formats.translate import Translator, tally_of
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


def test_what_is_nested_too_deeply_is_refused() -> None:
    """Whether it stands in a request or in sealed state, it is the client's fault, or just not ours."""
    deep = b'{"items":' * 800 + b"{}" + b"}" * 800
    output = b'{"type":"json_schema","json_schema":{"name":"n","schema":' + deep + b"}}"
    body = b'{"model":"m","messages":[{"role":"user","content":"q"}],"response_format":' + output + b"}"
    translator = Translator(cast("Provider", _Anthropic()), FORMATS, SURFACES, cast("Any", None))
    with pytest.raises(RequestError):
        asyncio.run(translator.call(Call(endpoint="chat", model="m", stream=False, body=body)))
    state = urlsafe_b64encode(b'{"maker":"gemini","sealed":"x","z":' + b"[" * 5000 + b"]" * 5000 + b"}").decode()
    assert seal.unseal(f"isartor1.{state}") is None


def test_a_provider_may_tell_any_number_of_tokens() -> None:
    """But the books take only so much."""
    tally = tally_of(Usage(input=10**400, output=-5))
    assert (tally.input, tally.output) == (2**32 - 1, 0)


class _Opening(Given):
    """A stream whose first piece is there with its head."""

    def ready(self) -> bytes | None:
        return next(self._pieces, None)


class _Streaming(_Anthropic):
    """A provider whose stream begins with `first`."""

    def __init__(self, first: bytes) -> None:
        super().__init__()
        self.first = first

    async def call(self, call: Call) -> Given:
        del call
        return _Opening([("content-type", "text/event-stream")], [self.first, b"rest"])


def _streamed(first: bytes) -> list[bytes]:
    translator = Translator(cast("Provider", _Streaming(first)), FORMATS, SURFACES, cast("Any", None))

    async def read() -> list[bytes]:
        call = Call(endpoint="messages", model="m", stream=True, body=b'{"model":"m","messages":[]}')
        response = await translator.call(call)
        pieces = []
        while (piece := await response.read()) is not None:
            pieces.append(piece)
        return pieces

    return asyncio.run(read())


def test_a_stream_that_begins_with_an_overload_can_be_asked_for_elsewhere() -> None:
    """An error in the place of a stream is raised as one, retryable, before anything has gone out."""
    event = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n'
    with pytest.raises(UpstreamError) as raised:
        _streamed(event)
    assert (raised.value.retryable, raised.value.code) == (True, "overloaded_error")
    assert raised.value.status >= 500


@pytest.mark.parametrize(
    "first",
    [
        b'event: message_start\ndata: {"type":"message_start"}\n\n',
        b'event: error\ndata: {"type":"error","error":{"type":"invalid_request_error","message":"no"}}\n\n',
        b"event: error\ndata: nonsense\n\n",
    ],
)
def test_any_other_stream_goes_through_from_its_first_byte(first: bytes) -> None:
    """Also one that says that the request is at fault: it reaches the client as it came."""
    assert _streamed(first) == [first, b"rest"]


class _Said(_Anthropic):
    """A provider whose stream ends for `reason`."""

    def __init__(self, reason: str | None) -> None:
        super().__init__()
        self.reason = reason

    async def call(self, call: Call) -> Given:
        del call
        said = [
            {"type": "message_start", "message": {"id": "m", "model": "c", "usage": {"input_tokens": 1}}},
            {"type": "message_delta", "delta": {"stop_reason": self.reason}, "usage": {"output_tokens": 1}},
            {"type": "message_stop"},
        ]
        pieces = [b"data: " + msgspec.json.encode(event) + b"\n\n" for event in said]
        return Given([("content-type", "text/event-stream")], pieces)


@pytest.mark.parametrize(
    ("reason", "doubtful"),
    [("end_turn", False), ("max_tokens", False), ("pause_turn", True), (None, True), ("x", True)],
)
def test_a_reply_that_does_not_say_why_it_ended_is_doubtful(reason: str | None, doubtful: bool) -> None:
    """So is one that only pauses: the client's format has no word for it, and it must not be stored as a whole one."""
    translator = Translator(cast("Provider", _Said(reason)), FORMATS, SURFACES, cast("Any", None))

    async def read() -> bool:
        body = b'{"model":"m","messages":[{"role":"user","content":"q"}],"stream":true}'
        response = await translator.call(Call(endpoint="chat", model="m", stream=True, body=body))
        while await response.read() is not None:
            pass
        return cast("Any", response).doubtful is True

    assert asyncio.run(read()) is doubtful
