"""Server-sent events, wherever the network cut them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isartor.formats.sse import Events

Event = tuple[str | None, bytes]


def fed(body: bytes, size: int) -> list[Event]:
    """The events of `body`, given in pieces of `size` bytes."""
    events = Events()
    found = [event for at in range(0, len(body), size) for event in events.feed(body[at : at + size])]
    return [*found, *events.end()]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize(
    "body",
    [
        b"data: 1\n\nevent: e\ndata: 2\n\n",
        b"data: 1\r\n\r\nevent: e\r\ndata: 2\r\n\r\n",
        b"data: 1\r\revent: e\rdata: 2\r\r",
        b"data: 1\n\r\nevent: e\ndata: 2\r\n\n",
        b": ping\n\n\n\ndata: 1\n\n\nevent: e\ndata: 2",
        b"\xef\xbb\xbfdata: 1\n\nevent: e\ndata: 2\n\n",
    ],
)
def test_ends_of_lines(body: bytes, size: int) -> None:
    """Of all kinds, mixed ones too, in pieces of any size; a byte order mark is no part of the first event."""
    assert fed(body, size) == [(None, b"1"), ("e", b"2")]


PIECES = st.lists(st.sampled_from([b"\n", b"\n\n", b"\r\n", b"\r", b"data: 1", b"data:2", b"event: e", b": c"]))


@given(PIECES.map(b"".join), st.integers(1, 9))
def test_as_one_expression_takes_them_apart(body: bytes, size: int) -> None:
    """Whatever ends the lines, and wherever it is cut, the events are those between the blank lines of the whole."""
    blocks = re.split(rb"(?:\r\n|\n)(?:\r\n|\n)|\r\r", body)
    expected: list[Event] = []
    for lines in (re.split(rb"\r\n|\n|\r", block) for block in blocks):
        data = [line.partition(b":")[2].removeprefix(b" ") for line in lines if line.startswith(b"data:")]
        names = [line.partition(b":")[2].strip().decode() for line in lines if line.startswith(b"event:")]
        if data:
            expected.append((names[-1] if names else None, b"\n".join(data)))
    assert fed(body, size) == expected


def test_a_large_event_is_not_joined_again_with_every_piece() -> None:
    """What has come of it grows in place."""
    events = Events()
    events.feed(b"data: ")
    rest = events._rest  # noqa: SLF001 # that it is the same one is the point
    events.feed(b"x" * 100_000)
    assert events._rest is rest  # noqa: SLF001
    assert events.feed(b"\n\n") == [(None, b"x" * 100_000)]
