"""What the tests of this format share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import openai

from isartor.formats import sse
from isartor.formats.canonical import (
    PartBegan,
    PartEnded,
    PartGrew,
    PartSealed,
    Prompt,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from isartor.formats.openai_responses import OpenAIResponses

FORMAT = OpenAIResponses()
CLIENTS = Path(__file__).parents[2] / "data" / "clients"


def recorded() -> dict[str, Any]:
    """Bodies that real clients sent to this API, by the name of the recording."""
    found = {}
    for path in sorted(CLIENTS.glob("*.json")):
        record = json.loads(path.read_text())
        if record["path"].endswith("/responses") and record.get("body"):
            found[path.stem] = record["body"]
    return found


def prompt(**fields: Any) -> Prompt:
    """A client's request, read."""
    body = {"model": "m", "input": "hi", **fields}
    return FORMAT.read_request(json.dumps(body).encode(), model=body["model"], stream=bool(body.get("stream")))


def written(given: Prompt) -> Any:
    """The body for a provider of this format."""
    return json.loads(FORMAT.write_request(given)[0])


def stream_of(events: list[Any], given: Prompt) -> bytes:
    """What a client is sent for canonical events."""
    writer = FORMAT.stream_writer(given)
    return b"".join(writer.write(event) for event in events)


def values(stream: bytes) -> list[Any]:
    """The data of all events; each is named after its type."""
    found = []
    for name, data in sse.Events().feed(stream):
        value = json.loads(data)
        assert value["type"] == name
        found.append(value)
    return found


def read_stream(stream: bytes) -> list[Any]:
    """The canonical events of a provider's stream."""
    reader = FORMAT.stream_reader()
    found = [event for name, data in sse.Events().feed(stream) for event in reader.read(name, data)]
    return found + reader.end()


def collected(events: list[Any]) -> list[Any]:
    """The complete parts that a stream's events build."""
    parts: dict[int, Any] = {}
    open_parts = set()
    for event in events:
        match event:
            case PartBegan(index=index, part=part):
                assert index == len(parts)
                open_parts.add(index)
                match part:
                    case Text() | Refusal():
                        parts[index] = type(part)(text=part.text)
                    case Thinking():
                        parts[index] = Thinking(text=part.text, maker=part.maker, id=part.id)
                    case ToolCall():
                        parts[index] = ToolCall(id=part.id, name=part.name, arguments="", custom=part.custom)
            case PartGrew(index=index, text=text):
                assert index in open_parts
                part = parts[index]
                if isinstance(part, ToolCall):
                    part.arguments += text
                else:
                    part.text += text
            case PartSealed(index=index, sealed=sealed):
                assert index in open_parts
                parts[index].sealed = sealed
            case PartEnded(index=index):
                open_parts.remove(index)
    assert not open_parts
    return [parts[index] for index in sorted(parts)]


def client(body: bytes, media_type: str = "text/event-stream") -> openai.OpenAI:
    """The official SDK, to which every request is answered with `body`."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=body, headers={"content-type": media_type})

    transport = httpx.MockTransport(answer)
    return openai.OpenAI(
        base_url="http://stub/v1", api_key="k", max_retries=0, http_client=httpx.Client(transport=transport)
    )
