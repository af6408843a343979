"""A provider's stream is read event by event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isartor.errors import UpstreamError
from isartor.formats import sse
from isartor.formats.canonical import (
    Began,
    Event,
    Failed,
    Finished,
    PartBegan,
    PartEnded,
    PartGrew,
    PartSealed,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from tests.stub import anthropic as stub
from tests.stub.plan import Plan

from .checks import FORMAT

TOOL = {"name": "Bash", "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}}
START = {"type": "message_start", "message": {"id": "msg_1", "model": "c", "usage": {"input_tokens": 3}}}
STOP = {"type": "message_stop"}


def said(*events: dict[str, Any]) -> list[Event]:
    reader = FORMAT.stream_reader()
    found = [event for each in events for event in reader.read(each["type"], json.dumps(each).encode())]
    return [*found, *reader.end()]


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def of_stub(**options: str) -> tuple[list[Event], dict[str, Any]]:
    plan = Plan(tag="t", number=1, options=options)
    body: dict[str, Any] = {"model": "claude", "tools": [TOOL]}
    stub.prepare(body, plan)
    reply = stub.messages(body, plan)
    reader = FORMAT.stream_reader()
    splitter = sse.Events()
    events = [
        event
        for piece in reply.events or []
        for name, data in splitter.feed(piece)
        for event in reader.read(name, data)
    ]
    return events, reply.whole


@pytest.mark.parametrize("options", [{}, {"tools": "2"}, {"think": ""}, {"think": "", "redacted": "", "tools": "1"}])
def test_same_as_json(options: dict[str, str]) -> None:
    """A stream says what the same reply says as JSON."""
    events, whole = of_stub(**options)
    reply = FORMAT.read_reply(json.dumps(whole).encode())
    parts: dict[int, Any] = {}
    for event in events:
        match event:
            case PartBegan():
                assert event.index == len(parts)
                parts[event.index] = event.part
            case PartGrew(index=at, text=text):
                if isinstance(parts[at], ToolCall):
                    parts[at].arguments += text
                else:
                    parts[at].text += text
            case PartSealed(index=at, sealed=sealed, maker="anthropic"):
                parts[at].sealed = sealed
    assert events[0] == Began(reply.id, reply.model, Usage(input=16, output=1, cached=4))
    assert events[-1] == Finished(reply.stop, None, reply.usage)
    for part, whole_part in zip(parts.values(), reply.parts, strict=True):
        whole_part.extra = {}
        if isinstance(part, ToolCall):
            assert json.loads(part.arguments) == json.loads(whole_part.arguments)
            whole_part.arguments = part.arguments
        assert part == whole_part


def test_call_without_arguments() -> None:
    """A call whose only delta is empty has an empty object, and one whose arguments come at once has them."""
    use = {"type": "tool_use", "id": "t", "name": "n", "input": {}}
    empty = {"type": "input_json_delta", "partial_json": ""}
    events = said(START, *block(0, use, empty), *block(1, use | {"input": {"a": 1}}), STOP)
    assert [event.text for event in events if isinstance(event, PartGrew)] == ["{}", '{"a":1}']


def test_signature_in_pieces() -> None:
    """A signature is told once, before the thought's end."""
    pieces = [{"type": "signature_delta", "signature": text} for text in ("ab", "cd")]
    events = said(START, *block(0, {"type": "thinking", "thinking": "", "signature": ""}, *pieces), STOP)
    assert events[1:4] == [
        PartBegan(0, Thinking(maker="anthropic")),
        PartSealed(0, "abcd", "anthropic"),
        PartEnded(0),
    ]


def test_provider_tools_are_left_out() -> None:
    """Blocks of tools that the provider ran take no number."""
    events = said(
        START,
        *block(0, {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
        *block(1, {"type": "text", "text": "x"}),
        STOP,
    )
    assert events[1:] == [
        PartBegan(0, Text(text="")),
        PartGrew(0, "x"),
        PartEnded(0),
        Finished("end", None, Usage(input=3), told=False),
    ]


def test_unended_block() -> None:
    """A block that the provider forgot to end has ended when the message has."""
    events = said(START, *block(0, {"type": "text", "text": ""})[:1], STOP)
    assert events[-2:] == [PartEnded(0), Finished("end", None, Usage(input=3), told=False)]


def test_cut() -> None:
    """A stream without its last event is not finished."""
    assert not any(isinstance(event, Finished) for event in said(START, *block(0, {"type": "text", "text": "x"})))


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("overloaded_error", 529),
        ("rate_limit_error", 429),
        ("api_error", 500),
        ("invalid_request_error", 400),
        ("unheard_of", 502),
    ],
)
def test_error(kind: str, status: int) -> None:
    """An error event is a failure with the status that its type amounts to."""
    events = said(START, {"type": "error", "error": {"type": kind, "message": "why"}})
    assert events[-1] == Failed(status, "why", kind)


@pytest.mark.parametrize("stop", ["end_turn", "max_tokens", "model_context_window_exceeded", "tool_use", "refusal"])
def test_stops(stop: str) -> None:
    """The reason to stop is that of a JSON reply, and usage grows from the beginning's."""
    delta = {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 7}}
    last = said(START, delta, STOP)[-1]
    whole = FORMAT.read_reply(json.dumps({"stop_reason": stop, "content": []}).encode())
    assert last == Finished(whole.stop, None, Usage(input=3, output=7))


def test_unknown_events() -> None:
    """Pings and events that are not known yet say nothing."""
    assert said({"type": "ping"}, START, {"type": "later", "x": 1}, STOP)[1:] == [
        Finished("end", None, Usage(input=3), told=False)
    ]


@pytest.mark.parametrize(
    "data",
    [b"x", b"[]", b'{"a":1}', b'{"type":"content_block_stop","index":0}', b'{"type":"message_start","message":1}'],
)
def test_not_of_this_format(data: bytes) -> None:
    """What is no event of this API is the provider's fault."""
    with pytest.raises(UpstreamError):
        FORMAT.stream_reader().read(None, data)
