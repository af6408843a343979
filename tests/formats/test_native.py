"""A native prompt travels in any provider's format and its answer's text comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isartor.errors import UpstreamError
from isartor.formats import native
from isartor.providers import demo_replies

BUILD = {"chat": demo_replies.chat, "messages": demo_replies.messages, "generate": demo_replies.generate}


@pytest.mark.parametrize("endpoint", native.WIRE_ENDPOINTS)
@given(prompt=st.text())
def test_prompt_arrives(endpoint: str, prompt: str) -> None:
    """The prompt is the only turn, whatever it contains."""
    body = json.loads(native.to_wire(prompt, "m", endpoint))
    turns = body["contents"] if endpoint == "generate" else body["messages"]
    (turn,) = turns
    assert turn["role"] == "user"
    text = turn["parts"][0]["text"] if endpoint == "generate" else turn["content"]
    assert text == prompt
    assert body.get("model", "m") == "m"


def test_anthropic_gets_its_limit() -> None:
    """Anthropic insists on `max_tokens`."""
    assert json.loads(native.to_wire("p", "m", "messages"))["max_tokens"] == 4096


@pytest.mark.parametrize("endpoint", native.WIRE_ENDPOINTS)
def test_answer_comes_back(endpoint: str) -> None:
    """The text of a reply of that format."""
    ask = demo_replies.Ask(body={}, answer="forty two", asked_words=1, stream=False, array=False)
    assert native.from_wire(endpoint, b"".join(BUILD[endpoint](ask))) == "forty two"


@pytest.mark.parametrize(
    ("endpoint", "reply", "text"),
    [
        ("chat", {"choices": [{"message": {"content": None}}]}, ""),
        (
            "messages",
            {
                "content": [
                    {"type": "thinking", "thinking": "x"},
                    {"type": "text", "text": "a"},
                    {"type": "text", "text": "b"},
                ]
            },
            "ab",
        ),
        (
            "generate",
            {"candidates": [{"content": {"parts": [{"text": "x", "thought": True}, {"text": "a"}, {"text": "b"}]}}]},
            "ab",
        ),
        ("generate", {"candidates": [{"finishReason": "MAX_TOKENS"}]}, ""),
    ],
)
def test_only_text_is_text(endpoint: str, reply: dict[str, Any], text: str) -> None:
    """Thinking is left out, several parts are joined, no text is an empty one."""
    assert native.from_wire(endpoint, json.dumps(reply).encode()) == text


@pytest.mark.parametrize("endpoint", native.WIRE_ENDPOINTS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"1",
        b"<html>",
        b'{"choices":[]}',
        b'{"content":1}',
        b'{"candidates":[3]}',
        b"\xff",
    ],
)
def test_garbage(endpoint: str, body: bytes) -> None:
    """A reply of another shape is an upstream error, never an empty answer."""
    with pytest.raises(UpstreamError):
        native.from_wire(endpoint, body)


@given(st.binary())
def test_any_bytes(body: bytes) -> None:
    """No reply, however odd, raises anything else."""
    for endpoint in native.WIRE_ENDPOINTS:
        try:
            native.from_wire(endpoint, body)
        except UpstreamError:
            continue


def test_reply() -> None:
    """The native reply has three members."""
    assert json.loads(native.reply(3, "text", "m")) == {"layer": 3, "message": "text", "model": "m"}
