"""Streams in both directions, and one through the other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isartor.errors import UpstreamError
from isartor.formats.canonical import (
    Began,
    Event,
    Failed,
    Finished,
    PartBegan,
    PartEnded,
    PartGrew,
    PartSealed,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from isartor.formats.gemini import Gemini, signatures
from isartor.formats.sse import Events

GEMINI = Gemini()
PROMPT = Prompt(origin="gemini", model="gemini-2.5-flash", turns=[], reasoning=Reasoning(show=True))
SILENT = Prompt(origin="gemini", model="gemini-2.5-flash", turns=[])
BEGAN = Began("r", "m")


def chunk(*parts: Any, finish: str | None = None, **more: Any) -> Any:
    candidate: Any = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "responseId": "r", "modelVersion": "m", **more}


def read(*chunks: Any, cut: bool = False) -> list[Event]:
    reader = GEMINI.stream_reader()
    events = [event for each in chunks for event in reader.read(None, json.dumps(each).encode())]
    return events if cut else events + reader.end()


def write(*events: Event, prompt: Prompt = PROMPT) -> list[Any]:
    writer = GEMINI.stream_writer(prompt)
    raw = b"".join(writer.write(event) for event in events)
    assert not raw or raw.endswith(b"\n\n")
    split = Events()
    return [json.loads(data) for _, data in [*split.feed(raw), *split.end()]]


def parts_of(chunks: list[Any]) -> list[Any]:
    return [part for each in chunks for part in each["candidates"][0].get("content", {}).get("parts", ())]


def test_a_text_is_one_part() -> None:
    """It grows event by event; the usage is that of the last one."""
    events = read(
        chunk({"text": "a"}, usageMetadata={"promptTokenCount": 3}),
        chunk({"text": "b"}),
        chunk({"text": ""}, finish="STOP", usageMetadata={"promptTokenCount": 3, "candidatesTokenCount": 2}),
    )
    assert events == [
        Began("r", "m", Usage(input=3)),
        PartBegan(0, Text(text="")),
        PartGrew(0, "a"),
        PartGrew(0, "b"),
        PartEnded(0),
        Finished("end", usage=Usage(input=3, output=2)),
    ]


def test_thoughts_calls_and_signatures() -> None:
    """A call comes whole, its signature first; that of a text is a thought of its own after it."""
    events = read(
        chunk({"text": "hm", "thought": True}),
        chunk({"text": "so"}),
        chunk({"functionCall": {"name": "f", "args": {"a": 1}, "id": "1"}, "thoughtSignature": "c2ln"}),
        chunk({"functionCall": {"name": "g", "id": "2"}}),
        chunk({"text": "", "thoughtSignature": "Zm9v"}, finish="STOP"),
    )
    assert events == [
        BEGAN,
        PartBegan(0, Thinking(maker="gemini")),
        PartGrew(0, "hm"),
        PartEnded(0),
        PartBegan(1, Text(text="")),
        PartGrew(1, "so"),
        PartEnded(1),
        PartBegan(2, ToolCall(id="1", name="f", arguments="")),
        PartSealed(2, "c2ln", "gemini"),
        PartGrew(2, '{"a":1}'),
        PartEnded(2),
        PartBegan(3, ToolCall(id="2", name="g", arguments="")),
        PartGrew(3, "{}"),
        PartEnded(3),
        PartBegan(4, Thinking(maker="gemini")),
        PartSealed(4, "Zm9v", "gemini"),
        PartEnded(4),
        Finished("tool_calls"),
    ]


def test_a_signature_in_the_middle_of_a_text() -> None:
    """It does not cut the text in two."""
    events = read(chunk({"text": "a", "thoughtSignature": "c2ln"}), chunk({"text": "b"}), chunk(finish="STOP"))
    assert events == [
        BEGAN,
        PartBegan(0, Text(text="")),
        PartGrew(0, "a"),
        PartGrew(0, "b"),
        PartEnded(0),
        PartBegan(1, Thinking(maker="gemini")),
        PartSealed(1, "c2ln", "gemini"),
        PartEnded(1),
        Finished("end"),
    ]


def test_a_signed_thought() -> None:
    """The signature is the thought's own."""
    events = read(chunk({"text": "hm", "thought": True, "thoughtSignature": "c2ln"}, finish="STOP"))
    assert events[1:-1] == [
        PartBegan(0, Thinking(maker="gemini")),
        PartGrew(0, "hm"),
        PartSealed(0, "c2ln", "gemini"),
        PartEnded(0),
    ]


def test_a_cut_stream_does_not_finish() -> None:
    """Without a reason for its end it has none."""
    assert not any(isinstance(event, Finished) for event in read(chunk({"text": "a"})))


def test_a_reason_in_every_event() -> None:
    """Some models send it so; the body's end decides."""
    events = read(chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"}, finish="STOP"))
    assert [type(event) for event in events].count(Finished) == 1
    assert isinstance(events[-1], Finished)


def test_an_error_inside() -> None:
    """It ends the stream with its own code."""
    events = read(
        chunk({"text": "a"}), {"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}, cut=True
    )
    assert events[-1] == Failed(429, "m", "RESOURCE_EXHAUSTED")


def test_a_spoilt_call() -> None:
    """Nobody can use the reply; before anything was said another provider may try."""
    events = read({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}, cut=True)
    assert isinstance(events[-1], Failed)
    assert events[-1].code == "malformed_function_call"


def test_a_blocked_prompt() -> None:
    """It ends at once, filtered."""
    assert read({"promptFeedback": {"blockReason": "SAFETY"}, "responseId": "r"}) == [
        Began("r", ""),
        Finished("filter"),
    ]


def test_another_candidate_is_not_read() -> None:
    """Nobody could ask for it."""
    other = chunk({"text": "b"}, finish="STOP")
    other["candidates"][0]["index"] = 1
    assert not any(isinstance(event, PartGrew | Finished) for event in read(other))


@pytest.mark.parametrize("data", [b"x", b"[]", b'{"candidates":{"a":1},"responseId":2}'])
def test_garbage(data: bytes) -> None:
    """It is the provider's fault."""
    with pytest.raises(UpstreamError):
        GEMINI.stream_reader().read(None, data)


def test_a_picture_cannot_be_streamed_to_others() -> None:
    """Said, not left out."""
    with pytest.raises(UpstreamError):
        read(chunk({"inlineData": {"mimeType": "image/png", "data": "QQ=="}}))


# -- writing


def test_every_event_has_a_part() -> None:
    """The SDK's chats forget a turn with an event that has none; the last one has the reason and the usage."""
    chunks = write(
        BEGAN,
        PartBegan(0, Text(text="")),
        PartGrew(0, "a"),
        PartGrew(0, "b"),
        PartEnded(0),
        Finished("end", usage=Usage(input=3, output=2)),
    )
    assert chunks == [
        chunk({"text": "a"}),
        chunk({"text": "b"}),
        chunk(
            {"text": ""},
            finish="STOP",
            usageMetadata={"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
        ),
    ]


def test_calls_come_whole_as_soon_as_they_end() -> None:
    """Also if two grow at once; one with arguments that are no object spoils the reply."""
    start = (
        BEGAN,
        PartBegan(0, ToolCall(id="1", name="f")),
        PartGrew(0, '{"a"'),
        PartBegan(1, ToolCall(id="2", name="g")),
        PartEnded(1),
        PartGrew(0, ":1}"),
        PartEnded(0),
    )
    assert parts_of(write(*start)) == [
        {"functionCall": {"id": "2", "name": "g", "args": {}}},
        {"functionCall": {"id": "1", "name": "f", "args": {"a": 1}}},
    ]
    spoilt = (PartBegan(2, ToolCall(id="3", name="h")), PartGrew(2, "{"), PartEnded(2), Finished("tool_calls"))
    assert write(*start, *spoilt)[-1]["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL"


@pytest.mark.parametrize("prompt", [PROMPT, SILENT])
def test_another_providers_thoughts(prompt: Prompt) -> None:
    """Shown if wanted, each piece alone; their state stands on the first piece of what follows."""
    chunks = write(
        BEGAN,
        PartBegan(0, Thinking(maker="anthropic")),
        PartGrew(0, "h"),
        PartGrew(0, "m"),
        PartSealed(0, "sig", "anthropic"),
        PartEnded(0),
        PartBegan(1, Thinking(maker="anthropic", redacted=True)),
        PartSealed(1, "data", "anthropic"),
        PartEnded(1),
        PartBegan(2, Refusal(text="")),
        PartGrew(2, "no"),
        PartGrew(2, "!"),
        PartEnded(2),
        prompt=prompt,
    )
    parts = parts_of(chunks)
    if prompt is PROMPT:
        assert parts[:2] == [{"text": "h", "thought": True}, {"text": "m", "thought": True}]
        parts = parts[2:]
    states = signatures.unpack(parts[0]["thoughtSignature"]) or []
    assert [(state.sealed, state.text, state.redacted) for state in states] == [
        ("sig", "hm", False),
        ("data", "", True),
    ]
    assert parts[1] == {"text": "!"}


def test_thoughts_with_nothing_after_them() -> None:
    """The last event carries their state."""
    events = (BEGAN, PartBegan(0, Thinking(maker="anthropic")), PartGrew(0, "h"), PartEnded(0), Finished("length"))
    (last,) = write(*events, prompt=SILENT)
    assert signatures.unpack(last["candidates"][0]["content"]["parts"][0]["thoughtSignature"])
    assert last["candidates"][0]["finishReason"] == "MAX_TOKENS"


def test_a_filtered_reply() -> None:
    """It ends without content, as the API does it."""
    (last,) = write(BEGAN, Finished("filter"))
    assert last["candidates"] == [{"finishReason": "SAFETY", "index": 0}]


PIECES = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=4)
ARGUMENTS = st.dictionaries(st.text(max_size=4), st.integers(-9, 9) | st.text(max_size=4), max_size=3)
GROWN = st.lists(
    st.one_of(
        PIECES.map(lambda pieces: ("text", pieces)),
        PIECES.map(lambda pieces: ("thought", pieces)),
        ARGUMENTS.map(lambda args: ("call", json.dumps(args, ensure_ascii=False, separators=(",", ":")))),
    ),
    max_size=6,
)


def events_of(grown: Any) -> list[Event]:
    """A stream whose neighbouring parts differ, since Gemini has no border between two of a kind."""
    events: list[Event] = [BEGAN]
    kept = [each for at, each in enumerate(grown) if each[0] == "call" or at == 0 or grown[at - 1][0] != each[0]]
    for index, (kind, said) in enumerate(kept):
        if kind == "call":
            events.append(PartBegan(index, ToolCall(id=f"id{index}", name="f", arguments="")))
            events.append(PartGrew(index, said))
        else:
            events.append(PartBegan(index, Text(text="") if kind == "text" else Thinking(maker="gemini")))
            events += [PartGrew(index, piece) for piece in said]
        events.append(PartEnded(index))
    called = any(kind == "call" for kind, _ in kept)
    return [*events, Finished("tool_calls" if called else "end", usage=Usage(input=5, output=4, reasoning=1, cached=2))]


@given(GROWN)
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read_again(grown: Any) -> None:
    """The same events come out, whatever a reply is made of."""
    events = events_of(grown)
    began, *found = read(*write(*events))
    assert isinstance(began, Began)
    assert found == events[1:]
