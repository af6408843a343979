"""A stand-in for the bundled model and the verifier: it judges by what the tests write into the questions."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from isartor.cli.cache.judging import Judged
from isartor.stack.l1b.calibration import Calibration

SHIPPED = Calibration(slope=1.0, intercept=0.0, model="m", pairs=400, curve=((0.0, 0.2), (3.0, 0.02), (4.0, 0.005)))


@dataclass
class FakeVerdict:
    """As the native one."""

    similarity: float
    score: float
    reasons: list[str] = field(default_factory=list)
    words: list[tuple[str, str, str]] = field(default_factory=list)
    features: list[tuple[str, float]] = field(default_factory=list)


class FakeJudge:
    """Question B says how it is judged: `score 3.5 cosine 0.9`; `differs` for a fact; `long` for no judgement."""

    digest = "m"
    shipped = SHIPPED

    def __init__(self, threads: int = 1) -> None:
        """Nothing is loaded."""

    def judge(self, a: str, b: str) -> Judged | None:
        words = b.split()
        if "long" in words:
            return None
        number = {name: float(value) for name, value in zip(words, words[1:]) if name in {"score", "cosine"}}
        score = -math.inf if "differs" in words else number.get("score", 0.0)
        verdict = FakeVerdict(
            similarity=number.get("cosine", 0.5),
            score=score,
            reasons=["numbers differ: 2 / 3"] if "differs" in words else ["replaced: big / large"],
            words=[("same", "same", "same"), ("big\x1b[31m", "large", "synonym"), ("left", "", ""), ("", "right", "")],
            features=[("cosine", number.get("cosine", 0.5))],
        )
        return Judged(verdict.similarity, verdict)


def write(file: Path, *rows: tuple[str, bool]) -> Path:
    """Write pairs, each with what the judge is to make of it."""
    file.write_text("".join(json.dumps({"a": "q", "b": b, "same": same}) + "\n" for b, same in rows))
    return file
