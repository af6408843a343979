"""What L1b counts, and what can be said of the counts of all workers together.

A worker's `Figures` are plain sums, which add up; `page` makes shares, means and intervals of the added ones. What has
not been observed is `None`: an error rate without an audit is unknown, not 0.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from isartor.stack.l1b.calibration import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping

SKIPPED: Final = ("loading", "unavailable", "too_long", "busy", "failed", "resting", "fault")
"""Why L1b did not look, although the request has a question."""
REFUSED: Final = ("differs", "unsure", "unlike", "bar", "budget", "gone")
"""Why a candidate was not served."""
AUDITS: Final = ("chosen", "agree", "disagree", "unclear", "skipped")
"""What became of audits: chosen, and the outcome of those whose fresh reply was complete."""


class Figures:
    """Counts of one worker, since its start."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.looked = 0
        """Questions that were looked up."""
        self.candidates = 0
        """How many of them had a candidate."""
        self.served = 0
        self.stood_in = 0
        """Served ones among them that an audit had withheld, because the provider then failed."""
        self.reports = 0
        self.indexed = 0
        """Replies that went into the index."""
        self.unreadable = 0
        """Lines of the file of outcomes that were no outcomes."""
        self.similarity = 0.0
        """Sum over the served."""
        self.risk = 0.0
        """Sum over the served of the risk that the reply does not answer."""
        self.skipped: Counter[str] = Counter(dict.fromkeys(SKIPPED, 0))
        self.refused: Counter[str] = Counter(dict.fromkeys(REFUSED, 0))
        self.audits: Counter[str] = Counter(dict.fromkeys(AUDITS, 0))
        self.shadows: Counter[str] = Counter(dict.fromkeys(AUDITS, 0))

    def sums(self) -> dict[str, Any]:
        """Everything, as numbers that may be added to those of other workers."""
        return {
            name: dict(value) if isinstance(value, Counter) else value
            for name, value in self.__dict__.items()
            if value is not None
        }


def page(sums: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The body of `GET /debug/stats/semantic`. `settings`: what stands first; `sums` may be empty."""
    sums = sums or Figures().sums()
    served, audits = sums["served"], sums["audits"]
    wrong, count = audits["disagree"], audits["agree"] + audits["disagree"]
    low, high = wilson(wrong, count)
    return {
        **settings,
        "looked": sums["looked"],
        "skipped": sums["skipped"],
        "candidates": sums["candidates"],
        "refused": sums["refused"],
        "served": served,
        "stood_in": sums["stood_in"],
        "mean_similarity": sums["similarity"] / served if served else None,
        "expected_error_rate": sums["risk"] / served if served else None,
        "observed_error_rate": {
            "rate": wrong / count if count else None,
            "low": low if count else None,
            "high": high if count else None,
            "audits": count,
        },
        "audits": audits,
        "shadows": sums["shadows"],
        "reports": sums["reports"],
        "unreadable_outcomes": sums["unreadable"],
        "index": {"added": sums["indexed"], **{name: sums.get(name, 0) for name in ("entries", "scopes", "bytes")}},
    }
