"""Requests of other formats are said in this one, and what cannot be said is refused or told."""

from __future__ import annotations

import json
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
from isartor.formats.openai_chat import abilities
from tests.formats.openai_chat.making import CHAT, prompt, read, user, written

PNG = Media(mime="image/png", data="AAAA")
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def said(*turns: Turn) -> list[dict[str, Any]]:
    """The messages for these turns."""
    return written(prompt(*turns))["messages"]


def dropped(origin: str = "anthropic", **fields: Any) -> list[str]:
    """What is dropped of a request."""
    return CHAT.write_request(prompt(user(), origin=origin, **fields))[1]


@pytest.mark.parametrize(
    ("turn", "messages"),
    [
        (user(), [{"role": "user", "content": "hi"}]),
        (
            Turn(role="user", parts=[Text(text="a"), Text(text="b")]),
            [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}],
        ),
        (
            Turn(role="user", parts=[Image(media=PNG, detail="low"), Image(media=Media(url="https://a/b"))]),
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
                        {"type": "image_url", "image_url": {"url": "https://a/b"}},
                    ],
                }
            ],
        ),
        (
            Turn(role="user", parts=[Audio(media=Media(mime="audio/x-wav", data="AAAA"))]),
            [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]}],
        ),
        (
            Turn(role="user", parts=[Document(media=Media(mime="application/pdf", data="AAAA"))]),
            [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "file",
                            "file": {
                                "file_data": "data:application/pdf;base64,AAAA",
                                "filename": "document.pdf",
                            },
                        }
                    ],
                }
            ],
        ),
        (
            Turn(role="user", parts=[Document(media=Media(mime="text/plain"), text="body", name="a.txt")]),
            [{"role": "user", "content": "a.txt\n\nbody"}],
        ),
        (
            Turn(role="user", parts=[Document(media=Media(mime="text/csv", data="YQ=="))]),
            [{"role": "user", "content": "a"}],
        ),
        (
            Turn(role="system", parts=[Text(text="a"), Text(text="b")], apart=True),
            [{"role": "system", "content": "a\n\nb"}],
        ),
        (Turn(role="developer", parts=[Text(text="a")]), [{"role": "system", "content": "a"}]),
        (
            Turn(
                role="assistant",
                parts=[
                    Thinking(text="hm", maker="openai_chat"),
                    Text(text="a"),
                    Text(text="b"),
                    ToolCall(id="1", name="f", arguments='{"a":1}', sealed="sig"),
                    ToolCall(id="2", name="patch", arguments="*** Begin", custom=True),
                ],
            ),
            [
                {
                    "role": "assistant",
                    "content": "ab",
                    "reasoning_content": "hm",
                    "tool_calls": [
                        {
                            "id": "1",
                            "type": "function",
                            "function": {"name": "f", "arguments": '{"a":1}'},
                            "extra_content": {"google": {"thought_signature": "sig"}},
                        },
                        {
                            "id": "2",
                            "type": "function",
                            "function": {"name": "patch", "arguments": '{"input":"*** Begin"}'},
                        },
                    ],
                }
            ],
        ),
        (
            Turn(role="assistant", parts=[Refusal(text="no")]),
            [{"role": "assistant", "content": None, "refusal": "no"}],
        ),
        (Turn(role="assistant", parts=[Thinking(text="hm", sealed="s", maker="anthropic")]), []),
        (Turn(role="user", parts=[]), []),
    ],
)
def test_turns(turn: Turn, messages: list[dict[str, Any]]) -> None:
    """Each kind of turn."""
    assert said(turn) == messages


def test_developer() -> None:
    """Only providers that know the role get it."""
    turn = Turn(role="developer", parts=[Text(text="a")])
    assert written(prompt(turn), "developer")["messages"][0]["role"] == "developer"


def test_results() -> None:
    """Results follow the calls at once, what they show comes after the last one, then what the user says."""
    calls = Turn(role="assistant", parts=[ToolCall(id="1", name="f"), ToolCall(id="2", name="g")])
    results = Turn(
        role="tool",
        parts=[
            ToolResult(id="1", parts=[Text(text="a"), Image(media=PNG)]),
            ToolResult(id="2", parts=[Text(text="gone")], failed=True),
        ],
    )
    messages = said(calls, results, user("now"), user("then"))
    assert messages[1:] == [
        {"role": "tool", "tool_call_id": "1", "content": "a"},
        {"role": "tool", "tool_call_id": "2", "content": "Error: gone"},
        {"role": "user", "content": [IMAGE, {"type": "text", "text": "now"}]},
        {"role": "user", "content": "then"},
    ]
    assert said(calls, results)[-1] == {"role": "user", "content": [IMAGE]}
    reply = Turn(role="assistant", parts=[Text(text="ok")])
    assert [message["role"] for message in said(calls, results, reply)] == [
        "assistant",
        "tool",
        "tool",
        "user",
        "assistant",
    ]


def test_results_among_the_users_words() -> None:
    """Anthropic's clients put both into one turn."""
    turn = Turn(role="user", parts=[Text(text="b"), ToolResult(id="1", parts=[])])
    assert said(turn) == [
        {"role": "tool", "tool_call_id": "1", "content": ""},
        {"role": "user", "content": "b"},
    ]


@pytest.mark.parametrize(
    ("text", "content"),
    [("Error: no", "Error: no"), ("<tool_use_error>x", "<tool_use_error>x"), ("", "Error"), ("no", "Error: no")],
)
def test_failed_results(text: str, content: str) -> None:
    """The model has to know, and is told once."""
    turn = Turn(role="tool", parts=[ToolResult(id="1", parts=[Text(text=text)], failed=True)])
    assert said(turn)[0]["content"] == content


@pytest.mark.parametrize(
    "part",
    [
        Image(media=Media(file="file_1")),
        Document(media=Media(file="file_1")),
        Document(media=Media(url="https://a/b.pdf")),
        Audio(media=Media(mime="audio/flac", data="AAAA")),
        Audio(media=Media(url="https://a/b.wav")),
        Opaque(origin="anthropic", kind="search_of_the_future", value={}),
    ],
)
def test_refused_parts(part: Any) -> None:
    """What the API cannot say is refused, with the name of the field."""
    with pytest.raises(RequestError) as caught:
        said(Turn(role="user", parts=[part]))
    assert caught.value.status == 400
    assert caught.value.param


def test_foreign_thoughts() -> None:
    """Thoughts of another maker stay behind, and the client is told."""
    turn = Turn(role="assistant", parts=[Thinking(text="hm", sealed="s", maker="anthropic"), Text(text="a")])
    body, lost = CHAT.write_request(prompt(turn))
    assert json.loads(body)["messages"] == [{"role": "assistant", "content": "a"}]
    assert lost == ["messages[].content[].thinking"]


def test_own_thoughts_go_back_as_they_came() -> None:
    """A provider's own details and its own word for them."""
    details = [{"type": "reasoning.text", "text": "hm", "signature": "s"}]
    message = {"role": "assistant", "content": "a", "reasoning": "hm", "reasoning_details": details}
    reply = CHAT.read_reply(json.dumps({"choices": [{"message": message}]}).encode())
    assert said(Turn(role="assistant", parts=reply.parts)) == [message]


@pytest.mark.parametrize("sealed", ["garbage", "[]", '{"details": 3, "member": "content"}'])
def test_forged_thoughts(sealed: str) -> None:
    """A seal is the client's word: what is no seal is left out, and nothing else of the message can be set by it."""
    turn = Turn(role="assistant", parts=[Thinking(text="hm", sealed=sealed, maker="openai_chat"), Text(text="a")])
    assert said(turn) == [{"role": "assistant", "content": "a", "reasoning_content": "hm"}]


CLOSED = {
    "type": "object",
    "properties": {"type": {"type": "string"}, "properties": {"type": ["array", "null"], "items": {"type": "string"}}},
    "required": ["type", "properties"],
    "additionalProperties": False,
}
TOOLS = [
    Tool(name="f", description="d", schema=CLOSED, strict=True),
    Tool(name="g"),
    Tool(name="patch", custom=True),
]


def test_tools() -> None:
    """Functions, and a function for the tool that takes text."""
    f, g, patch = written(prompt(user(), tools=TOOLS))["tools"]
    assert f == {
        "type": "function",
        "function": {"name": "f", "description": "d", "parameters": CLOSED, "strict": True},
    }
    assert g == {"type": "function", "function": {"name": "g"}}
    assert patch["type"] == "function"
    assert patch["function"]["parameters"]["required"] == ["input"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        CLOSED | {"required": ["type"]},
        CLOSED | {"additionalProperties": True},
        CLOSED | {"$defs": {"a": {"type": "object", "properties": {}}}},
        CLOSED | {"anyOf": [{"properties": {"a": {}}}]},
    ],
)
def test_strict(schema: dict[str, Any]) -> None:
    """What is strict for others may leave open what OpenAI wants to be closed."""
    body, lost = CHAT.write_request(prompt(user(), tools=[Tool(name="f", schema=schema, strict=True)]))
    function = json.loads(body)["tools"][0]["function"]
    assert "strict" not in function
    assert "properties" in function["parameters"]
    assert lost == ["tools[].strict"]


@pytest.mark.parametrize(
    ("choice", "word", "names"),
    [
        (ToolChoice(mode="auto"), "auto", ["f", "g", "patch"]),
        (ToolChoice(mode="none"), "none", ["f", "g", "patch"]),
        (ToolChoice(mode="required"), "required", ["f", "g", "patch"]),
        (
            ToolChoice(mode="required", names=["g"]),
            {"type": "function", "function": {"name": "g"}},
            ["f", "g", "patch"],
        ),
        (ToolChoice(mode="required", names=["g", "f"]), "required", ["f", "g"]),
        (ToolChoice(mode="auto", names=["g"]), "auto", ["g"]),
    ],
)
def test_choice(choice: ToolChoice, word: Any, names: list[str]) -> None:
    """Of several allowed tools only these are offered."""
    body = written(prompt(user(), tools=TOOLS, tool_choice=choice))
    assert body["tool_choice"] == word
    assert [tool["function"]["name"] for tool in body["tools"]] == names


def test_no_tools_no_choice() -> None:
    """The API refuses a choice among nothing."""
    body = written(prompt(user(), tools=[], tool_choice=ToolChoice(mode="auto"), parallel_tool_calls=False))
    assert body.keys() == {"model", "messages"}


def test_tools_that_providers_run() -> None:
    """Only their own format can ask for them."""
    search = Tool(name="web_search", opaque=Opaque(origin="anthropic", kind="web_search_20250305", value={}))
    with pytest.raises(RequestError):
        written(prompt(user(), tools=[search]))


@pytest.mark.parametrize(
    ("fields", "quirks", "members"),
    [
        ({"max_tokens": 5}, (), {"max_tokens": 5}),
        ({"max_tokens": 5}, ("max_completion_tokens",), {"max_completion_tokens": 5}),
        ({"stream": True}, (), {"stream": True, "stream_options": {"include_usage": True}}),
        ({"stream": True}, ("no_stream_options",), {"stream": True}),
        ({"temperature": 0, "top_p": 0.5, "seed": 1}, (), {"temperature": 0, "top_p": 0.5, "seed": 1}),
        ({"stop": ["a"]}, (), {"stop": ["a"]}),
        ({"stop": []}, (), {}),
        ({"user": "u"}, (), {"user": "u"}),
        ({"user": "u" * 65}, (), {}),
        ({"verbosity": "low"}, (), {"verbosity": "low"}),
        ({"top_k": 5}, (), {}),
        (
            {"output": Output(kind="schema", schema=CLOSED, strict=True)},
            (),
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": CLOSED, "strict": True},
                }
            },
        ),
        ({"output": Output(kind="text")}, (), {}),
        ({"reasoning": Reasoning(enabled=True, budget_tokens=4000)}, (), {"reasoning_effort": "low"}),
        ({"reasoning": Reasoning(enabled=True, effort="max")}, (), {"reasoning_effort": "high"}),
        ({"reasoning": Reasoning(enabled=False)}, (), {"reasoning_effort": "none"}),
        ({"reasoning": Reasoning()}, (), {}),
    ],
)
def test_fields(fields: dict[str, Any], quirks: tuple[str, ...], members: dict[str, Any]) -> None:
    """Each field under its name here, as the provider knows it."""
    body = written(prompt(user(), **fields), *quirks)
    del body["messages"], body["model"]
    assert body == members


def test_parallel() -> None:
    """A provider that refuses the field does what it says unless it is false."""
    assert written(prompt(user(), tools=TOOLS, parallel_tool_calls=False))["parallel_tool_calls"] is False
    body = written(prompt(user(), tools=TOOLS, parallel_tool_calls=True), "no_parallel")
    assert "parallel_tool_calls" not in body


def test_json_in_words() -> None:
    """The mode needs the word, and a provider without schemas is told the schema."""
    body = written(prompt(user(), output=Output(kind="json")))
    assert body["response_format"] == {"type": "json_object"}
    assert "JSON" in body["messages"][0]["content"]
    body = written(prompt(user("as JSON"), output=Output(kind="json")))
    assert len(body["messages"]) == 1
    body = written(prompt(user(), output=Output(kind="schema", schema={"type": "array"})), "no_json_schema")
    assert body["response_format"] == {"type": "json_object"}
    assert '{"type":"array"}' in body["messages"][0]["content"]


@pytest.mark.parametrize(
    ("model", "reasoning", "word"),
    [
        ("gpt-4o-mini", Reasoning(enabled=True, effort="high"), None),
        ("llama-3.3-70b-versatile", Reasoning(enabled=False), None),
        ("openai/gpt-oss-120b", Reasoning(enabled=True, effort="medium"), "medium"),
        ("o3", Reasoning(enabled=False), "low"),
        ("o3", Reasoning(enabled=True, effort="minimal"), "low"),
        ("gpt-5", Reasoning(enabled=False), "minimal"),
        ("gpt-5.2", Reasoning(enabled=True, budget_tokens=100_000), "high"),
        ("gemini-2.5-flash", Reasoning(enabled=True, budget_tokens=-1), None),
    ],
)
def test_effort(model: str, reasoning: Reasoning, word: str | None) -> None:
    """Models that do not think refuse the field."""
    assert written(prompt(user(), model=model, reasoning=reasoning)).get("reasoning_effort") == word


def test_least() -> None:
    """Not every model can do without thinking."""
    assert [abilities.least(model) for model in ("gpt-5.4", "gpt-5-mini", "o4-mini")] == ["none", "minimal", "low"]


@pytest.mark.parametrize(
    ("model", "most"),
    [
        ("gpt-4o-mini", 16_384),
        ("gpt-4o-2024-05-13", 4096),
        ("openai/gpt-4.1", 32_768),
        ("gpt-5.4", 64_000),
        ("llama-3.3-70b", 64_000),
    ],
)
def test_longest(model: str, most: int) -> None:
    """More than a model can say is refused, and asking for all that it can is the same."""
    assert written(prompt(user(), model=model, max_tokens=64_000))["max_tokens"] == most
    assert written(prompt(user(), model=model, max_tokens=9))["max_tokens"] == 9


@pytest.mark.parametrize(
    ("fields", "reasoning"),
    [
        ({"reasoning_effort": "high"}, Reasoning(enabled=True, effort="high")),
        ({"reasoning": {"effort": "low", "exclude": True}}, Reasoning(enabled=True, effort="low", show=False)),
        ({"reasoning": {"max_tokens": 2000}}, Reasoning(enabled=True, budget_tokens=2000)),
        ({"reasoning": {"enabled": False}}, Reasoning(enabled=False)),
        ({"thinking": {"type": "disabled"}}, Reasoning(enabled=False)),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, Reasoning(enabled=True, budget_tokens=5)),
        ({"thinking": {"type": "enabled", "aloud": 1}}, Reasoning(enabled=True, extra={"thinking.aloud": 1})),
        ({}, None),
    ],
)
def test_thinking_of_others(fields: dict[str, Any], reasoning: Reasoning | None) -> None:
    """Clients of OpenRouter, Moonshot and others have words of their own for it."""
    assert read({"messages": []} | fields).reasoning == reasoning


def test_long_ids() -> None:
    """OpenAI takes 40 letters for the id of a call; its result has the same one."""
    name = "tool-" * 20
    call, result = said(
        Turn(role="assistant", parts=[ToolCall(id=name, name="f")]),
        Turn(role="tool", parts=[ToolResult(id=name, parts=[])]),
    )
    assert len(result["tool_call_id"]) <= 40
    assert call["tool_calls"][0]["id"] == result["tool_call_id"]


def test_dropped() -> None:
    """What the tables allow to drop is told."""
    assert dropped(top_k=3) == ["top_k"]
    assert dropped(model="gpt-4o", reasoning=Reasoning(enabled=True, effort="high")) == ["thinking"]
    assert dropped(user="u" * 65) == ["metadata.user_id"]


def test_unknown_fields_of_others() -> None:
    """What is in no table is refused by name."""
    with pytest.raises(RequestError) as caught:
        dropped(extra={"mind_reading": True})
    assert caught.value.param == "mind_reading"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": 3}, "messages"),
        ({"messages": [3]}, "messages[0]"),
        ({"messages": [{"role": "oracle"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages[0].tool_calls[0].function"),
        ({"messages": [], "tools": [{"type": "function"}]}, "tools[0].function"),
        ({"messages": [], "tool_choice": "perhaps"}, "tool_choice"),
        ({"messages": [], "stop": [1]}, "stop"),
        ({"messages": [], "max_tokens": "many"}, "max_tokens"),
        ({"messages": [], "response_format": {"type": "xml"}}, "response_format.type"),
    ],
)
def test_malformed(body: dict[str, Any], param: str) -> None:
    """What is wrong is named with its full path."""
    with pytest.raises(RequestError) as caught:
        read(body)
    assert caught.value.param == param


def test_what_others_see() -> None:
    """A read request says in the common words what it asks."""
    request = read(
        {
            "model": "m",
            "messages": [
                {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "1", "content": "done"},
            ],
            "max_tokens": 9,
            "max_completion_tokens": 5,
            "stop": "END",
            "reasoning_effort": "none",
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "stream_options": {"include_usage": True},
            "n": 1,
        }
    )
    (result,) = request.turns[1].parts
    assert isinstance(result, ToolResult)
    assert result.name == "f"
    assert (request.max_tokens, request.stop, request.include_usage) == (5, ["END"], True)
    assert request.reasoning == Reasoning(enabled=False, effort="none")
    assert request.tool_choice is not None
    assert (request.tool_choice.mode, request.tool_choice.names) == ("required", ["f"])
    assert not [name for name in request.extra if not name.startswith("~")]
