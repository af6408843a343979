"""`policy`: what is served within a share of wrong answers, and what outcomes change."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isartor.stack.l1b.calibration import Calibration, wilson
from isartor.stack.l1b.policy import Action, Decision, Outcome, Source, Threshold, Verified

LINE = Calibration(slope=1.0, intercept=0.0)
# Of so few pairs almost none may be wrong, or others might well have had more.
CURVE = Calibration(slope=1.0, intercept=0.0, curve=((0.0, 0.2), (2.0, 0.0005), (3.0, 0.00005), (5.0, 0.00001)))


@dataclass
class Verdict:
    score: float


@dataclass
class Candidate:
    score: float
    similarity: float = 0.9

    @property
    def verdict(self) -> Verdict:
        return Verdict(self.score)


def verified(
    calibration: Calibration = LINE, *, chance: float = 1.0, rate: float = 0.01, audit: float = 0.02
) -> Verified:
    return Verified(calibration, max_error_rate=rate, audit_rate=audit, chance=lambda: chance)


def outcome(score: float, *, right: bool, source: Source = "audit") -> Outcome:
    return Outcome(similarity=0.9, score=score, right=right, source=source)


def decide(policy: Verified, score: float) -> tuple[Action, str]:
    found = policy.decide(Candidate(score))
    return found.action, found.reason


def serve(policy: Verified, score: float) -> Decision:
    found = policy.decide(Candidate(score))
    if found.action is Action.SERVE:
        policy.served(found)
    return found


def test_a_fact_that_differs_is_never_served() -> None:
    """Minus infinity is refused whatever was learned."""
    policy = verified()
    for _ in range(50):
        policy.learn(outcome(5.0, right=True))
    assert decide(policy, -math.inf) == (Action.REFUSE, "differs")
    assert decide(policy, math.nan) == (Action.REFUSE, "differs")


def test_without_a_curve_each_answer_has_to_be_within_the_limit() -> None:
    """`1 - p` at most `max_error_rate`."""
    policy = verified(rate=0.01)
    assert policy.threshold == pytest.approx(0.99)
    assert decide(policy, math.log(0.989 / 0.011)) == (Action.REFUSE, "unsure")
    assert decide(policy, math.log(0.991 / 0.009)) == (Action.SERVE, "")


def test_the_curve_gives_the_threshold() -> None:
    """The least score from which on no more than the limit was wrong; a limit that it never reaches falls back."""
    assert verified(CURVE, rate=0.01).threshold == CURVE.fit.probability(3.0)
    assert verified(CURVE, rate=0.05).threshold == CURVE.fit.probability(2.0)
    assert verified(CURVE, rate=0.0001).threshold == pytest.approx(0.9999)


def test_the_expected_share_of_the_served_stays_within_the_limit() -> None:
    """Candidates near the threshold are served only as long as better ones make up for them."""
    policy = verified(CURVE, rate=0.01)
    risky, safe = 3.0, 9.0
    for _ in range(100):
        serve(policy, safe)
    while (found := serve(policy, risky)).action is Action.SERVE:
        pass
    assert found.reason == "budget"
    for _ in range(10):
        assert serve(policy, safe).action is Action.SERVE
    assert serve(policy, risky).action is Action.SERVE


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-3, 9), min_size=1, max_size=300), st.sampled_from([0.005, 0.01, 0.05]))
def test_the_mean_risk_of_what_is_served_never_exceeds_the_limit(scores: list[float], rate: float) -> None:
    """Whatever comes in whatever order: the mean risk of the served, and of the latest 1,000, is in."""
    policy = verified(rate=rate)
    risks = []
    for score in scores * 8:
        found = serve(policy, score)
        if found.action is Action.SERVE:
            risks.append(found.risk)
            assert math.fsum(risks[-1000:]) <= rate * len(risks[-1000:]) + 1e-9


def test_audits_come_at_their_rate_and_only_of_what_would_be_served() -> None:
    """The dice decide; without audits, or for what is refused, they are not thrown."""
    policy = verified(chance=0.019)
    assert decide(policy, 9.0) == (Action.AUDIT, "audit")
    assert decide(policy, 0.0) == (Action.REFUSE, "unsure")
    assert policy.decide(Candidate(9.0), audits=False).action is Action.SERVE
    assert decide(verified(chance=0.02), 9.0) == (Action.SERVE, "")
    assert decide(verified(chance=0.0, audit=0.0), 9.0) == (Action.SERVE, "")
    assert decide(verified(chance=0.999, audit=1.0), 9.0) == (Action.AUDIT, "audit")


def test_outcomes_move_the_line_the_right_way() -> None:
    """Wrong ones make the policy shyer, right ones bolder, a single one only a little."""
    shy, bold = verified(), verified()
    before = shy.fit.probability(5.0)
    shy.learn(outcome(5.0, right=False, source="report"))
    once = shy.fit.probability(5.0)
    assert 0.9 < once < before
    for _ in range(50):
        shy.learn(outcome(5.0, right=False, source="report"))
        bold.learn(outcome(3.0, right=True))
    assert shy.fit.probability(5.0) < 0.3
    assert bold.fit.probability(3.0) > LINE.fit.probability(3.0)


def test_enough_outcomes_outweigh_the_prior() -> None:
    """With many outcomes the line is where they are, wherever it began."""
    dice = random.Random(1)
    policy = verified(Calibration(slope=1.0, intercept=2.0))
    for _ in range(4000):
        score = dice.uniform(-2, 8)
        policy.learn(outcome(score, right=dice.random() < 1 / (1 + math.exp(-(0.7 * score - 1)))))
    for score in (0.0, 3.0, 6.0):
        assert policy.fit.probability(score) == pytest.approx(1 / (1 + math.exp(-(0.7 * score - 1))), abs=0.05)


def test_a_contradiction_raises_the_bar_until_it_is_none() -> None:
    """If audits show more wrong ones than the limit allows, what scores like them is refused, but compared."""
    policy = verified()
    for score in (7.0, 7.5, 8.0):
        for _ in range(40):
            policy.learn(outcome(score, right=True))
    assert policy.bar == -math.inf
    for _ in range(6):
        policy.learn(outcome(6.5, right=False))
        policy.learn(outcome(6.5, right=True))
    assert 6.5 < policy.bar <= 7.0
    assert decide(policy, 6.5)[0] is not Action.SERVE


def test_the_bar_sinks_when_the_same_ones_turn_out_right() -> None:
    """What only the bar keeps out is compared all the same, and enough agreement lets it in again."""
    policy = verified()
    policy.learn(outcome(7.0, right=False))
    assert decide(policy, 7.0) == (Action.SHADOW, "bar")
    for number in range(100):
        if policy.bar == -math.inf:
            break
        policy.learn(outcome(7.0, right=True, source="shadow"))
    assert 10 < number < 40
    assert decide(policy, 7.0)[0] is Action.SERVE


def test_reports_do_not_move_the_bar() -> None:
    """Only what was drawn by lot tells a rate."""
    policy = verified()
    for _ in range(5):
        policy.learn(outcome(7.0, right=False, source="report"))
    assert policy.bar == -math.inf


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=60))
def test_above_the_bar_nothing_contradicts_the_limit(outcomes: list[tuple[int, bool]]) -> None:
    """Of the audited outcomes from the bar on, the lower end of the interval is within the limit."""
    policy = verified(rate=0.02)
    for score, right in outcomes:
        policy.learn(outcome(float(score), right=right))
    if policy.bar > -math.inf:
        left = [right for score, right in outcomes if score >= policy.bar]
        assert wilson(sum(not right for right in left), len(left))[0] <= 0.02 or not left
    else:
        assert wilson(sum(not right for _, right in outcomes), len(outcomes))[0] <= 0.02


def test_a_threshold_looks_at_nothing_else() -> None:
    """Similarity decides, a difference of facts or not; the probability is only told."""
    policy = Threshold(LINE, threshold=0.85, audit_rate=0.5, chance=lambda: 1.0)
    assert policy.decide(Candidate(-math.inf, 0.85)) == Decision(Action.SERVE, "", 0.0, 1.0)
    assert policy.decide(Candidate(20.0, 0.8499)).reason == "unlike"
    policy.learn(outcome(1.0, right=False))
    assert policy.decide(Candidate(-math.inf, 0.85)).action is Action.SERVE
    audited = Threshold(LINE, threshold=0.85, audit_rate=0.5, chance=lambda: 0.1)
    assert audited.decide(Candidate(0.0, 0.9)).action is Action.AUDIT
