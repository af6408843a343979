"""From the verifier's score to the probability that a stored reply answers, and how a few outcomes correct it.

The verifier's score is a log odds that nothing has been held against. A *fit* is a straight line on it, so that the
logistic of `slope * score + intercept` is a probability. It comes from the file `calibration.json` beside the model,
or from the user's own pairs (`isartor cache calibrate`), and is corrected by what this installation learns: a MAP fit
with the fit it began with as prior, so that three outcomes move it a little and three hundred move it where they are.

`calibration.json` has, besides the fit, a *curve*: how large a share of the pairs with at least this score were wrong.
A policy reads its threshold from it. Both files hold::

    {"slope": 1.1, "intercept": -0.4, "model": "5f0c...", "pairs": 400, "date": "2026-01-31",
     "curve": [[0.0, 0.08], [1.0, 0.03], [2.0, 0.009]]}

`model` is `digest_of` the verifier's files: a fit belongs to the scores that it was made from. `curve` is optional.

Cost: a probability 0.2 µs, a fit over `Tally` below 1 ms: outcomes are counted in steps of score, however many.
"""

from __future__ import annotations

import math
import os
import tempfile
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import msgspec

from isartor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE_NAME: Final = "semantic-calibration.json"
"""The user's own, in `~/.isartor`."""

# Outcomes are counted in steps of score of this width; beyond the limit a score says nothing more.
_STEP: Final = 0.1
_LIMIT: Final = 8.0
# How far from its prior a fit may be expected to lie: so that a single outcome, which may itself be wrong, moves the
# log odds of its like by one or two, and a handful by as much as it takes.
_SLOPE_DEVIATION: Final = 0.15
_INTERCEPT_DEVIATION: Final = 0.7
# A better score never means a worse reply.
_LEAST_SLOPE: Final = 0.05
# One-sided: 95 of 100 samples of a share lie below it by so many standard errors.
_CONFIDENCE: Final = 1.645
_NEWTON_STEPS: Final = 25
_CLOSE: Final = 1e-6


class Fit(msgspec.Struct, frozen=True):
    """A line on the score."""

    slope: float
    intercept: float

    def probability(self, score: float) -> float:
        """The probability that the reply answers; 0 if the verifier excluded it (`-inf`)."""
        return _logistic(self.slope * min(score, _LIMIT) + self.intercept) if score > -math.inf else 0.0


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """A file's content."""

    slope: float
    intercept: float
    model: str = ""
    pairs: int = 0
    date: str = ""
    curve: tuple[tuple[float, float], ...] = ()
    """Score, and the share of wrong ones among the pairs with at least this score; ascending by score."""

    @property
    def fit(self) -> Fit:
        """The line."""
        return Fit(self.slope, self.intercept)

    def threshold(self, max_error_rate: float) -> float:
        """The least probability from which on the share of wrong answers is expected to stay within the limit.

        Where the curve does not go that low, or there is none, each single answer has to stay within it.
        """
        served = self._served(max_error_rate)
        return self.fit.probability(served[0][0]) if served else 1.0 - max_error_rate

    def _served(self, max_error_rate: float) -> tuple[tuple[float, float], ...]:
        """The part of the curve whose share stays within the limit, in 95 of 100 cases.

        There are few wrong ones among the pairs, and other pairs might have had more of them.
        """
        for place, (_, share) in enumerate(self.curve):
            count = len(self.curve) - place
            if share + _CONFIDENCE * math.sqrt(share * (1.0 - share) / count) <= max_error_rate:
                return self.curve[place:]
        return ()

    def level(self, max_error_rate: float) -> float:
        """What `1 - p` is multiplied with to be a risk, at most 1.

        From the threshold on the pairs of the curve had a share of wrong ones of their own, and the line another mean
        of `1 - p`: a line fitted to all scores is too careful about the best. The risk has that mean and this shape.
        The share is counted with half a wrong one more: that none was found does not mean that there is none.
        """
        served = self._served(max_error_rate)
        if not served:
            return 1.0
        count = len(served)
        found = (served[0][1] * count + 0.5) / (count + 1)
        line = math.fsum(1.0 - self.fit.probability(score) for score, _ in served) / count
        return min(found / line, 1.0)


class Tally:
    """Outcomes, counted by score."""

    def __init__(self) -> None:
        """Nothing counted yet."""
        self._counts: dict[int, list[float]] = {}

    def __repr__(self) -> str:
        """How many there are."""
        right, wrong = (sum(counts[place] for counts in self._counts.values()) for place in (1, 0))
        return f"<Tally: {right:g} right, {wrong:g} wrong>"

    def add(self, score: float, *, right: bool) -> None:
        """Counts one outcome; one without a finite score says nothing of the line."""
        if math.isfinite(score):
            step = round(max(-_LIMIT, min(_LIMIT, score)) / _STEP)
            self._counts.setdefault(step, [0.0, 0.0])[right] += 1.0

    def steps(self) -> list[tuple[float, float, float]]:
        """Score, wrong ones, right ones."""
        return [(step * _STEP, wrong, right) for step, (wrong, right) in self._counts.items()]


def fitted(prior: Fit, tally: Tally, *, strength: float = 1.0) -> Fit:
    """The most probable line after these outcomes. `strength` above 1 holds it closer to `prior`."""
    steps = tally.steps()
    slope, intercept = prior.slope, prior.intercept
    slope_weight = strength / (_SLOPE_DEVIATION * abs(prior.slope) or _SLOPE_DEVIATION) ** 2
    intercept_weight = strength / _INTERCEPT_DEVIATION**2

    def loss(a: float, b: float) -> float:
        total = slope_weight * (a - prior.slope) ** 2 / 2 + intercept_weight * (b - prior.intercept) ** 2 / 2
        for score, wrong, right in steps:
            odds = a * score + b
            total += right * _softplus(-odds) + wrong * _softplus(odds)
        return total

    now = loss(slope, intercept)
    for _ in range(_NEWTON_STEPS):
        da = slope_weight * (slope - prior.slope)
        db = intercept_weight * (intercept - prior.intercept)
        aa, ab, bb = slope_weight, 0.0, intercept_weight
        for score, wrong, right in steps:
            p = _logistic(slope * score + intercept)
            off = (wrong + right) * p - right
            bend = (wrong + right) * p * (1 - p)
            da, db = da + off * score, db + off
            aa, ab, bb = aa + bend * score * score, ab + bend * score, bb + bend
        det = aa * bb - ab * ab
        move = ((bb * da - ab * db) / det, (aa * db - ab * da) / det)
        size = 1.0
        # The loss is convex, so a step that is short enough always leads down.
        while (then := loss(slope - size * move[0], intercept - size * move[1])) > now and size > _CLOSE:
            size /= 2
        slope, intercept = slope - size * move[0], intercept - size * move[1]
        if now - then < _CLOSE:
            break
        now = then
    return Fit(max(slope, _LEAST_SLOPE * abs(prior.slope)), intercept)


def curve_of(scored: Iterable[tuple[float, bool]]) -> tuple[tuple[float, float], ...]:
    """The curve of labelled pairs: each pair's score, and whether the reply to one answers the other.

    A share is never smaller than that of a higher score: single lucky pairs make no step down.
    """
    points: list[tuple[float, float]] = []
    wrong = count = 0
    worst = 0.0
    for score, same in sorted(scored, reverse=True):
        if not math.isfinite(score):
            continue
        count += 1
        wrong += not same
        worst = max(worst, wrong / count)
        if points and points[-1][0] == score:
            points.pop()
        points.append((score, worst))
    points.reverse()
    return tuple(points)


def wilson(wrong: float, count: float) -> tuple[float, float]:
    """The 95 % interval of a share after Wilson (1927); everything is possible while nothing was counted."""
    if not count:
        return 0.0, 1.0
    z = 1.959964
    share = wrong / count
    centre = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    low = 0.0 if not wrong else max((centre - spread) / scale, 0.0)
    high = 1.0 if wrong == count else min((centre + spread) / scale, 1.0)
    return low, high


def digest_of(*files: bytes) -> str:
    """What tells one verifier from another: 16 hexadecimal digits."""
    digest = blake2b(digest_size=8, person=b"isartor-verify")
    for file in files:
        digest.update(len(file).to_bytes(8, "little"))
        digest.update(file)
    return digest.hexdigest()


def read(file: Path) -> Calibration:
    """The calibration in a file. Raises `ConfigError` with one line that says what is wrong; `OSError` passes."""
    content = file.read_bytes()
    try:
        found = msgspec.json.decode(content, type=Calibration)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"{file}: expected a JSON object with slope and intercept: {error}"
        raise ConfigError(message) from None
    if not (math.isfinite(found.slope) and math.isfinite(found.intercept) and found.slope > 0):
        message = f"{file}: expected a slope above 0 and a finite intercept, got {found.slope} and {found.intercept}"
        raise ConfigError(message)
    scores = [score for score, _ in found.curve]
    if scores != sorted(scores):
        message = f"{file}: expected a curve that ascends by score"
        raise ConfigError(message)
    return found


def write(file: Path, calibration: Calibration) -> None:
    """Writes a calibration so that whoever reads meanwhile sees the old or the new one. Raises `OSError`."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=file.name, dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(calibration)) + b"\n")
        os.replace(draft, file)  # noqa: PTH105  # mkstemp gives a str
    except BaseException:
        os.unlink(draft)  # noqa: PTH108  # the same
        raise


def _logistic(odds: float) -> float:
    if odds >= 0:
        return 1.0 / (1.0 + math.exp(-min(odds, 700.0)))
    small = math.exp(max(odds, -700.0))
    return small / (1.0 + small)


def _softplus(odds: float) -> float:
    return max(odds, 0.0) + math.log1p(math.exp(-abs(odds)))
