"""Whether two replies say the same: what an audit asks of the stored reply and the provider's fresh one.

Two replies to one question are never worded alike, so likeness of words proves little, and replies to questions that
differ in one word (`mount`, `unmount`) are alike all over. What is looked at is therefore both: *meaning*, the bundled
model's vectors of up to six chunks of each reply, each matched with the nearest of the other reply; and *facts*, namely
numbers, code, flags, names, rare words and an opening yes or no, which replies to the same question share. A logistic
adds them up; above one limit the replies agree, below another they disagree, and between them nothing is learned.

Weights and limits were fitted on one half of `benches/semantic/replies.jsonl` by `benches/semantic/replies.py`, which
also says how they do on the other half.

Cost: a dozen runs of the model at most, in its own thread, one after the other; 2 ms here.
"""

from __future__ import annotations

import math
import re
from array import array
from enum import Enum
from operator import mul
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

_CHUNKS: Final = 6
# The bundled model reads 256 tokens; this many characters fit in all but odd texts, which then have no vector.
_CHUNK_CHARS: Final = 600
_WHOLE_CHARS: Final = 20_000


class Likeness(Enum):
    """What came of a comparison."""

    AGREE = "agree"
    DISAGREE = "disagree"
    UNCLEAR = "unclear"


class Facts(NamedTuple):
    """What a reply holds that another one to the same question would hold too."""

    numbers: frozenset[str]
    code: frozenset[str]
    names: frozenset[str]
    words: frozenset[str]
    opening: int
    """1 for yes, -1 for no, 0 for neither."""
    negations: int
    """In its first sentence."""


_SPACE: Final = re.compile(r"\s+")
_MARKS: Final = re.compile(r"[*_`#>|]+")
_FENCE: Final = re.compile(r"```[^\n]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
_CODE: Final = re.compile(r"-{0,2}[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*")
_LIST_NUMBER: Final = re.compile(r"^\s*\d+[.)]\s+", re.MULTILINE)
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_WORD: Final = re.compile(r"[^\W\d_]{2,}(?:['’][^\W\d_]+)?")
_SENTENCE: Final = re.compile(r"(?<=[.!?:])\s+|\n+")
_NAME: Final = re.compile(r"(?<![.!?:\n]\s)(?<!^)(?<![-*\w]\s\*\*)\b[A-Z][A-Za-z]+", re.MULTILINE)
_YES: Final = re.compile(r"\W*(?:yes|yep|sure|certainly|absolutely|of course)\b", re.IGNORECASE)
_NO: Final = re.compile(r"\W*(?:no\b|nope\b|not\b|never\b|it'?s better not)", re.IGNORECASE)
_NEGATION: Final = re.compile(r"\b(?:not|no|never|without|cannot|none|nor)\b|n['’]t\b", re.IGNORECASE)
_STOP: Final = frozenset(
    "the and for you your with that this are was were has have had its it's from can will not but all any into out "
    "more most than then them they their there here when which while what who how why where about also only just use "
    "using used one two three may might should would could does did done each other some such very over under after "
    "before between both same per via yes like get make need want well even still once too much many off "
    "is in of to it as an or on by if be at so do up we me my us he she his her don't isn't doesn't".split()
)


async def compare(stored: str, fresh: str, embed: Callable[[str], Awaitable[bytes | None]]) -> Likeness:
    """Whether the two replies say the same."""
    if plain(stored) == plain(fresh):
        return Likeness.AGREE
    vectors = []
    for text in (stored, fresh):
        found = [await embed(chunk) for chunk in chunks(text)]
        vectors.append([array("f", vector) for vector in found if vector is not None])
    if not vectors[0] or not vectors[1]:
        return Likeness.UNCLEAR
    return judged(features(facts(stored), facts(fresh), vectors[0], vectors[1]))


def plain(text: str) -> str:
    """A text without what only formats it."""
    return _SPACE.sub(" ", _MARKS.sub("", text)).strip().casefold()


def chunks(text: str) -> list[str]:
    """At most six pieces of sentences or lines, from the beginning: that is where the answer is."""
    pieces: list[str] = []
    for part in _SENTENCE.split(_LIST_NUMBER.sub("", text[:_WHOLE_CHARS].replace("```", "\n"))):
        piece = _SPACE.sub(" ", _MARKS.sub(" ", part)).strip(" -")
        while piece:
            pieces.append(piece[:_CHUNK_CHARS])
            piece = piece[_CHUNK_CHARS:]
    room = max(-(-sum(map(len, pieces)) // _CHUNKS), 40)
    packed: list[str] = []
    for piece in pieces:
        if packed and len(packed[-1]) + len(piece) < min(room * 1.3, _CHUNK_CHARS):
            packed[-1] += " " + piece
        else:
            packed.append(piece)
    return packed[:_CHUNKS]


def facts(text: str) -> Facts:
    """Read a reply."""
    text = text[:_WHOLE_CHARS]
    spans = [fenced or inline for fenced, inline in _FENCE.findall(text)]
    code = {word for span in spans for word in _CODE.findall(span)}
    prose = _LIST_NUMBER.sub("", _FENCE.sub(" ", text)).replace("**", "")
    first = _SENTENCE.split(prose.strip(), maxsplit=1)[0]
    return Facts(
        frozenset(_number(found) for found in _NUMBER.findall(_LIST_NUMBER.sub("", text))),
        frozenset(code),
        frozenset(name.casefold() for name in _NAME.findall(prose)),
        frozenset(_stem(word) for word in map(str.casefold, _WORD.findall(prose)) if word not in _STOP),
        1 if _YES.match(prose) else -1 if _NO.match(prose) else 0,
        len(_NEGATION.findall(first)),
    )


NAMES: Final = (
    "mean", "worst", "first", "whole", "words", "numbers", "numbers differ", "code", "code differs", "names",
    "names differ", "opening",
)  # fmt: skip
"""What `features` gives, in order."""


def features(a: Facts, b: Facts, left: Sequence[array[float]], right: Sequence[array[float]]) -> list[float]:
    """How alike two replies are, in numbers."""
    table = [[sum(map(mul, one, other)) for other in right] for one in left]
    rows = [max(row) for row in table]
    columns = [max(column) for column in zip(*table, strict=True)]
    fewer = rows if len(rows) <= len(columns) else columns
    numbers, numbers_differ = _overlap(a.numbers, b.numbers)
    code, code_differs = _overlap(a.code, b.code)
    names, names_differ = _overlap(a.names, b.names)
    return [
        (sum(rows) / len(rows) + sum(columns) / len(columns)) / 2,
        min(fewer),
        (rows[0] + columns[0]) / 2,
        _cosine(_sum(left), _sum(right)),
        _overlap(a.words, b.words)[0],
        numbers,
        numbers_differ,
        code,
        code_differs,
        names,
        names_differ,
        float(a.opening * b.opening < 0),
    ]


def judged(values: Sequence[float]) -> Likeness:
    """What the features amount to."""
    odds = score(values)
    if odds >= _AGREE:
        return Likeness.AGREE
    return Likeness.DISAGREE if odds <= _DISAGREE else Likeness.UNCLEAR


def score(values: Sequence[float]) -> float:
    """Log odds that the replies say the same, as far as the pairs of the fit go."""
    return _BIAS + sum(map(mul, _WEIGHTS, values))


_WEIGHTS: Final = (0.0,) * len(NAMES)
_BIAS: Final = 0.0
_AGREE: Final = 1.0
_DISAGREE: Final = -1.0


def _number(text: str) -> str:
    """`1,000.0` as `1000`."""
    whole = re.sub(r",(?=\d{3}\b)", "", text)
    return whole.rstrip("0").rstrip(".") if "." in whole else whole.lstrip("0") or "0"


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) > 3:
            return word[: -len(ending)]
    return word


def _overlap(a: frozenset[str], b: frozenset[str]) -> tuple[float, float]:
    """Share of the smaller one that is in the other, 0 if there is none; and whether both have some and share none."""
    if not a or not b:
        return 0.0, 0.0
    shared = len(a & b)
    return shared / min(len(a), len(b)), float(not shared)


def _sum(vectors: Sequence[array[float]]) -> list[float]:
    return [sum(column) for column in zip(*vectors, strict=True)]


def _cosine(a: Sequence[float], b: Sequence[float]) -> float:
    length = math.sqrt(sum(map(mul, a, a)) * sum(map(mul, b, b)))
    return sum(map(mul, a, b)) / length if length else 0.0
