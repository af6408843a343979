"""Replies are read from Anthropic and written for its clients."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isartor.errors import UpstreamError
from isartor.formats.canonical import (
    Failed,
    Opaque,
    Reasoning,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
)

from .checks import FORMAT, message, prompt, read

CLIENT = prompt(origin="anthropic", model="asked")


def reply(*parts: Any, **fields: Any) -> Reply:
    return Reply(**{"id": "r1", "model": "gpt-5", "parts": list(parts), "stop": "end"} | fields)


def given(**fields: Any) -> Reply:
    return FORMAT.read_reply(json.dumps({"id": "msg_1", "model": "c", "content": []} | fields).encode())


def test_read() -> None:
    """Text, thoughts, calls and usage are read; what the provider's own tools did stays as it is."""
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        search,
        {"type": "text", "text": "hi"},
        {"type": "tool_use", "id": "t", "name": "n", "input": {"a": 1}},
    ]
    used = {"input_tokens": 5, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 2, "output_tokens": 9}
    used["output_tokens_details"] = {"thinking_tokens": 4}
    found = given(content=content, stop_reason="tool_use", usage=used)
    assert found == Reply(
        id="msg_1",
        model="c",
        stop="tool_calls",
        usage=Usage(input=14, output=9, cached=7, cache_write=2, reasoning=4),
        parts=[
            Thinking(text="hm", sealed="s", maker="anthropic"),
            Thinking(sealed="d", maker="anthropic", redacted=True),
            Opaque(origin="anthropic", kind="server_tool_use", value=search),
            Text(text="hi"),
            ToolCall(id="t", name="n", arguments='{"a":1}'),
        ],
    )


def test_write() -> None:
    """The SDK reads every part, the usage and the reason to stop."""
    written = FORMAT.write_reply(
        reply(
            Thinking(text="hm", maker="openai_chat"),
            Text(text="hi"),
            Text(text=""),
            Refusal(text="no"),
            ToolCall(id="c", name="n", arguments='{"a":1}'),
            usage=Usage(input=10, output=4, cached=6, reasoning=1),
        ),
        CLIENT,
    )
    found = message(written)
    assert (found.id, found.model, found.type, found.role) == ("msg_r1", "gpt-5", "message", "assistant")
    assert [block.type for block in found.content] == ["thinking", "text", "text", "tool_use"]
    assert found.content[-1].input == {"a": 1}
    assert found.stop_reason == "tool_use"
    assert (found.usage.input_tokens, found.usage.cache_read_input_tokens, found.usage.output_tokens) == (4, 6, 4)


def test_no_model_and_no_id() -> None:
    """A provider that names neither gets the client's model and an id of ours."""
    found = message(FORMAT.write_reply(reply(id="", model=""), CLIENT))
    assert found.model == "asked"
    assert found.id.startswith("msg_")
    assert found.usage.input_tokens == 0


def test_refusal() -> None:
    """A refused reply says so in the reason to stop."""
    found = message(FORMAT.write_reply(reply(Refusal(text="no"), stop="refusal"), CLIENT))
    assert (found.stop_reason, found.stop_details.type) == ("refusal", "refusal")


def test_no_thought_at_the_end() -> None:
    """A seal without a thought is no last block: clients take the answer from that one."""
    seal = Thinking(sealed="S", maker="gemini")
    found = message(FORMAT.write_reply(reply(seal, Text(text="x"), seal), CLIENT))
    assert [block.type for block in found.content] == ["thinking", "text"]


def test_broken_arguments() -> None:
    """Arguments that are no JSON object reach the client as what they were."""
    found = message(FORMAT.write_reply(reply(ToolCall(id="c", name="n", arguments='{"a')), CLIENT))
    assert found.content[0].input == {"arguments": '{"a'}


@pytest.mark.parametrize("show", [True, False, None])
@pytest.mark.parametrize(
    "thought",
    [
        Thinking(text="hm", maker="openai_chat"),
        Thinking(text="hm", sealed="E", maker="openai_responses", id="rs_1"),
        Thinking(sealed="E", maker="openai_responses", id="rs_1"),
        Thinking(sealed="E", maker="gemini"),
        Thinking(sealed="E", maker="openai_responses", redacted=True),
        Thinking(text="hm", sealed="E", maker="anthropic"),
    ],
)
def test_thoughts_come_back(thought: Thinking, show: bool | None) -> None:
    """What a client sends back is the thought as its maker made it, whether the client saw its text or not."""
    client = prompt(origin="anthropic", reasoning=Reasoning(show=show))
    content = json.loads(FORMAT.write_reply(reply(thought), client))["content"]
    if thought.maker == "anthropic" and show is False:
        # Anthropic's own signature holds the text already.
        thought = Thinking(sealed="E", maker="anthropic")
    assert read({"messages": [{"role": "assistant", "content": content}]}).turns[0].parts == [thought]
    if show is False:
        assert "hm" not in json.dumps(content)


def test_sealed_call() -> None:
    """A call's own signature travels in a block before it, and is put back on it."""
    call = ToolCall(id="c", name="n", arguments="{}", sealed="SIG")
    content = json.loads(FORMAT.write_reply(reply(call), CLIENT))["content"]
    assert [block["type"] for block in content] == ["thinking", "tool_use"]
    assert read({"messages": [{"role": "assistant", "content": content}]}).turns[0].parts == [call]


@pytest.mark.parametrize(
    "body",
    [b"x", b"[]", b'{"type":"error","error":{"type":"api_error","message":"m"}}', b'{"content":[{"type":"text"}]}'],
)
def test_not_a_reply(body: bytes) -> None:
    """What is no message is the provider's fault."""
    with pytest.raises(UpstreamError):
        FORMAT.read_reply(body)


@pytest.mark.parametrize(
    ("body", "failed"),
    [
        (
            b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}',
            Failed(529, "busy", "overloaded_error"),
        ),
        (b'{"error":"plain"}', Failed(529, "plain", "upstream_refused")),
        (b"<html>", Failed(529, "<html>", "upstream_refused")),
        (b"[1]", Failed(529, "[1]", "upstream_refused")),
    ],
)
def test_error(body: bytes, failed: Failed) -> None:
    """An error reply gives its message and its type, in whatever shape it comes."""
    assert FORMAT.read_error(529, body) == failed
