"""`isartor cache explain`, `evaluate` and `calibrate` with a stand-in for the model."""

from __future__ import annotations

import json
import math
import os
import struct
from pathlib import Path

import pytest
from typer.testing import CliRunner

from isartor.cli.app import app
from isartor.cli.cache import calibrate, outcomes, pairs
from isartor.cli.failures import CommandError
from isartor.cli.main import main
from isartor.stack.l1b import calibration
from isartor.stack.l1b.calibration import Calibration, Fit
from tests.cli.judges import SHIPPED, FakeJudge, write


@pytest.fixture(autouse=True)
def fake(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No model is loaded."""
    assert place.exists()
    monkeypatch.setattr("isartor.cli.cache.judging.Judge", FakeJudge)


def run(*arguments: str) -> str:
    """The output of a command that succeeds, none of it wider than 80 columns."""
    result = CliRunner().invoke(app, ["cache", *arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    if "--json" not in arguments:
        assert max(len(line) for line in result.stdout.splitlines() if os.sep not in line) <= 80
    return result.stdout


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line of a command that fails."""
    with pytest.raises(SystemExit) as caught:
        main(["cache", *arguments])
    assert caught.value.code == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return err


# -- explain


def test_explain_tells_what_is_served_and_why() -> None:
    """Similarity, probability, verdict, policy, reasons and words."""
    out = run("explain", "A", "B score 6 cosine 0.91")
    assert "0.910" in out
    assert "would be served" in out
    assert "max_error_rate 0.01" in out
    for part in ("replaced: big / large", "= large (synonym)", "left", "right"):
        assert part in out


@pytest.mark.parametrize(
    ("b", "reason"), [("B differs cosine 0.99", "a fact differs"), ("B score 1", "the probability is too low")]
)
def test_explain_tells_what_is_not_served(b: str, reason: str) -> None:
    """And names the policy's reason."""
    assert f"would not be served: {reason}" in run("explain", "A", b)


def test_explain_follows_the_configured_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the policy `threshold`, similarity decides even where a fact differs."""
    monkeypatch.setenv("ISARTOR__SEMANTIC_CACHE__POLICY", "threshold")
    out = run("explain", "A", "B differs cosine 0.9")
    assert "would be served" in out
    assert "whatever differs" in out


def test_explain_as_json_is_strict_json() -> None:
    """A fact that differs has no score, since JSON has no infinity."""
    shown = json.loads(run("explain", "--json", "A", "B differs cosine 0.9"))
    assert (shown["served"], shown["why_not"], shown["score"]) == (False, "differs", None)
    assert (shown["similarity"], shown["probability"]) == (0.9, 0.0)
    assert {"a": "left", "b": None, "how": ""} in shown["words"]
    assert shown["features"] == {"cosine": 0.9}


def test_explain_refuses_what_cannot_be_judged(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty question and one beyond the model's window are one line each."""
    assert "must not be empty" in fails(capsys, "explain", " ", "B")
    assert "longer than the model's window" in fails(capsys, "explain", "A", "long")


def test_explain_shows_control_characters_as_blanks() -> None:
    """What stands in a question cannot steer the terminal."""
    assert "\x1b" not in run("explain", "A\x1b[31m", "B\x1b[31m score 6 cosine 0.9")


# -- pairs


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a": "x", "b": "y"}', "missing required field `same`"),
        (b'{"a": "x", "b": "y", "same": "yes"}', "$.same"),
        (b'{"a": "x", "b": " ", "same": true}', "`b` is empty"),
        (b"not json", "malformed"),
        (b'{"a": "\xff", "b": "y", "same": true}', "expected"),
        (b"[1]", "Expected `object`"),
        (b"[" * 100_000, "expected"),
    ],
)
def test_a_bad_line_is_named(line: bytes, message: str, tmp_path: Path) -> None:
    """File and number of a line that is no pair, and what was expected there."""
    file = tmp_path / "pairs.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"a": "x", "b": "y", "same": true, "kind": "other"}\r\n\n' + line + b"\n")
    with pytest.raises(CommandError) as caught:
        pairs.read(file)
    assert f"{file}, line 3: " in caught.value.message
    assert message.lower() in caught.value.message.lower()
    assert "\n" not in caught.value.message


def test_files_that_hold_nothing_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, a folder and an empty file are one line."""
    empty = tmp_path / "empty"
    empty.write_text("\n")
    assert "cannot be read" in fails(capsys, "evaluate", "--pairs", str(tmp_path / "none"))
    assert "cannot be read" in fails(capsys, "calibrate", "--pairs", str(tmp_path))
    assert "holds no pair" in fails(capsys, "evaluate", "--pairs", str(empty))


# -- evaluate


def test_counts_and_intervals() -> None:
    """Precision and error are shares of the served, recall and false accept of either kind; of nothing there is none."""
    row = outcomes.row("p", 1, [(True, True)] * 6 + [(True, False)] * 2 + [(False, True)] * 2 + [(False, False)] * 10)
    assert row.precision is not None
    assert row.recall is not None
    assert row.error is not None
    assert row.false_accept is not None
    assert (row.precision.value, row.error.value) == (0.75, 0.25)
    assert (row.recall.value, row.false_accept.value) == (0.75, 2 / 12)
    assert row.error.low == pytest.approx(1 - row.precision.high)
    # R: prop.test(2, 8, correct = FALSE)
    assert (row.error.low, row.error.high) == (pytest.approx(0.0715, abs=1e-4), pytest.approx(0.5907, abs=1e-4))
    nothing = outcomes.row("p", 1, [(False, True)])
    assert (nothing.precision, nothing.error, nothing.false_accept) == (None, None, None)


def test_a_curve_takes_equal_scores_together() -> None:
    """One point for each bound that parts scores; what can never be served is in no point, but in what recall is of."""
    scored = [(3.0, True), (2.0, True), (2.0, False), (-math.inf, False), (-math.inf, True)]
    assert outcomes.curve(scored) == [(0.0, 1 / 3), (1 / 3, 2 / 3)]
    assert outcomes.curve([(1.0, False)]) == [(1.0, 0.0)]


def test_evaluate_prints_a_table_and_writes_a_plot(tmp_path: Path) -> None:
    """Each policy and setting has its row, and the PNG says its size."""
    rows = (
        [("score 6 cosine 0.95", True)] * 30 + [("differs cosine 0.97", False)] * 10 + [("score -2 cosine 0.3", False)]
    )
    out = tmp_path / "plot.png"
    shown = run("evaluate", "--pairs", str(write(tmp_path / "p.jsonl", *rows, ("long", True))), "--out", str(out))
    assert "verified 0.01 *" in shown
    assert "threshold 0.85" in shown
    assert "longer than the model's window, so never served: 1" in shown
    assert str(out) in shown.replace("\n", "")
    content = out.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert min(struct.unpack(">II", content[16:24])) > 400


def test_evaluate_as_json_has_the_same_numbers(tmp_path: Path) -> None:
    """Counts, shares and intervals by policy and setting, and the configured settings among them."""
    rows = [("score 6 cosine 0.95", True)] * 30 + [("differs cosine 0.97", False)] * 10
    file, out = write(tmp_path / "p.jsonl", *rows), tmp_path / "plot.png"
    shown = json.loads(run("evaluate", "--json", "--pairs", str(file), "--out", str(out)))
    by = {(row["policy"], row["setting"]): row for row in shown["rows"]}
    verified, cosine = by["verified", 0.01], by["threshold", 0.85]
    assert (verified["served_true"], verified["served_false"], verified["error"]["value"]) == (30, 0, 0.0)
    assert (cosine["served_true"], cosine["served_false"], cosine["false_accept"]["value"]) == (30, 10, 1.0)
    assert cosine["error"]["low"] < 0.25 < cosine["error"]["high"]


def test_a_plot_is_drawn_although_nothing_is_served(tmp_path: Path) -> None:
    """A file whose pairs all differ has no recall, and is no error."""
    file, out = write(tmp_path / "p.jsonl", ("differs cosine 0.1", False)), tmp_path / "plot.png"
    run("evaluate", "--pairs", str(file), "--out", str(out))
    assert out.exists()


def test_equal_numbers_give_equal_plots(tmp_path: Path) -> None:
    """No date is in the file."""
    file = write(tmp_path / "p.jsonl", ("score 6 cosine 0.95", True), ("score 1 cosine 0.9", False))
    for name in ("a.png", "b.png"):
        run("evaluate", "--pairs", str(file), "--out", str(tmp_path / name))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_plot_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line names the file."""
    file = write(tmp_path / "p.jsonl", ("score 6", True))
    assert "none/plot.png cannot be written" in fails(
        capsys, "evaluate", "--pairs", str(file), "--out", str(tmp_path / "none" / "plot.png")
    )


# -- calibrate


def scored(count: int) -> list[tuple[str, bool]]:
    """Pairs whose scores promise more than they keep: of those with 2 (88 %) only half are the same."""
    rows = [("score 2", number % 2 == 0) for number in range(count)]
    return [*rows, *[("score 8", True)] * count, *[("score -6", False)] * count]


def test_calibrate_writes_what_a_gateway_reads(place: Path, tmp_path: Path) -> None:
    """Fit, verifier, number and date, readable by its owner alone; it lies nearer to the pairs than the shipped fit."""
    out = run("calibrate", "--pairs", str(write(tmp_path / "p.jsonl", *scored(60), *[("differs", False)] * 5)))
    file = place / "home" / ".isartor" / calibration.FILE_NAME
    assert file.stat().st_mode & 0o777 == 0o600
    written = calibration.read(file)
    assert (written.model, written.pairs) == ("m", 185)
    assert abs(written.fit.probability(2) - 0.5) < abs(SHIPPED.fit.probability(2) - 0.5)
    assert "5 of them are decided by a fact" in out
    assert "cross-validated" in out
    assert str(file) in out.replace("\n", "")


def test_too_few_pairs_are_refused(tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With fewer than 20 of either kind nothing is written."""
    rows = [("score 2", True)] * 40 + [("score 2", False)] * 19
    assert "19 that are not; 20 of each are needed" in fails(
        capsys, "calibrate", "--pairs", str(write(tmp_path / "p.jsonl", *rows))
    )
    assert not (place / "home" / ".isartor").exists()


def test_no_pair_is_judged_by_a_fit_that_has_seen_it() -> None:
    """A pair's probability after is the same whatever its own label is."""
    rows = [(float(number % 7) - 3, number % 3 == 0) for number in range(60)]
    # The label moves the deal of the others, so both kinds are swapped: two pairs of one fold change places.
    before = calibrate.cross_validated(Fit(1.0, 0.0), rows)
    assert all(0 < p < 1 for p in before)
    alone = calibrate.cross_validated(Fit(1.0, 0.0), [(2.0, True)])
    assert alone == [Fit(1.0, 0.0).probability(2.0)]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("{}", "expected a JSON object with slope"),
        ('{"slope": 1, "intercept": 0, "model": "other"}', "made with another model"),
    ],
)
def test_a_calibration_that_does_not_fit_is_told_and_not_used(
    content: str, line: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shipped one then decides."""
    from isartor.cli.cache import judging

    file = place / "home" / ".isartor" / calibration.FILE_NAME
    file.parent.mkdir()
    file.write_text(content)
    assert judging.own_calibration("m") is None
    err = capsys.readouterr().err
    assert line in err
    assert "not used" in err


def test_an_own_calibration_decides(place: Path) -> None:
    """One that trusts scores less serves less."""
    b = "B score 6 cosine 0.9"
    assert "would be served" in run("explain", "A", b)
    careful = Calibration(slope=0.2, intercept=0.0, model="m", pairs=50, date="2026-01-01")
    calibration.write(place / "home" / ".isartor" / calibration.FILE_NAME, careful)
    assert "would not be served" in run("explain", "A", b)
