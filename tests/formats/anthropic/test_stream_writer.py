"""A translated stream is one that Anthropic's API could have sent, and the official SDK reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isartor.formats import seal, sse
from isartor.formats.canonical import (
    Began,
    Event,
    Finished,
    PartBegan,
    PartEnded,
    PartGrew,
    PartSealed,
    Reasoning,
    Refusal,
    Stop,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)

from .checks import FORMAT, events_of, final_message, prompt, read

USAGE = Usage(input=100, output=20, cached=60, cache_write=10, reasoning=5)
END = Finished("end", usage=USAGE)


def written(*events: Event, show: bool | None = None) -> bytes:
    """The stream for `events` with a beginning and, if they have none, an end."""
    asked = prompt(origin="anthropic", reasoning=Reasoning(show=show))
    writer = FORMAT.stream_writer(asked)
    last = () if isinstance(events[-1], Finished) else (END,)
    return b"".join(writer.write(event) for event in (Began("r1", "gpt-5"), *events, *last))


def part(index: int, begun: Any, *texts: str, sealed: tuple[str, Any] | None = None) -> list[Event]:
    """All events of one part."""
    seals = [] if sealed is None else [PartSealed(index, *sealed)]
    return [PartBegan(index, begun), *(PartGrew(index, text) for text in texts), *seals, PartEnded(index)]


def call(name: str = "Bash", number: int = 1) -> ToolCall:
    return ToolCall(id=f"call_{number}", name=name, arguments="")


def blocks(stream: bytes) -> list[dict[str, Any]]:
    """The blocks as the SDK puts them together."""
    events_of(stream)
    return final_message(stream).to_dict()["content"]


def test_text() -> None:
    """The SDK gets id, model, text, usage and the reason to stop."""
    stream = written(*part(0, Text(text=""), "Hel", "lo"))
    events_of(stream)
    message = final_message(stream)
    assert (message.id, message.model, message.role, message.stop_reason) == (
        "msg_r1",
        "gpt-5",
        "assistant",
        "end_turn",
    )
    assert message.content[0].text == "Hello"
    used = message.usage
    assert (used.input_tokens, used.cache_read_input_tokens, used.cache_creation_input_tokens) == (30, 60, 10)
    assert (used.output_tokens, used.output_tokens_details.thinking_tokens) == (20, 5)


def test_names() -> None:
    """The events come in the order of the real API, each under its name."""
    names = [event["type"] for event in events_of(written(*part(0, Text(text=""), "a", "b")))]
    assert names == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_nothing_waits() -> None:
    """Each piece of text is sent at once."""
    writer = FORMAT.stream_writer(prompt(origin="anthropic"))
    writer.write(Began("r", "m"))
    writer.write(PartBegan(0, Text(text="")))
    assert b'"text":"a"' in writer.write(PartGrew(0, "a"))
    writer.write(PartBegan(1, call()))
    assert b'"partial_json":"{"' in writer.write(PartGrew(1, "{"))


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("end", "end_turn"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("stop_sequence", "stop_sequence"),
        ("filter", "refusal"),
        ("refusal", "refusal"),
        ("pause", "pause_turn"),
    ],
)
def test_stops(stop: Stop, reason: str) -> None:
    """Every reason to stop has its word."""
    message = final_message(written(*part(0, Text(text=""), "a"), Finished(stop, "STOP")))
    assert message.stop_reason == reason
    assert message.stop_sequence == "STOP"


def test_calls() -> None:
    """Calls have their names at once and their arguments piece by piece; one without arguments has an empty object."""
    stream = written(*part(0, call(), '{"a"', ":1}"), *part(1, call("Now", 2)))
    first, second = blocks(stream)
    assert (first["type"], first["id"], first["name"], first["input"]) == ("tool_use", "call_1", "Bash", {"a": 1})
    assert (second["id"], second["input"]) == ("call_2", {})
    # Some providers say `stop` although they call.
    assert final_message(stream).stop_reason == "tool_use"


def test_interleaved_calls() -> None:
    """Calls that grow together are sent one after the other."""
    events: list[Event] = [PartBegan(0, call()), PartGrew(0, "{"), PartBegan(1, call("B", 2))]
    events += [PartGrew(1, '{"b"'), PartGrew(0, "}"), PartGrew(1, ":2}"), PartEnded(1), PartEnded(0)]
    first, second = blocks(written(*events))
    assert (first["input"], second["input"]) == ({}, {"b": 2})


def test_text_between_calls() -> None:
    """Text that is left open does not hold up a call, and goes on in another block."""
    events = [PartBegan(0, Text(text="")), PartGrew(0, "a"), PartBegan(1, call()), PartGrew(1, "{}")]
    events += [PartGrew(0, "b"), PartEnded(1), PartGrew(0, "c"), PartEnded(0)]
    assert [(block["type"], block.get("text")) for block in blocks(written(*events))] == [
        ("text", "a"),
        ("tool_use", None),
        ("text", "bc"),
    ]


def test_empty_parts() -> None:
    """A part without a word is no block: the API refuses one when it is sent back."""
    stream = written(*part(0, Text(text="")), *part(1, Thinking(maker="openai_chat")), *part(2, Text(text=""), "x"))
    assert [block["text"] for block in blocks(stream)] == ["x"]


def test_refusal() -> None:
    """A refusal is text, and the reason to stop says what it is."""
    stream = written(*part(0, Refusal(text=""), "I can't."), Finished("refusal"))
    assert blocks(stream)[0]["text"] == "I can't."


@pytest.mark.parametrize("maker", ["openai_chat", "openai_responses", "gemini"])
@pytest.mark.parametrize("show", [True, False])
def test_thinking(maker: Any, show: bool) -> None:
    """A thought is shown if it is wanted, and comes back in the next request as its maker made it."""
    thought = Thinking(maker=maker, id="rs_1")
    stream = written(*part(0, thought, "let ", "me", sealed=("ENC", maker)), *part(1, Text(text=""), "x"), show=show)
    content = blocks(stream)
    assert content[0]["thinking"] == ("let me" if show else "")
    back = read({"messages": [{"role": "assistant", "content": content}]}).turns[0].parts[0]
    assert isinstance(back, Thinking)
    assert (back.text, back.sealed, back.maker, back.id) == ("let me", "ENC", maker, "rs_1")


def test_hidden_thinking_is_heard() -> None:
    """While thoughts are not shown, the client hears that the stream is alive."""
    writer = FORMAT.stream_writer(prompt(origin="anthropic", reasoning=Reasoning(show=False)))
    writer.write(Began("r", "m"))
    writer.write(PartBegan(0, Thinking(maker="openai_chat")))
    assert all(writer.write(PartGrew(0, "x")) for _ in range(3))


def test_thinking_without_seal() -> None:
    """Plain thoughts of a chat provider are signed by us, so that they go back to it and to nobody else."""
    content = blocks(written(*part(0, Thinking(maker="openai_chat"), "hm")))
    back = read({"messages": [{"role": "assistant", "content": content}]}).turns[0].parts[0]
    assert back == Thinking(text="hm", maker="openai_chat")


def test_redacted() -> None:
    """A thought of which there is only the seal is a redacted one."""
    content = blocks(
        written(*part(0, Thinking(maker="openai_responses", redacted=True), sealed=("E", "openai_responses")))
    )
    assert content[0]["type"] == "redacted_thinking"
    back = read({"messages": [{"role": "assistant", "content": content}]}).turns[0].parts[0]
    assert back == Thinking(sealed="E", maker="openai_responses", redacted=True)


@pytest.mark.parametrize("late", [True, False])
def test_sealed_call(late: bool) -> None:
    """Gemini's signature of a call is put on the call again, whenever it came and though the client knows no such thing."""
    events: list[Event] = part(0, call(), "{}", sealed=("SIG", "gemini"))
    if not late:
        events.insert(1, events.pop(2))
    content = blocks(written(*events))
    assert [block["type"] for block in content] == ["tool_use", "thinking"] if late else ["thinking", "tool_use"]
    answer = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "ok"}]}
    turns = read({"messages": [{"role": "assistant", "content": content}, answer]}).turns
    assert turns[0].parts == [ToolCall(id="call_1", name="Bash", arguments="{}", sealed="SIG")]
    assert turns[1].parts == [ToolResult(id="call_1", name="Bash", parts=[Text(text="ok")], extra={"~plain": True})]


def test_seal_after_the_next_part_began() -> None:
    """A seal that comes when its thought's block is closed has a block of its own."""
    events = [PartBegan(0, Thinking(maker="gemini")), PartGrew(0, "a"), PartBegan(1, Text(text="")), PartGrew(1, "x")]
    events += [PartSealed(0, "S", "gemini"), PartEnded(0), PartGrew(1, "y"), PartEnded(1)]
    content = blocks(written(*events))
    assert [block["type"] for block in content] == ["thinking", "text", "thinking", "text"]
    assert seal.unseal(content[2]["signature"]) == seal.Sealed(maker="gemini", sealed="S")


def test_no_thought_at_the_end() -> None:
    """A seal without a thought is no last block: clients take the answer from that one."""
    seals = part(1, Thinking(maker="gemini"), sealed=("S", "gemini"))
    assert [block["type"] for block in blocks(written(*part(0, Text(text=""), "x"), *seals))] == ["text"]
    followed = written(*part(0, Text(text=""), "x"), *seals, *part(2, call()))
    assert [block["type"] for block in blocks(followed)] == ["text", "thinking", "tool_use"]


KINDS = {
    "text": lambda index: Text(text=""),
    "refusal": lambda index: Refusal(text=""),
    "thinking": lambda index: Thinking(maker="openai_responses"),
    "call": lambda index: ToolCall(id=f"call_{index}", name=f"tool_{index}", arguments=""),
}


@st.composite
def schedules(draw: st.DrawFn) -> tuple[list[Event], list[tuple[str, str]]]:
    """Parts that begin in order and grow in any, and what each says."""
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=5))
    queues: list[list[Event]] = []
    said = []
    for index, kind in enumerate(kinds):
        texts = draw(st.lists(st.text("abc🙂", min_size=1, max_size=3), max_size=4))
        if kind == "call":
            texts = ['{"a":"', *texts, '"}'] if texts else []
        queue = part(index, KINDS[kind](index), *texts)
        if kind == "thinking" and draw(st.booleans()):
            queue.insert(draw(st.integers(1, len(queue) - 1)), PartSealed(index, f"S{index}", "openai_responses"))
        queues.append(queue)
        said.append((kind, "".join(texts)))
    events: list[Event] = []
    begun = 0
    while any(queues):
        ready = [at for at, queue in enumerate(queues) if queue and at <= begun]
        at = draw(st.sampled_from(ready))
        begun += at == begun
        events.append(queues[at].pop(0))
    return events, said


@settings(deadline=None, max_examples=400)
@given(schedules(), st.booleans())
def test_any_interleaving(schedule: tuple[list[Event], list[tuple[str, str]]], show: bool) -> None:
    """However parts interleave, nothing is lost, calls are whole, and the order of events is the API's."""
    events, said = schedule
    last = len(said)
    stream = written(*events, *part(last, Text(text=""), "."), show=show)
    events_of(stream)
    content = final_message(stream).to_dict()["content"]
    calls = {block["name"]: block["input"] for block in content if block["type"] == "tool_use"}
    assert calls == {
        f"tool_{index}": json.loads(text or "{}") for index, (kind, text) in enumerate(said) if kind == "call"
    }
    turn = read({"messages": [{"role": "assistant", "content": content}]}).turns
    back = turn[0].parts
    texts = "".join(each.text for each in back if isinstance(each, Text))
    assert sorted(texts) == sorted("." + "".join(text for kind, text in said if kind in {"text", "refusal"}))
    thoughts = [each for each in back if isinstance(each, Thinking)]
    assert sorted("".join(each.text for each in thoughts)) == sorted(
        "".join(t for kind, t in said if kind == "thinking")
    )
    sealed = sorted(each.sealed for each in thoughts if each.sealed)
    assert sealed == sorted(event.sealed for event in events if isinstance(event, PartSealed))


@settings(deadline=None, max_examples=100)
@given(schedules())
def test_reader_reads_it(schedule: tuple[list[Event], list[tuple[str, str]]]) -> None:
    """What the writer writes, the reader reads: the same words, calls and end."""
    events, said = schedule
    splitter = sse.Events()
    reader = FORMAT.stream_reader()
    back = [event for name, data in splitter.feed(written(*events)) for event in reader.read(name, data)]
    assert isinstance(back[0], Began)
    assert back[-1] == Finished("tool_calls" if any(kind == "call" for kind, _ in said) else "end", None, USAGE)
    open_parts = set()
    for event in back[1:-1]:
        if isinstance(event, PartBegan):
            open_parts.add(event.index)
        else:
            assert event.index in open_parts
            if isinstance(event, PartEnded):
                open_parts.remove(event.index)
    assert not open_parts
