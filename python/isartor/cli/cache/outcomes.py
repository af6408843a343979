"""What a policy would have served of labelled pairs: counts, shares with their 95 % intervals, and curves.

*Served true*: given, and a correct reply. *Served false*: given, and wrong. *Precision* and *error* are shares of what
is served, *recall* of the pairs that are the same, *false accept* of those that are not.
"""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from isartor.stack.l1b.calibration import wilson

if TYPE_CHECKING:
    from collections.abc import Iterable


class Share(msgspec.Struct, frozen=True):
    """A part of something that was counted."""

    value: float
    low: float
    high: float
    """The bounds of its 95 % interval, by Wilson's method."""


def share(part: int, whole: int) -> Share | None:
    """`part` of `whole`; `None` of nothing."""
    if not whole:
        return None
    low, high = wilson(part, whole)
    return Share(part / whole, low, high)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One policy at one setting."""

    policy: str
    setting: float
    served_true: int
    served_false: int
    same: int
    different: int
    """How many pairs of either kind there are."""

    @property
    def shown(self) -> str:
        """The setting as a table shows it."""
        short = f"{self.setting:.2f}"
        return short if float(short) == self.setting else f"{self.setting:g}"

    @property
    def precision(self) -> Share | None:
        """Of what is served, the correct."""
        return share(self.served_true, self.served_true + self.served_false)

    @property
    def error(self) -> Share | None:
        """Of what is served, the wrong."""
        return share(self.served_false, self.served_true + self.served_false)

    @property
    def recall(self) -> Share | None:
        """Of the pairs that are the same, the served."""
        return share(self.served_true, self.same)

    @property
    def false_accept(self) -> Share | None:
        """Of the pairs that are not, the served."""
        return share(self.served_false, self.different)


def row(policy: str, setting: float, judged: Iterable[tuple[bool, bool]]) -> Row:
    """Count. `judged`: of each pair, whether it is served and whether it is the same."""
    counts = {(served, same): 0 for served in (False, True) for same in (False, True)}
    for one in judged:
        counts[one] += 1
    return Row(
        policy=policy,
        setting=setting,
        served_true=counts[True, True],
        served_false=counts[True, False],
        same=counts[True, True] + counts[False, True],
        different=counts[True, False] + counts[False, False],
    )


def curve(scored: Iterable[tuple[float, bool]]) -> list[tuple[float, float]]:
    """Error and recall for each bound that a score could be held to, the strictest first.

    `scored`: of each pair its score, `-inf` if it can never be served, and whether it is the same.
    """
    found = sorted(scored, reverse=True)
    same = sum(is_same for _, is_same in found)
    points = []
    right = wrong = 0
    for score, group in groupby(found, key=lambda one: one[0]):
        if score == -math.inf:
            break
        for _, is_same in group:
            right, wrong = right + is_same, wrong + (not is_same)
        points.append((wrong / (right + wrong), right / same if same else 0.0))
    return points
