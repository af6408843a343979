"""The `anthropic` SDK."""

from __future__ import annotations

from typing import Any

import anthropic

from tests.wire.asking import SECOND_SCHEMA, SECOND_TOOL, TOOL_NAME, TOOL_SCHEMA, Answer, Ask, async_http, sync_http


def anthropic_sync(ask: Ask, seen: dict[str, str]) -> anthropic.Anthropic:
    """Return the client, noting reply headers in `seen`."""
    return anthropic.Anthropic(
        base_url=ask.base,
        api_key=ask.key,
        max_retries=0,
        http_client=sync_http(seen),
        default_headers=ask.extra_headers,
    )


def anthropic_async(ask: Ask, seen: dict[str, str]) -> anthropic.AsyncAnthropic:
    """Return the async client, noting reply headers in `seen`."""
    return anthropic.AsyncAnthropic(
        base_url=ask.base,
        api_key=ask.key,
        max_retries=0,
        http_client=async_http(seen),
        default_headers=ask.extra_headers,
    )


def messages_body(ask: Ask) -> dict[str, Any]:
    """Return the arguments for messages."""
    tools = [
        {"name": TOOL_NAME, "description": "runs", "input_schema": TOOL_SCHEMA},
        {"name": SECOND_TOOL, "description": "tells", "input_schema": SECOND_SCHEMA},
    ]
    body: dict[str, Any] = {
        "model": ask.model or "claude-opus-5-5",
        "max_tokens": 2048,
        "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": ask.prompt}],
    }
    return {**body, **({"tools": tools} if ask.tools else {}), **ask.more}


def from_message(reply: Any, seen: dict[str, str]) -> Answer:
    """Read a whole message."""
    answer = Answer(finish=reply.stop_reason or "", headers=dict(seen))
    answer.usage = (reply.usage.input_tokens, reply.usage.output_tokens)
    for block in reply.content:
        if block.type == "text":
            answer.text += block.text
        elif block.type == "thinking":
            answer.thinking += block.thinking
            answer.signature += block.signature
        elif block.type == "redacted_thinking":
            answer.redacted += block.data
        elif block.type == "tool_use":
            answer.calls.append((block.id, block.name, dict(block.input)))
    return answer


def messages(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    with anthropic_sync(ask, seen) as client:
        return from_message(client.messages.create(**messages_body(ask)), seen)


def messages_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    with anthropic_sync(ask, seen) as client, client.messages.stream(**messages_body(ask)) as stream:
        for _event in stream:
            pass
        return from_message(stream.get_final_message(), seen)


async def messages_async(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    async with anthropic_async(ask, seen) as client:
        return from_message(await client.messages.create(**messages_body(ask)), seen)


async def messages_async_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    async with anthropic_async(ask, seen) as client, client.messages.stream(**messages_body(ask)) as stream:
        async for _event in stream:
            pass
        return from_message(await stream.get_final_message(), seen)
