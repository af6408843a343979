"""Labelled pairs of questions from a file: one JSON object per line, `{"a": ..., "b": ..., "same": true}`.

`same` says whether a correct reply to one of the two answers the other as well. Other members are ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from isartor.cli.failures import CommandError

if TYPE_CHECKING:
    from pathlib import Path

_EXPECTED: Final = 'expected {"a": "...", "b": "...", "same": true}'


class Pair(msgspec.Struct, frozen=True):
    """Two questions, and whether one reply answers both."""

    a: str
    b: str
    same: bool


_decode: Final = msgspec.json.Decoder(Pair).decode


def read(path: Path) -> list[Pair]:
    """Read a file of pairs. Raises `CommandError` with file, line and what is wrong there."""
    try:
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise CommandError(message) from None
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            pair = _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            message = f"{path}, line {number}: {error}; {_EXPECTED}"
            raise CommandError(message) from None
        for name, text in (("a", pair.a), ("b", pair.b)):
            if not text.strip():
                message = f"{path}, line {number}: `{name}` is empty; {_EXPECTED}"
                raise CommandError(message)
        found.append(pair)
    if not found:
        message = f"{path} holds no pair; each line is to be one: {_EXPECTED.removeprefix('expected ')}"
        raise CommandError(message)
    return found
