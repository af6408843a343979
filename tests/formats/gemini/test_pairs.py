"""Gemini with every other format: as the client of its provider, and as the provider of its client."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isartor.formats.anthropic import Anthropic
from isartor.formats.canonical import Event, Finished, PartBegan, PartGrew, Prompt
from isartor.formats.gemini import Gemini
from isartor.formats.openai_chat import OpenAIChat
from isartor.formats.openai_responses import OpenAIResponses
from isartor.formats.sse import Events
from tests.stub import anthropic, gemini, openai_chat, openai_responses
from tests.stub.plan import Plan

SCHEMA = {"type": "object", "properties": {"command": {"type": "string"}}}
FORMATS: dict[str, Any] = {
    "anthropic": Anthropic(),
    "openai_chat": OpenAIChat(),
    "openai_responses": OpenAIResponses(),
    "gemini": Gemini(),
}
STUBS: dict[str, Any] = {
    "anthropic": (anthropic, anthropic.messages),
    "openai_chat": (openai_chat, openai_chat.chat),
    "openai_responses": (openai_responses, openai_responses.responses),
    "gemini": (gemini, lambda body, plan: gemini.generate(body, plan, "gemini-3-flash", sse=True)),
}
BODIES: dict[str, Any] = {
    "anthropic": {
        "model": "m",
        "max_tokens": 9000,
        "stream": True,
        "thinking": {"type": "enabled", "budget_tokens": 4000},
        "tools": [{"name": "f", "input_schema": SCHEMA}],
        "messages": [{"role": "user", "content": "go"}],
    },
    "openai_chat": {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
        "messages": [{"role": "user", "content": "go"}],
    },
    "openai_responses": {
        "model": "m",
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "store": False,
        "reasoning": {"effort": "high", "summary": "auto"},
        "tools": [{"type": "function", "name": "f", "parameters": SCHEMA}],
        "input": [{"role": "user", "content": "go"}],
    },
    "gemini": {
        "contents": [{"role": "user", "parts": [{"text": "go"}]}],
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}]}],
        "generationConfig": {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 2000}},
    },
}
OTHERS = sorted(set(FORMATS) - {"gemini"})
PAIRS = [*((name, "gemini") for name in OTHERS), *(("gemini", name) for name in OTHERS)]
OPTIONS: list[dict[str, str]] = [{}, {"think": ""}, {"tools": "1"}, {"think": "", "tools": "2"}]


def ask(client: str) -> Prompt:
    return FORMATS[client].read_request(json.dumps(BODIES[client]).encode(), model="gemini-3-flash", stream=True)


def answer(provider: str, prompt: Prompt, options: dict[str, str]) -> Any:
    """What the stub provider says to the request as it is written for it."""
    body = json.loads(FORMATS[provider].write_request(prompt)[0])
    plan = Plan("T", 1, dict(options))
    module, reply = STUBS[provider]
    module.prepare(body, plan)
    return reply(body, plan)


def events_of(name: str, raw: bytes) -> list[Event]:
    reader = FORMATS[name].stream_reader()
    split = Events()
    said = [*split.feed(raw), *split.end()]
    return [event for kind, data in said for event in reader.read(kind, data)] + reader.end()


def summary(events: list[Event]) -> Any:
    """What was said, and how it ended; parts that only carry state are left out."""
    parts: dict[int, list[str]] = {}
    for event in events:
        if isinstance(event, PartBegan):
            parts[event.index] = [type(event.part).__name__, ""]
        elif isinstance(event, PartGrew):
            parts[event.index][1] += event.text
    (end,) = (event for event in events if isinstance(event, Finished))
    return [each for each in parts.values() if each[1]], end.stop, end.usage


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("client", "provider"), PAIRS)
def test_streams(client: str, provider: str, options: dict[str, str]) -> None:
    """The client's stream says what the provider's said, usage included."""
    prompt = ask(client)
    said = events_of(provider, b"".join(answer(provider, prompt, options).events))
    writer = FORMATS[client].stream_writer(prompt)
    heard = events_of(client, b"".join(writer.write(event) for event in said))
    assert summary(heard) == summary(said)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("client", "provider"), PAIRS)
def test_replies(client: str, provider: str, options: dict[str, str]) -> None:
    """A whole reply, likewise."""
    prompt = ask(client)
    said = FORMATS[provider].read_reply(json.dumps(answer(provider, prompt, options).whole).encode())
    heard = FORMATS[client].read_reply(FORMATS[client].write_reply(said, prompt))

    def shown(reply: Any) -> Any:
        texts = [
            (type(part).__name__, getattr(part, "text", "") or getattr(part, "arguments", "")) for part in reply.parts
        ]
        # Chat's reader takes only the sealed thoughts of a message that has any.
        unread = "Thinking" if client == "openai_chat" else ""
        return [each for each in texts if each[1] and each[0] != unread], reply.stop, reply.usage

    assert shown(heard) == shown(said)


def follow_up(client: str, reply: Any) -> Any:
    """The client's next request, with all that the reply said and a result for each call."""
    body = json.loads(json.dumps(BODIES[client]))
    if client == "anthropic":
        calls = [block["id"] for block in reply["content"] if block["type"] == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": call, "content": "done"} for call in calls]
        body["messages"] += [{"role": "assistant", "content": reply["content"]}, {"role": "user", "content": results}]
    elif client == "openai_chat":
        message = reply["choices"][0]["message"]
        results = [{"role": "tool", "tool_call_id": call["id"], "content": "done"} for call in message["tool_calls"]]
        body["messages"] += [message, *results]
    else:
        calls = [item["call_id"] for item in reply["output"] if item["type"] == "function_call"]
        results = [{"type": "function_call_output", "call_id": call, "output": "done"} for call in calls]
        body["input"] += [*reply["output"], *results]
    return body


@pytest.mark.parametrize("client", OTHERS)
def test_geminis_signatures_come_back(client: str) -> None:
    """Gemini 3 refuses calls whose signature is missing or stands on another call."""
    call = {"functionCall": {"name": "f", "args": {"command": "a"}}}
    parts = [{"text": "hm", "thought": True}, {**call, "thoughtSignature": "c2ln"}, call]
    reply = {
        "candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}],
        "responseId": "r",
        "modelVersion": "m",
    }
    theirs = FORMATS[client]
    written = theirs.write_reply(FORMATS["gemini"].read_reply(json.dumps(reply).encode()), ask(client))
    body = json.dumps(follow_up(client, json.loads(written))).encode()
    prompt = theirs.read_request(body, model="gemini-3-flash", stream=True)
    contents = json.loads(FORMATS["gemini"].write_request(prompt)[0])["contents"]
    assert [each["role"] for each in contents] == ["user", "model", "user"]
    first, second = (part for part in contents[1]["parts"] if "functionCall" in part)
    assert first["thoughtSignature"] == "c2ln"
    assert "thoughtSignature" not in second
    answers = [part["functionResponse"] for part in contents[2]["parts"]]
    assert [each["id"] for each in answers] == [first["functionCall"]["id"], second["functionCall"]["id"]]
    assert [(each["name"], each["response"]) for each in answers] == [("f", {"output": "done"})] * 2
