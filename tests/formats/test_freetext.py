"""Free text is found in a function's arguments while they arrive."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from isartor.formats.freetext import FreeText


def cut(text: str, places: list[int]) -> list[str]:
    """`text` in pieces."""
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[a:b] for a, b in zip(edges, edges[1:], strict=False)]


@given(st.text(), st.lists(st.integers(0, 200)), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_text(text: str, places: list[int], ascii_only: bool) -> None:
    """However JSON is written and wherever it is cut, the pieces make the text."""
    if any(0xD800 <= ord(letter) < 0xE000 for letter in text):
        return
    free = FreeText()
    arguments = json.dumps({"input": text}, ensure_ascii=ascii_only)
    assert "".join(free.feed(piece) for piece in cut(arguments, places)) == text == free.text


def test_soon() -> None:
    """Nothing waits that can be told already."""
    free = FreeText()
    assert [free.feed(piece) for piece in ('{"input":"a', "b\\", "n", "\\ud83d", "\\ude00c")] == [
        "a",
        "b",
        "\n",
        "",
        "😀c",
    ]


def test_other_forms() -> None:
    """Arguments of another form give nothing: their end tells what they are."""
    for arguments in ('{"input": 1}', '{"text": "a"}', "plain words " * 9, '{"input": "\\ud83d"}', '{"input": "a\nb"}'):
        free = FreeText()
        assert "".join(free.feed(letter) for letter in arguments) in {"", "a"}
