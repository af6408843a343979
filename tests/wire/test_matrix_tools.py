"""Every SDK against a provider of every format: tools, their calls and what came of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stub import Stub
from tests.wire import sdk
from tests.wire.asking import SECOND_SCHEMA, SECOND_TOOL, TOOL_NAME, TOOL_SCHEMA
from tests.wire.gateway import Gateway
from tests.wire.talk import seen, told
from tests.wire.test_matrix_text import matrix, streamed

GatewayOf = Callable[[str], Gateway]
Fresh = Callable[..., str]

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
