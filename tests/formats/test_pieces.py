"""What comes in pieces is joined once: of a reply in a hundred thousand pieces, no letter is copied with each of them.

Counted in letters and not in seconds. The pieces are strings that notice when they are added to another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from isartor.formats import native
from isartor.formats.anthropic import stream as anthropic
from isartor.formats.anthropic import stream_writer as anthropic_writer
from isartor.formats.canonical import (
    Began,
    Event,
    Finished,
    PartBegan,
    PartEnded,
    PartGrew,
    PartSealed,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
)
from isartor.formats.freetext import FreeText
from isartor.formats.openai_chat import calls, stream_writer
from isartor.formats.openai_chat import stream as chat
from tests.formats.openai_chat.making import chunk

COUNT = 300
PIECE = "0123456789"
WHOLE = PIECE * COUNT


class Piece(str):
    """Counts the letters that are copied to add it to another string, or another one to it."""

    __slots__ = ()
    copied = 0

    def __add__(self, other: str) -> Piece:
        return self._added(str.__add__(self, other))

    def __radd__(self, other: str) -> Piece:
        return self._added(str.__add__(other, self))

    def __str__(self) -> str:
        return self

    @classmethod
    def _added(cls, text: str) -> Piece:
        Piece.copied += len(text)
        return cls(text)


def pieces(value: Any) -> Any:
    """`value` with each `PIECE` in it as one that counts."""
    if isinstance(value, dict):
        return {key: pieces(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [pieces(inner) for inner in value]
    return Piece(value) if value == PIECE else value


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Readers get pieces, writers may write them; a hundredth of what joining at each piece takes is allowed."""
    monkeypatch.setattr(Piece, "copied", 0)
    for reader in (chat, anthropic):
        monkeypatch.setattr(reader, "_decode", lambda data: pieces(json.loads(data)))
    for writer in (stream_writer, anthropic_writer):
        monkeypatch.setattr(writer, "encode", lambda value: json.dumps(value).encode())
    assert Piece.copied == 0
    yield
    assert Piece.copied <= 2 * len(WHOLE)


def read(reader: Any, events: list[Any]) -> list[Event]:
    """What the reader makes of the events."""
    return [found for event in events for found in reader.read(None, json.dumps(event).encode())]


def write(writer: Any, part: Any, after: tuple[Event, ...] = (), texts: list[str] | None = None) -> str:
    """What the writer makes of one part that comes in pieces."""
    grown = [PartGrew(0, Piece(text)) for text in texts or [PIECE] * COUNT]
    events = [Began("r", "m"), PartBegan(0, part), *grown, *after, PartEnded(0), Finished("end")]
    return b"".join(writer.write(event) for event in events).decode()


def prompt(**more: Any) -> Prompt:
    return Prompt(origin="openai_chat", model="m", turns=[], stream=True, **more)


def test_the_counter_counts() -> None:
    """To add each piece to what was there before copies the beginning again and again."""
    text = ""
    for _ in range(COUNT):
        text += Piece(PIECE)
    assert text == WHOLE
    assert Piece.copied > 100 * len(WHOLE)
    Piece.copied = 0


def test_a_chat_calls_arguments_that_come_before_its_name() -> None:
    """They are told in one when the name is there."""
    made = [{"tool_calls": [{"index": 0, "id": "i", "function": {"arguments": PIECE}}]} for _ in range(COUNT)]
    named = {"tool_calls": [{"index": 0, "function": {"name": "f"}}]}
    found = read(chat.Reader(), [chunk(**delta) for delta in [*made, named]])
    assert found[1:] == [PartBegan(0, ToolCall(id="i", name="f", arguments="")), PartGrew(0, WHOLE)]


def test_a_chat_call_that_is_named_in_each_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its arguments are complete is looked at only where they could be."""
    looked: list[str] = []
    monkeypatch.setattr(calls, "whole", lambda arguments: looked.append(arguments) or False)
    texts = ['{"a":"', *[PIECE] * COUNT, '"}']
    made = [chunk(tool_calls=[{"function": {"name": "f", "arguments": text}}]) for text in [*texts, " ", "\n"]]
    found = read(chat.Reader(), made)
    assert "".join(event.text for event in found if isinstance(event, PartGrew)) == "".join(texts) + " \n"
    assert [text.strip() for text in looked] == ["".join(texts)] * 2


@pytest.mark.parametrize("name", ["text", "summary"])
def test_a_chat_thoughts_details(name: str) -> None:
    """They are one detail in the end, with what its first and its last piece say beside the text."""
    piece = {"type": "reasoning." + name, "index": 0, name: PIECE}
    first, last = piece | {"format": "x"}, piece | {"signature": "s"}
    details = [first, *[piece] * (COUNT - 2), last]
    found = read(chat.Reader(), [*(chunk(reasoning_details=[each]) for each in details), chunk(content="a")])
    (sealed,) = [event for event in found if isinstance(event, PartSealed)]
    assert json.loads(sealed.sealed) == {"details": [first | {name: WHOLE, "signature": "s"}]}


def test_an_anthropic_signature() -> None:
    """It is one seal."""
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": PIECE}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}
    start = {"type": "message_start", "message": {"id": "r", "model": "m"}}
    found = read(anthropic.Reader(), [start, block, *[delta] * COUNT, {"type": "content_block_stop", "index": 0}])
    assert PartSealed(0, WHOLE, "anthropic") in found


def test_a_thought_for_a_chat_client() -> None:
    """The seal at its end holds all of it."""
    seal = PartSealed(0, "s", "anthropic")
    asked = prompt(reasoning=Reasoning(show=True))
    written = write(stream_writer.Writer(asked), Thinking(maker="anthropic"), (seal,))
    (line,) = [line for line in written.splitlines() if "reasoning_details" in line]
    (detail,) = json.loads(line.removeprefix("data: "))["choices"][0]["delta"]["reasoning_details"]
    thought = stream_writer.thoughts.unsealed(detail)
    assert thought == Thinking(text=WHOLE, sealed="s", maker="anthropic")


@pytest.mark.parametrize("closing", ['"}', '", "more": 1}'])
def test_free_text_for_a_chat_client(closing: str) -> None:
    """Free text inside JSON is told piece by piece, and once more looked at as a whole."""
    asked = prompt(tools=[Tool(name="f", custom=True)])
    texts = ['{"input": "', *[PIECE] * COUNT, closing]
    written = write(stream_writer.Writer(asked), ToolCall(id="i", name="f", arguments=""), texts=texts)
    deltas = [json.loads(line[6:])["choices"][0]["delta"] for line in written.splitlines() if '"tool_calls": [' in line]
    assert "".join(delta["tool_calls"][0]["custom"]["input"] for delta in deltas) == WHOLE


def test_a_thought_that_an_anthropic_client_does_not_see() -> None:
    """Its seal holds all of it."""
    seal = PartSealed(0, "s", "gemini")
    hidden = anthropic_writer.Writer(prompt(reasoning=Reasoning(show=False)))
    written = write(hidden, Thinking(maker="gemini"), (seal,))
    assert "signature_delta" in written
    assert PIECE not in written


@pytest.mark.parametrize("part", [Text(text="-"), Refusal(text="-")])
def test_a_native_reply(part: Any) -> None:
    """It is one object."""
    assert json.loads(write(native.Writer(prompt()), part))["message"] == "-" + WHOLE


def test_free_text_with_a_broken_escape() -> None:
    """Half of a pair without the other is not waited for: after it nothing is told any more, nor kept."""
    free = FreeText()
    assert [free.feed(Piece(text)) for text in ('{"input":"a', "\\ud83d", *[PIECE] * COUNT)] == ["a", *[""] * 301]
    assert free.text == "a"
