"""Whether two replies say the same: what an audit asks of the stored reply and the provider's fresh one.

Two replies to one question are never worded alike, and replies to questions that differ in one word (`mount`,
`unmount`) are alike all over, so likeness alone tells nearly nothing. What tells most is *which way each reply leans*:
if the stored reply is nearer to the question that it was given to, and the fresh one to its own, then the questions
wanted different things. `Lean` measures this with the bundled model's vectors, along the line between the questions and
on its whole length; a logistic of both gives odds. *Facts* confirm it: both name numbers that are in neither question
and share none; one opens with yes and the other with no; each takes up what only its own question asks; or they are the
same text but for a word. Replies agree above one limit unless facts conflict, and disagree below another if they do, or
far below it; between the limits nothing is learned. They are not symmetric: nearly all audited replies are right, so a
disagreement that is none weighs as much as a hundred agreements that are none.

Weights and limits were fitted on one half of `benches/semantic/replies.jsonl`, a set of replies to questions that are
hard to tell apart, by `benches/semantic/replies.py`, which also says how they do on the other half.

Cost: fourteen runs of the model at most, in its own thread, one after the other; below 1 ms here.
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
_CHUNK_CHARS: Final = 800
_WHOLE_CHARS: Final = 20_000

_ALONG_WEIGHT: Final = 6.47
_LENGTH_WEIGHT: Final = 5.20
_BIAS: Final = 1.27
_AGREE: Final = 0.8
_DISAGREE: Final = -2.5
_FAR: Final = -4.0
# Texts that share this much of their words are one text with another word in it.
_SAME_TEXT: Final = 0.8


class Likeness(Enum):
    """What came of a comparison."""

    AGREE = "agree"
    DISAGREE = "disagree"
    UNCLEAR = "unclear"


class Reply(NamedTuple):
    """A question and a reply to it."""

    question: str
    text: str


class Lean(NamedTuple):
    """How far each reply leans to its own question; below 0 where it does."""

    along: float
    """Along the line between the questions, as if it had length 1."""
    length: float
    """On that line as long as it is: next to nothing for questions that mean the same."""


_SPACE: Final = re.compile(r"\s+")
_MARKS: Final = re.compile(r"[*_`#>|]+")
_LIST_NUMBER: Final = re.compile(r"^\s*\d+[.)]\s+", re.MULTILINE)
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_WORD: Final = re.compile(r"[^\W_]+")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_YES: Final = re.compile(r"\W*(?:yes|yep|sure|certainly|absolutely|of course)\b", re.IGNORECASE)
_NO: Final = re.compile(r"\W*(?:no|nope|not|never|it.?s better not)\b", re.IGNORECASE)
_STOP_WORDS: Final = """
the and for you your with that this are was were has have had its it from can will but all any into out more most than
then them they their there here when which while what who how why where about also only just use using used may might
should would could does did done each other some such very over under per via like get make need want well even still
too much many is in of to as an or by if be at so do we me my us he she his her
"""
_STOP: Final = frozenset(_STOP_WORDS.split())


async def compare(stored: Reply, fresh: Reply, embed: Callable[[str], Awaitable[bytes | None]]) -> Likeness:
    """Whether the two replies say the same."""
    if plain(stored.text) == plain(fresh.text):
        return Likeness.AGREE
    vectors = []
    for texts in ([stored.question], [fresh.question], chunks(stored.text), chunks(fresh.text)):
        found = [array("f", vector) for text in texts if (vector := await embed(text)) is not None]
        if not found:
            return Likeness.UNCLEAR
        vectors.append(vector_of(found))
    return judged(lean(*vectors), conflict=conflict(stored, fresh))


def judged(leaning: Lean, *, conflict: bool) -> Likeness:
    """What it amounts to; `conflict`: facts speak against it that they agree."""
    odds = score(leaning)
    if odds <= (_DISAGREE if conflict else _FAR):
        return Likeness.DISAGREE
    return Likeness.AGREE if odds >= _AGREE and not conflict else Likeness.UNCLEAR


def score(leaning: Lean) -> float:
    """Log odds that the replies say the same, as far as the pairs of the fit go."""
    return _BIAS + _ALONG_WEIGHT * leaning.along + _LENGTH_WEIGHT * leaning.length


def lean(question: Sequence[float], other: Sequence[float], stored: Sequence[float], fresh: Sequence[float]) -> Lean:
    """Read four vectors of length 1: the stored reply's question, the fresh one's, and the replies in this order."""
    line = [a - b for a, b in zip(question, other, strict=True)]
    apart = [a - b for a, b in zip(stored, fresh, strict=True)]
    length = -sum(map(mul, line, apart))
    size = math.sqrt(sum(map(mul, line, line)))
    return Lean(length / size if size > _SAME_VECTOR else 0.0, length)


_SAME_VECTOR: Final = 1e-3


def conflict(stored: Reply, fresh: Reply) -> bool:
    """Whether a fact speaks against it that the replies say the same."""
    question, other = _words(stored.question), _words(fresh.question)
    one, two = _words(stored.text), _words(fresh.text)
    if ((question - other) & one) - two and ((other - question) & two) - one:
        return True
    if len(one & two) >= _SAME_TEXT * len(one | two):
        return True
    asked = _numbers(stored.question) | _numbers(fresh.question)
    numbers, others = _numbers(stored.text) - asked, _numbers(fresh.text) - asked
    if numbers and others and not numbers & others:
        return True
    return _opening(stored.text) * _opening(fresh.text) < 0


def plain(text: str) -> str:
    """A text without what only formats it."""
    return _SPACE.sub(" ", _MARKS.sub("", text)).strip().casefold()


def chunks(text: str) -> list[str]:
    """Whole sentences or lines, packed into at most six pieces from the beginning: that is where the answer is."""
    packed: list[str] = []
    for part in _SENTENCE.split(_LIST_NUMBER.sub("", text[:_WHOLE_CHARS])):
        piece = _SPACE.sub(" ", _MARKS.sub(" ", part)).strip()
        while piece and len(packed) <= _CHUNKS:
            head, piece = piece[:_CHUNK_CHARS], piece[_CHUNK_CHARS:]
            if packed and len(packed[-1]) + len(head) < _CHUNK_CHARS:
                packed[-1] += " " + head
            else:
                packed.append(head)
    return packed[:_CHUNKS]


def _words(text: str) -> set[str]:
    words = map(str.casefold, _WORD.findall(text[:_WHOLE_CHARS]))
    return {_stem(word) for word in words if word not in _STOP}


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) > 3:
            return word[: -len(ending)]
    return word


def _numbers(text: str) -> set[str]:
    """The numbers of a text, `1,000.0` as `1000`; those that only count the lines of a list are none."""
    found = set()
    for number in _NUMBER.findall(_LIST_NUMBER.sub("", text[:_WHOLE_CHARS])):
        whole = re.sub(r",(?=\d{3}\b)", "", number)
        found.add(whole.rstrip("0").rstrip(".") if "." in whole else whole.lstrip("0") or "0")
    return found


def _opening(text: str) -> int:
    return 1 if _YES.match(text) else -1 if _NO.match(text) else 0


def vector_of(found: Sequence[array[float]]) -> list[float]:
    """One vector of length 1 for a text whose chunks have these."""
    return _unit([sum(column) for column in zip(*found, strict=True)])


def _unit(vector: Sequence[float]) -> list[float]:
    length = math.sqrt(sum(map(mul, vector, vector))) or 1.0
    return [number / length for number in vector]
