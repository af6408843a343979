"""The `openai` SDK: the Responses API."""

from __future__ import annotations

import json
from typing import Any

from tests.wire.asking import SECOND_SCHEMA, SECOND_TOOL, TOOL_NAME, TOOL_SCHEMA, Answer, Ask, StreamFailed
from tests.wire.sdk_openai_chat import openai_async, openai_sync


def responses_body(ask: Ask) -> dict[str, Any]:
    """Return the arguments for the Responses API."""
    tools = [
        {"type": "function", "name": TOOL_NAME, "parameters": TOOL_SCHEMA, "strict": False},
        {"type": "function", "name": SECOND_TOOL, "parameters": SECOND_SCHEMA, "strict": False},
    ]
    body: dict[str, Any] = {
        "model": ask.model or "gpt-4.1",
        "input": ask.prompt,
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    return {**body, **({"tools": tools} if ask.tools else {}), **ask.more}


def from_response(reply: Any, seen: dict[str, str]) -> Answer:
    """Read a whole Responses object."""
    answer = Answer(text=reply.output_text, finish=reply.status, headers=dict(seen))
    answer.usage = (reply.usage.input_tokens, reply.usage.output_tokens) if reply.usage else (0, 0)
    for item in reply.output:
        if item.type == "reasoning":
            answer.thinking += "".join(part.text for part in item.summary)
            answer.signature += item.encrypted_content or ""
        elif item.type == "function_call":
            answer.calls.append((item.call_id, item.name, json.loads(item.arguments)))
    return answer


class _Responses:
    """Collects a Responses stream: from the deltas, and holds them to the final object."""

    def __init__(self) -> None:
        self.text = ""
        self.arguments: dict[str, str] = {}
        self.kinds: list[str] = []
        self.numbers: list[int] = []
        self.final: Any = None

    def take(self, event: Any) -> None:
        if event.type == "error":
            raise StreamFailed(event.message)
        self.kinds.append(event.type)
        self.numbers.append(event.sequence_number)
        if event.type == "response.output_text.delta":
            self.text += event.delta
        elif event.type == "response.function_call_arguments.delta":
            self.arguments[event.item_id] = self.arguments.get(event.item_id, "") + event.delta
        elif event.type in {"response.completed", "response.incomplete", "response.failed"}:
            self.final = event.response

    def done(self, seen: dict[str, str]) -> Answer:
        assert self.kinds[0] == "response.created"
        assert self.numbers == sorted(set(self.numbers))
        assert self.final is not None, "the stream ended without its terminal event"
        answer = from_response(self.final, seen)
        assert self.text == answer.text
        assert [json.loads(text) for text in self.arguments.values()] == [call[2] for call in answer.calls]
        return answer


def responses(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    with openai_sync(ask, seen) as client:
        return from_response(client.responses.create(**responses_body(ask)), seen)


def responses_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Responses()
    with (
        openai_sync(ask, seen) as client,
        client.responses.create(**responses_body(ask), stream=True) as stream,
    ):
        for event in stream:
            got.take(event)
    return got.done(seen)


async def responses_async(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    async with openai_async(ask, seen) as client:
        return from_response(await client.responses.create(**responses_body(ask)), seen)


async def responses_async_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Responses()
    async with openai_async(ask, seen) as client:
        async with await client.responses.create(**responses_body(ask), stream=True) as stream:
            async for event in stream:
                got.take(event)
    return got.done(seen)
