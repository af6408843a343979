"""What the tests of this format share: the official SDK over bytes, and the rules of a stream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anthropic
import httpx2

from isartor.formats import sse
from isartor.formats.anthropic import Anthropic
from isartor.formats.canonical import Prompt, Text, Tool, ToolCall, ToolResult, Turn

FORMAT = Anthropic()
MESSAGES: Any = [{"role": "user", "content": "hi"}]


def recorded() -> list[dict[str, Any]]:
    """What real clients sent; `file` is its name."""
    files = sorted((Path(__file__).parents[2] / "data" / "clients").glob("*.json"))
    return [json.loads(file.read_text()) | {"file": file.stem} for file in files]


def read(body: dict[str, Any]) -> Prompt:
    return FORMAT.read_request(json.dumps(body).encode(), model=body.get("model", "m"), stream=bool(body.get("stream")))


def write(prompt: Prompt) -> dict[str, Any]:
    return json.loads(FORMAT.write_request(prompt)[0])


def prompt(**fields: Any) -> Prompt:
    """A prompt of another format."""
    return Prompt(**{"origin": "openai_chat", "model": "claude-sonnet-4-5", "turns": []} | fields)


OLD = "claude-sonnet-4-5"
MIDDLE = "claude-sonnet-4-6"
NEW = "claude-opus-5-5"
OTHER = "kimi-k2"


def turn(role: Any, *parts: Any) -> Turn:
    return Turn(role=role, parts=[Text(text=each) if isinstance(each, str) else each for each in parts])


USER = turn("user", "hi")
TOOL = Tool(name="t", description="d", schema={"type": "object", "properties": {}})


def asking(*turns: Turn, **fields: Any) -> Prompt:
    return prompt(turns=list(turns or [USER]), **fields)


def call(name: str = "c", **fields: Any) -> ToolCall:
    return ToolCall(**{"id": name, "name": "t"} | fields)


def result(name: str = "c", *parts: Any, **fields: Any) -> ToolResult:
    return ToolResult(id=name, parts=[Text(text=each) if isinstance(each, str) else each for each in parts], **fields)


def messages(*turns: Turn, **fields: Any) -> list[Any]:
    return [(each["role"], each["content"]) for each in write(asking(*turns, **fields))["messages"]]


def texts(*said: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text} for text in said]


class _Canned:
    """The official client, whose every request gets the reply that was put here."""

    def __init__(self) -> None:
        self.reply = httpx2.Response(200)
        http = httpx2.Client(transport=httpx2.MockTransport(lambda _: self.reply))
        self.client = anthropic.Anthropic(api_key="k", base_url="http://stub", max_retries=0, http_client=http)

    def giving(self, content_type: str, body: bytes) -> anthropic.Anthropic:
        self.reply = httpx2.Response(200, headers={"content-type": content_type}, content=body)
        return self.client


CANNED = _Canned()


def message(body: bytes) -> Any:
    """The message as the SDK reads it from JSON."""
    return CANNED.giving("application/json", body).messages.create(model="m", max_tokens=9, messages=MESSAGES)


def final_message(stream: bytes) -> Any:
    """The message as the SDK puts it together from a stream."""
    client = CANNED.giving("text/event-stream", stream)
    with client.messages.stream(model="m", max_tokens=9, messages=MESSAGES) as events:
        return events.get_final_message()


def events_of(stream: bytes) -> list[dict[str, Any]]:
    """The events of a stream, which must be in the order that the API promises."""
    splitter = sse.Events()
    found = []
    for name, data in [*splitter.feed(stream), *splitter.end()]:
        event = json.loads(data)
        assert name == event["type"]
        found.append(event)
    _check_order([event for event in found if event["type"] != "ping"])
    return found


DELTAS = {
    "text": {"text_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "redacted_thinking": set(),
    "tool_use": {"input_json_delta"},
}


def _check_order(events: list[dict[str, Any]]) -> None:
    assert events[0]["type"] == "message_start"
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    number = 0
    kind = None
    signed = False
    for event in events[1:-2]:
        match event["type"]:
            case "content_block_start":
                assert kind is None
                assert event["index"] == number
                kind = event["content_block"]["type"]
                signed = False
            case "content_block_delta":
                assert kind is not None
                assert not signed, "a signature is the last delta of its block"
                assert event["index"] == number
                assert event["delta"]["type"] in DELTAS[kind]
                signed = event["delta"]["type"] == "signature_delta"
            case "content_block_stop":
                assert event["index"] == number
                number += 1
                kind = None
            case other:
                raise AssertionError(other)
    assert kind is None
