"""Streams of providers are read event by event, and streams for clients are what the official SDK adds up."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from isartor.errors import UpstreamError
from isartor.formats.canonical import (
    Began,
    Event,
    Failed,
    Finished,
    Image,
    Media,
    PartBegan,
    PartEnded,
    PartGrew,
    PartSealed,
    Reasoning,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    Usage,
)
from tests.formats.openai_chat.making import CHAT, chunk, chunks, prompt, stream, user
from tests.stub import openai_chat as stub
from tests.stub.plan import Plan

BEGAN = Began("c1", "m")
THOUGHT = Thinking(maker="openai_chat")


def call(index: int | None = None, name: str | None = None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    """One element of a delta's `tool_calls`."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return ({} if index is None else {"index": index}) | {"function": function} | more


def began(index: int, name: str, call_id: str, **more: Any) -> PartBegan:
    return PartBegan(index, ToolCall(id=call_id, name=name, arguments="", **more))


CASES: dict[str, tuple[list[Any], list[Event]]] = {
    "text": (
        [chunk(role="assistant", content=""), chunk(content="a"), chunk(content="b"), chunk("stop")],
        [
            BEGAN,
            PartBegan(0, Text(text="")),
            PartGrew(0, "a"),
            PartGrew(0, "b"),
            PartEnded(0),
            Finished("end"),
        ],
    ),
    "no role, null fields, usage with the last choice": (
        [
            chunk(role=None, content="a", tool_calls=None, refusal=None, reasoning_content=None),
            chunk("length", content=None) | {"usage": {"prompt_tokens": 2, "completion_tokens": 1}},
        ],
        [
            BEGAN,
            PartBegan(0, Text(text="")),
            PartGrew(0, "a"),
            PartEnded(0),
            Finished("length", usage=Usage(input=2, output=1)),
        ],
    ),
    "filter results first, usage apart": (
        [
            {"id": "", "model": "", "choices": [], "prompt_filter_results": []},
            chunk(content="a") | {"usage": None},
            chunk("stop"),
            {"id": "c1", "choices": [], "usage": {"prompt_tokens": 2}},
        ],
        [
            BEGAN,
            PartBegan(0, Text(text="")),
            PartGrew(0, "a"),
            PartEnded(0),
            Finished("end", usage=Usage(input=2)),
        ],
    ),
    "groq": (
        [chunk(content="a"), chunk("stop") | {"x_groq": {"usage": {"prompt_tokens": 2}}}],
        [
            BEGAN,
            PartBegan(0, Text(text="")),
            PartGrew(0, "a"),
            PartEnded(0),
            Finished("end", usage=Usage(input=2)),
        ],
    ),
    "thoughts": (
        [chunk(reasoning_content="h", content=None), chunk(reasoning_content="m", content=""), chunk(content="a")]
        + [chunk("stop")],
        [
            BEGAN,
            PartBegan(0, THOUGHT),
            PartGrew(0, "h"),
            PartGrew(0, "m"),
            PartEnded(0),
            PartBegan(1, Text(text="")),
            PartGrew(1, "a"),
            PartEnded(1),
            Finished("end"),
        ],
    ),
    "details": (
        [
            chunk(reasoning="h", reasoning_details=[{"type": "reasoning.text", "text": "h", "index": 0}]),
            chunk(reasoning="m", reasoning_details=[{"type": "reasoning.text", "text": "m", "index": 0}]),
            chunk(reasoning_details=[{"type": "reasoning.text", "signature": "s", "index": 0}]),
            chunk("stop", content="a"),
        ],
        [
            BEGAN,
            PartBegan(0, THOUGHT),
            PartGrew(0, "h"),
            PartGrew(0, "m"),
            PartSealed(
                0,
                '{"member":"reasoning","details":[{"type":"reasoning.text","text":"hm","index":0,"signature":"s"}]}',
                "openai_chat",
            ),
            PartEnded(0),
            PartBegan(1, Text(text="")),
            PartGrew(1, "a"),
            PartEnded(1),
            Finished("end"),
        ],
    ),
    "mistral": (
        [
            chunk(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]),
            chunk("stop", content=[{"type": "text", "text": "a"}]),
        ],
        [
            BEGAN,
            PartBegan(0, THOUGHT),
            PartGrew(0, "hm"),
            PartEnded(0),
            PartBegan(1, Text(text="")),
            PartGrew(1, "a"),
            PartEnded(1),
            Finished("end"),
        ],
    ),
    "refusal": (
        [chunk(refusal="n"), chunk(refusal="o"), chunk("stop")],
        [
            BEGAN,
            PartBegan(0, Refusal(text="")),
            PartGrew(0, "n"),
            PartGrew(0, "o"),
            PartEnded(0),
            Finished("refusal"),
        ],
    ),
    "calls": (
        [
            chunk(content="a"),
            chunk(tool_calls=[call(0, "f", "", id="1", type="function")]),
            chunk(tool_calls=[call(0, None, '{"a"')]),
            chunk(tool_calls=[call(0, None, ": 1}")]),
            chunk(tool_calls=[call(1, "g", "", id="2", type="function")]),
            chunk(tool_calls=[call(1, None, "{}")]),
            chunk("tool_calls"),
        ],
        [
            BEGAN,
            PartBegan(0, Text(text="")),
            PartGrew(0, "a"),
            PartEnded(0),
            began(1, "f", "1"),
            PartGrew(1, '{"a"'),
            PartGrew(1, ": 1}"),
            PartEnded(1),
            began(2, "g", "2"),
            PartGrew(2, "{}"),
            PartEnded(2),
            Finished("tool_calls"),
        ],
    ),
    "calls side by side": (
        [
            chunk(tool_calls=[call(0, "f", '{"a', id="1"), call(1, "g", "{", id="2")]),
            chunk(tool_calls=[call(1, None, "}"), call(0, None, '":1}')]),
            chunk("stop"),
        ],
        [
            BEGAN,
            began(0, "f", "1"),
            PartGrew(0, '{"a'),
            began(1, "g", "2"),
            PartGrew(1, "{"),
            PartGrew(1, "}"),
            PartGrew(0, '":1}'),
            PartEnded(0),
            PartEnded(1),
            Finished("tool_calls"),
        ],
    ),
    "all calls numbered 0": (
        [
            chunk(tool_calls=[call(0, "f", "{}", id="1"), call(0, "f", '{"a":1}', id="2")]),
            chunk("stop"),
        ],
        [
            BEGAN,
            began(0, "f", "1"),
            PartGrew(0, "{}"),
            PartEnded(0),
            began(1, "f", "2"),
            PartGrew(1, '{"a":1}'),
            PartEnded(1),
            Finished("tool_calls"),
        ],
    ),
    "calls without numbers": (
        [
            chunk(tool_calls=[call(None, "f", '{"a"', id="1")]),
            chunk(tool_calls=[call(None, None, ":1}", id="1")]),
            chunk(tool_calls=[call(None, "f", {"b": 2}, id="2")]),
            chunk(tool_calls=[call(None, None, "", id="2")]),
            chunk("tool_calls"),
        ],
        [
            BEGAN,
            began(0, "f", "1"),
            PartGrew(0, '{"a"'),
            PartGrew(0, ":1}"),
            PartEnded(0),
            began(1, "f", "2"),
            PartGrew(1, '{"b":2}'),
            PartEnded(1),
            Finished("tool_calls"),
        ],
    ),
    "no arguments, name in every piece": (
        [chunk(tool_calls=[call(0, "f", "", id="1")]), chunk("stop", tool_calls=[call(0, "f", None, id="1")])],
        [BEGAN, began(0, "f", "1"), PartGrew(0, "{}"), PartEnded(0), Finished("tool_calls")],
    ),
    "signature": (
        [
            chunk(
                tool_calls=[call(0, "f", "{}", id="1", extra_content={"google": {"thought_signature": "s"}})],
            ),
            chunk("tool_calls"),
        ],
        [
            BEGAN,
            began(0, "f", "1"),
            PartSealed(0, "s", "gemini"),
            PartGrew(0, "{}"),
            PartEnded(0),
            Finished("tool_calls"),
        ],
    ),
    "stop sequence": (
        [chunk(content="a"), {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": "END"}]}],
        [
            BEGAN,
            PartBegan(0, Text(text="")),
            PartGrew(0, "a"),
            PartEnded(0),
            Finished("stop_sequence", "END"),
        ],
    ),
    "other choices": (
        [chunk(content="a"), {"choices": [{"index": 1, "delta": {"content": "b"}}]}, chunk("stop")],
        [BEGAN, PartBegan(0, Text(text="")), PartGrew(0, "a"), PartEnded(0), Finished("end")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_events(case: str) -> None:
    """What the chunks of many providers say."""
    pieces, events = CASES[case]
    assert stream(*pieces) == events


def test_calls_without_ids() -> None:
    """They get ids of their own; one follows the other when it is complete."""
    pieces = [chunk(tool_calls=[call(None, "f", "{}"), call(None, "f", "{}")]), chunk("stop")]
    made = [event.part for event in stream(*pieces) if isinstance(event, PartBegan)]
    assert [part.name for part in made if isinstance(part, ToolCall)] == ["f", "f"]
    assert len({part.id for part in made if isinstance(part, ToolCall)}) == 2


def test_forgotten_end() -> None:
    """A stream without `[DONE]` is complete if it told why it ended, and cut otherwise."""
    assert stream(chunk(content="a"), chunk("stop"), done=False)[-1] == Finished("end")
    assert not isinstance(stream(chunk(content="a"), done=False)[-1], Finished)
    assert stream(chunk(content="a"))[-1] == Finished("end", told=False)


@pytest.mark.parametrize(
    ("piece", "failed"),
    [
        ({"error": {"message": "slow down", "type": "rate_limit_error"}}, Failed(429, "slow down", "rate_limit_error")),
        ({"error": {"message": "gone", "code": 502}}, Failed(502, "gone", "502")),
        ({"error": "no"}, Failed(502, "no", "upstream_refused")),
        (
            {"id": "x", "choices": [{"delta": {}, "error": {"message": "gone", "code": "server_error"}}]},
            Failed(502, "gone", "server_error"),
        ),
    ],
)
def test_errors_inside(piece: dict[str, Any], failed: Failed) -> None:
    """An error ends the stream, whatever comes after it."""
    events = stream(chunk(content="a"), piece, chunk("stop", content="b"))
    assert events[-1] == failed
    assert not any(isinstance(event, Finished) for event in events)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"3", b"\xff"])
def test_garbage(data: bytes) -> None:
    """What is no chunk is the provider's fault."""
    with pytest.raises(UpstreamError):
        CHAT.stream_reader().read(None, data)


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [chunk(tool_calls=[call(0, None, "{}", id="1")])],
        [chunk(tool_calls=[call(0, "f", "{}", id="1")]), chunk(tool_calls=[call(1, "g")])]
        + [chunk(tool_calls=[call(0, None, "more")])],
    ],
)
def test_impossible(pieces: list[Any]) -> None:
    """Nothing at all, a call of no function, more of a call that was complete."""
    with pytest.raises(UpstreamError):
        stream(*pieces)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "choices",
                        "delta",
                        "tool_calls",
                        "function",
                        "content",
                        "index",
                        "usage",
                        "name",
                        "id",
                        "arguments",
                    ]
                ),
                inner,
            )
        ),
    )
)
def test_any_json(piece: Any) -> None:
    """No chunk, however odd, raises anything else."""
    try:
        stream({"choices": [{"delta": {"content": "a"}}]}, piece, {"choices": [{"delta": piece}]})
        stream({"choices": [{"delta": {"tool_calls": [piece]}}]})
    except UpstreamError:
        return


# -- the other direction


def sent(events: list[Event], **fields: Any) -> list[Any]:
    """The chunks that a client gets."""
    writer = CHAT.stream_writer(prompt(user(), **({"origin": "openai_chat", "stream": True} | fields)))
    return chunks(b"".join(writer.write(event) for event in events))


def made(pieces: list[Any]) -> list[Any]:
    """All that the chunks say of tool calls."""
    deltas = [choice["delta"] for piece in pieces[:-1] for choice in piece["choices"]]
    return [each for delta in deltas for each in delta.get("tool_calls", ())]


def added_up(pieces: list[Any]) -> Any:
    """What the SDK makes of the chunks."""
    state = ChatCompletionStreamState()
    for piece in pieces[:-1]:
        state.handle_chunk(ChatCompletionChunk.model_validate(piece))
    assert pieces[-1] == "[DONE]"
    return state.get_final_completion()


TALK: list[Event] = [
    Began("c1", "m", Usage(input=3)),
    PartBegan(0, Thinking(maker="anthropic")),
    PartGrew(0, "hm"),
    PartSealed(0, "sig", "anthropic"),
    PartEnded(0),
    PartBegan(1, Text(text="")),
    PartGrew(1, "let me"),
    PartGrew(1, " see"),
    PartEnded(1),
    PartBegan(2, ToolCall(id="1", name="f", arguments="")),
    PartGrew(2, '{"a":'),
    PartBegan(3, ToolCall(id="2", name="g", arguments="")),
    PartGrew(3, "{}"),
    PartGrew(2, "1}"),
    PartEnded(2),
    PartEnded(3),
    Finished("tool_calls", usage=Usage(input=3, output=4, cached=1, reasoning=2)),
]


def test_pictures() -> None:
    """A picture is one piece."""
    picture = Image(media=Media(mime="image/png", data="AAAA"))
    pieces = sent([BEGAN, PartBegan(0, picture), PartEnded(0), PartBegan(1, picture), PartEnded(1), Finished("end")])
    assert len(added_up(pieces).choices[0].message.images) == 2


def test_hidden_thoughts() -> None:
    """A client that does not want to see them still carries their state."""
    pieces = sent(TALK, reasoning=Reasoning(show=False))
    assert not any("reasoning_content" in str(piece) for piece in pieces)
    (detail,) = added_up(pieces).choices[0].message.reasoning_details
    assert detail["data"].startswith("isartor1.")


def test_many_thoughts() -> None:
    """The SDK adds lists up by number, so that no two may have the same one."""
    events: list[Event] = [BEGAN]
    for index in range(3):
        events += [PartBegan(index, Thinking(sealed="s", maker="anthropic", redacted=True)), PartEnded(index)]
    pieces = sent([*events, Finished("end")])
    details = added_up(pieces).choices[0].message.reasoning_details
    assert [each["index"] for each in details] == [0, 1, 2]


def test_the_sdk_adds_it_up() -> None:
    """Text, two calls that grow side by side, the reason, the usage."""
    whole = added_up(sent(TALK, include_usage=True))
    message = whole.choices[0].message
    assert message.content == "let me see"
    assert [(each.id, each.function.name, each.function.arguments) for each in message.tool_calls] == [
        ("1", "f", '{"a":1}'),
        ("2", "g", "{}"),
    ]
    assert whole.choices[0].finish_reason == "tool_calls"
    assert whole.usage.total_tokens == 7
    assert (whole.id, whole.model) == ("c1", "m")


def test_order() -> None:
    """The role first, then the parts, the reason, the usage, the end; every chunk is of the same reply."""
    pieces = sent(TALK, include_usage=True)
    assert pieces[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert pieces[-1] == "[DONE]"
    assert pieces[-2]["choices"] == []
    assert pieces[-2]["usage"]["prompt_tokens_details"] == {"cached_tokens": 1}
    assert pieces[-3]["choices"][0] == {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "tool_calls"}
    assert all(piece["usage"] is None for piece in pieces[:-2])
    assert len({(piece["id"], piece["created"]) for piece in pieces[:-1]}) == 1
    first = {"index": 0, "id": "1", "type": "function", "function": {"name": "f", "arguments": ""}}
    assert made(pieces)[0] == first


def test_no_usage_unless_asked() -> None:
    """Some clients take a chunk without a choice for an error."""
    assert all(piece == "[DONE]" or ("usage" not in piece and piece["choices"]) for piece in sent(TALK))


def test_thoughts_come_back() -> None:
    """What another maker sealed is in the client's message, and is that maker's again when the client sends it back."""
    details = [each for piece in sent(TALK)[:-1] for each in piece["choices"][0]["delta"].get("reasoning_details", ())]
    message = {"role": "assistant", "content": "let me see", "reasoning_content": "hm", "reasoning_details": details}
    body = json.dumps({"model": "m", "messages": [message]}).encode()
    (turn,) = CHAT.read_request(body, model="m", stream=False).turns
    assert turn.parts[0] == Thinking(text="hm", sealed="sig", maker="anthropic")


def test_signatures_come_back() -> None:
    """Gemini's, where Google's own chat endpoint has it; told once, whether with the call or after it."""
    events: list[Event] = [
        BEGAN,
        PartBegan(0, ToolCall(id="1", name="f", arguments="", sealed="first")),
        PartGrew(0, "{}"),
        PartEnded(0),
        PartBegan(1, ToolCall(id="2", name="g", arguments="")),
        PartSealed(1, "second", "gemini"),
        PartGrew(1, "{}"),
        PartEnded(1),
        Finished("tool_calls"),
    ]
    pieces = sent(events)
    told = added_up(pieces).choices[0].message.tool_calls
    assert [each.extra_content["google"]["thought_signature"] for each in told] == ["first", "second"]
    signatures = [event.sealed for event in stream(*pieces[:-1]) if isinstance(event, PartSealed)]
    assert signatures == ["first", "second"]


def test_custom_tools_get_their_text() -> None:
    """The provider was given a function for it."""
    events: list[Event] = [
        BEGAN,
        PartBegan(0, ToolCall(id="1", name="patch", arguments="")),
        *(PartGrew(0, letter) for letter in '{"input": "a\\nb"}'),
        PartEnded(0),
        Finished("tool_calls"),
    ]
    pieces = sent(events, tools=[Tool(name="patch", custom=True)])
    told = made(pieces)
    assert told[0] == {"index": 0, "id": "1", "type": "custom", "custom": {"name": "patch", "input": ""}}
    assert "".join(piece["custom"]["input"] for piece in told) == "a\nb"


TEXTS = st.text(min_size=1)
PART = st.one_of(
    st.tuples(st.just(Text(text="")), st.lists(TEXTS, min_size=1)),
    st.tuples(st.just(Refusal(text="")), st.lists(TEXTS, min_size=1)),
    st.tuples(st.just(THOUGHT), st.lists(TEXTS, min_size=1)),
    st.tuples(
        st.builds(
            lambda name: ToolCall(id="", name=name, arguments=""),
            st.text(min_size=1),
        ),
        st.dictionaries(st.text(), st.integers(), max_size=3).map(json.dumps).map(lambda text: [text[:3], text[3:]]),
    ),
)


@given(st.lists(PART), st.sampled_from(["length", "filter"]), st.none() | st.just(Usage(input=5, output=2, cached=1)))
def test_there_and_back(parts: list[Any], stop: Any, usage: Usage | None) -> None:
    """The reader of what the writer wrote gives the same events."""
    # Two texts that follow each other are one to this format.
    runs = [list(run) for _, run in itertools.groupby(parts, key=lambda part: type(part[0]))]
    parts = [part for run in runs for part in (run if isinstance(run[0][0], ToolCall) else run[:1])]
    events: list[Event] = [BEGAN]
    for index, (part, pieces) in enumerate(parts):
        begun = ToolCall(id=f"c{index}", name=part.name, arguments="") if isinstance(part, ToolCall) else part
        events.append(PartBegan(index, begun))
        events += [PartGrew(index, piece) for piece in pieces if piece]
        # Calls end when the next one begins, or at the end of all.
        events.append(PartEnded(index))
    events.append(Finished(stop, usage=usage))
    read = stream(*sent(events, include_usage=True)[:-1])
    assert shape(read) == shape(events)


def shape(events: list[Event]) -> list[Event]:
    """The events, ends of calls left out: they come with the next one."""
    calls = {event.index for event in events if isinstance(event, PartBegan) and isinstance(event.part, ToolCall)}
    return [event for event in events if not (isinstance(event, PartEnded) and event.index in calls)]


@pytest.mark.parametrize("options", [{}, {"think": ""}, {"tools": "2"}, {"chunks": "9"}, {"finish": "length"}])
def test_stub(options: dict[str, str]) -> None:
    """What the stub provider sends arrives whole."""
    plan = Plan("tag", 1, options=options, tools=[("f", {}, "function"), ("g", {}, "function")])
    answer = stub.chat({"stream_options": {"include_usage": True}}, plan)
    assert answer.events is not None
    pieces = chunks(b"".join(answer.events))
    events = stream(*pieces[:-1])
    whole = CHAT.read_reply(json.dumps(answer.whole).encode())
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert (finished.stop, finished.usage) == (whole.stop, whole.usage)
    grown = {event.index: "" for event in events if isinstance(event, PartBegan)}
    for event in events:
        if isinstance(event, PartGrew):
            grown[event.index] += event.text
    said = [part.arguments if isinstance(part, ToolCall) else part.text for part in whole.parts]  # type: ignore[union-attr]
    assert list(grown.values()) == said
