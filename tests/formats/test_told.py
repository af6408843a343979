"""A whole reply that does not say in a known word why it ended is marked, so that nobody else is given it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.json import encode

from isartor.formats import FORMATS


def _chat(word: str | None) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": word}
    return {"id": "c", "model": "m", "choices": [choice]}


def _anthropic(word: str | None) -> dict[str, Any]:
    return {"id": "c", "type": "message", "content": [{"type": "text", "text": "a"}], "stop_reason": word}


def _gemini(word: str | None) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": "a"}]}
    return {"candidates": [{"content": content} | ({} if word is None else {"finishReason": word})]}


@pytest.mark.parametrize(
    ("name", "body", "told"),
    [
        ("openai_chat", _chat("stop"), True),
        ("openai_chat", _chat(None), False),
        ("anthropic", _anthropic("end_turn"), True),
        ("anthropic", _anthropic(None), False),
        ("anthropic", _anthropic("not_invented_yet"), False),
        ("gemini", _gemini("STOP"), True),
        ("gemini", _gemini("OTHER"), False),
        ("gemini", _gemini(None), False),
    ],
)
def test_an_end_without_a_known_word_is_marked(name: str, body: dict[str, Any], told: bool) -> None:
    """The reader says so in `told`."""
    assert FORMATS[name].read_reply(encode(body)).told is told
