"""`isartor cache calibrate`: fit the last step of the verifier, from score to probability, to a user's own pairs.

The shipped fit is the prior (`stack.l1b.calibration.fitted`), so that a few pairs move it a little. What is printed as
*after* is cross-validated: each pair's probability comes from a fit to the other four fifths. The fit that is written
is that to all pairs.

A pair that a fact decides has no score, before as after: it counts in the table and moves nothing.
"""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from isartor.cli import home
from isartor.cli.cache import judging
from isartor.cli.cache.outcomes import share
from isartor.cli.cache.pairs import read
from isartor.cli.cache.progress import judged_all
from isartor.cli.failures import DONE, CommandError
from isartor.config import load
from isartor.stack.l1b import calibration
from isartor.stack.l1b.calibration import Calibration, Tally, fitted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from isartor.stack.l1b.calibration import Fit

    Scored = Sequence[tuple[float, bool]]
    """Score, and whether the pair is the same."""

LEAST: Final = 20
"""As many pairs of either kind are needed."""
_FOLDS: Final = 5
_BINS: Final = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
_LEAST_PROBABILITY: Final = 1e-6


def run(file: Path) -> int:
    """Judge, fit, print, write."""
    pairs = read(file)
    same = sum(pair.same for pair in pairs)
    if min(same, len(pairs) - same) < LEAST:
        counts = f"{same} pairs that are the same and {len(pairs) - same} that are not"
        message = f"{file} has {counts}; {LEAST} of each are needed"
        raise CommandError(message)
    judge = judging.Judge(load().semantic_cache.threads)
    judged = judged_all(judge, pairs)
    scored = [(one.verdict.score, is_same) for one, is_same in judged if one is not None]
    prior = judge.shipped.fit
    before = [prior.probability(score) for score, _ in scored]
    after = cross_validated(prior, scored)
    fit = _fit(prior, scored)
    target = home.folder() / calibration.FILE_NAME
    try:
        calibration.write(
            target,
            Calibration(
                slope=fit.slope,
                intercept=fit.intercept,
                model=judge.digest,
                pairs=len(scored),
                date=datetime.now(UTC).date().isoformat(),
            ),
        )
    except OSError as error:
        message = f"{target} cannot be written: {error.strerror or error}"
        raise CommandError(message) from None
    decided = sum(not math.isfinite(score) for score, _ in scored)
    print_report(scored, before, after, decided=decided, too_long=len(pairs) - len(scored))
    out = sys.stdout
    out.write(f"slope:     {prior.slope:+.3f} shipped, {fit.slope:+.3f} fitted\n")
    out.write(f"intercept: {prior.intercept:+.3f} shipped, {fit.intercept:+.3f} fitted\n")
    if loss(after, scored) > loss(before, scored):
        out.write("On pairs that it has not seen the new fit is no better than the shipped one.\n")
    out.write(f"written: {target}\nIt is used from the gateway's next start; remove the file to go back.\n")
    return DONE


def cross_validated(prior: Fit, scored: Scored) -> list[float]:
    """The probability of each pair by a fit that has not seen it."""
    # Both kinds are dealt out in turn, so that no fold lacks one.
    turns = {True: 0, False: 0}
    folds = []
    for _, same in scored:
        folds.append(turns[same] % _FOLDS)
        turns[same] += 1
    fits = [
        _fit(prior, [one for one, fold in zip(scored, folds, strict=True) if fold != left_out])
        for left_out in range(_FOLDS)
    ]
    return [fits[fold].probability(score) for (score, _), fold in zip(scored, folds, strict=True)]


def loss(probabilities: Sequence[float], scored: Scored) -> float:
    """Mean of the negative log likelihood: smaller is better."""
    total = 0.0
    for p, (_, same) in zip(probabilities, scored, strict=True):
        total -= math.log(max(p if same else 1 - p, _LEAST_PROBABILITY))
    return total / len(scored)


def print_report(
    scored: Scored, before: Sequence[float], after: Sequence[float], *, decided: int, too_long: int
) -> None:
    """Print how far the probabilities keep their word, before and after."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    same = sum(is_same for _, is_same in scored)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("probability", no_wrap=True)
    for heading in ("before", "same", "after", "same"):
        table.add_column(heading, justify="right", no_wrap=True)
    for low, high in pairwise(_BINS):
        table.add_row(f"{low:g} to {high:g}", *_cells(low, high, before, scored), *_cells(low, high, after, scored))
    console = Console(highlight=False)
    console.print(f"{len(scored)} pairs: {same} with one answer, {len(scored) - same} with two")
    if decided:
        console.print(f"{decided} of them are decided by a fact that differs, whatever the fit")
    if too_long:
        console.print(f"longer than the model's window, left out: {too_long}")
    console.print()
    console.print(table)
    console.print()
    console.print("before, after: pairs with such a probability. same: the share of them with one")
    console.print("answer, and its 95 % interval; it should lie in the row's range.")
    console.print(f"log loss: {loss(before, scored):.4f} before, {loss(after, scored):.4f} after (cross-validated)")


def _cells(low: float, high: float, probabilities: Sequence[float], scored: Scored) -> tuple[str, str]:
    inside = [
        same for p, (_, same) in zip(probabilities, scored, strict=True) if low <= p < high or p == high == _BINS[-1]
    ]
    found = share(sum(inside), len(inside))
    if found is None:
        return "0", "-"
    return str(len(inside)), f"{found.value:.1%} ({100 * found.low:.1f}-{100 * found.high:.1f})"


def _fit(prior: Fit, scored: Scored) -> Fit:
    tally = Tally()
    for score, same in scored:
        tally.add(score, right=same)
    return fitted(prior, tally)
