"""A provider's stream, from servers that keep the whole protocol and from those that do not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isartor.errors import UpstreamError
from isartor.formats.canonical import (
    Began,
    Failed,
    Finished,
    PartBegan,
    PartGrew,
    PartSealed,
    Text,
    Thinking,
    ToolCall,
    Usage,
)

from .helpers import FORMAT, collected, read_stream

MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "hello"}]}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"a":1}'}
THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "one"}, {"type": "summary_text", "text": "two"}],
    "encrypted_content": "E",
}
USAGE = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


CREATED = event("response.created", response={"id": "resp_1", "model": "m"})


def completed(*output: Any, kind: str = "completed", **fields: Any) -> bytes:
    response = {"id": "resp_1", "model": "m", "status": kind, "output": list(output), "usage": USAGE, **fields}
    return event(f"response.{kind}", response=response)


def texts(events: list[Any]) -> list[str]:
    return [part.arguments if isinstance(part, ToolCall) else part.text for part in collected(events)]


def test_only_whole_items() -> None:
    """Items that are never added come at their end."""
    done = [
        event("response.output_item.done", output_index=at, item=item)
        for at, item in enumerate([THOUGHT, MESSAGE, CALL])
    ]
    events = read_stream(CREATED + b"".join(done) + completed(THOUGHT, MESSAGE, CALL))
    assert texts(events) == ["one\n\ntwo", "hello", '{"a":1}']
    assert PartSealed(0, "E", "openai_responses") in events
    assert events[-1] == Finished("tool_calls", usage=Usage(input=5, output=2))


def test_only_the_end() -> None:
    """A stream of one event has everything in it."""
    events = read_stream(completed(MESSAGE))
    assert events[0] == Began("resp_1", "m")
    assert texts(events) == ["hello"]


def test_deltas_without_items() -> None:
    """Text whose message was never announced is text."""
    events = read_stream(
        CREATED
        + event("response.output_text.delta", output_index=0, content_index=0, delta="hel")
        + event("response.output_text.delta", output_index=0, content_index=0, delta="lo")
        + completed(MESSAGE)
    )
    assert [one for one in events if isinstance(one, PartGrew)] == [PartGrew(0, "hel"), PartGrew(0, "lo")]
    assert texts(events) == ["hello"]


def test_missing_deltas() -> None:
    """What deltas left out is made up for, and nothing is said twice."""
    events = read_stream(
        CREATED
        + event("response.output_item.added", output_index=0, item={**CALL, "arguments": ""})
        + event("response.function_call_arguments.delta", output_index=0, delta='{"a"')
        + event("response.function_call_arguments.done", output_index=0, arguments='{"a":1}')
        + event("response.output_item.done", output_index=0, item=CALL)
        + completed(CALL)
    )
    assert texts(events) == ['{"a":1}']


def test_parts_of_a_summary() -> None:
    """The parts of a summary are paragraphs of one thought, as in JSON."""
    deltas = [
        event("response.reasoning_summary_text.delta", item_id="rs_1", output_index=0, summary_index=at, delta=text)
        for at, text in enumerate(["one", "two"])
    ]
    events = read_stream(
        CREATED
        + b"".join(deltas)
        + event("response.output_item.done", output_index=0, item=THOUGHT)
        + completed(THOUGHT)
    )
    (part,) = collected(events)
    assert part == Thinking(text="one\n\ntwo", maker="openai_responses", id="rs_1", sealed="E")
    whole = FORMAT.read_reply(json.dumps({"status": "completed", "output": [THOUGHT]}).encode())
    assert whole.parts == [part]


def test_thoughts_in_full_and_summed_up() -> None:
    """A server that shows its thoughts twice is heard once."""
    events = read_stream(
        CREATED
        + event("response.reasoning_text.delta", item_id="rs_1", output_index=0, content_index=0, delta="long")
        + event("response.reasoning_summary_text.delta", item_id="rs_1", output_index=0, summary_index=0, delta="short")
        + completed()
    )
    assert texts(events) == ["long"]


def test_incomplete() -> None:
    """The reason of an incomplete response is the stop."""
    for reason, stop in (("max_output_tokens", "length"), ("content_filter", "filter")):
        events = read_stream(CREATED + completed(MESSAGE, kind="incomplete", incomplete_details={"reason": reason}))
        assert events[-1].stop == stop


@pytest.mark.parametrize("cut", range(4))
def test_cut(cut: int) -> None:
    """A stream that was cut has no end."""
    pieces = [
        CREATED,
        event("response.output_item.added", output_index=0, item={**MESSAGE, "content": []}),
        event("response.output_text.delta", output_index=0, content_index=0, delta="h"),
        event("response.output_item.done", output_index=0, item=MESSAGE),
    ]
    assert not any(isinstance(one, Finished) for one in read_stream(b"".join(pieces[: cut + 1])))


@pytest.mark.parametrize(
    ("stream", "failed"),
    [
        (event("error", code="rate_limit_exceeded", message="slow"), Failed(429, "slow", "rate_limit_exceeded")),
        (event("error", error={"type": "x", "code": "server_error", "message": "m"}), Failed(502, "m", "server_error")),
        (event("error", message="m"), Failed(502, "m", "error")),
        (
            b'data: {"error": {"message": "m", "type": "insufficient_quota"}}\n\n',
            Failed(429, "m", "insufficient_quota"),
        ),
        (
            event("response.failed", response={"error": {"code": "invalid_prompt", "message": "bad"}}),
            Failed(400, "bad", "invalid_prompt"),
        ),
        (
            event("response.failed", response={"error": {"code": "server_is_overloaded", "message": "m"}}),
            Failed(503, "m", "server_is_overloaded"),
        ),
        (
            event("response.cancelled", response={"status": "cancelled"}),
            Failed(502, "the provider gave no reason", "cancelled"),
        ),
    ],
)
def test_failures(stream: bytes, failed: Failed) -> None:
    """An error in the stream says what HTTP status it amounts to, and nothing comes after it."""
    assert read_stream(CREATED + stream + completed(MESSAGE)) == [Began("resp_1", "m"), failed]


def test_our_own_errors() -> None:
    """The error events that this gateway writes are read as what they are: gateways may stand in a row."""
    stream = FORMAT.stream_error(429, "slow", code="rate_limited", request_id="1")
    failed = read_stream(CREATED + stream)[-1]
    assert isinstance(failed, Failed)
    assert failed.message == "slow"


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense",
        b"[]",
        b'{"type": "response.output_text.delta"}',
        b'{"type": "response.output_text.delta", "delta": 5}',
        b'{"type": "response.output_text.delta", "delta": ["a"]}',
        b'{"type": "response.output_text.delta", "delta": "a", "output_index": "x"}',
        b'{"type": "response.output_item.added", "item": {"type": "function_call"}}',
        b'{"type": "response.completed"}',
        b'{"type": "response.completed", "response": {"output": [{"type": "message", "content": [{"type": "output_text"}]}], "usage": 5}}',
        b'{"type": "response.created", "response": 5}',
    ],
)
def test_garbage(data: bytes) -> None:
    """What is not of the format is the provider's fault."""
    reader = FORMAT.stream_reader()
    with pytest.raises(UpstreamError):
        reader.read(None, data)


def test_unknown_events() -> None:
    """Events and items that nobody has heard of are passed over."""
    unknown = event("response.web_search_call.searching", output_index=0) + event("response.new.thing", error={"a": 1})
    item = event("response.output_item.added", output_index=0, item={"type": "web_search_call", "id": "ws"})
    assert texts(read_stream(CREATED + unknown + item + completed({"type": "web_search_call"}, MESSAGE))) == ["hello"]


def test_done_marker() -> None:
    """The marker that ends other APIs' streams, which some servers send here, too, says nothing."""
    assert read_stream(completed(MESSAGE) + b"data: [DONE]\n\n")[-1].stop == "end"
    assert FORMAT.stream_reader().read(None, b"[DONE]") == []


def test_interleaved() -> None:
    """Items that grow in turns stay apart."""
    events = read_stream(
        CREATED
        + event("response.output_item.added", output_index=0, item={**CALL, "arguments": ""})
        + event("response.output_item.added", output_index=1, item={**CALL, "call_id": "call_2", "arguments": ""})
        + event("response.function_call_arguments.delta", output_index=0, delta="{")
        + event("response.function_call_arguments.delta", output_index=1, delta="[")
        + event("response.function_call_arguments.delta", output_index=0, delta="}")
        + event("response.function_call_arguments.delta", output_index=1, delta="]")
        + completed({**CALL, "arguments": "{}"}, {**CALL, "call_id": "call_2", "arguments": "[]"})
    )
    assert texts(events) == ["{}", "[]"]
    assert [one.part.id for one in events if isinstance(one, PartBegan) and isinstance(one.part, ToolCall)] == [
        "call_1",
        "call_2",
    ]
    assert not any(isinstance(part, Text) for part in collected(events))
