"""The report's pictures: small PNG files, readable on white and on dark pages."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter

from benches.results import Curve, Report, Tradeoff
from benches.rows import DEFINITIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS: Final = "#2b6cb0"
THEIRS: Final = "#a0aec0"
AMBER: Final = "#b7791f"
MARK: Final = "#c53030"
WRONG_SHARE: Final = 0.01
RIGHT_SHARE: Final = 0.70
DPI: Final = 96


def draw(report: Report, folder: Path) -> dict[str, str]:
    """Draw what there are numbers for; gives each file's name and caption."""
    drawn = {}
    if any(ratio_checks(report)):
        drawn[save(ratios(report), folder / "ratios.png")] = "Ratios by round, with what is required"
    if curves := [curve for result in report.results.values() for curve in result.curves]:
        drawn[save(memory(curves), folder / "memory.png")] = "Memory over distinct misses"
    if tradeoffs := [found for result in report.results.values() for found in result.tradeoffs]:
        drawn[save(quality(tradeoffs), folder / "quality.png")] = (
            "Paraphrases served over hard negatives served, pairs that were held out"
        )
    if any(rival.hit or rival.pass_through for rival in report.rivals):
        drawn[save(rivals(report), folder / "rivals.png")] = "Throughput beside other gateways"
    return drawn


def save(figure: "Figure", path: Path) -> str:
    """Write one picture without a date in it, so that equal numbers give equal files."""
    figure.savefig(path, dpi=DPI, bbox_inches="tight", facecolor="white", metadata={"Software": None})
    plt.close(figure)
    return path.name


def ratio_checks(report: Report) -> list[tuple[str, list[float], float]]:
    """Label, values and bound of every check that is a ratio."""
    return [
        (f"{row}. {DEFINITIONS[row].title}", check.values, check.bound)
        for row, result in sorted(report.results.items())
        for check in result.checks
        if check.unit == "ratio"
    ]


def ratios(report: Report) -> "Figure":
    """One bar a row: the median, a dot for each round, a line where the requirement is."""
    found = ratio_checks(report)
    figure, axes = plt.subplots(figsize=(8, 0.8 + 0.6 * len(found)))
    for place, (_, values, bound) in enumerate(found):
        axes.barh(place, sorted(values)[len(values) // 2], color=OURS, height=0.5)
        axes.plot(values, [place] * len(values), "o", color="black", markersize=3, alpha=0.6)
        axes.plot([bound, bound], [place - 0.35, place + 0.35], color=MARK, linewidth=2)
    axes.set_yticks(range(len(found)), [label for label, _, _ in found])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.05 * max(1.0, *(max(values) for _, values, _ in found)))
    axes.set_xlabel("ours / rival (red: required)")
    plain(axes)
    return figure


def memory(curves: list[Curve]) -> "Figure":
    """One panel a curve."""
    figure, panels = plt.subplots(1, len(curves), figsize=(5 * len(curves), 3.2), squeeze=False)
    for axes, curve in zip(panels[0], curves, strict=True):
        thousands = [requests / 1000 for requests in curve.requests]
        axes.plot(thousands, curve.rss_mib, color=OURS, label="RSS, all processes")
        axes.plot(thousands, curve.pss_mib, color=THEIRS, label="PSS")
        axes.axhline(curve.bound_mib, color=MARK, linewidth=1, label="bound")
        axes.set_title(curve.name, fontsize=10)
        axes.set_xlabel("thousand distinct misses")
        axes.set_ylabel("MiB")
        axes.set_ylim(0)
        axes.legend(fontsize=8, frameon=False)
        plain(axes)
    figure.tight_layout()
    return figure


def quality(tradeoffs: list[Tradeoff]) -> "Figure":
    """Up is more hits, left is fewer wrong ones; a dot is one setting, its lines the 95 % intervals."""
    figure, axes = plt.subplots(figsize=(8, 4.8))
    for tradeoff, colour in zip(tradeoffs, (OURS, AMBER), strict=False):
        wrong, recall = zip(*tradeoff.points, strict=True)
        axes.plot(wrong, recall, color=colour, linewidth=1.4, alpha=0.7, label=f"{tradeoff.policy}, at any setting")
        for mark, sign in zip(tradeoff.marks, "os^Dv", strict=False):
            (low, x, high), (under, y, over) = mark.wrong, mark.recall
            axes.errorbar(
                x, y, xerr=[[x - low], [high - x]], yerr=[[y - under], [over - y]],
                fmt=sign, color=colour, elinewidth=0.8, markersize=6, label=mark.label,
            )  # fmt: skip
    axes.axvline(WRONG_SHARE, color=MARK, linewidth=1, label="required: left of this, above that")
    axes.axhline(RIGHT_SHARE, color=MARK, linewidth=1)
    axes.set_xlim(-0.01, 1)
    axes.set_ylim(0, 1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("hard negatives served")
    axes.set_ylabel("paraphrases served")
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    plain(axes)
    return figure


def rivals(report: Report) -> "Figure":
    """Two panels, hits and pass-through, on a logarithmic scale."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 0.8 + 0.5 * len(report.rivals)), sharey=True)
    for axes, title, values in (
        (panels[0], "cache hits", [rival.hit_median for rival in report.rivals]),
        (panels[1], "pass-through", [rival.pass_through_median for rival in report.rivals]),
    ):
        numbers = [float(value.replace(",", "")) if value[0].isdigit() else 0.0 for value in values]
        bars = axes.barh(
            range(len(numbers)), numbers, color=[OURS, *[THEIRS] * len(numbers)][: len(numbers)], height=0.5
        )
        axes.bar_label(bars, values, padding=3, fontsize=8)
        axes.set_xscale("log")
        axes.set_xlim(10, 10 * max(*numbers, 1000.0))
        axes.set_title(f"{title}, requests per second", fontsize=10)
        axes.set_yticks(range(len(numbers)), [rival.name for rival in report.rivals])
        plain(axes)
    panels[0].invert_yaxis()
    figure.tight_layout()
    return figure


def plain(axes: "Axes") -> None:
    """No box around the picture."""
    axes.spines[["top", "right"]].set_visible(False)
