"""The `openai` SDK: chat completions and the older completions."""

from __future__ import annotations

import json
from typing import Any

import openai

from tests.wire.asking import SECOND_SCHEMA, SECOND_TOOL, TOOL_NAME, TOOL_SCHEMA, Answer, Ask, async_http, sync_http


def openai_sync(ask: Ask, seen: dict[str, str]) -> openai.OpenAI:
    """Return the client, noting reply headers in `seen`."""
    return openai.OpenAI(
        base_url=ask.base + "/v1",
        api_key=ask.key,
        max_retries=0,
        http_client=sync_http(seen),
        default_headers=ask.extra_headers,
    )


def openai_async(ask: Ask, seen: dict[str, str]) -> openai.AsyncOpenAI:
    """Return the async client, noting reply headers in `seen`."""
    return openai.AsyncOpenAI(
        base_url=ask.base + "/v1",
        api_key=ask.key,
        max_retries=0,
        http_client=async_http(seen),
        default_headers=ask.extra_headers,
    )


def chat_body(ask: Ask) -> dict[str, Any]:
    """Return the arguments for chat completions."""
    tools = [
        {"type": "function", "function": {"name": TOOL_NAME, "parameters": TOOL_SCHEMA}},
        {"type": "function", "function": {"name": SECOND_TOOL, "parameters": SECOND_SCHEMA}},
    ]
    body: dict[str, Any] = {
        "model": ask.model or "gpt-4o-mini",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": ask.prompt}],
    }
    return {**body, **({"tools": tools} if ask.tools else {}), **ask.more}


def from_chat(reply: Any, seen: dict[str, str]) -> Answer:
    """Read a whole chat completion."""
    message = reply.choices[0].message
    calls = [(c.id, c.function.name, json.loads(c.function.arguments)) for c in message.tool_calls or []]
    return Answer(
        text=message.content or "",
        thinking=getattr(message, "reasoning_content", None) or "",
        calls=calls,
        finish=reply.choices[0].finish_reason,
        usage=(reply.usage.prompt_tokens, reply.usage.completion_tokens),
        headers=dict(seen),
    )


class _Chat:
    """Collects a chat stream the way an application does."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.calls: dict[int, dict[str, str]] = {}

    def take(self, chunk: Any) -> None:
        if chunk.usage:
            self.answer.usage = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        for choice in chunk.choices:
            delta = choice.delta
            self.answer.text += delta.content or ""
            self.answer.thinking += getattr(delta, "reasoning_content", None) or ""
            self.answer.finish = choice.finish_reason or self.answer.finish
            for part in delta.tool_calls or []:
                call = self.calls.setdefault(part.index, {"id": "", "name": "", "arguments": ""})
                call["id"] += part.id or ""
                call["name"] += part.function.name or ""
                call["arguments"] += part.function.arguments or ""

    def done(self, seen: dict[str, str]) -> Answer:
        self.answer.calls = [(c["id"], c["name"], json.loads(c["arguments"])) for c in self.calls.values()]
        self.answer.headers = dict(seen)
        return self.answer


_STREAM = {"stream": True, "stream_options": {"include_usage": True}}


def chat(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    with openai_sync(ask, seen) as client:
        return from_chat(client.chat.completions.create(**chat_body(ask)), seen)


def chat_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Chat()
    with (
        openai_sync(ask, seen) as client,
        client.chat.completions.create(**chat_body(ask), **_STREAM) as stream,
    ):
        for chunk in stream:
            got.take(chunk)
    return got.done(seen)


async def chat_async(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    async with openai_async(ask, seen) as client:
        return from_chat(await client.chat.completions.create(**chat_body(ask)), seen)


async def chat_async_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Chat()
    async with openai_async(ask, seen) as client:
        async with await client.chat.completions.create(**chat_body(ask), **_STREAM) as stream:
            async for chunk in stream:
                got.take(chunk)
    return got.done(seen)


def completions(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    with openai_sync(ask, seen) as client:
        reply = client.completions.create(model=ask.model or "gpt-4o-mini", prompt=ask.prompt, **ask.more)
    used = (reply.usage.prompt_tokens, reply.usage.completion_tokens) if reply.usage else (0, 0)
    return Answer(reply.choices[0].text, finish=reply.choices[0].finish_reason, usage=used, headers=dict(seen))


def completions_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    answer = Answer()
    with openai_sync(ask, seen) as client:
        model = ask.model or "gpt-4o-mini"
        with client.completions.create(model=model, prompt=ask.prompt, **_STREAM, **ask.more) as stream:
            for chunk in stream:
                if chunk.usage:
                    answer.usage = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
                for choice in chunk.choices:
                    answer.text += choice.text
                    answer.finish = choice.finish_reason or answer.finish
    answer.headers = dict(seen)
    return answer
