"""The plot of `isartor cache evaluate`, and the only module that imports matplotlib.

Recall over error: up is more hits, left is fewer wrong ones. A line is what a policy can do at any setting; a mark on
it is one setting, with the 95 % intervals of both shares as thin lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from isartor.cli.cache.outcomes import Row

_DPI: Final = 120
_MARKS: Final = "osD^vP*X"
_COLOURS: Final = {"verified": "#2b6cb0", "threshold": "#b7791f"}
_NAMES: Final = {"verified": "verified, max_error_rate", "threshold": "threshold, cosine"}
_LEAST_WIDTH: Final = 0.1


def write(path: Path, title: str, rows: list[Row], curves: dict[str, list[tuple[float, float]]]) -> None:
    """Write the picture as PNG. Raises `OSError`. `curves`: by policy, points of error and recall."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    # A figure of its own, without pyplot: no window system is looked for, no state is left behind.
    figure = Figure(figsize=(8, 5.2), layout="constrained")
    axes = figure.add_subplot()
    for policy, points in curves.items():
        axes.plot(
            [error for error, _ in points],
            [recall for _, recall in points],
            color=_COLOURS[policy],
            linewidth=1.2,
            alpha=0.6,
            label=f"{policy}, at any setting",
        )
        _points(axes, policy, [row for row in rows if row.policy == policy])
    reached = [row.error.high for row in rows if row.error is not None]
    axes.set_xlim(0, min(1.0, 1.05 * max([_LEAST_WIDTH, *reached])))
    axes.set_ylim(0, 1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("error: share of wrong answers among those served")
    axes.set_ylabel("recall: share of the pairs with one answer that are served")
    axes.set_title(title, fontsize=10)
    axes.grid(color="#e2e8f0", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    # Without a date in it, equal numbers give equal files.
    figure.savefig(path, format="png", dpi=_DPI, facecolor="white", metadata={"Software": None})


def _points(axes: Axes, policy: str, rows: list[Row]) -> None:
    colour = _COLOURS[policy]
    for place, row in enumerate(rows):
        if row.error is None or row.recall is None:
            continue  # nothing is served, so there is no error to show
        x, y = row.error, row.recall
        axes.errorbar(
            x.value,
            y.value,
            xerr=[[x.value - x.low], [x.high - x.value]],
            yerr=[[y.value - y.low], [y.high - y.value]],
            fmt=_MARKS[place % len(_MARKS)],
            color=colour,
            ecolor=colour,
            elinewidth=0.6,
            markersize=6,
            label=f"{_NAMES[policy]} {row.shown}",
        )
