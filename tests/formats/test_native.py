"""The native surface: a prompt is one turn of the user's, and of a reply only the text comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isartor.errors import NotImplementedFormatError, RequestError
from isartor.formats import native
from isartor.formats.canonical import (
    Began,
    Event,
    Finished,
    PartBegan,
    PartEnded,
    PartGrew,
    Prompt,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Turn,
)

NATIVE = native.Native()


def asked(prompt: str = "hi", **more: Any) -> Prompt:
    """A native request, read."""
    return NATIVE.read_request(json.dumps({"prompt": prompt} | more).encode(), model="m", stream=False)


@given(prompt=st.text(min_size=1))
def test_prompt_arrives(prompt: str) -> None:
    """The prompt is the only turn, whatever it contains; members beside it mean nothing to a provider."""
    read = asked(prompt, model="other", mood="good")
    assert read == Prompt(origin="native", model="m", turns=[Turn(role="user", parts=[Text(text=prompt)])])


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"prompt":null}', b'{"prompt":3}', b'{"prompt":""}', b"\xff"])
def test_garbage(body: bytes) -> None:
    """What has no prompt is the client's fault."""
    with pytest.raises(RequestError):
        NATIVE.read_request(body, model="m", stream=False)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([], ""),
        ([Text(text="a"), Text(text="b")], "ab"),
        ([Thinking(text="hm"), Text(text="a")], "a"),
        ([ToolCall(id="1", name="f")], ""),
        ([Refusal(text="no")], "no"),
    ],
)
def test_only_text_is_text(parts: list[Any], text: str) -> None:
    """Thinking is left out, several parts are joined, no text is an empty one."""
    body = NATIVE.write_reply(Reply(id="r", model="gpt", parts=parts, stop="end"), asked())
    assert json.loads(body) == {"layer": 3, "message": text, "model": "gpt"}


def test_model_that_was_asked() -> None:
    """It stands for the model of a provider that names none."""
    body = NATIVE.write_reply(Reply(id="r", model="", parts=[], stop="end"), asked())
    assert json.loads(body)["model"] == "m"


def test_stream() -> None:
    """A provider's stream becomes the same object, at its end."""
    events: list[Event] = [
        Began("r", "gpt"),
        PartBegan(0, Thinking()),
        PartGrew(0, "hm"),
        PartEnded(0),
        PartBegan(1, Text(text="")),
        PartGrew(1, "a"),
        PartGrew(1, "b"),
        PartEnded(1),
        Finished("end"),
    ]
    writer = NATIVE.stream_writer(asked())
    written = [writer.write(event) for event in events]
    assert not any(written[:-1])
    assert json.loads(written[-1]) == {"layer": 3, "message": "ab", "model": "gpt"}


def test_clients_only() -> None:
    """No provider speaks it."""
    with pytest.raises(NotImplementedFormatError):
        NATIVE.write_request(asked())
    with pytest.raises(NotImplementedFormatError):
        NATIVE.read_reply(b"{}")
    with pytest.raises(NotImplementedFormatError):
        NATIVE.stream_reader()
    with pytest.raises(NotImplementedFormatError):
        NATIVE.read_error(400, b"")


def test_reply() -> None:
    """The native reply has three members, of which the layer can be another's."""
    body = native.reply(3, "text", "m")
    assert json.loads(body) == {"layer": 3, "message": "text", "model": "m"}
    assert json.loads(native.from_layer(1, body)) == {"layer": 1, "message": "text", "model": "m"}


def test_prompt_of() -> None:
    """The prompt of a request that has been read before."""
    assert native.prompt_of(b'{"prompt": "hi"}') == "hi"
