"""The `google-genai` SDK."""

from __future__ import annotations

from typing import Any

import httpx2
from google import genai
from google.genai import types as gtypes

from tests.wire.asking import SECOND_SCHEMA, SECOND_TOOL, TOOL_NAME, TOOL_SCHEMA, Answer, Ask, async_http, sync_http


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


def generate_body(ask: Ask) -> dict[str, Any]:
    """Return the arguments for generate_content."""
    functions = [
        {"name": TOOL_NAME, "description": "runs", "parameters_json_schema": TOOL_SCHEMA},
        {"name": SECOND_TOOL, "description": "tells", "parameters_json_schema": SECOND_SCHEMA},
    ]
    more = dict(ask.more)
    contents = more.pop("contents", ask.prompt)
    config: dict[str, Any] = {"system_instruction": "be brief", "temperature": 0.5, **more}
    if ask.tools:
        config["tools"] = [{"function_declarations": functions}]
        config["automatic_function_calling"] = {"disable": True}
    return {"model": ask.model or "gemini-2.5-flash", "contents": contents, "config": config}


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


def generate(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Gemini()
    with sync_http(seen) as http, genai_client(ask, http) as client:
        got.take(client.models.generate_content(**generate_body(ask)))
    return got.done(seen)


def generate_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Gemini()
    with sync_http(seen) as http, genai_client(ask, http) as client:
        for chunk in client.models.generate_content_stream(**generate_body(ask)):
            got.take(chunk)
    return got.done(seen)


async def generate_async(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Gemini()
    async with async_http(seen) as http, genai_client(ask, ahttp=http).aio as client:
        got.take(await client.models.generate_content(**generate_body(ask)))
    return got.done(seen)


async def generate_async_stream(ask: Ask) -> Answer:
    seen: dict[str, str] = {}
    got = _Gemini()
    async with async_http(seen) as http, genai_client(ask, ahttp=http).aio as client:
        async for chunk in await client.models.generate_content_stream(**generate_body(ask)):
            got.take(chunk)
    return got.done(seen)
