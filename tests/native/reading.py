"""How these tests reach the native module: heads, stores and keys with little ceremony."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isartor._native import ENDPOINTS, BadRequest, Complete, Exact, Gate, Head, Request, Stats, gather
from isartor.server import routes

CLIENTS = Path(__file__).parents[1] / "data" / "clients"
Headers = list[tuple[str, str]]

AGENTS: dict[str, Headers] = {
    "other": [],
    "claude": [("user-agent", "claude-cli/2.1.329 (external, cli)"), ("x-app", "cli")],
    "codex": [("user-agent", "codex_exec/0.169.0"), ("originator", "codex_exec")],
    "copilot": [("user-agent", "OpenAI/JS 5.20.1"), ("x-initiator", "user")],
    "gemini": [("user-agent", "GeminiCLI-tui/0.61.0")],
    "opencode": [("user-agent", "opencode/1.18.33")],
}
"""Headers by which each client is known."""


def gate(**changes: Any) -> Gate:
    """Make a gate that lets everybody in, but for `changes`."""
    options = {
        "keys": [],
        "hosts": [],
        "any_address": False,
        "origins": [],
        "scope_agent_sessions": False,
        "seed": 7,
        **changes,
    }
    return Gate(**options)


_GATE = gate()


def head(endpoint: str, headers: Headers | None = None, *, query: str = "", by: Gate = _GATE, **path: Any) -> Head:
    """Read headers for an endpoint; `path` is what the path says."""
    if endpoint in {"generate", "gemini_count"}:
        path = {"path_model": "m", "google_key": True, **path}
    return by.read(ENDPOINTS.index(endpoint), query, headers or [], **path)


def store(**changes: Any) -> Exact:
    """Make a store, usual but for `changes`."""
    options = {
        "max_entries": 1000,
        "max_bytes": 64 * 1024 * 1024,
        "ttl_secs": 300,
        "stale_secs": 0,
        "aliases": {},
        "stats": Stats(),
        **changes,
    }
    return Exact(**options)


_STORE = store()


def read(endpoint: str, body: bytes | str | dict[str, Any], headers: Headers | None = None, **how: Any) -> Request:
    """Read a body; `how`: the store `by` which it is read, and what `head` takes."""
    by: Exact = how.pop("store", _STORE)
    return by.read(head(endpoint, headers, **how), encoded(body))


def key(endpoint: str, body: bytes | str | dict[str, Any], headers: Headers | None = None, **how: Any) -> str:
    """Return the key of a body."""
    return read(endpoint, body, headers, **how).key


def key_or_none(by: Exact, who: Head, body: bytes) -> str | None:
    """Return the key of a body, `None` if it is refused."""
    try:
        return by.read(who, body).key
    except BadRequest:
        return None


def encoded(body: bytes | str | dict[str, Any]) -> bytes:
    """Return a body's bytes."""
    if isinstance(body, dict):
        body = json.dumps(body)
    return body.encode() if isinstance(body, str) else body


def chat(prompt: str = "hi", /, **members: Any) -> dict[str, Any]:
    """Return a chat completion request."""
    return {"model": "m", "messages": [{"role": "user", "content": prompt}], **members}


def completion(text: str = "hello", **members: Any) -> bytes:
    """Return a chat completion, as a provider gives it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    reply = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        **members,
    }
    return json.dumps(reply).encode()


def events(text: str = "hello") -> bytes:
    """Return a chat completion as a stream of one fragment per character, with usage."""
    common = '"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m"'
    deltas = ['{"role":"assistant","content":""}', *(f'{{"content":{json.dumps(piece)}}}' for piece in text)]
    lines = [f'{{{common},"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}' for delta in deltas]
    lines.append(f'{{{common},"choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}]}}')
    usage = '"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}'
    lines.append(f'{{{common},"choices":[],{usage}}}')
    return "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode()


def complete(body: bytes | None = None, endpoint: str = "chat", form: str = "json") -> Complete:
    """Return a complete reply, ready for the store."""
    outcome = gather(ENDPOINTS.index(endpoint), form, completion() if body is None else body, 1 << 24)
    assert isinstance(outcome, Complete), outcome
    return outcome


@dataclass(frozen=True)
class Recorded:
    """One request that a real client sent."""

    name: str
    client: str
    head: Head
    body: dict[str, Any]
    raw: bytes


@functools.cache
def recorded() -> list[Recorded]:
    """Return every recorded prompt."""
    found = [_recorded(path) for path in sorted(CLIENTS.glob("*.json"))]
    return [one for one in found if one is not None]


def _recorded(path: Path) -> Recorded | None:
    given = json.loads(path.read_text())
    target, _, query = given["path"].partition("?")
    route = routes.PROMPTS.get(target) or routes.gemini(target, {})
    if route is None or given["method"] != "POST":
        return None
    headers = [(name.lower(), value) for name, value in given["headers"]]
    who = _GATE.read(route.number, query, headers, route.model, route.stream, route.google_key)
    raw = json.dumps(given["body"], ensure_ascii=False, separators=(",", ":")).encode()
    return Recorded(path.stem, given["client"], who, given["body"], raw)
