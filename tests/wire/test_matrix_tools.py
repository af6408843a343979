"""Every SDK against a provider of every format: tools, their calls and what came of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.stub import Stub
from tests.wire import sdk
from tests.wire.ask import body, events, path, said
from tests.wire.asking import SECOND_SCHEMA, SECOND_TOOL, TOOL_NAME, TOOL_SCHEMA
from tests.wire.gateway import Gateway
from tests.wire.talk import OPERATIONS, PNG, WIRES, seen, told
from tests.wire.test_matrix_text import matrix, streamed

GatewayOf = Callable[[str], Gateway]
Fresh = Callable[..., str]

_TOOLS: dict[str, list[Any]] = {
    "responses": [{"type": "function", "name": TOOL_NAME, "parameters": TOOL_SCHEMA, "strict": False}],
    "messages": [{"name": TOOL_NAME, "input_schema": TOOL_SCHEMA}],
}
_CALLED = {"chat": "tool_calls", "responses": "completed", "messages": "tool_use", "generate": "STOP"}


@streamed
@matrix
@pytest.mark.parametrize("count", [1, 2])
def test_calls(
    client: str, wire: str, stream: bool, count: int, gateway_of: GatewayOf, stub: Stub, fresh: Fresh
) -> None:
    """The tools arrive with their schemas; the calls come back with ids of their own, names and whole arguments."""
    prompt = fresh("USE_TOOL" if count == 1 else "USE_TOOLS")
    answer = sdk.asker(client, stream=stream)(gateway_of(wire).url, prompt, tools=True)
    got = seen(stub.calls(prompt)[0])
    assert got.tools == [(TOOL_NAME, TOOL_SCHEMA), (SECOND_TOOL, SECOND_SCHEMA)]
    expected = [(TOOL_NAME, {"command": "echo tool-ok"}), (SECOND_TOOL, {"city": f"{stub.calls(prompt)[0].tag}.1"})]
    assert [(name, arguments) for _, name, arguments in answer.calls] == expected[:count]
    assert len({name for name, _, _ in answer.calls}) == count
    assert all(name for name, _, _ in answer.calls)
    assert answer.finish == _CALLED[client]


@streamed
@matrix
def test_what_came_of_two_calls(
    client: str, wire: str, stream: bool, gateway_of: GatewayOf, stub: Stub, fresh: Fresh
) -> None:
    """The calls and their results go back under the same ids, each result with its own call."""
    prompt = fresh()
    turns: list[Any] = [
        ("user", [prompt]),
        (
            "assistant",
            [
                "let me see",
                ("call", "call_aa1", TOOL_NAME, {"command": 'echo "ü" \\ 1'}),
                ("call", "call_bb2", SECOND_TOOL, {"city": "北京"}),
            ],
        ),
        ("user", [("result", "call_aa1", TOOL_NAME, 'ü \\ "1"\n'), ("result", "call_bb2", SECOND_TOOL, "sunny ☀")]),
    ]
    ask = sdk.asker(client, stream=stream)
    answer = ask(gateway_of(wire).url, prompt, tools=True, more=told(client, "", turns))
    call = stub.calls(prompt)[0]
    assert seen(call).turns == turns
    assert call.tag in answer.text


_CHOICES: dict[str, dict[str, Any]] = {
    "chat": {
        "auto": {"tool_choice": "auto"},
        "required": {"tool_choice": "required"},
        SECOND_TOOL: {"tool_choice": {"type": "function", "function": {"name": SECOND_TOOL}}},
    },
    "responses": {
        "auto": {"tool_choice": "auto"},
        "required": {"tool_choice": "required"},
        SECOND_TOOL: {"tool_choice": {"type": "function", "name": SECOND_TOOL}},
    },
    "messages": {
        "auto": {"tool_choice": {"type": "auto"}},
        "required": {"tool_choice": {"type": "any"}},
        SECOND_TOOL: {"tool_choice": {"type": "tool", "name": SECOND_TOOL}},
    },
    "generate": {
        "auto": {"tool_config": {"function_calling_config": {"mode": "AUTO"}}},
        "required": {"tool_config": {"function_calling_config": {"mode": "ANY"}}},
        SECOND_TOOL: {
            "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": [SECOND_TOOL]}}
        },
    },
}


@matrix
@pytest.mark.parametrize("choice", ["auto", "required", SECOND_TOOL])
def test_the_choice_of_a_tool(
    client: str, wire: str, choice: str, gateway_of: GatewayOf, stub: Stub, fresh: Fresh
) -> None:
    """That a tool must be called, and which, arrives in the provider's words."""
    prompt = fresh()
    ask = sdk.asker(client, stream=False)
    ask(gateway_of(wire).url, prompt, tools=True, more=dict(_CHOICES[client][choice]))
    # What is the default may be left out.
    assert (seen(stub.calls(prompt)[0]).choice or "auto").lower() == choice


@streamed
@pytest.mark.parametrize("wire", ["custom", "anthropic", "gemini"])
def test_a_tool_of_free_text(
    wire: str, stream: bool, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """A Responses client's custom tool is called with text, not JSON, and what came of it goes back to its call."""
    prompt, words = fresh("USE_TOOL"), fresh()
    url = gateway_of(wire).url + "/v1/responses"
    tool = {"type": "custom", "name": "apply_patch", "description": "patches", "format": {"type": "text"}}
    items: list[Any] = [{"role": "user", "content": prompt}]
    request = {"model": "m", "store": False, "stream": stream, "input": items, "tools": [tool]}
    reply = http.post(url, json=request)
    assert reply.status_code == 200, reply.text
    tag = stub.calls(prompt)[0].tag
    outputs = (events(reply.content)[-1][1]["response"] if stream else reply.json())["output"]
    (output,) = (item for item in outputs if item["type"].endswith("_call"))
    assert (output["type"], output["name"], output["input"]) == ("custom_tool_call", "apply_patch", f"{tag}.0")
    result = {"type": "custom_tool_call_output", "call_id": output["call_id"], "output": words}
    assert http.post(url, json=request | {"input": [*items, *outputs, result]}).status_code == 200
    turns = seen(stub.calls(words)[0]).turns
    (called,) = (part for part in turns[1][1] if part[0] == "call")
    assert called[2:] == ("apply_patch", {"input": f"{tag}.0"})
    assert turns[2] == ("user", [("result", called[1], "apply_patch", words)])


_RESULTS: dict[str, Callable[[str], Any]] = {
    "responses": lambda words: {
        "input": [
            {"role": "user", "content": "look"},
            {"type": "function_call", "call_id": "call_1", "name": TOOL_NAME, "arguments": "{}"},
            {
                "type": "function_call_output",
                "call_id": "call_1",
                "output": [
                    {"type": "input_text", "text": words},
                    {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PNG}"},
                ],
            },
        ]
    },
    "messages": lambda words: {
        "messages": [
            {"role": "user", "content": "look"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "call_1", "name": TOOL_NAME, "input": {}}]},
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "call_1",
                        "content": [
                            {"type": "text", "text": words},
                            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                        ],
                    }
                ],
            },
        ]
    },
}


@pytest.mark.parametrize(("client", "wire"), [(a, b) for a in _RESULTS for b in WIRES if a != OPERATIONS[b]])
def test_a_picture_that_a_tool_gave(
    client: str, wire: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """It reaches the provider behind the result or in it, wherever that API takes pictures."""
    words = fresh()
    request = body(client, "", tools=_TOOLS[client]) | _RESULTS[client](words)
    reply = http.post(gateway_of(wire).url + path(client), json=request)
    assert reply.status_code == 200, reply.text
    call = stub.calls(words)[0]
    assert call.body.count(PNG.encode()) == 1
    assert said(client, reply).startswith(f"stub answer {call.tag}")
