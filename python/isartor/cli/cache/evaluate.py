"""`isartor cache evaluate`: what each policy would serve of labelled pairs, as a table and a plot.

A policy of its own decides about the pairs, one after the other, as in a gateway that has just started: in an order
that is mixed, so that a file sorted by kind gives the same, but always mixed alike. Nothing is learned on the way.
"""

from __future__ import annotations

import math
import random
import sys
from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.cli.cache import judging, outcomes, plot
from isartor.cli.cache.pairs import read
from isartor.cli.cache.progress import judged_all
from isartor.cli.failures import DONE, CommandError
from isartor.config import load
from isartor.stack.l1b.policy import Action

if TYPE_CHECKING:
    from pathlib import Path

    from isartor.cli.cache.judging import Judged
    from isartor.cli.cache.outcomes import Row, Share
    from isartor.config import Config
    from isartor.stack.l1b.policy import Policy

    Labelled = list[tuple[Judged | None, bool]]

_RATES: Final = (0.005, 0.01, 0.02, 0.05)
_COSINES: Final = (0.80, 0.82, 0.85, 0.88, 0.90, 0.92, 0.95)


def run(file: Path, out: Path, *, as_json: bool) -> int:
    """Judge, count, print, draw."""
    config = load()
    pairs = read(file)
    judge = judging.Judge(config.semantic_cache.threads)
    own = judging.own_calibration(judge.digest)
    labelled = judged_all(judge, pairs)
    random.Random(0).shuffle(labelled)  # noqa: S311 # no secret
    settings = config.semantic_cache.max_error_rate, config.similarity_threshold
    rows = [
        _row("verified", rate, judging.verified(judge, own, rate), labelled) for rate in sorted({*_RATES, settings[0]})
    ]
    rows += [
        _row("threshold", cosine, judging.threshold(judge, cosine), labelled)
        for cosine in sorted({*_COSINES, settings[1]})
    ]
    title = f"{file.name}: {rows[0].same} pairs with one answer, {rows[0].different} with two"
    too_long = sum(judged is None for judged, _ in labelled)
    _draw(out, title, rows, labelled)
    if as_json:
        document = {
            "pairs": len(pairs),
            "too_long": too_long,
            "calibration": "shipped" if own is None else "own",
            "rows": [_document(row) for row in rows],
            "plot": str(out),
        }
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")
        return DONE
    _table(title, rows, config)
    if own is not None:
        sys.stdout.write(f"calibrated here with {own.pairs} pairs; if these are among them, expect less of others\n")
    if too_long:
        sys.stdout.write(f"longer than the model's window, so never served: {too_long}\n")
    sys.stdout.write(f"plot: {out}\n")
    return DONE


def _row(name: str, setting: float, policy: Policy, labelled: Labelled) -> Row:
    return outcomes.row(name, setting, ((_served(policy, judged), same) for judged, same in labelled))


def _served(policy: Policy, judged: Judged | None) -> bool:
    if judged is None:
        return False
    decision = policy.decide(judged, audits=False)
    if decision.action is not Action.SERVE:
        return False
    policy.served(decision)
    return True


def _draw(out: Path, title: str, rows: list[Row], labelled: Labelled) -> None:
    curves = {
        "verified": outcomes.curve([(one.verdict.score if one else -math.inf, same) for one, same in labelled]),
        "threshold": outcomes.curve([(one.similarity if one else -math.inf, same) for one, same in labelled]),
    }
    try:
        plot.write(out, title, rows, curves)
    except OSError as error:
        message = f"{out} cannot be written: {error.strerror or error}"
        raise CommandError(message) from None


def _document(row: Row) -> dict[str, Any]:
    shares = {name: getattr(row, name) for name in ("precision", "recall", "error", "false_accept")}
    return {**msgspec.to_builtins(row), **msgspec.to_builtins(shares)}


def _table(title: str, rows: list[Row], config: Config) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("policy", no_wrap=True)
    for heading in ("true", "false", "precision", "recall", "error", "false acc."):
        table.add_column(heading, justify="right", no_wrap=True)
    before = ""
    for row in rows:
        if before not in {"", row.policy}:
            table.add_section()
        before = row.policy
        in_use = (config.semantic_cache.policy, _setting(config)) == (row.policy, row.setting)
        shares = (_share(one) for one in (row.precision, row.recall, row.error, row.false_accept))
        name = f"{row.policy} {row.shown}{' *' if in_use else ''}"
        table.add_row(name, str(row.served_true), str(row.served_false), *shares)
    console = Console(highlight=False)
    console.print(title, markup=False)
    console.print()
    console.print(table)
    console.print()
    console.print("true, false: served rightly, wrongly; false acc.: of the pairs with two answers.")
    console.print("Below each share its 95 % interval, in %. *: as configured.", markup=False)


def _setting(config: Config) -> float:
    verified = config.semantic_cache.policy == "verified"
    return config.semantic_cache.max_error_rate if verified else config.similarity_threshold


def _share(share: Share | None) -> str:
    if share is None:
        return "-"
    return f"{100 * share.value:.1f} %\n{100 * share.low:.1f}-{100 * share.high:.1f}"
