"""The stub's streams, which were made after the real API's, keep the order that the writer is held to."""

from __future__ import annotations

import json

import pytest

from tests.stub import openai_responses as stub
from tests.stub.plan import Plan

from . import order
from .helpers import FORMAT, collected, read_stream, values

TOOLS = [
    {
        "type": "function",
        "name": "bash",
        "parameters": {"type": "object", "properties": {"command": {"type": "string"}}},
    },
    {"type": "custom", "name": "patch"},
]
CASES = {
    "text": {},
    "thinking": {"think": ""},
    "tools": {"tools": "2"},
    "tools after thinking": {"tools": "2", "think": ""},
    "a search by the provider": {"web_search": ""},
    "cut short": {"finish": "max_output_tokens"},
    "filtered": {"finish": "content_filter"},
}


def reply(options: dict[str, str]) -> stub.Reply:
    plan = Plan("t1", 1, dict(options))
    body = {"model": "m", "input": "hi", "tools": TOOLS, "include": ["reasoning.encrypted_content"]}
    stub.prepare(body, plan)
    return stub.responses(body, plan)


@pytest.mark.parametrize("name", CASES)
def test_the_order(name: str) -> None:
    """The machine that checks our streams accepts streams that are like the real API's."""
    if "search" in name:
        pytest.skip("the events of a search are none that we write")
    order.check(values(b"".join(reply(CASES[name]).events or [])))


@pytest.mark.parametrize("name", CASES)
def test_stream_and_json_say_the_same(name: str) -> None:
    """A provider's stream builds the parts that its JSON has, with the same stop and usage."""
    made = reply(CASES[name])
    whole = FORMAT.read_reply(json.dumps(made.whole).encode())
    events = read_stream(b"".join(made.events or []))
    parts = [part for part in whole.parts if type(part).__name__ != "Opaque"]
    for part in parts:
        part.extra = {}
    assert collected(events) == parts
    assert (events[-1].stop, events[-1].usage) == (whole.stop, whole.usage)
    assert (events[0].id, events[0].model) == (whole.id, whole.model)
