"""Requests without an SDK: the bodies of every endpoint, and what their replies say."""

from __future__ import annotations

import json
from typing import Any

import httpx

PROVIDER_OF = {
    "chat": "openai",
    "completions": "openai",
    "embeddings": "openai",
    "responses": "openai",
    "messages": "anthropic",
    "count_tokens": "anthropic",
    "generate": "gemini",
    "gemini_count": "gemini",
}
ANSWERING = ("chat", "completions", "responses", "messages", "generate")
ENDPOINTS = tuple(PROVIDER_OF)
MODELS = {"openai": "gpt-4o-mini", "anthropic": "claude-opus-5-5", "gemini": "gemini-2.5-flash"}
Json = Any


def path(endpoint: str, *, stream: bool = False, model: str | None = None, sse: bool = True) -> str:
    """Return the endpoint's path and query."""
    fixed = {
        "chat": "/v1/chat/completions",
        "completions": "/v1/completions",
        "embeddings": "/v1/embeddings",
        "responses": "/v1/responses",
        "messages": "/v1/messages",
        "count_tokens": "/v1/messages/count_tokens",
        "native": "/api/chat",
    }
    if endpoint in fixed:
        return fixed[endpoint]
    method = {
        "generate": "streamGenerateContent" if stream else "generateContent",
        "gemini_count": "countTokens",
    }[endpoint]
    return f"/v1beta/models/{model or MODELS['gemini']}:{method}" + ("?alt=sse" if stream and sse else "")


def body(
    endpoint: str, prompt: str, *, stream: bool = False, model: str | None = None, **more: Json
) -> dict[str, Json]:
    """Return a body that asks `prompt`; `more` is added or replaces."""
    name = model or MODELS.get(PROVIDER_OF.get(endpoint, ""), "gpt-4o-mini")
    turn = [{"role": "user", "content": prompt}]
    shapes: dict[str, dict[str, Json]] = {
        "chat": {"model": name, "messages": turn},
        "completions": {"model": name, "prompt": prompt},
        "embeddings": {"model": name, "input": prompt},
        "responses": {"model": name, "input": prompt, "store": False},
        "messages": {"model": name, "max_tokens": 500, "messages": turn},
        "count_tokens": {"model": name, "messages": turn},
        "generate": {"contents": [{"role": "user", "parts": [{"text": prompt}]}]},
        "gemini_count": {"contents": [{"role": "user", "parts": [{"text": prompt}]}]},
        "native": {"prompt": prompt},
    }
    made = dict(shapes[endpoint])
    if stream and endpoint != "generate":
        made["stream"] = True
        if endpoint in {"chat", "completions"}:
            made["stream_options"] = {"include_usage": True}
    return {**made, **more}


def post(
    client: httpx.Client,
    url: str,
    endpoint: str,
    prompt: str,
    *,
    stream: bool = False,
    model: str | None = None,
    headers: dict[str, str] | None = None,
    **more: Json,
) -> httpx.Response:
    """Ask and read the whole reply."""
    target = url + path(endpoint, stream=stream, model=model)
    return client.post(target, json=body(endpoint, prompt, stream=stream, model=model, **more), headers=headers)


def layer(reply: httpx.Response) -> str:
    """Return where the reply came from: `l1a`, `l3`, or nothing."""
    return reply.headers.get("x-isartor-layer", "")


def events(data: bytes) -> list[tuple[str, Json]]:
    """Return the events of a stream: name and data, parsed where it is JSON."""
    found = []
    for block in data.decode().replace("\r\n", "\n").split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if not lines:
            continue
        name = next((line[6:].strip() for line in lines if line.startswith("event:")), "")
        text = "\n".join(line[5:].removeprefix(" ") for line in lines if line.startswith("data:"))
        found.append((name, text if text == "[DONE]" else json.loads(text)))
    return found


def text_of(endpoint: str, value: Json) -> str:
    """Return the answer's text in a whole reply."""
    if endpoint == "chat":
        return str(value["choices"][0]["message"]["content"])
    if endpoint == "completions":
        return str(value["choices"][0]["text"])
    if endpoint == "responses":
        parts = [part for item in value["output"] if item["type"] == "message" for part in item["content"]]
        return "".join(part["text"] for part in parts)
    if endpoint == "messages":
        return "".join(block["text"] for block in value["content"] if block["type"] == "text")
    if endpoint == "generate":
        return "".join(part.get("text", "") for part in value["candidates"][0]["content"]["parts"])
    if endpoint == "native":
        return str(value["message"])
    return json.dumps(value.get("data", value))


def stream_text(endpoint: str, data: bytes) -> str:
    """Return the answer's text in a stream."""
    text = ""
    for _, value in events(data):
        if value == "[DONE]":
            continue
        if endpoint == "chat":
            text += "".join(choice["delta"].get("content") or "" for choice in value["choices"])
        elif endpoint == "completions":
            text += "".join(choice["text"] for choice in value["choices"])
        elif endpoint == "responses" and value["type"] == "response.output_text.delta":
            text += value["delta"]
        elif endpoint == "messages" and value["type"] == "content_block_delta":
            text += value["delta"].get("text", "")
        elif endpoint == "generate" and "candidates" in value:
            text += "".join(part.get("text", "") for part in value["candidates"][0]["content"]["parts"])
    return text


def said(endpoint: str, reply: httpx.Response) -> str:
    """Return the text of a reply in whichever form it came."""
    if reply.headers["content-type"].startswith("text/event-stream"):
        return stream_text(endpoint, reply.content)
    return text_of(endpoint, reply.json())


def ended(endpoint: str, data: bytes) -> bool:
    """Tell whether a stream has its surface's terminal event."""
    found = events(data)
    if not found:
        return False
    name, value = found[-1]
    if endpoint in {"chat", "completions"}:
        return bool(value == "[DONE]")
    if endpoint == "responses":
        return name in {"response.completed", "response.incomplete"}
    if endpoint == "messages":
        return name == "message_stop"
    return "finishReason" in value.get("candidates", [{}])[0]


def is_error(endpoint: str, value: Json, status: int | None = None) -> bool:
    """Tell whether an object is an error in the surface's own shape."""
    detail = value.get("error")
    if endpoint == "native":
        return isinstance(detail, str) and isinstance(value.get("message"), str)
    if not isinstance(detail, dict) or not isinstance(detail.get("message"), str) or not detail["message"]:
        return False
    if endpoint in {"messages", "count_tokens"}:
        return value.get("type") == "error" and isinstance(detail.get("type"), str)
    if endpoint in {"generate", "gemini_count"}:
        return detail.get("code") == (status or detail.get("code")) and str(detail.get("status", "")).isupper()
    return isinstance(detail.get("type"), str) and {"param", "code"} <= detail.keys()


def stream_error(endpoint: str, data: bytes) -> bool:
    """Tell whether a stream holds an error in the surface's own form."""
    for name, value in events(data):
        if not isinstance(value, dict):
            continue
        if endpoint == "responses":
            if value.get("type") in {"error", "response.failed"} and name == value["type"]:
                return True
        elif endpoint == "messages":
            if name == "error" and is_error(endpoint, value):
                return True
        elif "error" in value and is_error(endpoint, value):
            return True
    return False
