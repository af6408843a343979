"""Replies in both directions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isartor.errors import UpstreamError
from isartor.formats.canonical import (
    Audio,
    Image,
    Media,
    Opaque,
    Prompt,
    Reasoning,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from isartor.formats.gemini import Gemini, signatures

GEMINI = Gemini()
PROMPT = Prompt(origin="gemini", model="gemini-2.5-flash", turns=[])
SHOWN = Prompt(origin="gemini", model="gemini-2.5-flash", turns=[], reasoning=Reasoning(show=True))


def body(*parts: Any, **more: Any) -> bytes:
    candidate = {"content": {"parts": list(parts), "role": "model"}, "finishReason": "STOP", "index": 0, **more}
    return json.dumps({"candidates": [candidate], "responseId": "r", "modelVersion": "m"}).encode()


def write(*parts: Any, stop: Any = "end", prompt: Prompt = PROMPT, usage: Usage | None = None) -> Any:
    reply = Reply(id="r", model="m", parts=list(parts), stop=stop, usage=usage)
    return json.loads(GEMINI.write_reply(reply, prompt))


def test_parts_are_read() -> None:
    """Texts, thoughts, calls, signatures, media; pieces of one text are one."""
    reply = GEMINI.read_reply(
        body(
            {"text": "hm ", "thought": True},
            {"text": "so", "thought": True, "thoughtSignature": "c2ln"},
            {"text": "a"},
            {"text": "b", "thoughtSignature": "c2ln"},
            {"text": "c"},
            {"text": ""},
            {"functionCall": {"name": "f", "args": {"b": 1, "a": 2}, "id": "1"}, "thoughtSignature": "c2ln"},
            {"inlineData": {"mimeType": "image/png", "data": "QQ=="}},
            {"executableCode": {"code": "1"}},
            {},
        )
    )
    assert (reply.id, reply.model, reply.stop) == ("r", "m", "tool_calls")
    assert [type(part) for part in reply.parts] == [Thinking, Text, Thinking, ToolCall, Image, Opaque]
    assert reply.parts[:4] == [
        Thinking(text="hm so", sealed="c2ln", maker="gemini"),
        Text(text="abc"),
        Thinking(sealed="c2ln", maker="gemini"),
        ToolCall(id="1", name="f", arguments='{"b":1,"a":2}', sealed="c2ln"),
    ]


def test_calls_without_ids_get_different_ones() -> None:
    """The same reply gives the same ids; two calls, or two replies, never do."""
    call = {"functionCall": {"name": "f"}}
    ids = [part.id for part in GEMINI.read_reply(body(call, call)).parts]
    other = [part.id for part in GEMINI.read_reply(body(call).replace(b'"r"', b'"s"')).parts]
    assert ids == [part.id for part in GEMINI.read_reply(body(call, call)).parts]
    assert len({*ids, *other}) == 3
    assert all(len(each) <= 40 for each in ids)


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("STOP", "end"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "filter"),
        ("RECITATION", "filter"),
        ("PROHIBITED_CONTENT", "filter"),
        ("OTHER", "end"),
        ("SOMETHING_NEW", "end"),
    ],
)
def test_why_it_ended(reason: str, stop: str) -> None:
    """Every documented reason has a canonical one."""
    assert GEMINI.read_reply(body({"text": "a"}, finishReason=reason)).stop == stop


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE"])
def test_a_spoilt_reply_is_an_error(reason: str) -> None:
    """No client could use it as an answer."""
    with pytest.raises(UpstreamError) as caught:
        GEMINI.read_reply(body({"text": "a"}, finishReason=reason, finishMessage="why"))
    assert caught.value.code == reason.lower()
    assert "why" in caught.value.message
    assert caught.value.retryable


def test_an_empty_reply_for_no_reason_is_an_error() -> None:
    """`OTHER` with nothing said is no answer."""
    with pytest.raises(UpstreamError):
        GEMINI.read_reply(body(finishReason="OTHER"))


def test_a_blocked_prompt() -> None:
    """There is no candidate then."""
    said = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}}
    reply = GEMINI.read_reply(json.dumps(said).encode())
    assert (reply.stop, reply.parts, reply.usage) == ("filter", [], Usage(input=3))


def test_usage() -> None:
    """Thoughts and what the provider's tools said are counted apart here, and within elsewhere."""
    used = {
        "promptTokenCount": 10,
        "toolUsePromptTokenCount": 5,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 3,
        "cachedContentTokenCount": 4,
        "totalTokenCount": 25,
    }
    reply = GEMINI.read_reply(json.dumps({**json.loads(body({"text": "a"})), "usageMetadata": used}).encode())
    assert reply.usage == Usage(input=15, output=10, cached=4, reasoning=3)
    assert write(Text(text="a"), usage=reply.usage)["usageMetadata"] == {
        "promptTokenCount": 15,
        "candidatesTokenCount": 7,
        "totalTokenCount": 25,
        "cachedContentTokenCount": 4,
        "thoughtsTokenCount": 3,
    }


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"x", b'{"candidates":1}', b'{"candidates":[{"content":{"parts":[{"text":1}]}}]}']
)
def test_garbage_is_the_providers_fault(raw: bytes) -> None:
    """Never a client's error."""
    with pytest.raises(UpstreamError):
        GEMINI.read_reply(raw)


def test_an_error_with_a_good_status() -> None:
    """It keeps its own code."""
    with pytest.raises(UpstreamError) as caught:
        GEMINI.read_reply(b'{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}')
    assert (caught.value.status, caught.value.code) == (503, "UNAVAILABLE")


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b'{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}', 429, "RESOURCE_EXHAUSTED"),
        (b'[{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}]', 503, "UNAVAILABLE"),
        (
            b'{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}',
            400,
            "API_KEY_INVALID",
        ),
    ],
)
def test_errors(raw: bytes, status: int, code: str) -> None:
    """A wrong key is told apart from a wrong request."""
    failed = GEMINI.read_error(400, raw)
    assert (failed.status, failed.code, failed.message) == (status, code, "m")


def test_when_to_ask_again() -> None:
    """The body tells it, there is no header."""
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "36.5s"}
    error = {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED", "details": [detail, 1]}
    assert GEMINI.read_error(429, json.dumps({"error": error}).encode()).retry_after == 36.5


@pytest.mark.parametrize("raw", [b"<html>", b'"x"', b"[]", b"{}", b""])
def test_errors_of_another_form(raw: bytes) -> None:
    """Whatever a proxy says is the message."""
    assert GEMINI.read_error(502, raw).status == 502


# -- writing


def test_parts_are_written() -> None:
    """Arguments as an object, a refusal as text."""
    written = write(
        Text(text="a"),
        Refusal(text="no"),
        ToolCall(id="1", name="f", arguments='{"b":1}', sealed="c2ln"),
        ToolCall(id="2", name="g", arguments=""),
        Audio(media=Media(mime="audio/wav", data="QQ==")),
        stop="tool_calls",
    )
    assert written == {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"text": "a"},
                        {"text": "no"},
                        {"functionCall": {"id": "1", "name": "f", "args": {"b": 1}}, "thoughtSignature": "c2ln"},
                        {"functionCall": {"id": "2", "name": "g", "args": {}}},
                        {"inlineData": {"mimeType": "audio/wav", "data": "QQ=="}},
                    ],
                    "role": "model",
                },
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "modelVersion": "m",
        "responseId": "r",
    }


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("end", "STOP"),
        ("length", "MAX_TOKENS"),
        ("tool_calls", "STOP"),
        ("stop_sequence", "STOP"),
        ("filter", "SAFETY"),
        ("refusal", "SAFETY"),
        ("pause", "OTHER"),
    ],
)
def test_why_it_ended_is_written(stop: Any, reason: str) -> None:
    """In the API's words."""
    assert write(Text(text="a"), stop=stop)["candidates"][0]["finishReason"] == reason


def test_a_malformed_call() -> None:
    """Arguments that are no object are what Gemini has a reason for, unless they were only cut off."""
    call = ToolCall(id="1", name="f", arguments='{"a":')
    assert write(call, stop="tool_calls")["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert write(call, stop="length")["candidates"][0]["finishReason"] == "MAX_TOKENS"


def test_thoughts_are_shown_if_wanted() -> None:
    """Their state travels on the next part in either case."""
    thought = Thinking(text="hm", sealed="sig", maker="anthropic")
    shown = write(thought, Text(text="a"), prompt=SHOWN)["candidates"][0]["content"]["parts"]
    hidden = write(thought, Text(text="a"))["candidates"][0]["content"]["parts"]
    assert shown[0] == {"text": "hm", "thought": True}
    assert shown[1:] == hidden
    (state,) = signatures.unpack(hidden[0]["thoughtSignature"]) or ()
    assert (state.maker, state.sealed, state.text) == ("anthropic", "sig", "hm")


def test_thoughts_with_nothing_after_them() -> None:
    """An empty text carries their state, as Gemini does it."""
    parts = write(Thinking(sealed="x", maker="anthropic", redacted=True))["candidates"][0]["content"]["parts"]
    assert [part["text"] for part in parts] == [""]
    assert signatures.unpack(parts[0]["thoughtSignature"])


def test_geminis_own_signatures_are_written_as_they_are() -> None:
    """No one else has to know them."""
    parts = write(Thinking(text="hm", sealed="c2ln", maker="gemini"), prompt=SHOWN)["candidates"][0]["content"]["parts"]
    assert parts == [{"text": "hm", "thought": True, "thoughtSignature": "c2ln"}]


def test_a_blocked_reply_has_no_content() -> None:
    """As the API does it."""
    assert "content" not in write(stop="filter")["candidates"][0]
    assert write()["candidates"][0]["content"]["parts"] == [{"text": ""}]
