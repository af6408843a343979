"""Shortcuts to build prompts and to read what was written."""

from __future__ import annotations

import json
from typing import Any

from isartor.formats import sse
from isartor.formats.canonical import Event, Prompt, Text, Turn
from isartor.formats.openai_chat import OpenAIChat

CHAT = OpenAIChat()


def read(body: dict[str, Any]) -> Prompt:
    """A client's request, read."""
    return CHAT.read_request(
        json.dumps(body).encode(), model=body.get("model", "m"), stream=bool(body.get("stream", False))
    )


def written(prompt: Prompt, *quirks: Any) -> dict[str, Any]:
    """What a provider is sent for `prompt`."""
    body, _ = CHAT.write_request(prompt, frozenset(quirks))
    return json.loads(body)


def again(body: dict[str, Any]) -> dict[str, Any]:
    """Read and written."""
    return written(read(body))


def prompt(*turns: Turn, **fields: Any) -> Prompt:
    """A request of an Anthropic client."""
    return Prompt(**{"origin": "anthropic", "model": "gpt-5.4", "turns": list(turns)} | fields)


def user(text: str = "hi") -> Turn:
    """A turn of the user's."""
    return Turn(role="user", parts=[Text(text=text)])


def chunks(body: bytes) -> list[Any]:
    """The data of each event; `[DONE]` as a string."""
    split = sse.Events()
    found = [*split.feed(body), *split.end()]
    return [data.decode() if data == b"[DONE]" else json.loads(data) for _, data in found]


def stream(*pieces: Any, done: bool = True) -> list[Event]:
    """The events that the reader gives for these chunks."""
    reader = CHAT.stream_reader()
    events = [event for piece in pieces for event in reader.read(None, json.dumps(piece).encode())]
    if done:
        events += reader.read(None, b"[DONE]")
    return events + reader.end()


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """One chunk."""
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
