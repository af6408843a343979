"""What Codex needs: it reads items strictly, runs tools when their items are done, and has one active item at a time.

Source: codex-rs/codex-api/src/sse/responses.rs and codex-rs/protocol/src/models.rs of github.com/openai/codex.
"""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from isartor.formats.canonical import Finished, Text, Thinking, ToolCall

from .helpers import prompt, recorded, stream_of, values
from .test_stream import track, whole


class OutputText(Struct, tag="output_text"):
    text: str


class SummaryText(Struct, tag="summary_text"):
    text: str


class Message(Struct, tag="message"):
    role: str
    content: list[OutputText]
    id: str


class Reasoning(Struct, tag="reasoning"):
    summary: list[SummaryText]
    id: str
    encrypted_content: str | None = None


class FunctionCall(Struct, tag="function_call"):
    name: str
    arguments: str
    call_id: str
    id: str
    namespace: str | None = None


class CustomToolCall(Struct, tag="custom_tool_call"):
    call_id: str
    name: str
    input: str
    id: str


class ToolSearchCall(Struct, tag="tool_search_call"):
    call_id: str
    execution: str
    arguments: dict[str, Any]
    id: str


Item = Message | Reasoning | FunctionCall | CustomToolCall | ToolSearchCall
PREFIXES = {Message: "msg", Reasoning: "rs", FunctionCall: "fc", CustomToolCall: "ctc", ToolSearchCall: "tsc"}


class InputDetails(Struct):
    cached_tokens: int


class OutputDetails(Struct):
    reasoning_tokens: int


class Usage(Struct):
    input_tokens: int
    input_tokens_details: InputDetails | None
    output_tokens: int
    output_tokens_details: OutputDetails | None
    total_tokens: int


class Completed(Struct):
    id: str
    usage: Usage | None


def codex(events: list[Any]) -> list[Any]:
    """Go through a stream as Codex does and return the items that it keeps."""
    kept = []
    active: Any = None
    for event in events:
        match event["type"]:
            case "response.output_item.added":
                item = msgspec.convert(event["item"], Item)
                assert item.id.startswith(PREFIXES[type(item)] + "_")
                if isinstance(item, Message | Reasoning):
                    assert active is None
                    active = item
            case "response.output_item.done":
                item = msgspec.convert(event["item"], Item)
                assert active is None or active.id == item.id, "another item's end ends the active one"
                active = None
                kept.append(item)
            case "response.output_text.delta":
                assert isinstance(active, Message)
            case "response.reasoning_summary_text.delta" | "response.reasoning_summary_part.added":
                assert isinstance(active, Reasoning)
                assert event["summary_index"] == 0
            case "response.custom_tool_call_input.delta":
                assert event["item_id"]
            case "response.completed":
                msgspec.convert(event["response"], Completed)
    assert events[-1]["type"] == "response.completed"
    return kept


PROMPT = prompt(**recorded()["codex-7"])
piece = st.text(min_size=1, max_size=5)
tracks = st.lists(
    st.one_of(
        st.builds(lambda each: track(Text(text=""), *each), st.lists(piece, max_size=3)),
        st.builds(
            lambda each: track(Thinking(maker="anthropic"), *each, sealed=("S", "anthropic")),
            st.lists(piece, max_size=3),
        ),
        st.sampled_from(["exec_command", "apply_patch", "tool_search"]),
    ),
    max_size=6,
)


@given(tracks)
@settings(max_examples=150, deadline=None)
def test_any_reply(each: list[Any]) -> None:
    """A provider's parts, one after the other, are items that Codex takes, in order."""
    events = whole(
        *(
            track(ToolCall(id=f"c{at}", name=one, arguments=""), '{"input":', '"x"}', sealed=("G", "gemini"))
            if isinstance(one, str)
            else one
            for at, one in enumerate(each)
        )
    )
    assert isinstance(events[-1], Finished)
    kept = codex(values(stream_of(events, PROMPT)))
    calls = [item for item in kept if not isinstance(item, Message | Reasoning)]
    assert [item.call_id for item in calls] == [f"c{at}" for at, one in enumerate(each) if isinstance(one, str)]


def test_parallel_calls() -> None:
    """Calls that grow in turns are each run when they are done."""
    first, second = (track(ToolCall(id=name, name="exec_command", arguments=""), "{", "}") for name in "ab")
    kept = codex(values(stream_of(whole(first, second, turns=[0, 0, 1, 1, 0, 1, 0, 1]), PROMPT)))
    assert [(item.call_id, item.arguments) for item in kept] == [("a", "{}"), ("b", "{}")]
