"""Row 11: the search by itself, where there are many entries, and whether it finds the nearest."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import msgspec

from benches.lab import Lab
from benches.machine import listed
from benches.processes import ROOT, DiedError
from benches.results import Check, Definition, Result, Table
from benches.rows import expect

DEFINITION = Definition(
    row=11,
    title="search alone",
    input="100,000 and 1,000,000 vectors of 384 components in one scope, made from a fixed seed: 50 around each of many "
    "centres; queries at a cosine of 0.95, 0.85 and 0.70 to an entry, and unrelated ones; and 100,000 embeddings by the "
    "bundled model, asked with the embeddings of paraphrases",
    expected="the entry that a scan over all vectors in single precision finds",
    rival="that scan, for the answers; a stop watch, for the time",
    method=(
        (
            "native/core/examples/index_bench.rs and index_vectors.rs, built with --release, pinned to the server's CPUs, one "
            "thread, one query at a time; Python has no part in the times"
        ),
        (
            "Embeddings: the distinct texts of tools/pairs but for the second texts of one paraphrase in five, which are the "
            "queries; up to 100,000, mixtures are added: a random one of the embeddings plus 0.2 to 0.8 times another, brought "
            "to length 1"
        ),
        (
            "Agreement is judged on all queries with paraphrases, and on those at a cosine of 0.85 of the made ones. A query "
            "whose nearest entry is below a cosine of 0.5 has no candidate whatever the search finds, so that the search is "
            "free to miss it; it is in the table all the same"
        ),
    ),
)
SMALLER: Final = 100_000
SMALLER_MS: Final = 0.2
MOST_MS: Final = 1.0
EXAMPLES: Final = ("index_bench", "index_vectors")
AGREE_PERCENT: Final = 99.0
HEAD: Final = re.compile(r"^(\d+) \w+ entries: ([\d.]+) us per insertion.*?, (\d+) bytes per entry", re.MULTILINE)
LINE: Final = re.compile(r"^ +([\w. ]+): agree ([\d.]+), p50 (\d+) us, p99 (\d+) us(?:, queries (\d+))?", re.MULTILINE)


class Line(msgspec.Struct, frozen=True):
    """One kind of query."""

    kind: str
    agree: float
    p50_us: float
    p99_us: float
    queries: int


class Run(msgspec.Struct, frozen=True):
    """What one example printed."""

    name: str
    entries: int
    insertion_us: float
    entry_bytes: float
    lines: list[Line]

    def line(self, kind: str) -> Line:
        """The line of that kind."""
        return next(line for line in self.lines if line.kind == kind)


def run(lab: Lab) -> Result:
    """Build, then run each."""
    sizes = ((20_000, 50),) if lab.plan.quick else ((100_000, 400), (1_000_000, 100))
    built = build()
    made = [
        example(lab, "made", built["index_bench"], str(entries), "clustered", str(count), count=count)
        for entries, count in sizes
    ]
    real, told = embedded(lab, built["index_vectors"])
    for found in [*made, real]:
        expect.require(len(found.lines) > 1, f"index of {found.entries:,}: the queries are to be of several kinds")
    judged = [*((found, "0.85") for found in made), (real, "all")]
    return Result(
        row=DEFINITION.row,
        checks=[
            *(
                Check(f"p50 among {found.entries:,} {found.name} vectors", [found.line(kind).p50_us / 1e3],
                      MOST_MS if found.entries > SMALLER else SMALLER_MS, at_least=False, unit="ms")
                for found, kind in judged
            ),
            *(
                Check(f"top-1 as by brute force, {found.entries:,} {found.name} vectors", [100 * found.line(kind).agree],
                      AGREE_PERCENT, at_least=True, unit="%")
                for found, kind in judged
                if found.entries <= SMALLER
            ),
        ],
        tables=[table([*made, real])],
        notes=[told],
    )  # fmt: skip


def build() -> dict[str, str]:
    """Compile both examples; where each is."""
    if shutil.which("cargo") is None:
        msg = "cargo is missing; row 11 needs a Rust toolchain"
        raise DiedError(msg)
    done = subprocess.run(
        ["cargo", "build", "--release", "--message-format", "json-render-diagnostics", "-p", "isartor-core",
         *(word for name in EXAMPLES for word in ("--example", name))],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = [msgspec.json.decode(line) for line in done.stdout.splitlines() if line.startswith("{")]
    built = {one["target"]["name"]: one["executable"] for one in told if one.get("executable")}
    if done.returncode or not built.keys() >= set(EXAMPLES):
        msg = f"the examples do not compile:\n{done.stderr[-2000:]}"
        raise DiedError(msg)
    return built


def example(lab: Lab, label: str, program: str, *arguments: str, count: int) -> Run:
    """Run one example and read its output."""
    lab.wait_until_quiet()
    done = subprocess.run(
        ["taskset", "-c", listed(lab.cpus.server), program, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    head = HEAD.search(done.stdout)
    if done.returncode or head is None:
        msg = f"{program} failed:\n{done.stderr[-2000:]}{done.stdout[-500:]}"
        raise DiedError(msg)
    lines = [
        Line(kind, float(agree), float(p50), float(p99), int(queries or count))
        for kind, agree, p50, p99, queries in LINE.findall(done.stdout)
    ]
    return Run(label, int(head[1]), float(head[2]), float(head[3]), lines)


def embedded(lab: Lab, program: str) -> tuple[Run, str]:
    """The index of embeddings, and what they are of."""
    entries, limit = (10_000, 2_000) if lab.plan.quick else (100_000, 100_000)
    home = lab.home()
    files = sorted((ROOT / "tools" / "pairs").glob("*.jsonl"))
    arguments = ["--entries", str(entries), "--count", str(limit), "--out", str(home), "--files", *map(str, files)]
    told = msgspec.json.decode(lab.pinned(["benches.inside", "vectors", *arguments]), type=dict[str, int])
    every, asked = home / "entries.f32", home / "queries.f32"
    try:
        found = example(lab, "embedded", program, str(every), str(asked), "384", count=told["queries"])
    finally:
        forget(every, asked)
    expect.require(found.entries == entries, f"{entries:,} embeddings are to be in the index, not {found.entries:,}")
    return found, (
        f"embedded: {told['real']:,} distinct texts, and {told['mixed']:,} mixtures; {told['queries']:,} paraphrases asked"
    )


def forget(*files: Path) -> None:
    """They are large."""
    for file in files:
        file.unlink(missing_ok=True)


def table(runs: list[Run]) -> Table:
    """Everything that the examples print."""
    return Table(
        "By kind of query: the cosine to the entry that it was made from, or (embedded) to the nearest entry",
        ["entries", "vectors", "queries", "number", "top-1 agrees", "p50", "p99", "insertion", "bytes per entry"],
        [
            [
                f"{found.entries:,}", found.name, line.kind, f"{line.queries:,}", f"{100 * line.agree:.1f} %",
                f"{line.p50_us:,.0f} µs", f"{line.p99_us:,.0f} µs", f"{found.insertion_us:.0f} µs", f"{found.entry_bytes:,.0f}",
            ]
            for found in runs
            for line in found.lines
        ],
    )  # fmt: skip
