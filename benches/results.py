"""What a bench says of itself, and what it found."""

import statistics
from typing import Literal, TypeAlias

import msgspec

from benches.machine import Machine

Unit: TypeAlias = Literal["ratio", "ms", "MiB", "s", "streams", "req/s", "%", "MB", "B", "µs", "events"]
NONE = "-"
DIGITS: dict[str, int] = {
    "ratio": 2, "ms": 2, "MiB": 1, "s": 2, "streams": 0, "req/s": 0, "%": 1, "MB": 1, "B": 0, "µs": 0, "events": 0,
}  # fmt: skip


class Definition(msgspec.Struct, frozen=True):
    """One row of the table of requirements: what goes in, what must come out, and what it is held against."""

    row: int
    title: str
    input: str
    expected: str
    rival: str
    method: tuple[str, ...] = ()
    """How it is done, sentence by sentence, where that is not plain from the rest."""


class Samples(msgspec.Struct, frozen=True):
    """One side's measurements, a value for each round."""

    name: str
    unit: Unit
    values: list[float]

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)


class Check(msgspec.Struct, frozen=True):
    """One number that is judged: the median of `values` against `bound`."""

    what: str
    values: list[float]
    bound: float
    at_least: bool
    unit: Unit

    @property
    def median(self) -> float:
        """The value that is judged."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        """Whether the requirement is met."""
        return self.median >= self.bound if self.at_least else self.median <= self.bound

    @property
    def verdict(self) -> str:
        """`met`, or by how much not."""
        return "met" if self.met else f"**short by {shown(abs(self.median - self.bound), self.unit)}**"

    @property
    def required(self) -> str:
        """The bound as the table prints it."""
        return f"{'≥' if self.at_least else '≤'} {shown(self.bound, self.unit)}"


class Curve(msgspec.Struct, frozen=True):
    """Memory over the number of requests served."""

    name: str
    requests: list[int]
    rss_mib: list[float]
    pss_mib: list[float]
    bound_mib: float


class Table(msgspec.Struct, frozen=True):
    """Further figures. The first column is text."""

    caption: str
    header: list[str]
    rows: list[list[str]]


class Mark(msgspec.Struct, frozen=True):
    """One setting of a policy: its shares, each as lower bound, value, upper bound."""

    label: str
    wrong: tuple[float, float, float]
    recall: tuple[float, float, float]


class Tradeoff(msgspec.Struct, frozen=True):
    """What a policy could do at any setting, as shares of wrong ones served and of right ones served."""

    policy: str
    points: list[tuple[float, float]]
    marks: list[Mark]


class Result(msgspec.Struct, frozen=True):
    """What one bench found."""

    row: int
    checks: list[Check]
    sides: list[Samples] = []
    notes: list[str] = []
    curves: list[Curve] = []
    tables: list[Table] = []
    tradeoffs: list[Tradeoff] = []
    foreign_cores: float = 0.0
    repeated_rounds: int = 0
    pinning: str = ""
    date: str = ""


class Rival(msgspec.Struct, frozen=True):
    """What one other gateway did with the same load, Isartor beside it in the same rounds."""

    name: str
    version: str
    hit: list[float] = []
    pass_through: list[float] = []
    idle_rss_mib: float = 0.0
    loaded_rss_mib: float = 0.0
    note: str = ""

    @property
    def hit_median(self) -> str:
        """Hits per second as the report prints it."""
        return f"{statistics.median(self.hit):,.0f}" if self.hit else NONE

    @property
    def pass_through_median(self) -> str:
        """Misses per second as the report prints it."""
        return f"{statistics.median(self.pass_through):,.0f}" if self.pass_through else NONE


class Report(msgspec.Struct):
    """Everything the report is rendered from; kept beside it as `results.json`."""

    machine: Machine
    results: dict[int, Result] = {}
    rivals: list[Rival] = []


def shown(value: float, unit: Unit) -> str:
    """A value with its unit, as the report prints it."""
    text = f"{value:,.{DIGITS[unit]}f}"
    return text if unit == "ratio" else f"{text} {unit}"
