"""What a streaming client of this API is sent: the real API's order, for the SDK's accumulator and for Codex."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from isartor.formats import seal
from isartor.formats.canonical import (
    Began,
    Finished,
    PartBegan,
    PartEnded,
    PartGrew,
    PartSealed,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from isartor.formats.openai_responses.output import unwrapped

from . import order
from .helpers import FORMAT, client, collected, prompt, read_stream, stream_of, values

TOOLS: Any = [
    {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": False},
    {"type": "custom", "name": "patch", "description": "d"},
    {"type": "namespace", "name": "mcp__x", "description": "n", "tools": [{"type": "function", "name": "g"}]},
    {"type": "tool_search", "execution": "client", "parameters": {"type": "object"}},
]
USAGE = Usage(input=10, output=7, cached=4, cache_write=1, reasoning=3)
PROMPT = prompt(tools=TOOLS, stream=True)


def track(part: Any, *pieces: str, sealed: Any = None) -> list[Any]:
    """The events of one part, its number still to be set."""
    seal_events = [] if sealed is None else [PartSealed(0, *sealed)]
    early, late = (seal_events, []) if isinstance(part, ToolCall) else ([], seal_events)
    return [PartBegan(0, part), *early, *(PartGrew(0, piece) for piece in pieces), *late, PartEnded(0)]


def numbered(tracks: list[list[Any]], turns: list[int]) -> list[Any]:
    """The tracks' events, each track beginning after the one before it, else in the order of `turns`."""
    from msgspec.structs import replace

    left = [list(each) for each in tracks]
    begun = 0
    found = []
    picks = iter(turns)
    while any(left):
        ready = [at for at in range(min(begun + 1, len(left))) if left[at]]
        at = ready[next(picks, 0) % len(ready)]
        if at == begun:
            begun += 1
        found.append(replace(left[at].pop(0), index=at))
    return found


def whole(*tracks: list[Any], stop: Any = "end", turns: list[int] | None = None) -> list[Any]:
    """A whole stream."""
    return [Began("chatcmpl-9", "gpt"), *numbered(list(tracks), turns or []), Finished(stop, usage=USAGE)]


piece = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
pieces = st.lists(piece, max_size=4)
seals = st.none() | st.sampled_from([("S", "anthropic"), ("S", "openai_responses"), ("S", "openai_chat")])
tracks = st.lists(
    st.one_of(
        st.builds(lambda each: track(Text(text=""), *each), pieces),
        st.builds(lambda each: track(Refusal(text=""), *each), pieces),
        st.builds(lambda each, sealed: track(Thinking(maker=None), *each, sealed=sealed), pieces, seals),
        st.builds(
            lambda name, each, sealed: (name, each, sealed),
            st.sampled_from(["f", "patch", "mcp__x__g", "tool_search", "other"]),
            st.one_of(pieces, st.sampled_from([['{"a', '":1}'], ['{"input":"a\\', 'nb"', "}"], ['{"input": 1}'], []])),
            st.none() | st.just(("G", "gemini")),
        ),
    ),
    max_size=5,
)


def named(each: list[Any]) -> list[list[Any]]:
    """Calls get ids of their own."""
    return [
        track(ToolCall(id=f"call_{at}", name=one[0], arguments=""), *one[1], sealed=one[2])
        if isinstance(one, tuple)
        else one
        for at, one in enumerate(each)
    ]


@given(tracks, st.lists(st.integers(0, 9), max_size=40))
@settings(max_examples=200, deadline=None)
def test_order(each: list[Any], turns: list[int]) -> None:
    """However a provider's parts are interleaved, the client gets the API's order and whole items at their end."""
    order.check(values(stream_of(whole(*named(each), turns=turns), PROMPT)))


@given(tracks, st.lists(st.integers(0, 9), max_size=40))
@settings(max_examples=60, deadline=None)
def test_sdk(each: list[Any], turns: list[int]) -> None:
    """The official SDK's accumulator takes every such stream and ends with the same response."""
    body = stream_of(whole(*named(each), turns=turns), PROMPT)
    last = values(body)[-1]["response"]
    with client(body).responses.stream(model="m", input="hi", tools=TOOLS) as stream:
        texts: dict[Any, str] = {}
        for event in stream:
            if event.type == "response.output_text.delta":
                at = event.output_index, event.content_index
                texts[at] = texts.get(at, "") + event.delta
                assert event.snapshot == texts[at]
        final = stream.get_final_response()
    assert final.id == last["id"]
    assert [item.id for item in final.output] == [item["id"] for item in last["output"]]
    assert final.output_text == "".join(
        part["text"]
        for item in last["output"]
        if item["type"] == "message"
        for part in item["content"]
        if part["type"] == "output_text"
    )


@given(tracks)
@settings(max_examples=100, deadline=None)
def test_reader(each: list[Any]) -> None:
    """The reader finds in the writer's stream the parts that went in, in the client's own words."""
    events = whole(*named(each))
    expected = []
    for part in collected(events):
        if isinstance(part, Thinking) and not part.text and part.sealed is None:
            continue
        if isinstance(part, ToolCall):
            if part.sealed:
                expected.append(("Thinking", ""))
            if part.name == "tool_search":
                continue
            text = unwrapped(part.arguments) if part.name == "patch" else part.arguments or "{}"
            expected.append(("ToolCall", text))
        else:
            expected.append((type(part).__name__, part.text))
    read = read_stream(stream_of(events, PROMPT))
    found = [
        (type(part).__name__, part.arguments if isinstance(part, ToolCall) else part.text) for part in collected(read)
    ]
    assert found == expected
    assert read[-1].usage == USAGE


@given(tracks)
@settings(max_examples=60, deadline=None)
def test_json_says_the_same(each: list[Any]) -> None:
    """A client that asks for JSON gets the output that the stream would have ended with."""
    import json

    events = whole(*named(each))
    parts = collected(events)
    for part, one in zip(parts, named(each), strict=True):
        for event in one:
            if isinstance(event, PartSealed) and isinstance(part, Thinking):
                part.maker = event.maker
    reply = Reply(id="chatcmpl-9", model="gpt", parts=parts, stop="end", usage=USAGE, created=5)
    streamed = values(stream_of(events, PROMPT))[-1]["response"]
    once = json.loads(FORMAT.write_reply(reply, PROMPT))
    for response in (streamed, once):
        del response["created_at"], response["completed_at"]
    assert once == streamed


def output(events: list[Any], given_prompt: Any = PROMPT) -> Any:
    """The items of the final response."""
    return order.check(values(stream_of(events, given_prompt)))["output"]


def test_texts_in_a_row() -> None:
    """Texts that follow each other are parts of one message, so that an agent shows one answer."""
    made = output(whole(track(Text(text=""), "a"), track(Text(text=""), "b")))
    assert [[part["text"] for part in item["content"]] for item in made] == [["a", "b"]]


def test_custom_tool() -> None:
    """A call of a tool that takes free text arrives as free text, while it is still on its way."""
    call = ToolCall(id="c", name="patch", arguments="")
    body = stream_of(
        whole(track(call, '{"inp', 'ut": "*** Begin\\n\\ud83d', '\\ude00"', "}"), stop="tool_calls"), PROMPT
    )
    events = values(body)
    deltas = [event["delta"] for event in events if event["type"] == "response.custom_tool_call_input.delta"]
    assert deltas == ["*** Begin\n", "😀"]
    assert events[-1]["response"]["output"] == [
        {
            "id": "ctc_chatcmpl-9_0",
            "type": "custom_tool_call",
            "status": "completed",
            "call_id": "c",
            "name": "patch",
            "input": "*** Begin\n😀",
        }
    ]


def test_namespace() -> None:
    """A call of a namespace's function names both, as the client knows them."""
    (item,) = output(whole(track(ToolCall(id="c", name="mcp__x__g", arguments=""), "{}")))
    assert (item["type"], item["namespace"], item["name"]) == ("function_call", "mcp__x", "g")


def test_tool_search() -> None:
    """A search for tools that the client does itself arrives as such, its arguments an object."""
    (item,) = output(whole(track(ToolCall(id="c", name="tool_search", arguments=""), '{"query":', '"x"}')))
    assert (item["type"], item["execution"], item["arguments"]) == ("tool_search_call", "client", {"query": "x"})


def test_thoughts_of_another_provider() -> None:
    """Thoughts arrive as a summary with what their provider needs to have them back, and come back as they were."""
    made = output(whole(track(Thinking(maker="anthropic"), "hm", "m", sealed=("SIG", "anthropic"))))
    (item,) = made
    assert item["summary"] == [{"type": "summary_text", "text": "hmm"}]
    assert seal.unseal(item["encrypted_content"]) == seal.Sealed(maker="anthropic", sealed="SIG", text="hmm")
    (turn,) = prompt(input=made).turns
    (thought,) = turn.parts
    assert isinstance(thought, Thinking)
    assert (thought.text, thought.sealed, thought.maker) == ("hmm", "SIG", "anthropic")


def test_thoughts_without_state() -> None:
    """Whose a thought is that has no state is not forgotten: some providers want its text back."""
    (item,) = output(whole(track(Thinking(maker="openai_chat"), "hmm")))
    (thought,) = prompt(input=[item]).turns[0].parts
    assert isinstance(thought, Thinking)
    assert (thought.text, thought.sealed, thought.maker) == ("hmm", None, "openai_chat")


def test_signed_call() -> None:
    """Gemini's signature of a call travels in a thought before it and is back on the call in the next request."""
    made = output(whole(track(ToolCall(id="c", name="f", arguments=""), "{}", sealed=("SIG", "gemini"))))
    assert [item["type"] for item in made] == ["reasoning", "function_call"]
    (turn,) = prompt(input=made).turns
    (call,) = turn.parts
    assert isinstance(call, ToolCall)
    assert (call.id, call.sealed) == ("c", "SIG")


def test_stops() -> None:
    """A reply that was cut short or filtered is incomplete, with the API's word for why; all others are complete."""
    ends = {}
    for stop in ("end", "length", "tool_calls", "stop_sequence", "filter", "refusal", "pause"):
        last = order.check(values(stream_of(whole(track(Text(text=""), "a"), stop=stop), PROMPT)))
        ends[stop] = last["status"], (last["incomplete_details"] or {}).get("reason")
    assert ends == {
        "end": ("completed", None),
        "length": ("incomplete", "max_output_tokens"),
        "tool_calls": ("completed", None),
        "stop_sequence": ("completed", None),
        "filter": ("incomplete", "content_filter"),
        "refusal": ("incomplete", "content_filter"),
        "pause": ("completed", None),
    }
    last = order.check(values(stream_of(whole(track(Refusal(text=""), "no"), stop="refusal"), PROMPT)))
    assert last["status"] == "completed"


def test_usage() -> None:
    """Tokens are counted as the API counts them: cached ones among the input, thoughts among the output."""
    last = values(stream_of(whole(), PROMPT))[-1]["response"]
    assert last["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 17,
    }


def test_echo() -> None:
    """The response repeats what was asked, and says that nothing is kept."""
    asked = prompt(
        tools=TOOLS, store=True, instructions="i", metadata={"a": "b"}, tool_choice="required", temperature=None
    )
    last = values(stream_of(whole(), asked))[-1]["response"]
    assert (last["tools"], last["instructions"], last["metadata"]) == (TOOLS, "i", {"a": "b"})
    assert (last["tool_choice"], last["temperature"], last["store"]) == ("required", None, False)


def test_nothing_is_held_back() -> None:
    """Each delta of a provider goes out at once."""
    writer = FORMAT.stream_writer(PROMPT)
    writer.write(Began("r", "m"))
    for index, part in enumerate((Text(text=""), Thinking(), ToolCall(id="c", name="f", arguments=""))):
        writer.write(PartBegan(index, part))
        assert b"first" in writer.write(PartGrew(index, "first"))
        assert b"second" in writer.write(PartGrew(index, "second"))
        writer.write(PartEnded(index))


def test_no_ids() -> None:
    """A provider that names neither replies nor calls gives them no empty ids."""
    last = order.check(
        values(stream_of([Began("", ""), *track(ToolCall(id="", name="f", arguments="")), Finished("end")], PROMPT))
    )
    assert last["id"].removeprefix("resp_")
    assert last["model"] == "m"
    assert last["output"][0]["call_id"].removeprefix("call_")
