"""What Anthropic's clients send is understood."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from isartor.errors import RequestError
from isartor.formats.canonical import (
    Document,
    Image,
    Media,
    Opaque,
    Output,
    Reasoning,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from isartor.formats.losses import Losses

from .checks import FORMAT, read, write

CLIENTS = Path(__file__).parents[2] / "data" / "clients"


def parts(*blocks: dict[str, Any], role: str = "user") -> list[Any]:
    return read({"messages": [{"role": role, "content": list(blocks)}]}).turns[0].parts


def test_claude_code() -> None:
    """A turn of Claude Code: system text without its billing header, system messages in between, tools and results."""
    body = json.loads((CLIENTS / "claude-14.json").read_text())["body"]
    prompt = read(body if isinstance(body, dict) else json.loads(body))
    assert [(turn.role, turn.apart) for turn in prompt.turns] == [
        ("system", True),
        ("user", False),
        ("system", False),
        ("assistant", False),
        ("tool", False),
    ]
    assert prompt.turns[0].parts[0].text.startswith("You are a Claude agent")
    assert prompt.turns[-1].parts[0].name == "Bash"
    assert prompt.reasoning == Reasoning(effort="medium", show=False, extra={"~type": "adaptive"})
    assert prompt.max_tokens == 128_000
    assert prompt.user is not None
    assert prompt.user.startswith('{"device_id"')


def test_results_are_turns() -> None:
    """Results of tools are a turn of the tool, what the user says beside them one of the user."""
    body = {
        "messages": [
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {"a": [1]}}]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t", "content": "no", "is_error": True},
                    {"type": "text", "text": "go on"},
                ],
            },
        ]
    }
    turns = read(body).turns
    assert [turn.role for turn in turns] == ["assistant", "tool", "user"]
    assert turns[0].parts == [ToolCall(id="t", name="Bash", arguments='{"a":[1]}')]
    result = turns[1].parts[0]
    assert isinstance(result, ToolResult)
    assert (result.name, result.failed, result.parts) == ("Bash", True, [Text(text="no")])


def test_prefill() -> None:
    """A beginning of the answer is sent to Anthropic, and refused where it would be answered."""
    body = {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "{"}]}
    prompt = read(body)
    assert write(prompt)["messages"] == body["messages"]
    with pytest.raises(RequestError) as raised:
        Losses(prompt, "openai_chat").extras("prompt", prompt.extra)
    assert raised.value.param == "messages[-1]"


def test_media() -> None:
    """Pictures and documents by value, by address and by id; text documents have their text."""
    text = {"type": "text", "media_type": "text/plain", "data": "hi"}
    found = parts(
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
        {"type": "image", "source": {"type": "url", "url": "https://x.example/a"}},
        {"type": "document", "source": {"type": "file", "file_id": "f"}, "title": "t"},
        {"type": "document", "source": text},
    )
    assert found == [
        Image(media=Media(mime="image/png", data="aGk=")),
        Image(media=Media(url="https://x.example/a")),
        Document(media=Media(file="f"), name="t"),
        Document(media=Media(mime="text/plain"), text="hi"),
    ]


def test_thoughts() -> None:
    """Thoughts are Anthropic's, if they are not another provider's that we packed."""
    found = parts(
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        role="assistant",
    )
    assert found == [
        Thinking(text="hm", sealed="s", maker="anthropic"),
        Thinking(sealed="d", maker="anthropic", redacted=True),
    ]


def test_search_result_is_text() -> None:
    """A search result says to any model what is in it."""
    block = {"type": "search_result", "title": "T", "source": "https://x", "content": [{"type": "text", "text": "a"}]}
    assert parts(block)[0].text == "T\nSource: https://x\n\na"


def test_what_only_claude_knows() -> None:
    """Blocks of the provider's own tools stay as they are."""
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    assert parts(block, role="assistant") == [Opaque(origin="anthropic", kind="server_tool_use", value=block)]


@pytest.mark.parametrize(
    ("choice", "found", "parallel"),
    [
        ({"type": "auto"}, ToolChoice(mode="auto"), None),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice(mode="required"), False),
        ({"type": "tool", "name": "n"}, ToolChoice(mode="required", names=["n"]), None),
        ({"type": "none"}, ToolChoice(mode="none"), None),
    ],
)
def test_tool_choice(choice: dict[str, Any], found: ToolChoice, parallel: bool | None) -> None:
    """Every form of the choice."""
    prompt = read({"messages": [], "tool_choice": choice})
    assert (prompt.tool_choice, prompt.parallel_tool_calls) == (found, parallel)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, Reasoning(enabled=True, budget_tokens=2000)),
        ({"thinking": {"type": "disabled"}}, Reasoning(enabled=False)),
        ({"thinking": {"type": "adaptive", "display": "summarized"}}, Reasoning(show=True)),
        ({"output_config": {"effort": "high"}}, Reasoning(effort="high")),
    ],
)
def test_reasoning(options: dict[str, Any], found: Reasoning) -> None:
    """Budget, effort and display."""
    asked = read({"messages": [], **options}).reasoning
    assert asked is not None
    asked.extra = {}
    assert asked == found


@pytest.mark.parametrize("place", ["output_config", "output_format"])
def test_schema(place: str) -> None:
    """The schema of the answer, where it is now and where it was."""
    form = {"type": "json_schema", "schema": {"type": "object"}}
    asked = {"output_config": {"format": form}} if place == "output_config" else {"output_format": form}
    assert read({"messages": [], **asked}).output == Output(kind="schema", schema={"type": "object"})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": 1}, "messages"),
        ({"messages": [1]}, "messages[0]"),
        ({"messages": [{"role": "x", "content": ""}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0].type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url"}}]}]},
            "messages[0].content[0].source.url",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "b"}]}]},
            "messages[0].content[0].input",
        ),
        ({"messages": [], "system": 1}, "system"),
        ({"messages": [], "system": [{"type": "text"}]}, "system[0].text"),
        ({"messages": [], "max_tokens": "1"}, "max_tokens"),
        ({"messages": [], "tools": [{"description": "x"}]}, "tools[0].name"),
        ({"messages": [], "tool_choice": {"type": "x"}}, "tool_choice.type"),
        ({"messages": [], "stop_sequences": [1]}, "stop_sequences"),
        ({"messages": [], "output_config": {"format": {"type": "x"}}}, "output_config.format.type"),
        ({"messages": [], "thinking": {"type": "enabled", "budget_tokens": True}}, "thinking.budget_tokens"),
        ({"messages": [], "metadata": "x"}, "metadata"),
    ],
)
def test_wrong(body: dict[str, Any], param: str) -> None:
    """What cannot be understood is refused with the path of the member."""
    with pytest.raises(RequestError) as raised:
        read(body)
    assert raised.value.param == param


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"\xff"])
def test_no_json(body: bytes) -> None:
    """A body that is no object is refused."""
    with pytest.raises(RequestError):
        FORMAT.read_request(body, model="m", stream=False)
