"""Requests of other formats, as a provider of this API gets them."""

from __future__ import annotations

from typing import Any

import pytest

from isartor.errors import RequestError
from isartor.formats.canonical import (
    Audio,
    Document,
    Image,
    Media,
    Opaque,
    Output,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)

from .helpers import FORMAT, written


def ask(*turns: Turn, **fields: Any) -> Prompt:
    """A prompt of another format."""
    return Prompt(**{"origin": "anthropic", "model": "m", "turns": list(turns), **fields})


def user(*parts: Any) -> Turn:
    return Turn(role="user", parts=list(parts))


HI = user(Text(text="hi"))


def test_plain() -> None:
    """Nothing is said that was not asked, except that nothing is to be kept."""
    assert written(ask(HI)) == {
        "model": "m",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "store": False,
    }


def test_system() -> None:
    """A text beside the messages becomes the instructions; one among them stays where it is."""
    apart = Turn(role="system", parts=[Text(text="a"), Text(text="b")], apart=True)
    body = written(
        ask(apart, HI, Turn(role="system", parts=[Text(text="c")]), Turn(role="developer", parts=[Text(text="d")]))
    )
    assert body["instructions"] == "a\n\nb"
    assert [item["role"] for item in body["input"]] == ["user", "system", "developer"]


def test_conversation() -> None:
    """What an assistant did becomes items in the order in which it did it, and results follow."""
    body = written(
        ask(
            HI,
            Turn(
                role="assistant",
                parts=[
                    Thinking(text="t", sealed="E", maker="openai_responses", id="rs_1"),
                    Text(text="a"),
                    ToolCall(id="c1", name="f", arguments=""),
                    ToolCall(id="c2", name="p", arguments="free", custom=True),
                    Refusal(text="no"),
                ],
            ),
            Turn(
                role="tool",
                parts=[
                    ToolResult(id="c1", parts=[Text(text="x"), Text(text="y")]),
                    ToolResult(id="c2", parts=[Text(text="z")]),
                ],
            ),
            user(ToolResult(id="c3", parts=[Text(text="bad")], failed=True), Text(text="go on")),
        )
    )
    assert body["input"][1:] == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "t"}],
            "encrypted_content": "E",
        },
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "p", "input": "free"},
        {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"type": "function_call_output", "call_id": "c1", "output": "x\n\ny"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "z"},
        {"type": "function_call_output", "call_id": "c3", "output": "Error: bad"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go on"}]},
    ]
    assert body["include"] == ["reasoning.encrypted_content"]


def test_media() -> None:
    """Pictures and documents by value or address; a text document is text."""
    body = written(
        ask(
            user(
                Image(media=Media(mime="image/png", data="AA==")),
                Image(media=Media(url="https://x/y.png"), detail="low"),
                Document(media=Media(mime="application/pdf", data="AA==")),
                Document(media=Media(url="https://x/y.pdf"), name="y.pdf"),
                Document(media=Media(mime="text/plain", data="aGk="), name="n.txt"),
                Document(media=Media(), text="words"),
            )
        )
    )
    assert body["input"][0]["content"] == [
        {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"},
        {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"},
        {"type": "input_file", "filename": "document.pdf", "file_data": "data:application/pdf;base64,AA=="},
        {"type": "input_file", "file_url": "https://x/y.pdf"},
        {"type": "input_text", "text": "n.txt\n\nhi"},
        {"type": "input_text", "text": "words"},
    ]


def test_result_with_a_picture() -> None:
    """A result that is more than text is a list of parts."""
    shown = ToolResult(id="c", parts=[Text(text="see"), Image(media=Media(mime="image/png", data="AA=="))])
    (item,) = written(ask(Turn(role="tool", parts=[shown])))["input"]
    assert [part["type"] for part in item["output"]] == ["input_text", "input_image"]


def test_tools() -> None:
    """`strict` is always said, since the API's own default is to change the schema."""
    open_schema = {"type": "object", "properties": {}}
    tools = [
        Tool(name="f", description="d", schema={"type": "object"}),
        Tool(name="g", strict=True, schema={"type": "object", "additionalProperties": False}),
        Tool(name="p", custom=True),
    ]
    body = written(
        ask(HI, tools=tools, tool_choice=ToolChoice(mode="required", names=["p"]), parallel_tool_calls=False)
    )
    assert body["tools"] == [
        {"type": "function", "name": "f", "description": "d", "parameters": open_schema, "strict": False},
        {"type": "function", "name": "g", "parameters": {**open_schema, "additionalProperties": False}, "strict": True},
        {"type": "custom", "name": "p"},
    ]
    assert body["tool_choice"] == {"type": "custom", "name": "p"}
    assert body["parallel_tool_calls"] is False


def test_tool_choice() -> None:
    """A list of allowed tools stays one."""
    tools = [Tool(name="f"), Tool(name="g")]
    some = written(ask(HI, tools=tools, tool_choice=ToolChoice(mode="auto", names=["f", "g"])))["tool_choice"]
    assert some == {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}],
    }
    assert written(ask(HI, tool_choice=ToolChoice(mode="none")))["tool_choice"] == "none"


@pytest.mark.parametrize(
    ("reasoning", "expected"),
    [
        (Reasoning(enabled=True, effort="high", show=True), {"effort": "high", "summary": "auto"}),
        (Reasoning(enabled=True, budget_tokens=3000, show=False), {"effort": "low"}),
        (Reasoning(enabled=True, budget_tokens=60_000), {"effort": "high", "summary": "auto"}),
        (Reasoning(enabled=False), None),
        (Reasoning(enabled=False, effort="none", show=False), {"effort": "none"}),
    ],
)
def test_reasoning(reasoning: Reasoning, expected: Any) -> None:
    """Budgets become the nearest effort; a client that shows thoughts gets their summary, and state to carry along."""
    body = written(ask(HI, reasoning=reasoning))
    assert body.get("reasoning") == expected
    assert ("include" in body) == (expected is not None)


def test_form() -> None:
    """A schema, or JSON of any form, which the API gives only if the words ask for JSON, too."""
    closed = {"type": "object", "additionalProperties": False}
    schema = Output(kind="schema", schema=closed, strict=True)
    assert written(ask(HI, output=schema, verbosity="low"))["text"] == {
        "verbosity": "low",
        "format": {"type": "json_schema", "name": "output", "schema": closed, "strict": True},
    }
    body = written(ask(HI, output=Output(kind="json")))
    assert body["text"] == {"format": {"type": "json_object"}}
    assert body["instructions"] == "Answer with JSON."
    assert "instructions" not in written(ask(user(Text(text="As JSON, please")), output=Output(kind="json")))


def test_strict() -> None:
    """`strict` is dropped, and told, where the API would refuse the schema for it."""
    loose = Tool(name="f", schema={"type": "object", "properties": {"a": {"type": "string"}}}, strict=True)
    body, dropped = FORMAT.write_request(ask(HI, tools=[loose]))
    assert b'"strict":false' in body
    assert dropped == ["tools[].strict"]


def test_numbers() -> None:
    """Limits below the API's least are raised to it, defaults are left out, and a long user is hashed."""
    body = written(ask(HI, max_tokens=1, temperature=1.0, top_p=0.5, user="u" * 100, stream=True))
    assert (body["max_output_tokens"], body["top_p"], body["stream"]) == (16, 0.5, True)
    assert "temperature" not in body
    assert len(body["user"]) == 64


def test_thoughts_of_others() -> None:
    """Thoughts that another provider sealed are dropped, which the client is told in its own words."""
    turn = Turn(role="assistant", parts=[Thinking(text="t", sealed="S", maker="anthropic"), Text(text="a")])
    _, dropped = FORMAT.write_request(ask(HI, turn, origin="openai_chat"))
    assert dropped == ["messages[].reasoning_content"]


@pytest.mark.parametrize(
    "part",
    [
        Image(media=Media(file="file-1")),
        Document(media=Media(file="file-1")),
        Audio(media=Media(mime="audio/wav", data="AA==")),
        Opaque(origin="anthropic", kind="server_tool_use", value={}),
        Text(text="a", extra={"unheard_of": 1}),
    ],
)
def test_refused(part: Any) -> None:
    """What the API cannot say is refused, never left out."""
    with pytest.raises(RequestError) as caught:
        FORMAT.write_request(ask(user(part)))
    assert caught.value.code == "not_translatable"
    assert caught.value.param


@pytest.mark.parametrize("field", [{"stop": ["x"]}, {"top_k": 5}, {"extra": {"container": "c"}}])
def test_refused_fields(field: Any) -> None:
    """Fields without an equal are refused or dropped as the client's format says."""
    prompt = ask(HI, origin="openai_chat", **field)
    try:
        _, dropped = FORMAT.write_request(prompt)
    except RequestError as error:
        assert error.param
    else:
        assert dropped
