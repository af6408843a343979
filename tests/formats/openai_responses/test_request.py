"""What a request of this API says, in words that other formats know."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isartor.errors import RequestError
from isartor.formats.canonical import Image, Text, ToolCall, ToolResult
from isartor.formats.losses import Losses
from isartor.formats.openai_responses import tools

from .helpers import FORMAT, prompt, recorded, written

SEARCH = {"type": "web_search", "external_web_access": False}
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}


def lost(**fields: Any) -> list[str]:
    """The fields of a prompt and its turns that go missing towards Anthropic. Raises if one must not."""
    given = prompt(**fields)
    losses = Losses(given, "anthropic")
    losses.extras("prompt", given.extra)
    for turn in given.turns:
        losses.extras("turn", turn.extra)
        for part in turn.parts:
            losses.extras("part", getattr(part, "extra", {}))
    for tool in given.tools or ():
        losses.extras("tool", tool.extra)
    if given.reasoning is not None:
        losses.extras("reasoning", given.reasoning.extra)
    return losses.fields


def test_one_turn_by_the_assistant() -> None:
    """Items in a row by the assistant are one turn, results in a row another; results know their tool."""
    given = prompt(
        input=[
            {"role": "user", "content": "hi"},
            {"type": "reasoning", "summary": [], "encrypted_content": "E"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
            {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
            {"type": "custom_tool_call", "call_id": "2", "name": "p", "input": "x"},
            {"type": "function_call_output", "call_id": "1", "output": "r"},
            {"type": "custom_tool_call_output", "call_id": "2", "output": [{"type": "input_text", "text": "s"}]},
        ]
    )
    assert [turn.role for turn in given.turns] == ["user", "assistant", "tool"]
    assert [type(part).__name__ for part in given.turns[1].parts] == ["Thinking", "Text", "ToolCall", "ToolCall"]
    results = [(part.id, part.name) for part in given.turns[2].parts if isinstance(part, ToolResult)]
    assert results == [("1", "f"), ("2", "p")]


def test_instructions() -> None:
    """Instructions are a system text that stands apart."""
    given = prompt(instructions="be brief")
    assert (given.turns[0].role, given.turns[0].apart) == ("system", True)
    assert given.turns[0].parts[0].text == "be brief"  # type: ignore[union-attr]


def test_pictures() -> None:
    """A picture's bytes are taken out of its address."""
    given = prompt(
        input=[{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AA=="}]}]
    )
    (part,) = given.turns[0].parts
    assert isinstance(part, Image)
    assert (part.media.mime, part.media.data, part.media.url) == ("image/png", "AA==", None)


def test_namespace() -> None:
    """A namespace's functions get names that hold both; calls and choices of them use the same."""
    nested = {
        "type": "namespace",
        "name": "agents",
        "description": "Helpers.",
        "tools": [{**FUNCTION, "name": "spawn"}],
    }
    given = prompt(
        tools=[nested],
        tool_choice={"type": "function", "name": "spawn", "namespace": "agents"},
        input=[{"type": "function_call", "call_id": "1", "namespace": "agents", "name": "spawn", "arguments": "{}"}],
    )
    assert given.tools is not None
    assert given.tools[0].name == "agents__spawn"
    assert given.tools[0].description == "[agents: Helpers.]"
    assert given.tool_choice is not None
    assert given.tool_choice.names == ["agents__spawn"]
    (call,) = given.turns[0].parts
    assert isinstance(call, ToolCall)
    assert call.name == "agents__spawn"
    assert tools.known(given)["agents__spawn"] == tools.Known("function", "spawn", "agents")


def test_joined_names() -> None:
    """Joined names are short enough for every provider, and differ where the tools do."""
    assert tools.joined("mcp__files__", "read") == "mcp__files__read"
    assert tools.joined("shell", "shell") == "shell"
    long = {tools.joined("n" * 60, name) for name in ("one_tool", "one_toot", "another")}
    assert len(long) == 3
    assert all(len(name) == 64 for name in long)


def test_grammar() -> None:
    """A grammar that no other provider enforces is at least told to the model."""
    grammar = {"type": "grammar", "syntax": "lark", "definition": 'start: "x"'}
    given = prompt(tools=[{"type": "custom", "name": "p", "description": "Patch.", "format": grammar}])
    assert given.tools is not None
    assert given.tools[0].custom
    assert given.tools[0].description == 'Patch.\n\nThe input follows this lark grammar:\nstart: "x"'
    assert lost(tools=[{"type": "custom", "name": "p", "format": {"type": "text"}}]) == []


def test_found_tools() -> None:
    """Tools that a search of the client's found, or that an item adds, can be called by any provider's model."""
    given = prompt(
        tools=[{"type": "tool_search", "execution": "client", "description": "d", "parameters": {"type": "object"}}],
        input=[
            {"type": "additional_tools", "role": "developer", "tools": [FUNCTION]},
            {"type": "tool_search_call", "call_id": "1", "execution": "client", "arguments": {"query": "x"}},
            {
                "type": "tool_search_output",
                "call_id": "1",
                "execution": "client",
                "tools": [{"type": "namespace", "name": "n", "description": "", "tools": [{**FUNCTION, "name": "g"}]}],
            },
        ],
    )
    assert [tool.name for tool in given.tools or ()] == ["tool_search", "f", "n__g"]
    call, result = given.turns[0].parts[0], given.turns[1].parts[0]
    assert isinstance(call, ToolCall)
    assert (call.name, call.arguments) == ("tool_search", '{"query":"x"}')
    assert isinstance(result, ToolResult)
    assert result.parts == [Text(text="These tools can be called now: n__g")]
    assert tools.known(given)["n__g"].namespace == "n"


def test_search_beside_other_tools() -> None:
    """The search that Codex offers with every request may go missing; one that is asked for may not."""
    for choice in (None, "auto", {"type": "function", "name": "f"}):
        assert lost(tools=[FUNCTION, SEARCH], tool_choice=choice) == ["tools[].web_search"]
    for other in ({"tools": [SEARCH]}, {"tools": [FUNCTION, SEARCH], "tool_choice": {"type": "web_search"}}):
        assert any(tool.opaque for tool in prompt(**other).tools or ())
    plain = prompt(tools=[FUNCTION, {"type": "web_search"}])
    assert any(tool.opaque for tool in plain.tools or ())


def test_bookkeeping() -> None:
    """What only the provider's own accounts are for is dropped and told."""
    fields = {
        "metadata": {"a": "b"},
        "client_metadata": {"a": "b"},
        "prompt_cache_key": "k",
        "safety_identifier": "s",
        "service_tier": "flex",
        "store": True,
        "truncation": "auto",
        "reasoning": {"effort": "low", "context": "auto"},
    }
    assert set(lost(**fields)) == {*fields.keys() - {"reasoning"}, "reasoning.context"}
    silent = {"store": False, "truncation": "disabled", "include": ["reasoning.encrypted_content"], "top_logprobs": 0}
    assert lost(**silent) == []
    assert lost(input=[{"role": "user", "content": "x", "id": "i", "phase": "commentary"}]) == ["input[].phase"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("previous_response_id", "resp_1"),
        ("conversation", "conv_1"),
        ("background", True),
        ("prompt", {"id": "p"}),
        ("top_logprobs", 2),
        ("include", ["message.output_text.logprobs"]),
        ("moderation", {"model": "m"}),
        ("unheard_of", 1),
    ],
)
def test_refused(field: str, value: Any) -> None:
    """What would change the answer is refused by name."""
    with pytest.raises(RequestError) as caught:
        lost(**{field: value})
    assert (caught.value.param, caught.value.code) == (field, "not_translatable")


def test_metadata_of_items() -> None:
    """Codex labels items of every kind; none of the labels reaches another provider, and each is told once."""
    label = {"internal_chat_message_metadata_passthrough": {"turn_id": "t"}, "id": "i", "status": "completed"}
    items: list[Any] = [
        {"type": "message", "role": "user", "content": "hi"},
        {"type": "reasoning", "summary": [], "encrypted_content": "E"},
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "2", "name": "p", "input": "x"},
        {"type": "function_call_output", "call_id": "1", "output": "r"},
        {"type": "custom_tool_call_output", "call_id": "2", "name": "p", "output": "s"},
    ]
    assert lost(input=[{**item, **label} for item in items]) == ["input[].internal_chat_message_metadata_passthrough"]


@pytest.mark.parametrize("name", recorded())
def test_recorded_agents_lose_no_answer(name: str) -> None:
    """All that real agents send can be told, or is in the table of what may go missing."""
    body = recorded()[name]
    fields = lost(**body)
    assert set(fields) <= {
        "tools[].web_search",
        "prompt_cache_key",
        "client_metadata",
        "input[].internal_chat_message_metadata_passthrough",
    }
    assert not any(tool.opaque for tool in prompt(**body).tools or ())


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": 5}, "input"),
        ({"input": [5]}, "input[0]"),
        ({"input": [{"role": "robot", "content": ""}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"input": [{"role": "user", "content": 5}]}, "input[0].content"),
        ({"input": [{"type": "function_call", "arguments": "{}"}]}, "input[0].name"),
        ({"input": [{"type": "function_call_output", "call_id": "1"}]}, "input[0].output"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "function"}]}]}, "tools[0].tools[0].name"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"text": {"format": {"type": "yaml"}}}, "text.format.type"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_output_tokens": 1.5}, "max_output_tokens"),
    ],
)
def test_wrong_types(fields: Any, param: str) -> None:
    """A member of a wrong type is named with its full path."""
    with pytest.raises(RequestError) as caught:
        prompt(**fields)
    assert caught.value.param == param


def test_not_json() -> None:
    """A body that is no JSON object is refused."""
    for body in (b"", b"[]", b"{", b'"a"', b"\xff"):
        with pytest.raises(RequestError):
            FORMAT.read_request(body, model="m", stream=False)


def test_model_is_the_resolved_one() -> None:
    """The model that is asked for is the one that routing chose."""
    given = FORMAT.read_request(json.dumps({"model": "alias", "input": "hi"}).encode(), model="real", stream=False)
    assert written(given)["model"] == "real"
