"""Whatever comes from other formats, the API's own rules are kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isartor.formats import SURFACES, sse
from isartor.formats.canonical import (
    Image,
    Media,
    Prompt,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from tests.stub import gemini as gemini_stub
from tests.stub import openai_chat as chat_stub
from tests.stub import openai_responses as responses_stub
from tests.stub.plan import Plan

from .checks import FORMAT, events_of, final_message, prompt, read, recorded, write

MODELS = ["claude-sonnet-4-5", "claude-sonnet-4-6", "claude-opus-5", "claude-opus-5-5", "kimi-k2"]
WIRES = {"/chat/completions": "openai_chat", "/responses": "openai_responses", "enerateContent": "gemini"}
RECORDED = [
    (each, next(name for end, name in WIRES.items() if end in each["path"]))
    for each in recorded()
    if each["body"] and any(end in each["path"] for end in WIRES)
]


def check(body: dict[str, Any]) -> None:
    """The rules of the API, as its documentation has them."""
    messages = body["messages"]
    assert messages[0]["role"] == "user"
    assert messages[-1]["role"] != "assistant"
    assert all(one["role"] != two["role"] for one, two in zip(messages, messages[1:], strict=False))
    for at, message in enumerate(messages):
        if message["role"] == "system":
            assert messages[at - 1]["role"] == "user"
            assert at + 1 == len(messages) or messages[at + 1]["role"] == "assistant"
        _check_content(message["content"])
    if "system" in body:
        _check_content(body["system"])
    thinking = body.get("thinking", {})
    if thinking.get("type") == "enabled":
        assert 1024 <= thinking["budget_tokens"] < body["max_tokens"]
    if thinking.get("type") in {"enabled", "adaptive"}:
        assert "temperature" not in body
        assert body.get("tool_choice", {}).get("type") not in {"any", "tool"}
    assert ("tool_choice" not in body) or body["tools"]


def _check_content(content: Any) -> None:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    assert blocks
    assert all(block["text"].strip() for block in blocks if block["type"] == "text")
    results = [block["type"] == "tool_result" for block in blocks]
    assert results == sorted(results, reverse=True)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("sent", "name"), RECORDED, ids=lambda value: value["file"] if isinstance(value, dict) else "")
def test_recorded(sent: dict[str, Any], name: str, model: str) -> None:
    """What Codex, Gemini CLI, opencode and Copilot sent can be sent to every Claude."""
    source: Any = SURFACES[name]
    check(write(source.read_request(json.dumps(sent["body"]).encode(), model=model, stream=False)))


PARTS = {
    "system": st.sampled_from([Text(text="s"), Text(text=" ")]),
    "user": st.sampled_from([Text(text="u"), Text(text=""), Image(media=Media(mime="image/png", data="aGk="))]),
    "tool": st.sampled_from([ToolResult(id="c", parts=[Text(text="r")]), ToolResult(id="d", parts=[], failed=True)]),
    "assistant": st.sampled_from(
        [
            Text(text="a"),
            Text(text="\n"),
            ToolCall(id="c", name="t"),
            Thinking(text="t", sealed="s", maker="anthropic"),
            Thinking(text="t", sealed="s", maker="gemini"),
        ]
    ),
}
PARTS["developer"] = PARTS["system"]


@st.composite
def prompts(draw: st.DrawFn) -> Prompt:
    roles = draw(st.lists(st.sampled_from(sorted(PARTS)), max_size=8))
    turns = [Turn(role=role, parts=draw(st.lists(PARTS[role], max_size=3))) for role in roles]  # type: ignore[arg-type]
    turns.insert(draw(st.integers(0, len(turns))), Turn(role="user", parts=[Text(text="hi")]))
    return prompt(
        turns=turns,
        model=draw(st.sampled_from(MODELS)),
        tools=draw(st.sampled_from([None, [], [Tool(name="t")]])),
        tool_choice=draw(st.sampled_from([None, ToolChoice(mode="auto"), ToolChoice(mode="required")])),
        parallel_tool_calls=draw(st.sampled_from([None, False])),
        temperature=draw(st.sampled_from([None, 0.5, 1, 2])),
        max_tokens=draw(st.sampled_from([None, 100, 1500, 100_000])),
        reasoning=draw(
            st.sampled_from([None, Reasoning(effort="high"), Reasoning(enabled=True, budget_tokens=200_000)])
        ),
    )


@settings(deadline=None, max_examples=400)
@given(prompts())
def test_any(asked: Prompt) -> None:
    """However the turns follow each other and whatever is set, the rules are kept."""
    check(write(asked))


TOOL = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
CLIENT = {
    "model": "m",
    "messages": [{"role": "user", "content": "hi"}],
    "tools": [{"name": "Bash", "input_schema": TOOL}],
    "stream": True,
}


def stubbed(name: str, options: dict[str, str], body: dict[str, Any]) -> list[bytes]:
    plan = Plan(tag="t", number=1, options=options)
    stub: Any = {"openai_chat": chat_stub, "openai_responses": responses_stub, "gemini": gemini_stub}[name]
    stub.prepare(body, plan)
    if name == "gemini":
        return stub.generate(body, plan, "g", sse=True).events
    return (stub.chat if name == "openai_chat" else stub.responses)(body, plan).events


@pytest.mark.parametrize("options", [{}, {"think": ""}, {"tools": "2"}, {"think": "", "tools": "1"}])
@pytest.mark.parametrize("name", ["openai_chat", "openai_responses", "gemini"])
def test_streams(name: str, options: dict[str, str]) -> None:
    """The stream of every provider is one that the SDK reads: thoughts, text or calls, and the reason to stop."""
    asked = read(CLIENT)
    provider: Any = SURFACES[name]
    reader = provider.stream_reader()
    writer = FORMAT.stream_writer(asked)
    splitter = sse.Events()
    stream = b""
    for piece in stubbed(name, options, json.loads(provider.write_request(asked)[0])):
        stream += b"".join(
            writer.write(event) for event_name, data in splitter.feed(piece) for event in reader.read(event_name, data)
        )
    stream += b"".join(writer.write(event) for event in reader.end())
    events_of(stream)
    message = final_message(stream)
    kinds = [block.type for block in message.content]
    calls = [block for block in message.content if block.type == "tool_use"]
    assert len(calls) == int(options.get("tools", 0))
    assert all("command" in call.input for call in calls)
    assert message.stop_reason == ("tool_use" if calls else "end_turn")
    assert kinds[-1] == ("tool_use" if calls else "text")
    assert (kinds[0] == "thinking") is ("think" in options) or name == "gemini"
    assert message.usage.output_tokens > 0
