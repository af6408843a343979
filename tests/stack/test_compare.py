"""`compare`: whether two replies say the same, with the bundled model."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isartor._native import Tokenizer
from isartor.embedding import local
from isartor.stack.l1b import compare
from isartor.stack.l1b.compare import Lean, Likeness, Reply

ENABLE = Reply(
    "How do I enable the firewall on Ubuntu?",
    "Run `sudo ufw enable`. The firewall is then active, and it is started again with each boot.",
)
TURN_ON = Reply(
    "Turn on the Ubuntu firewall",
    "To switch the firewall on, use:\n\n```\nsudo ufw enable\n```\n\nIt stays enabled after a reboot.",
)
PASTA = Reply(
    "How long should I boil spaghetti?",
    "Boil spaghetti for 8 to 10 minutes in plenty of salted water, then taste: it should still have some bite.",
)
EGGS = Reply(
    "How long should I boil eggs?",
    "Boil eggs for 6 minutes if you like the yolk soft, or 12 if you want them hard, and cool them in ice water.",
)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    own = asyncio.new_event_loop()
    yield own
    own.close()


@pytest.fixture(scope="module")
def model(loop: asyncio.AbstractEventLoop) -> Iterator[local.LocalEmbedder]:
    made = local.bundled(Tokenizer)
    yield made
    loop.run_until_complete(made.close())


def judged(loop: asyncio.AbstractEventLoop, model: local.LocalEmbedder, a: Reply, b: Reply) -> Likeness:
    async def embed(text: str) -> bytes | None:
        return (await model.embed(text)).sentence

    return loop.run_until_complete(compare.compare(a, b, embed))


def test_the_same_answer_in_other_words_agrees(loop: asyncio.AbstractEventLoop, model: local.LocalEmbedder) -> None:
    """Two wordings of a question, two wordings of its answer."""
    assert judged(loop, model, ENABLE, TURN_ON) is Likeness.AGREE


def test_answers_to_different_questions_disagree(loop: asyncio.AbstractEventLoop, model: local.LocalEmbedder) -> None:
    """Whichever of the two was stored."""
    assert judged(loop, model, PASTA, EGGS) is Likeness.DISAGREE
    assert judged(loop, model, EGGS, PASTA) is Likeness.DISAGREE


def test_the_same_text_agrees_without_a_model() -> None:
    """White space and Markdown make no difference."""

    async def embed(text: str) -> bytes | None:
        raise AssertionError(text)

    a, b = Reply("x", "**Use**  `ls`\n"), Reply("y", "Use ls")
    assert asyncio.run(compare.compare(a, b, embed)) is Likeness.AGREE


def test_what_the_model_cannot_read_is_unclear() -> None:
    """No vector, no verdict; an empty reply has none."""

    async def embed(text: str) -> bytes | None:
        return None

    assert asyncio.run(compare.compare(ENABLE, TURN_ON, embed)) is Likeness.UNCLEAR
    assert asyncio.run(compare.compare(ENABLE, Reply("y", ""), embed)) is Likeness.UNCLEAR


@pytest.mark.parametrize(
    ("stored", "fresh", "expected"),
    [
        (Reply("2+2?", "It is 4."), Reply("2+3?", "It is 5."), True),
        (Reply("How far?", "About 1,000 km."), Reply("What distance?", "Some 1000.0 kilometres"), False),
        (Reply("Is it safe?", "Yes, it is."), Reply("Is that safe?", "No, never."), True),
        (Reply("sort descending", "descending: b - a"), Reply("sort ascending", "ascending: a - b"), True),
        (
            Reply("a", "first run that small red tool twice with its long flag on and wait"),
            Reply("b", "first run that small red tool twice with its long flag off and wait"),
            True,
        ),
        (Reply("a", "1. One step\n2. Another"), Reply("b", "7. Entirely different"), False),
    ],
)
def test_facts_speak_against_agreement(stored: Reply, fresh: Reply, *, expected: bool) -> None:
    """Numbers, an opening yes or no, what only one question asks, the same text with another word."""
    assert compare.conflict(stored, fresh) is expected


def test_a_conflict_forbids_agreement_and_nothing_else() -> None:
    """However near the vectors are, it is unclear then."""
    near, far, very_far = Lean(0.1, 0.1), Lean(-0.35, -0.4), Lean(-0.6, -0.6)
    assert compare.judged(near, conflict=False) is Likeness.AGREE
    assert compare.judged(near, conflict=True) is Likeness.UNCLEAR
    assert compare.judged(far, conflict=True) is Likeness.DISAGREE
    assert compare.judged(far, conflict=False) is Likeness.UNCLEAR
    assert compare.judged(very_far, conflict=False) is Likeness.DISAGREE


def test_questions_with_the_same_vector_lean_nowhere() -> None:
    """There is no line between them."""
    one = array("f", [1.0, 0.0])
    assert compare.lean(one, one, one, array("f", [0.0, 1.0])).along == 0.0


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=3000))
def test_any_text_gives_few_short_chunks(text: str) -> None:
    """At most six, none longer than what the model reads."""
    found = compare.chunks(text)
    assert len(found) <= 6
    assert all(0 < len(chunk) <= 800 for chunk in found)


def test_a_reply_of_megabytes_costs_no_more_than_its_beginning() -> None:
    """What is far behind is not looked at."""
    assert compare.chunks("word " * 2_000_000) == compare.chunks("word " * 4000)
