"""Thoughts: the client sees them, sends them back as it got them, and the provider has what it sealed itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.stub import Stub
from tests.stub.record import Call
from tests.wire.ask import events, path
from tests.wire.asking import TOOL_NAME, TOOL_SCHEMA
from tests.wire.gateway import Gateway
from tests.wire.talk import THINKERS, seen
from tests.wire.test_matrix_text import matrix, streamed

GatewayOf = Callable[[str], Gateway]
Fresh = Callable[..., str]
Json = Any


def first(client: str, model: str, prompt: str) -> Json:
    """Return a request that wants thoughts, with a tool."""
    if client == "chat":
        function = {"type": "function", "function": {"name": TOOL_NAME, "parameters": TOOL_SCHEMA}}
        turns = [{"role": "user", "content": prompt}]
        return {"model": model, "reasoning_effort": "high", "messages": turns, "tools": [function]}
    if client == "responses":
        tool = {"type": "function", "name": TOOL_NAME, "parameters": TOOL_SCHEMA, "strict": False}
        return {
            "model": model,
            "store": False,
            "include": ["reasoning.encrypted_content"],
            "reasoning": {"effort": "high", "summary": "auto"},
            "input": [{"role": "user", "content": prompt}],
            "tools": [tool],
        }
    if client == "messages":
        return {
            "model": model,
            "max_tokens": 20_000,
            "thinking": {"type": "enabled", "budget_tokens": 8000},
            "messages": [{"role": "user", "content": prompt}],
            "tools": [{"name": TOOL_NAME, "input_schema": TOOL_SCHEMA}],
        }
    return {
        "contents": [{"role": "user", "parts": [{"text": prompt}]}],
        "tools": [{"functionDeclarations": [{"name": TOOL_NAME, "parametersJsonSchema": TOOL_SCHEMA}]}],
        "generationConfig": {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 8000}},
    }


def second(client: str, body: Json, reply: Json, calls: list[str], words: str) -> Json:
    """Return the next request: the reply as it came, what its calls gave if there are any, or the user's next words."""
    more = json.loads(json.dumps(body))
    told: list[Json]
    if client == "chat":
        told = [{"role": "tool", "tool_call_id": one, "content": words} for one in calls]
        more["messages"] += [reply, *(told or [{"role": "user", "content": words}])]
    elif client == "responses":
        told = [{"type": "function_call_output", "call_id": one, "output": words} for one in calls]
        more["input"] += [*reply, *(told or [{"role": "user", "content": words}])]
    elif client == "messages":
        told = [{"type": "tool_result", "tool_use_id": one, "content": words} for one in calls]
        more["messages"] += [
            {"role": "assistant", "content": reply},
            {"role": "user", "content": told or [{"type": "text", "text": words}]},
        ]
    else:
        told = [{"functionResponse": {"id": one, "name": TOOL_NAME, "response": {"output": words}}} for one in calls]
        more["contents"] += [reply, {"role": "user", "parts": told or [{"text": words}]}]
    return more


def whole(client: str, reply: httpx.Response, *, stream: bool) -> Json:
    """Return the reply as the client's application keeps it."""
    if not stream:
        said = reply.json()
        if client == "chat":
            return said["choices"][0]["message"]
        if client == "generate":
            return said["candidates"][0]["content"]
        return said["output" if client == "responses" else "content"]
    found = [value for _, value in events(reply.content) if value != "[DONE]"]
    if client == "responses":
        return found[-1]["response"]["output"]
    if client == "generate":
        return {
            "role": "model",
            "parts": [part for value in found for part in value["candidates"][0]["content"]["parts"]],
        }
    return _chat(found) if client == "chat" else _messages(found)


def _chat(found: list[Json]) -> Json:
    message: Json = {"role": "assistant", "content": ""}
    calls: dict[int, Json] = {}
    for chunk in found:
        for choice in chunk["choices"]:
            delta = choice["delta"]
            message["content"] += delta.get("content") or ""
            for name in ("reasoning_content", "reasoning"):
                if delta.get(name):
                    message[name] = message.get(name, "") + delta[name]
            if delta.get("reasoning_details"):
                message["reasoning_details"] = message.get("reasoning_details", []) + delta["reasoning_details"]
            for part in delta.get("tool_calls") or []:
                call = calls.setdefault(part["index"], {"type": "function", "function": {"name": "", "arguments": ""}})
                call |= {name: value for name, value in part.items() if name not in {"index", "function"} and value}
                for name, value in (part.get("function") or {}).items():
                    call["function"][name] += value or ""
    return message | ({"tool_calls": list(calls.values())} if calls else {})


def _messages(found: list[Json]) -> Json:
    blocks: list[Json] = []
    inputs: dict[int, str] = {}
    for event in found:
        if event["type"] == "content_block_start":
            blocks.append(event["content_block"])
        elif event["type"] == "content_block_delta":
            delta, block = event["delta"], blocks[event["index"]]
            if delta["type"] == "input_json_delta":
                inputs[event["index"]] = inputs.get(event["index"], "") + delta["partial_json"]
            else:
                name = delta["type"].removesuffix("_delta")
                block[name] = block.get(name, "") + delta[name]
    for at, text in inputs.items():
        blocks[at]["input"] = json.loads(text)
    return blocks


def thoughts(client: str, reply: Json) -> str:
    """Return the thoughts that the client can show."""
    if client == "chat":
        return str(reply.get("reasoning_content") or "")
    if client == "responses":
        items = [item for item in reply if item["type"] == "reasoning"]
        return "".join(part["text"] for item in items for part in item["summary"])
    if client == "messages":
        return "".join(block["thinking"] for block in reply if block["type"] == "thinking")
    return "".join(part["text"] for part in reply["parts"] if part.get("thought") and "text" in part)


def called(client: str, reply: Json) -> list[str]:
    """Return the ids of the calls."""
    if client == "chat":
        return [call["id"] for call in reply.get("tool_calls") or []]
    if client == "responses":
        return [item["call_id"] for item in reply if item["type"] == "function_call"]
    if client == "messages":
        return [block["id"] for block in reply if block["type"] == "tool_use"]
    return [part["functionCall"]["id"] for part in reply["parts"] if "functionCall" in part]


def sealed(call: Call, tag: str) -> bool:
    """Tell whether the provider has got back, in its place, what it sealed in its reply `tag`."""
    body = call.json
    if call.endpoint == "messages":
        blocks = [block for turn in body["messages"] if turn["role"] == "assistant" for block in turn["content"]]
        at = next((n for n, block in enumerate(blocks) if block["type"] == "thinking"), None)
        return at == 0 and blocks[0] == {
            "type": "thinking",
            "thinking": f"thinking {tag} step one, Schritt zwei ü",
            "signature": f"sig+{tag}/aGVsbG8==",
        }
    if call.endpoint == "responses":
        items = [item for item in body["input"] if item.get("type") == "reasoning"]
        return [item["encrypted_content"] for item in items] == [f"gAAAA-{tag}-encrypted=="]
    if call.endpoint == "chat":
        # Most providers of this format seal nothing, and want to see no thoughts either.
        return True
    mark = base64.b64encode(f"thought-{tag}".encode()).decode()
    parts = [part for turn in body["contents"] if turn["role"] == "model" for part in turn["parts"]]
    marked = [part for part in parts if part.get("thoughtSignature") == mark]
    calls = [part for part in parts if "functionCall" in part]
    return len(marked) == 1 and (not calls or marked[0] is calls[0])


@streamed
@matrix
@pytest.mark.parametrize("tools", [False, True], ids=["text", "tool"])
def test_thoughts_go_back_to_who_had_them(
    client: str,
    wire: str,
    stream: bool,
    tools: bool,
    gateway_of: GatewayOf,
    stub: Stub,
    http: httpx.Client,
    fresh: Fresh,
) -> None:
    """A signature travels through a foreign client and is back with its provider, unchanged and in its place."""
    url, model = gateway_of(wire).url, THINKERS[wire]
    prompt = fresh("THINK USE_TOOL" if tools else "THINK")
    body = first(client, model, prompt)
    if stream and client != "generate":
        body["stream"] = True
    target = url + path(client, stream=stream, model=model)
    answer = http.post(target, json=body)
    assert answer.status_code == 200, answer.text
    tag = stub.calls(prompt)[0].tag
    reply = whole(client, answer, stream=stream)
    assert thoughts(client, reply) == f"thinking {tag} step one, Schritt zwei ü"
    calls = called(client, reply)
    assert len(calls) == int(tools)
    words = fresh()
    again = http.post(target, json=second(client, body, reply, calls, words))
    assert again.status_code == 200, again.text
    call = stub.calls(words)[0]
    # A thought cannot be the last block of a message, and Gemini does not insist on its mark behind a text.
    assert sealed(call, tag) or (wire == "gemini" and client == "messages" and not tools), call.body.decode()
    turns = seen(call).turns
    assert [role for role, _ in turns] == ["user", "assistant", "user"]
    if tools:
        # Gemini's own calls may have no ids.
        assert [part[1:] for part in turns[2][1]] == [part[1:3] + (words,) for part in turns[1][1] if part[0] == "call"]
    assert "thinking" not in again.headers.get("x-isartor-dropped", "") or wire == "custom"


@streamed
@pytest.mark.parametrize("client", ["chat", "responses", "generate"])
def test_what_nobody_may_read_goes_back_too(
    client: str, stream: bool, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """Anthropic's redacted thoughts show no text, travel with the client and are back behind the readable ones."""
    prompt, words, model = fresh("THINK USE_TOOL [[redacted]]"), fresh(), THINKERS["anthropic"]
    body = first(client, model, prompt)
    if stream and client != "generate":
        body["stream"] = True
    target = gateway_of("anthropic").url + path(client, stream=stream, model=model)
    answer = http.post(target, json=body)
    assert answer.status_code == 200, answer.text
    tag = stub.calls(prompt)[0].tag
    reply = whole(client, answer, stream=stream)
    assert thoughts(client, reply) == f"thinking {tag} step one, Schritt zwei ü"
    assert http.post(target, json=second(client, body, reply, called(client, reply), words)).status_code == 200
    call = stub.calls(words)[0]
    assert sealed(call, tag), call.body.decode()
    (turn,) = (turn for turn in call.json["messages"] if turn["role"] == "assistant")
    assert turn["content"][1] == {"type": "redacted_thinking", "data": f"redacted+{tag}/AAAA=="}


_WANTED: dict[str, Callable[[Json], Json]] = {
    "custom": lambda body: body["reasoning_effort"] in {"medium", "high"},
    "responses-only": lambda body: body["reasoning"]["effort"] in {"medium", "high"},
    "anthropic": lambda body: (
        body["thinking"]["type"] == "enabled" and 1024 <= body["thinking"]["budget_tokens"] < body["max_tokens"]
    ),
    "gemini": lambda body: body["generationConfig"]["thinkingConfig"]["thinkingBudget"] > 1024,
}


@matrix
def test_thinking_is_asked_for(
    client: str, wire: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """That a client wants much thought reaches the provider in its own words."""
    prompt, model = fresh(), THINKERS[wire]
    target = gateway_of(wire).url + path(client, model=model)
    answer = http.post(target, json=first(client, model, prompt))
    assert answer.status_code == 200, answer.text
    body = stub.calls(prompt)[0].json
    assert _WANTED[wire](body), body
    if wire == "gemini":
        # Of these the clients of chat completions do not ask to see any.
        assert body["generationConfig"]["thinkingConfig"].get("includeThoughts", False) is (client != "chat")
