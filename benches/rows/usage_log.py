"""Row 18: what it costs to write down what every request used."""

from typing import Final

from benches.lab import Lab
from benches.open_loop import Times
from benches.processes import Server
from benches.results import Check, Definition, Result, Samples
from benches.rows import expect

DEFINITION = Definition(
    row=18,
    title="usage at 1,000 requests/s",
    input="1,000 chat requests of 300 bytes a second, due at fixed times whether or not those before are answered; every "
    "other one is a hit, and no two of the rest are alike",
    expected="each answered with 200, half from L1a and half from L3; when the gateway has stopped, `usage.jsonl` tells of "
    "every single one",
    rival="the same gateway with `enable_usage` off, in alternating rounds",
    method=(
        (
            "A request's time is from when it was due to the end of its reply. What is judged is the 99th percentile of a round "
            "less that of the other gateway's round beside it"
        ),
    ),
)
RATE: Final = 1000
ADDED_MS: Final = 0.5
OFF: Final = {"ISARTOR__ENABLE_USAGE": "false"}


def run(lab: Lab) -> Result:
    """Take turns, stop the gateway, count the lines."""
    secs = 3 if lab.plan.quick else 10
    on: list[Times] = []
    off: list[Times] = []
    home = lab.home()
    with (
        lab.stub() as upstream,
        lab.gateway(upstream, OFF) as without,
        lab.gateway(upstream, home=home) as gateway,
    ):
        # Each run asks once more, for what is to be a hit.
        asked = [1 + times(lab, gateway, 1).sent]
        times(lab, without, 1)

        def with_usage() -> float:
            on.append(times(lab, gateway, secs))
            asked.append(1 + on[-1].sent)
            return on[-1].p99_ms

        def without_usage() -> float:
            off.append(times(lab, without, secs))
            return off[-1].p99_ms

        rounds = lab.alternate(with_usage, without_usage)
    lines = expect.usage_lines(home)
    written = sum(line.get("requests", 1) for line in lines)
    hits = sum(line.get("requests", 1) for line in lines if line["final_layer"] == "l1a")
    expect.require(
        abs(hits - written / 2) <= len(asked), f"half of what is written is to be hits: {hits} of {written} are"
    )
    expect.require(
        all(line["prompt_tokens"] == 42 * line.get("requests", 1) for line in lines), "tokens are to be the upstream's"
    )
    return Result(
        row=DEFINITION.row,
        checks=[
            Check("events lost", [float(sum(asked) - written)], 0, at_least=False, unit="events"),
            Check(
                "added (p99)",
                [a - b for a, b in zip(rounds.ours, rounds.theirs, strict=True)],
                ADDED_MS,
                at_least=False,
                unit="ms",
            ),
        ],
        sides=[
            Samples("with usage, p99", "ms", rounds.ours),
            Samples("without, p99", "ms", rounds.theirs),
            Samples("with usage, p50", "ms", [run.p50_ms for run in on]),
            Samples("without, p50", "ms", [run.p50_ms for run in off]),
            Samples("with usage, longest", "ms", [run.max_ms for run in on]),
            Samples("without, longest", "ms", [run.max_ms for run in off]),
        ],
        notes=[f"{written:,} events were written in {len(lines):,} lines"],
        foreign_cores=rounds.cores,
        repeated_rounds=rounds.repeated,
    )


def times(lab: Lab, server: Server, secs: int) -> Times:
    """One run of the client; half of the replies are to be hits."""
    found = lab.client("benches.open_loop", server, {"rate": RATE, "secs": secs, "hits": 1}, Times)
    expect.require(found.hits == found.misses == found.sent / 2, f"half are to be hits: {found}")
    return found
