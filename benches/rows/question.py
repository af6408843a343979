"""Row 10: how long a question waits for L1b's answer."""

from statistics import median, quantiles
from typing import Final

import msgspec

from benches.inside import Speed
from benches.lab import Lab, Quiet
from benches.processes import ROOT
from benches.results import Check, Definition, Result, Samples
from benches.rows import expect

DEFINITION = Definition(
    row=10,
    title="embed + search + verdict",
    input="questions of 25 tokens, one after the other, among 10,000 stored ones of the same scope; every one is another "
    "wording of a stored one, and new to the embedder",
    expected="a stored question finds itself; of the timed ones nearly all have a candidate, so that there is a verdict",
    rival="a stop watch; the parts beside it",
    method=(
        (
            "In one process, without a server: the objects that a gateway has (bundled model with one ONNX Runtime thread, "
            "verifier, index over the exact store, policy `verified`), pinned to the server's CPUs, on uvloop"
        ),
        (
            "Stored are texts of benches/semantic (FAQ, agent, the tuning half of the pairs) and questions put together by "
            "benches/questions.py; timed is the second wording of stored ones"
        ),
        (
            "A time begins with the text and ends with the policy's decision. *Embed* is the model with its way to a thread and "
            "back, *read* what the verifier notes of a question, *find* the search with its one or two verdicts, and *one "
            "verdict* is timed by itself afterwards on the same pairs"
        ),
    ),
)
BOUND_MS: Final = 3.0
LEAST_FOUND: Final = 0.9
SEMANTIC: Final = ROOT / "benches" / "semantic"


def run(lab: Lab) -> Result:
    """Time them in a process of their own; their median is judged."""
    entries, asked = (1_000, 100) if lab.plan.quick else (10_000, 1_000)
    files = [SEMANTIC / name for name in ("faq.jsonl", "agent.jsonl", "pairs.jsonl")]
    # One run, never repeated: storing takes most of its time. What others took of the machine meanwhile is told.
    quiet = Quiet(repeated=lab.plan.rounds)
    arguments = [
        "--entries",
        str(entries),
        "--count",
        str(asked),
        "--files",
        *map(str, filter(lambda f: f.exists(), files)),
    ]
    printed = lab.undisturbed(lambda: lab.pinned(["benches.inside", "speed", *arguments]), quiet)
    found = msgspec.json.decode(printed, type=Speed)
    expect.require(found.stored == entries, f"{entries} questions are to be stored, not {found.stored}")
    expect.require(
        found.found >= LEAST_FOUND * asked, f"of {asked} questions {found.found} had a candidate, too few for a verdict"
    )
    parts = [("embed", found.embed), ("read", found.read), ("find", found.find), ("one verdict", found.verdict)]
    # Every tenth one belongs together: how steady the median is shows in minimum and maximum.
    tenths = [found.whole[start :: max(asked // 100, 1)] for start in range(max(asked // 100, 1))]
    p99 = quantiles(found.whole, n=100)[98]
    return Result(
        row=DEFINITION.row,
        checks=[
            Check("p50", [min(map(median, tenths)), median(found.whole), max(map(median, tenths))], BOUND_MS,
                  at_least=False, unit="ms"),
        ],
        sides=[
            Samples("whole, p50", "ms", [median(found.whole)]),
            Samples("whole, p99", "ms", [p99]),
            *(Samples(f"{name}, p50", "ms", [median(values)]) for name, values in parts),
            *(Samples(f"{name}, p99", "ms", [quantiles(values, n=100)[98]]) for name, values in parts),
        ],
        foreign_cores=quiet.cores,
        notes=[
            (f"{asked:,} questions among {found.stored:,}: {found.found:,} had a candidate, {found.nearest_is_first:,} the "
            f"stored wording of the same question, {found.served:,} would have been served"),
        ],
    )  # fmt: skip
