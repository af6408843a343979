"""`isartor cache explain`: whether the reply to one question would be given to another, and why."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, Final

from isartor.cli.cache import judging
from isartor.cli.failures import DONE, CommandError, one_line
from isartor.config import load
from isartor.stack.l1b.policy import Action, Verified

if TYPE_CHECKING:
    from isartor.cli.cache.judging import Judged
    from isartor.config import Config
    from isartor.stack.l1b.policy import Decision, Policy

_LABEL: Final = 13
_WIDTH: Final = 80
_REASONS: Final = {
    "differs": "a fact differs",
    "unsure": "the probability is too low",
    "bar": "audits have shown that pairs of this score go wrong",
    "budget": "one more of this risk would be too many",
    "unlike": "the similarity is too low",
}


def run(a: str, b: str, *, as_json: bool) -> int:
    """Judge and print."""
    for text in (a, b):
        if not text.strip():
            message = "a question must not be empty"
            raise CommandError(message)
    config = load()
    judge = judging.Judge(config.semantic_cache.threads)
    judged = judge.judge(a, b)
    if judged is None:
        message = "a question is longer than the model's window; such questions go past the semantic cache"
        raise CommandError(message)
    policy = judging.configured(judge, judging.own_calibration(judge.digest), config)
    decision = policy.decide(judged, audits=False)
    if as_json:
        import msgspec

        document = _document(judged, decision, config)
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")
    else:
        _show(judged, decision, policy, config)
    return DONE


def _document(judged: Judged, decision: Decision, config: Config) -> dict[str, Any]:
    verdict = judged.verdict
    return {
        "similarity": round(verdict.similarity, 4),
        "probability": round(decision.probability, 4),
        "served": decision.action is Action.SERVE,
        "why_not": decision.reason or None,
        "policy": config.semantic_cache.policy,
        # JSON has no infinity; a fact that differs leaves no odds.
        "score": verdict.score if math.isfinite(verdict.score) else None,
        "reasons": verdict.reasons,
        "words": [{"a": first or None, "b": second or None, "how": how} for first, second, how in verdict.words],
        "features": dict(verdict.features),
    }


def _show(judged: Judged, decision: Decision, policy: Policy, config: Config) -> None:
    verdict = judged.verdict
    _line("Similarity", f"{verdict.similarity:.3f}")
    _line("Probability", f"{decision.probability:.4g} that the reply to one answers the other")
    if decision.action is Action.SERVE:
        _line("Verdict", "would be served")
    else:
        _line("Verdict", f"would not be served: {_REASONS.get(decision.reason, decision.reason)}")
    if isinstance(policy, Verified):
        limit = config.semantic_cache.max_error_rate
        _line("Policy", f"verified: probability of at least {policy.threshold:.4g} (max_error_rate {limit:g})")
    else:
        _line("Policy", f"threshold: similarity of at least {config.similarity_threshold:g}, whatever differs")
    for number, reason in enumerate(verdict.reasons):
        _line("" if number else "Reasons", reason)
    aligned = [(first, second, how) for first, second, how in verdict.words if first and second]
    left = [(first, second) for first, second, _ in verdict.words if not (first and second)]
    same = ", ".join(first for first, second, _ in aligned if first == second)
    other = ", ".join(f"{first} = {second} ({how})" for first, second, how in aligned if first != second)
    for label, text in (
        ("Same words", same),
        ("Aligned", other),
        ("Only in A", ", ".join(first for first, _ in left if first)),
        ("Only in B", ", ".join(second for _, second in left if second)),
    ):
        if text:
            _line(label, text)


def _line(label: str, text: str) -> None:
    import textwrap

    parts = textwrap.wrap(one_line(text), _WIDTH - _LABEL, break_on_hyphens=False) or [""]
    for number, part in enumerate(parts):
        sys.stdout.write(f"{'' if number else label:<{_LABEL}}{part}\n")
