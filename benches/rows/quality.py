"""Row 9: what the semantic cache would serve of pairs that nobody looked at while it was tuned."""

import math
import random
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from benches.lab import Lab
from benches.processes import ROOT
from benches.results import Check, Definition, Mark, Result, Table, Tradeoff
from benches.rows import expect
from isartor.cli.cache import judging, outcomes
from isartor.cli.cache.evaluate import _served as served
from isartor.cli.cache.judging import Judge, Judged
from isartor.cli.cache.outcomes import Row, Share
from isartor.stack.l1b.policy import Policy

DEFINITION = Definition(
    row=9,
    title="semantic hits: paraphrases and hard negatives",
    input="the pairs of benches/semantic/pairs.jsonl that were held out while the verifier was made and tuned",
    expected="a text and its opposite are not served and score below a text and itself; the calibration is this verifier's",
    rival="the bare cosine of the same bundled model: at 0.85, the seed's default, and at 0.92",
    method=(
        (
            "Each pair is judged by the code of `isartor cache evaluate`: both texts are embedded by the bundled model, the "
            "verifier reads and judges them, and a policy as in a gateway that has just started (the shipped calibration, "
            "max_error_rate 0.01, no audits, nothing learned on the way) decides, pair by pair in an order shuffled with seed 0"
        ),
        (
            "A pair of which both texts stand in the training data (tools/pairs) or in the half for tuning is left out and counted; "
            "of the others one text may be known there, so the last table has those besides of which none is"
        ),
        (
            "A hard negative is a pair of which the reply to one does not answer the other, though they look alike; it should "
            "never be served"
        ),
    ),
)
PAIRS: Final = ROOT / "benches" / "semantic" / "pairs.jsonl"
TRAINING: Final = ROOT / "tools" / "pairs"
HELD_OUT: Final = "held-out"
WRONG_PERCENT: Final = 1.0
RIGHT_PERCENT: Final = 70.0
LEAST_PAIRS: Final = 400
LEAST_KINDS: Final = 15
RATE: Final = 0.01
COSINES: Final = (0.85, 0.92)


class Pair(msgspec.Struct, frozen=True):
    """A line of the file."""

    a: str
    b: str
    same: bool
    kind: str
    half: str = ""


class Seen(msgspec.Struct, frozen=True):
    """A pair without its texts."""

    kind: str
    same: bool
    fresh: bool
    """Neither text was there to learn from."""
    judged: Judged | None
    """`None` if it is too long for the model."""


def run(lab: Lab) -> Result:
    """Check, judge, count."""
    pairs, known = held_out()
    judge = Judge()
    expect_sense(judge)
    unknown = [pair for pair in pairs if not known >= {known_as(pair.a), known_as(pair.b)}]
    seen = [
        Seen(pair.kind, pair.same, known.isdisjoint({known_as(pair.a), known_as(pair.b)}), judge.judge(pair.a, pair.b))
        for pair in unknown
    ]
    random.Random(0).shuffle(seen)
    policies: list[tuple[str, float, Policy]] = [("verified", RATE, judging.verified(judge, None, RATE))]
    policies += [("cosine", cosine, judging.threshold(judge, cosine)) for cosine in COSINES]
    decided = [[served(policy, one.judged) for one in seen] for *_, policy in policies]
    rows, strict = (
        [
            outcomes.row(name, setting, ((flag, one.same) for flag, one in zip(flags, seen, strict=True) if of(one)))
            for (name, setting, _), flags in zip(policies, decided, strict=True)
        ]
        for of in (lambda _: True, lambda one: one.fresh)
    )
    ours = rows[0]
    return Result(
        row=DEFINITION.row,
        checks=[
            Check("hard negatives served", percents(ours.false_accept), WRONG_PERCENT, at_least=False, unit="%"),
            Check("paraphrases served", percents(ours.recall), RIGHT_PERCENT, at_least=True, unit="%"),
        ],
        tables=[
            overall("Served, with shares and their 95 % intervals (Wilson)", rows),
            by_kind(seen, decided, rows),
            overall("Served of the pairs of which no text was known", strict),
        ],
        tradeoffs=[
            tradeoff("verified", [one for one in rows if one.policy == "verified"], seen, verified=True),
            tradeoff("cosine", [one for one in rows if one.policy == "cosine"], seen, verified=False),
        ],
        notes=[
            (
                f"{ours.different} hard negatives of {len({one.kind for one in seen if not one.same})} kinds, {ours.same} "
                f"paraphrases of {len({one.kind for one in seen if one.same})}"
            ),
            f"left out, because both texts were there to learn from: {len(pairs) - len(unknown)} of {len(pairs)}",
        ],
    )


def held_out() -> tuple[list[Pair], set[str]]:
    """The pairs, if they are what this row says of them, and all texts that were there to learn from."""
    every = read(PAIRS)
    pairs = [pair for pair in every if pair.half == HELD_OUT]
    expect.require(len(pairs) >= LEAST_PAIRS, f"{PAIRS} is to hold {LEAST_PAIRS} held-out pairs")
    for same in (False, True):
        kinds = {pair.kind for pair in pairs if pair.same is same}
        expect.require(len(kinds) >= LEAST_KINDS, f"there are to be {LEAST_KINDS} kinds of pairs with same={same}")
    learned = [pair for pair in every if pair.half != HELD_OUT]
    learned += [pair for file in sorted(TRAINING.glob("*.jsonl")) for pair in read(file)]
    expect.require(len(learned) > len(every), f"{TRAINING} is to hold the training data")
    return pairs, {known_as(text) for pair in learned for text in (pair.a, pair.b)}


def read(file: Path) -> list[Pair]:
    """All pairs of a file."""
    return [msgspec.json.decode(line, type=Pair) for line in file.read_bytes().splitlines() if line.strip()]


def known_as(text: str) -> str:
    """The text without what does not tell two apart."""
    return " ".join(text.casefold().split()).rstrip("?.! ")


def expect_sense(judge: Judge) -> None:
    """The verifier, its calibration and the policy belong together and work."""
    expect.require(
        judge.shipped.model == judge.digest,
        f"calibration.json is to belong to verifier.bin and lexicon.bin: {judge.shipped.model}, not {judge.digest}",
    )
    one, opposite = "How do I enable two-factor login?", "How do I disable two-factor login?"
    same, other = judge.judge(one, one), judge.judge(one, opposite)
    assert same is not None
    assert other is not None
    expect.require(not served(judging.verified(judge, None, RATE), other), "an opposite is not to be served")
    expect.require(same.verdict.score > other.verdict.score, "a text is to be more like itself than like its opposite")


def percents(share: Share | None) -> list[float]:
    """Lower bound, value and upper bound, in percent."""
    assert share is not None
    return [100 * share.low, 100 * share.value, 100 * share.high]


def told(part: int, share: Share | None) -> str:
    """How many, which share, and its interval, in a table."""
    if share is None:
        return f"{part}"
    return f"{part} ({100 * share.value:.1f} %, {100 * share.low:.1f} to {100 * share.high:.1f})"


def overall(caption: str, rows: list[Row]) -> Table:
    """Each policy at its setting."""
    return Table(
        caption,
        ["decided by", f"hard negatives, of {rows[0].different}", f"paraphrases, of {rows[0].same}", "wrong among served"],
        [
            [
                label(row),
                told(row.served_false, row.false_accept),
                told(row.served_true, row.recall),
                told(row.served_false, row.error),
            ]
            for row in rows
        ],
    )  # fmt: skip


def label(row: Row) -> str:
    """A policy and its setting."""
    return f"verifier, max_error_rate {row.shown}" if row.policy == "verified" else f"cosine ≥ {row.shown}"


def by_kind(seen: list[Seen], decided: list[list[bool]], rows: list[Row]) -> Table:
    """Served of each kind of pair, hard negatives first."""
    total = Counter((one.same, one.kind) for one in seen)
    counts = [Counter((one.same, one.kind) for one, flag in zip(seen, flags, strict=True) if flag) for flags in decided]
    return Table(
        "Served of each kind of pair",
        ["kind", "is", *(label(row) for row in rows)],
        [
            [kind.replace("_", " "), "paraphrase" if same else "hard negative", *(f"{count[same, kind]}/{whole}" for count in counts)]
            for (same, kind), whole in sorted(total.items())
        ],
    )  # fmt: skip


def tradeoff(name: str, rows: list[Row], seen: list[Seen], *, verified: bool) -> Tradeoff:
    """The policy's curve, a point for each bound that its number could be held to, and its marks."""

    def number(judged: Judged | None) -> float:
        if judged is None:
            return -math.inf
        return judged.verdict.score if verified else judged.similarity

    same = sum(one.same for one in seen)
    points, right, wrong = [(0.0, 0.0)], 0, 0
    ranked = sorted(((number(one.judged), one.same) for one in seen), reverse=True)
    for place, (score, is_same) in enumerate(ranked):
        if score == -math.inf:
            break
        right, wrong = right + is_same, wrong + (not is_same)
        if place + 1 == len(ranked) or ranked[place + 1][0] != score:
            points.append((round(wrong / (len(seen) - same), 4), round(right / same, 4)))
    return Tradeoff(name, points, [mark(row) for row in rows])


def mark(row: Row) -> Mark:
    """A setting, as the picture shows it."""
    assert row.false_accept is not None
    assert row.recall is not None
    wrong, recall = row.false_accept, row.recall
    return Mark(label(row), (wrong.low, wrong.value, wrong.high), (recall.low, recall.value, recall.high))
