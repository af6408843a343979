"""Whether a candidate may be served: decided here and nowhere else, without waiting for anything.

`Verified`, the default, serves a candidate if

1. the verifier found no fact that differs,
2. the calibrated probability `p` that its reply answers is at least the threshold at which the share of wrong answers
   was within `max_error_rate` on the calibration pairs,
3. its score is above the *bar*, and
4. the expected share of wrong answers among the last 1,000 served ones, this one included, stays within
   `max_error_rate`: the mean of their risks, which are `1 - p`, brought to the level that the calibration pairs showed
   (`Calibration.level`). So a risky candidate is served once safer ones have made up for it.

**The bar.** It rises when audits contradict the calibration: if, among the latest 1,000 audited candidates, the lower
end of the 95 % interval (Wilson) of the share of wrong ones is above `max_error_rate`, the lowest-scored outcomes are
left out until it is not, and what scores no better than those is refused. It sinks again as soon as the same rule
allows it. Candidates that only the bar keeps out go to the provider anyway, so their replies are compared for free and
tell when it may sink.

**What is learned** corrects the line from score to probability (`calibration.fitted`); the threshold stays where the
calibration pairs put it. A report counts as one wrong outcome although right ones are only sampled: it errs on the
careful side, and the prior keeps a few from closing the cache.

From the published per-entry scheme (vCache, arXiv 2502.03771) come the logistic on a score, the correction by observed
outcomes and a rate of exploration that never becomes 0. What it decides for each entry, when it has seen it often
enough, is decided here for all together, for most entries are asked for twice; of the entry alone counts what is
certain: after one wrong outcome it is gone.

`Threshold` is a bare similarity, as other caches have it.
"""

from __future__ import annotations

import math
from collections import deque
from enum import Enum
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final, Literal, Protocol

import msgspec

from isartor.stack.l1b.calibration import Fit, Tally, fitted, wilson

if TYPE_CHECKING:
    from collections.abc import Callable

    from isartor.stack.l1b.calibration import Calibration

_WINDOW: Final = 1000
_AUDITS: Final = 1000

Source = Literal["audit", "shadow", "report"]
"""An audit is of a hit that would have been served; a shadow of a candidate that only the bar kept out."""


class Action(Enum):
    """What to do with a candidate."""

    SERVE = "serve"
    AUDIT = "audit"
    """The provider answers although the candidate could; the replies are compared."""
    SHADOW = "shadow"
    """Refused by the bar; the replies are compared."""
    REFUSE = "refuse"


class Decision(msgspec.Struct, frozen=True):
    """What to do, and why."""

    action: Action
    reason: str
    """`differs`, `unsure`, `unlike`, `bar`, `budget`; `audit`; empty if it is served."""
    probability: float
    """That the reply answers, by the line."""
    risk: float
    """That it does not, as it counts among the served."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a candidate."""

    similarity: float
    score: float
    right: bool
    source: Source


class Seen(Protocol):
    """What is judged of a candidate (`isartor._native.Verdict`)."""

    @property
    def score(self) -> float:
        """Log odds that the reply answers; `-inf` if a fact differs."""


class Judged(Protocol):
    """A candidate, as far as a policy looks at it (`isartor._native.Candidate`)."""

    @property
    def similarity(self) -> float:
        """Cosine in the search space."""

    @property
    def verdict(self) -> Seen:
        """What the verifier says."""


class Policy(Protocol):
    """Decides and learns."""

    def decide(self, candidate: Judged, *, audits: bool = True) -> Decision:
        """What to do with a candidate; without `audits` it is served or refused."""

    def served(self, decision: Decision) -> None:
        """It has been served."""

    def learn(self, outcome: Outcome) -> None:
        """It was right or wrong."""


class Verified:
    """The verifier decides, within a share of wrong answers."""

    def __init__(
        self,
        calibration: Calibration,
        *,
        max_error_rate: float,
        audit_rate: float,
        chance: Callable[[], float],
        fit: Fit | None = None,
    ) -> None:
        """`chance` gives numbers from 0 to 1; `fit` stands in for the calibration's own line."""
        self._limit = max_error_rate
        self._audit_rate = audit_rate
        self._chance = chance
        self._threshold = calibration.threshold(max_error_rate)
        self._prior = self._fit = fit or calibration.fit
        self._tally = Tally()
        self._level = calibration.level(max_error_rate)
        self._account: deque[float] = deque(maxlen=_WINDOW)
        self._spent = 0.0
        self._audits: deque[tuple[float, bool]] = deque(maxlen=_AUDITS)
        self._bar = -math.inf

    def __repr__(self) -> str:
        """Line, threshold and bar."""
        line = f"{self._fit.slope:.3g} * score {self._fit.intercept:+.3g}"
        return f"<Verified: {line}, p >= {self._threshold:.3g}, bar {self._bar:.3g}, {self._tally!r}>"

    @property
    def fit(self) -> Fit:
        """The line in use."""
        return self._fit

    @property
    def threshold(self) -> float:
        """The least probability that is served."""
        return self._threshold

    @property
    def bar(self) -> float:
        """The least score that is served."""
        return self._bar

    def decide(self, candidate: Judged, *, audits: bool = True) -> Decision:
        """See `Policy`."""
        score = candidate.verdict.score
        p = self._fit.probability(score)
        risk = self._level * (1.0 - p)
        if not score > -math.inf:
            return Decision(Action.REFUSE, "differs", 0.0, 1.0)
        if p < self._threshold:
            return Decision(Action.REFUSE, "unsure", p, risk)
        if score < self._bar:
            return Decision(Action.SHADOW, "bar", p, risk)
        if not self._affords(risk):
            return Decision(Action.REFUSE, "budget", p, risk)
        if audits and self._chance() < self._audit_rate:
            return Decision(Action.AUDIT, "audit", p, risk)
        return Decision(Action.SERVE, "", p, risk)

    def served(self, decision: Decision) -> None:
        """See `Policy`."""
        self._account.append(decision.risk)
        # Summed anew: a running sum would drift.
        self._spent = math.fsum(self._account)

    def learn(self, outcome: Outcome) -> None:
        """See `Policy`."""
        self._tally.add(outcome.score, right=outcome.right)
        self._fit = fitted(self._prior, self._tally)
        if outcome.source != "report" and math.isfinite(outcome.score):
            self._audits.append((outcome.score, outcome.right))
            self._bar = _bar(self._audits, self._limit)

    def _affords(self, risk: float) -> bool:
        count = len(self._account)
        leaves = self._account[0] if count == _WINDOW else 0.0
        return self._spent - leaves + risk <= self._limit * min(count + 1, _WINDOW) + 1e-12


class Threshold:
    """Similarity decides, whatever the words say."""

    def __init__(
        self, calibration: Calibration, *, threshold: float, audit_rate: float, chance: Callable[[], float]
    ) -> None:
        """`threshold`: the cosine from which a candidate is served. The calibration only says what to expect of it."""
        self._threshold = threshold
        self._fit = calibration.fit
        self._audit_rate = audit_rate
        self._chance = chance

    def __repr__(self) -> str:
        """The threshold."""
        return f"<Threshold: similarity >= {self._threshold:g}>"

    def decide(self, candidate: Judged, *, audits: bool = True) -> Decision:
        """See `Policy`."""
        p = self._fit.probability(candidate.verdict.score)
        if candidate.similarity < self._threshold:
            return Decision(Action.REFUSE, "unlike", p, 1.0 - p)
        if audits and self._chance() < self._audit_rate:
            return Decision(Action.AUDIT, "audit", p, 1.0 - p)
        return Decision(Action.SERVE, "", p, 1.0 - p)

    def served(self, decision: Decision) -> None:
        """Nothing is kept within a limit here."""

    def learn(self, outcome: Outcome) -> None:
        """Nothing is learned here."""


def _bar(audits: deque[tuple[float, bool]], limit: float) -> float:
    """The least score such that the outcomes from it on do not contradict the limit."""
    wrong, count = sum(not right for _, right in audits), len(audits)
    bar = -math.inf
    for score, equals in groupby(sorted(audits), key=itemgetter(0)):
        if wilson(wrong, count)[0] <= limit:
            break
        for _, right in equals:
            count -= 1
            wrong -= not right
        bar = math.nextafter(score, math.inf)
    return bar
