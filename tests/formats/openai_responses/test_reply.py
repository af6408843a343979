"""Whole replies, read from a provider and written for a client."""

from __future__ import annotations

import json
from typing import Any

import pydantic
import pytest

from isartor.errors import UpstreamError
from isartor.formats.canonical import Failed, Refusal, Reply, Text, Thinking, ToolCall, Usage

from .helpers import FORMAT, client, prompt


def read(**fields: Any) -> Reply:
    return FORMAT.read_reply(json.dumps({"id": "resp_1", "model": "m", "status": "completed", **fields}).encode())


def test_parts() -> None:
    """The items of a reply are the assistant's parts, in order."""
    reply = read(
        created_at=5.0,
        output=[
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "E"},
            {
                "type": "message",
                "content": [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "no"}],
            },
            {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "custom_tool_call", "call_id": "d", "name": "p", "input": "x"},
        ],
        usage={
            "input_tokens": 9,
            "output_tokens": 8,
            "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
            "output_tokens_details": {"reasoning_tokens": 3},
        },
    )
    for part in reply.parts:
        part.extra = {}  # type: ignore[union-attr]
    assert reply.parts == [
        Thinking(sealed="E", maker="openai_responses", id="rs_1"),
        Text(text="a"),
        Refusal(text="no"),
        ToolCall(id="c", name="f", arguments="{}"),
        ToolCall(id="d", name="p", arguments="x", custom=True),
    ]
    assert reply.usage == Usage(input=9, output=8, cached=4, cache_write=2, reasoning=3)
    assert (reply.id, reply.model, reply.stop, reply.created) == ("resp_1", "m", "tool_calls", 5)


def test_stops() -> None:
    """Why a reply ended is in its status and in what it holds."""
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}
    assert read(output=[]).stop == "end"
    assert read(output=[refusal]).stop == "refusal"
    assert read(status="incomplete", incomplete_details={"reason": "max_output_tokens"}).stop == "length"
    assert read(status="incomplete", incomplete_details={"reason": "content_filter"}).stop == "filter"


def test_failed() -> None:
    """A reply that says with a good status that it failed is an error."""
    with pytest.raises(UpstreamError) as caught:
        read(status="failed", error={"code": "rate_limit_exceeded", "message": "slow"})
    assert (caught.value.status, caught.value.code, caught.value.retryable) == (429, "rate_limit_exceeded", True)
    with pytest.raises(UpstreamError) as caught:
        read(status="failed", error={"code": "invalid_prompt", "message": "bad"})
    assert (caught.value.status, caught.value.retryable) == (400, False)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"output": 5}', b'{"output": [5]}', b'{"usage": 5}'])
def test_garbage(body: bytes) -> None:
    """What is not of the format is the provider's fault."""
    with pytest.raises(UpstreamError):
        FORMAT.read_reply(body)


def test_sdk() -> None:
    """The official SDK takes the written reply, structured answers included."""

    class Answer(pydantic.BaseModel):
        n: int

    reply = Reply(
        id="msg_01", model="claude", parts=[Thinking(text="t", maker="anthropic"), Text(text='{"n": 4}')], stop="end"
    )
    body = FORMAT.write_reply(reply, prompt())
    response = client(body, "application/json").responses.parse(model="m", input="hi", text_format=Answer)
    assert response.output_parsed == Answer(n=4)
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert (response.status, response.model, response.usage) == ("completed", "claude", None)


def test_conversation_goes_on() -> None:
    """What the SDK gives can be sent back as input, and is what the provider had said."""
    parts: Any = [
        Thinking(text="t", sealed="S", maker="anthropic"),
        Text(text="a"),
        ToolCall(id="c", name="patch", arguments='{"input":"x"}'),
        ToolCall(id="d", name="ns__f", arguments="{}", sealed="G"),
    ]
    tools: Any = [
        {"type": "custom", "name": "patch"},
        {"type": "namespace", "name": "ns", "description": "", "tools": [{"type": "function", "name": "f"}]},
    ]
    body = FORMAT.write_reply(Reply(id="r", model="m", parts=parts, stop="tool_calls"), prompt(tools=tools))
    response = client(body, "application/json").responses.create(model="m", input="hi", tools=tools)
    again = prompt(input=[item.to_dict() for item in response.output], tools=tools)
    (turn,) = again.turns
    for part in turn.parts:
        part.extra = {}  # type: ignore[union-attr]
    assert turn.parts == [
        Thinking(text="t", sealed="S", maker="anthropic"),
        Text(text="a"),
        ToolCall(id="c", name="patch", arguments="x", custom=True),
        ToolCall(id="d", name="ns__f", arguments="{}", sealed="G"),
    ]


def test_errors() -> None:
    """A provider's error reply gives its message and its own code."""
    body = b'{"error": {"message": "no", "type": "invalid_request_error", "code": "model_not_found", "param": "model"}}'
    assert FORMAT.read_error(404, body) == Failed(404, "no", "model_not_found")
    assert FORMAT.read_error(502, b"<html>bad gateway</html>").status == 502
