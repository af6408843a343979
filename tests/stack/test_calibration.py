"""`calibration`: lines, curves, intervals and their files."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isartor.errors import ConfigError
from isartor.stack.l1b import calibration
from isartor.stack.l1b.calibration import Calibration, Fit, Tally, curve_of, fitted, wilson


def test_nothing_learned_leaves_the_line() -> None:
    """Without outcomes the fit is its prior."""
    assert fitted(Fit(1.3, -0.4), Tally()) == Fit(1.3, -0.4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-8, 8), st.booleans()), max_size=40), st.floats(0.2, 3), st.floats(-3, 3))
def test_the_fit_is_the_most_probable_line(outcomes: list[tuple[float, bool]], slope: float, intercept: float) -> None:
    """No line near it has a smaller loss, and a better score never means a smaller probability."""
    prior, tally = Fit(slope, intercept), Tally()
    for score, right in outcomes:
        tally.add(score, right=right)
    found = fitted(prior, tally)
    assert found.slope > 0

    def loss(a: float, b: float) -> float:
        total = ((a - slope) / (0.15 * slope)) ** 2 / 2 + ((b - intercept) / 0.7) ** 2 / 2
        for score, wrong, right in tally.steps():
            odds = a * score + b
            total += right * math.log1p(math.exp(-odds)) + wrong * math.log1p(math.exp(odds))
        return total

    if found.slope > 0.05 * slope:
        best = loss(found.slope, found.intercept)
        for a, b in ((0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01), (0.01, -0.01)):
            assert best <= loss(found.slope + a, found.intercept + b) + 1e-4


def test_scores_without_end_are_harmless() -> None:
    """Infinite scores teach nothing, huge ones count as large, and no probability overflows."""
    tally = Tally()
    tally.add(-math.inf, right=False)
    tally.add(math.nan, right=True)
    assert tally.steps() == []
    tally.add(1e300, right=True)
    assert fitted(Fit(1, 0), tally).slope > 0
    assert Fit(1, 0).probability(1e300) > 0.999
    assert Fit(1, 0).probability(-1e300) < 1e-6
    assert Fit(1, 0).probability(-math.inf) == 0


def test_a_curve_counts_from_the_top_and_never_falls() -> None:
    """The share of wrong ones among the pairs with at least this score, made monotonic."""
    assert curve_of([(3, True), (2, False), (1, True), (1, True), (-math.inf, False)]) == (
        (1, 0.5),
        (2, 0.5),
        (3, 0.0),
    )
    assert curve_of([]) == ()


def test_the_curve_of_pairs_keeps_what_it_promises() -> None:
    """Serving from its threshold on, no more than the limit of those pairs are wrong."""
    dice = random.Random(3)
    pairs = [(score, dice.random() < 1 / (1 + math.exp(-score))) for score in (dice.gauss(2, 3) for _ in range(2000))]
    found = Calibration(slope=1, intercept=0, curve=curve_of(pairs))
    for rate in (0.01, 0.05, 0.2):
        threshold = found.threshold(rate)
        served = [same for score, same in pairs if found.fit.probability(score) >= threshold]
        assert len(served) > 50
        assert served.count(False) / len(served) <= rate


def test_the_risk_of_what_is_served_is_what_the_pairs_showed() -> None:
    """From the threshold on, the mean risk is the pairs' share of wrong ones and a half; never above `1 - p`."""
    dice = random.Random(3)
    scores = [dice.gauss(4, 2) for _ in range(2000)]
    pairs = [(score, dice.random() < 1 / (1 + math.exp(-2 * score))) for score in scores]
    found = Calibration(slope=1, intercept=0, curve=curve_of(pairs))
    served = [score for score, _ in pairs if found.fit.probability(score) >= found.threshold(0.01)]
    risk = sum(found.level(0.01) * (1 - found.fit.probability(score)) for score in served) / len(served)
    wrong = sum(not same for score, same in pairs if score in set(served))
    assert risk == pytest.approx((wrong + 0.5) / (len(served) + 1), rel=0.1)
    assert Calibration(slope=1, intercept=0).level(0.01) == 1
    assert Calibration(slope=1, intercept=0, curve=((9.0, 0.0),)).level(0.01) == 1


@pytest.mark.parametrize(
    ("wrong", "count", "low", "high"),
    [(0, 0, 0, 1), (0, 10, 0, 0.2775), (1, 10, 0.0179, 0.4042), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1)],
)
def test_the_interval_is_wilsons(wrong: int, count: int, low: float, high: float) -> None:
    """Against published values."""
    assert wilson(wrong, count) == pytest.approx((low, high), abs=1e-4)


def test_a_file_is_written_and_read(tmp_path: Path) -> None:
    """What was written comes back; only its owner can read it."""
    file = tmp_path / "new" / "calibration.json"
    given = Calibration(slope=1.5, intercept=-0.25, model="abc", pairs=40, date="2026-01-31", curve=((0.5, 0.1),))
    calibration.write(file, given)
    assert calibration.read(file) == given
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "expected a JSON object with slope and intercept"),
        ('{"slope": 1}', "expected a JSON object with slope and intercept"),
        ('{"slope": 0, "intercept": 1}', "a slope above 0"),
        ('{"slope": -1, "intercept": 1}', "a slope above 0"),
        ('{"slope": 1, "intercept": 1, "curve": [[2, 0], [1, 0]]}', "a curve that ascends"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, content: str, said: str) -> None:
    """One line with the file and what was expected."""
    file = tmp_path / "c.json"
    file.write_text(content)
    with pytest.raises(ConfigError) as caught:
        calibration.read(file)
    assert str(file) in caught.value.message
    assert said in caught.value.message
    assert "\n" not in caught.value.message


def test_the_digest_tells_files_apart() -> None:
    """Where one file ends and the next begins matters too."""
    assert calibration.digest_of(b"a", b"b") == calibration.digest_of(b"a", b"b")
    assert (
        len({calibration.digest_of(b"a", b"b"), calibration.digest_of(b"ab", b""), calibration.digest_of(b"ab")}) == 3
    )
