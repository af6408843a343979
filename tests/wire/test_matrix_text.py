"""Every SDK against a provider of every format: text, system prompts, earlier turns, pictures, numbers, limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stub import Stub
from tests.wire import sdk
from tests.wire.gateway import Gateway
from tests.wire.talk import CLIENTS, OPERATIONS, PNG, WIRES, seen, told

GatewayOf = Callable[[str], Gateway]
Fresh = Callable[..., str]

matrix = pytest.mark.parametrize(
    ("client", "wire"), [(client, wire) for client in CLIENTS for wire in WIRES if client != OPERATIONS[wire]]
)
streamed = pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])

# Input and output tokens as each provider of the stub counts them, thoughts among the output.
_USED = {"custom": (11, 20), "responses-only": (10, 21), "anthropic": (16, 25), "gemini": (9, 18)}
_CACHED = {"custom": 3, "responses-only": 2, "anthropic": 4, "gemini": 0}


@streamed
@matrix
def test_a_text_and_its_system_prompt(
    client: str, wire: str, stream: bool, gateway_of: GatewayOf, stub: Stub, fresh: Fresh
) -> None:
    """The provider reads what the client said; the client gets the answer, its end and its tokens; again is a hit."""
    ask = sdk.asker(client, stream=stream)
    prompt = fresh()
    more = told(client, "be brief", [("user", [prompt])])
    answer = ask(gateway_of(wire).url, prompt, more=more)
    call = stub.calls(prompt)[0]
    got = seen(call)
    assert (got.system, got.turns, got.stream) == ("be brief", [("user", [prompt])], stream)
    assert answer.text.startswith(f"stub answer {call.tag}")
    assert "naïve 答え 🙂" in answer.text
    assert answer.finish in {"stop", "completed", "end_turn", "STOP"}
    used = _USED[wire]
    # Anthropic's clients are told apart what came out of the provider's cache.
    assert answer.usage == ((used[0] - _CACHED[wire], used[1]) if client == "messages" else used)
    assert answer.layer == "l3"
    again = ask(gateway_of(wire).url, prompt, more=more)
    assert (again.layer, again.content) == ("l1a", answer.content)


@streamed
@matrix
def test_earlier_turns_and_pictures(
    client: str, wire: str, stream: bool, gateway_of: GatewayOf, stub: Stub, fresh: Fresh
) -> None:
    """Every turn arrives in its role and its order, pictures byte for byte."""
    prompt = fresh()
    turns: list[Any] = [
        ("user", ["what is this", ("image", PNG)]),
        ("assistant", ["a dot"]),
        ("user", ["and that", ("image", PNG), prompt]) if client != "chat" else ("user", [prompt, ("image", PNG)]),
    ]
    ask = sdk.asker(client, stream=stream)
    answer = ask(gateway_of(wire).url, prompt, more=told(client, "", turns))
    call = stub.calls(prompt)[0]
    assert seen(call).turns == turns
    assert call.tag in answer.text


_LIMITS: dict[str, dict[str, Any]] = {
    "chat": {"max_tokens": 77, "temperature": 0.25, "stop": ["END", "FIN"]},
    "responses": {"max_output_tokens": 77, "temperature": 0.25},
    "messages": {"max_tokens": 77, "extra_body": {"temperature": 0.25}, "stop_sequences": ["END", "FIN"]},
    "generate": {"max_output_tokens": 77, "temperature": 0.25, "stop_sequences": ["END", "FIN"]},
}
_PLAIN = {
    "custom": "gpt-4o",
    "responses-only": "gpt-4o",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-2.0-flash",
}


@matrix
def test_limits(client: str, wire: str, gateway_of: GatewayOf, stub: Stub, fresh: Fresh) -> None:
    """The model, the length, the temperature and the stop sequences arrive as they were set."""
    prompt = fresh()
    more = dict(_LIMITS[client])
    if wire == "responses-only":
        more = {name: value for name, value in more.items() if not name.startswith("stop")}
    sdk.asker(client, stream=False)(gateway_of(wire).url, prompt, model=_PLAIN[wire], more=more)
    got = seen(stub.calls(prompt)[0])
    stop = None if wire == "responses-only" or client == "responses" else ["END", "FIN"]
    assert (got.model, got.max_tokens, got.temperature, got.stop) == (_PLAIN[wire], 77, 0.25, stop)


# Why a reply ended: the providers' words for it, and the clients'.
_LENGTH = {"custom": "length", "responses-only": "max_output_tokens", "anthropic": "max_tokens", "gemini": "MAX_TOKENS"}
_FILTER = {"custom": "content_filter", "responses-only": "content_filter", "anthropic": "refusal", "gemini": "SAFETY"}
_TOO_LONG = {"chat": "length", "responses": "incomplete", "messages": "max_tokens", "generate": "MAX_TOKENS"}
_FILTERED = {"chat": "content_filter", "responses": "incomplete", "messages": "refusal", "generate": "SAFETY"}


@streamed
@matrix
@pytest.mark.parametrize(("words", "expected"), [(_LENGTH, _TOO_LONG), (_FILTER, _FILTERED)], ids=["length", "filter"])
def test_why_it_ended(
    client: str,
    wire: str,
    stream: bool,
    words: dict[str, str],
    expected: dict[str, str],
    gateway_of: GatewayOf,
    fresh: Fresh,
) -> None:
    """A reply that was cut short or filtered says so in the client's own word."""
    prompt = fresh(f"[[finish={words[wire]}]]")
    answer = sdk.asker(client, stream=stream)(gateway_of(wire).url, prompt)
    assert answer.finish == expected[client]


_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city", "people"],
    "additionalProperties": False,
}
_FORMS: dict[str, dict[str, Any]] = {
    "chat": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": _SCHEMA, "strict": True}}
    },
    "responses": {"text": {"format": {"type": "json_schema", "name": "place", "schema": _SCHEMA, "strict": True}}},
    "messages": {"output_config": {"format": {"type": "json_schema", "schema": _SCHEMA}}},
    "generate": {"response_mime_type": "application/json", "response_json_schema": _SCHEMA},
}


@streamed
@matrix
def test_json_of_a_schema(
    client: str, wire: str, stream: bool, gateway_of: GatewayOf, stub: Stub, fresh: Fresh
) -> None:
    """The schema reaches the provider, and the client gets JSON that fits it."""
    prompt = fresh()
    ask = sdk.asker(client, stream=stream)
    answer = ask(gateway_of(wire).url, prompt, model=_PLAIN[wire], more=dict(_FORMS[client]))
    call = stub.calls(prompt)[0]
    assert seen(call).schema == _SCHEMA
    assert answer.text == f'{{"city":"stub answer {call.tag}","people":1}}'
