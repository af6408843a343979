"""The official SDKs as one thing: ask a question in one of sixteen ways, get the same kind of `Answer` back.

The same askers are used straight against the stub (does the stub speak the format?) and through the gateway.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import anthropic
import httpx2
import openai
from google import genai
from google.genai import types as gtypes

TOOL_NAME = "bash"
TOOL_SCHEMA = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
SECOND_TOOL = "weather"
SECOND_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class StreamFailed(Exception):
    """A Responses stream reported an error: its SDK gives the event to the application instead of raising."""


@dataclass(slots=True)
class Ask:
    """One question."""

    base: str
    prompt: str
    tools: bool = False
    key: str = "sk-test"
    model: str | None = None
    extra_headers: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Answer:
    """What came back, whichever SDK it came through."""

    text: str = ""
    thinking: str = ""
    signature: str = ""
    redacted: str = ""
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    finish: str = ""
    usage: tuple[int, int] = (0, 0)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> tuple[Any, ...]:
        """Everything but the headers: what must be the same from miss to hit."""
        return self.text, self.thinking, self.signature, self.redacted, self.calls, self.finish, self.usage

    @property
    def layer(self) -> str:
        """Where the gateway got it."""
        return self.headers.get("x-isartor-layer", "")


@dataclass(slots=True, frozen=True)
class Asker:
    """A way to ask: SDK, endpoint, and whether the reply is streamed."""

    name: str
    provider: str
    endpoint: str
    stream: bool
    run: Callable[[Ask], Answer]

    def __call__(self, base: str, prompt: str, **more: Any) -> Answer:
        """Ask and collect the answer."""
        return self.run(Ask(base, prompt, **more))


def _sync_http(seen: dict[str, str]) -> httpx2.Client:
    def note(response: httpx2.Response) -> None:
        seen.update(response.headers)

    return httpx2.Client(event_hooks={"response": [note]}, timeout=30, trust_env=False)


def _async_http(seen: dict[str, str]) -> httpx2.AsyncClient:
    async def note(response: httpx2.Response) -> None:
        seen.update(response.headers)

    return httpx2.AsyncClient(event_hooks={"response": [note]}, timeout=30, trust_env=False)


def openai_sync(ask: Ask, seen: dict[str, str]) -> openai.OpenAI:
    """Return the client, noting reply headers in `seen`."""
    return openai.OpenAI(
        base_url=ask.base + "/v1",
        api_key=ask.key,
        max_retries=0,
        http_client=_sync_http(seen),
        default_headers=ask.extra_headers,
    )


def openai_async(ask: Ask, seen: dict[str, str]) -> openai.AsyncOpenAI:
    """Return the async client, noting reply headers in `seen`."""
    return openai.AsyncOpenAI(
        base_url=ask.base + "/v1",
        api_key=ask.key,
        max_retries=0,
        http_client=_async_http(seen),
        default_headers=ask.extra_headers,
    )


def anthropic_sync(ask: Ask, seen: dict[str, str]) -> anthropic.Anthropic:
    """Return the client, noting reply headers in `seen`."""
    return anthropic.Anthropic(
        base_url=ask.base,
        api_key=ask.key,
        max_retries=0,
        http_client=_sync_http(seen),
        default_headers=ask.extra_headers,
    )


def anthropic_async(ask: Ask, seen: dict[str, str]) -> anthropic.AsyncAnthropic:
    """Return the async client, noting reply headers in `seen`."""
    return anthropic.AsyncAnthropic(
        base_url=ask.base,
        api_key=ask.key,
        max_retries=0,
        http_client=_async_http(seen),
        default_headers=ask.extra_headers,
    )


def genai_client(ask: Ask, http: httpx2.Client | None = None, ahttp: httpx2.AsyncClient | None = None) -> genai.Client:
    """Return the client; it has the sync and the async surface in one."""
    options = gtypes.HttpOptions(
        base_url=ask.base,
        httpx_client=http,
        httpx_async_client=ahttp,
        headers=ask.extra_headers,
        timeout=30_000,
    )
    return genai.Client(api_key=ask.key, http_options=options)


# -- OpenAI chat -------------------------------------------------------------------------------------------------------


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


def _chat(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    with openai_sync(ask, seen) as client:
        return from_chat(client.chat.completions.create(**chat_body(ask)), seen)


def _chat_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Chat()
    with (
        openai_sync(ask, seen) as client,
        client.chat.completions.create(**chat_body(ask), **_STREAM) as stream,
    ):
        for chunk in stream:
            got.take(chunk)
    return got.done(seen)


async def _chat_async(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    async with openai_async(ask, seen) as client:
        return from_chat(await client.chat.completions.create(**chat_body(ask)), seen)


async def _chat_async_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Chat()
    async with openai_async(ask, seen) as client:
        async with await client.chat.completions.create(**chat_body(ask), **_STREAM) as stream:
            async for chunk in stream:
                got.take(chunk)
    return got.done(seen)


def _completions(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    with openai_sync(ask, seen) as client:
        reply = client.completions.create(model=ask.model or "gpt-4o-mini", prompt=ask.prompt, **ask.more)
    used = (reply.usage.prompt_tokens, reply.usage.completion_tokens) if reply.usage else (0, 0)
    return Answer(reply.choices[0].text, finish=reply.choices[0].finish_reason, usage=used, headers=dict(seen))


def _completions_stream(ask: Ask) -> Answer:
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


# -- OpenAI Responses --------------------------------------------------------------------------------------------------


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


def _responses(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    with openai_sync(ask, seen) as client:
        return from_response(client.responses.create(**responses_body(ask)), seen)


def _responses_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Responses()
    with (
        openai_sync(ask, seen) as client,
        client.responses.create(**responses_body(ask), stream=True) as stream,
    ):
        for event in stream:
            got.take(event)
    return got.done(seen)


async def _responses_async(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    async with openai_async(ask, seen) as client:
        return from_response(await client.responses.create(**responses_body(ask)), seen)


async def _responses_async_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Responses()
    async with openai_async(ask, seen) as client:
        async with await client.responses.create(**responses_body(ask), stream=True) as stream:
            async for event in stream:
                got.take(event)
    return got.done(seen)


# -- Anthropic ---------------------------------------------------------------------------------------------------------


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


def _messages(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    with anthropic_sync(ask, seen) as client:
        return from_message(client.messages.create(**messages_body(ask)), seen)


def _messages_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    with anthropic_sync(ask, seen) as client, client.messages.stream(**messages_body(ask)) as stream:
        for _event in stream:
            pass
        return from_message(stream.get_final_message(), seen)


async def _messages_async(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    async with anthropic_async(ask, seen) as client:
        return from_message(await client.messages.create(**messages_body(ask)), seen)


async def _messages_async_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    async with anthropic_async(ask, seen) as client, client.messages.stream(**messages_body(ask)) as stream:
        async for _event in stream:
            pass
        return from_message(await stream.get_final_message(), seen)


# -- Gemini ------------------------------------------------------------------------------------------------------------


def generate_body(ask: Ask) -> dict[str, Any]:
    """Return the arguments for generate_content."""
    functions = [
        {"name": TOOL_NAME, "description": "runs", "parameters_json_schema": TOOL_SCHEMA},
        {"name": SECOND_TOOL, "description": "tells", "parameters_json_schema": SECOND_SCHEMA},
    ]
    config: dict[str, Any] = {"system_instruction": "be brief", "temperature": 0.5, **ask.more}
    if ask.tools:
        config["tools"] = [{"function_declarations": functions}]
        config["automatic_function_calling"] = {"disable": True}
    return {"model": ask.model or "gemini-2.5-flash", "contents": ask.prompt, "config": config}


class _Gemini:
    """Collects chunks; a whole reply is one chunk."""

    def __init__(self) -> None:
        self.answer = Answer()

    def take(self, chunk: Any) -> None:
        answer = self.answer
        if chunk.usage_metadata:
            used = chunk.usage_metadata
            answer.usage = (used.prompt_token_count or 0, used.candidates_token_count or 0)
        for candidate in chunk.candidates or []:
            if candidate.finish_reason:
                answer.finish = candidate.finish_reason.value
            for part in (candidate.content.parts if candidate.content else None) or []:
                if part.thought_signature:
                    answer.signature += part.thought_signature.decode()
                if part.function_call:
                    call = part.function_call
                    answer.calls.append((call.id or "", call.name, dict(call.args)))
                elif part.thought:
                    answer.thinking += part.text or ""
                else:
                    answer.text += part.text or ""

    def done(self, seen: dict[str, str]) -> Answer:
        self.answer.headers = dict(seen)
        return self.answer


def _generate(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Gemini()
    with _sync_http(seen) as http, genai_client(ask, http) as client:
        got.take(client.models.generate_content(**generate_body(ask)))
    return got.done(seen)


def _generate_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Gemini()
    with _sync_http(seen) as http, genai_client(ask, http) as client:
        for chunk in client.models.generate_content_stream(**generate_body(ask)):
            got.take(chunk)
    return got.done(seen)


async def _generate_async(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Gemini()
    async with _async_http(seen) as http, genai_client(ask, ahttp=http).aio as client:
        got.take(await client.models.generate_content(**generate_body(ask)))
    return got.done(seen)


async def _generate_async_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Gemini()
    async with _async_http(seen) as http, genai_client(ask, ahttp=http).aio as client:
        async for chunk in await client.models.generate_content_stream(**generate_body(ask)):
            got.take(chunk)
    return got.done(seen)


def _awaited(function: Callable[[Ask], Awaitable[Answer]]) -> Callable[[Ask], Answer]:
    def run(ask: Ask) -> Answer:
        async def call() -> Answer:
            return await function(ask)

        return asyncio.run(call())

    return run


ASKERS = (
    Asker("openai-chat", "openai", "chat", False, _chat),
    Asker("openai-chat-stream", "openai", "chat", True, _chat_stream),
    Asker("openai-chat-async", "openai", "chat", False, _awaited(_chat_async)),
    Asker("openai-chat-async-stream", "openai", "chat", True, _awaited(_chat_async_stream)),
    Asker("openai-completions", "openai", "completions", False, _completions),
    Asker("openai-completions-stream", "openai", "completions", True, _completions_stream),
    Asker("openai-responses", "openai", "responses", False, _responses),
    Asker("openai-responses-stream", "openai", "responses", True, _responses_stream),
    Asker("openai-responses-async", "openai", "responses", False, _awaited(_responses_async)),
    Asker("openai-responses-async-stream", "openai", "responses", True, _awaited(_responses_async_stream)),
    Asker("anthropic", "anthropic", "messages", False, _messages),
    Asker("anthropic-stream", "anthropic", "messages", True, _messages_stream),
    Asker("anthropic-async", "anthropic", "messages", False, _awaited(_messages_async)),
    Asker("anthropic-async-stream", "anthropic", "messages", True, _awaited(_messages_async_stream)),
    Asker("genai", "gemini", "generate", False, _generate),
    Asker("genai-stream", "gemini", "generate", True, _generate_stream),
    Asker("genai-async", "gemini", "generate", False, _awaited(_generate_async)),
    Asker("genai-async-stream", "gemini", "generate", True, _awaited(_generate_async_stream)),
)
ENDPOINTS = ("chat", "completions", "responses", "messages", "generate")


def asker(endpoint: str, *, stream: bool, sync: bool = True) -> Asker:
    """Return the asker of an endpoint in one form."""
    return next(a for a in ASKERS if a.endpoint == endpoint and a.stream == stream and ("async" not in a.name) == sync)
