"""A question and its answer, whichever SDK it goes through, and the HTTP client under each SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

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
    reply: Any = None
    """The whole reply as the SDK has it, to be sent back with the next request; not of every stream."""

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


def sync_http(seen: dict[str, str]) -> httpx2.Client:
    """Return an HTTP client that notes reply headers in `seen`."""

    def note(response: httpx2.Response) -> None:
        seen.update(response.headers)

    return httpx2.Client(event_hooks={"response": [note]}, timeout=30, trust_env=False)


def async_http(seen: dict[str, str]) -> httpx2.AsyncClient:
    """Return an HTTP client that notes reply headers in `seen`."""

    async def note(response: httpx2.Response) -> None:
        seen.update(response.headers)

    return httpx2.AsyncClient(event_hooks={"response": [note]}, timeout=30, trust_env=False)


def awaited(function: Callable[[Ask], Awaitable[Answer]]) -> Callable[[Ask], Answer]:
    """Make an asker of an async function: it runs on a loop of its own."""

    def run(ask: Ask) -> Answer:
        async def call() -> Answer:
            return await function(ask)

        return asyncio.run(call())

    return run
