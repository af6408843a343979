"""Row 6: many slow streams at once, as a team of agents makes them."""

from benches.lab import Lab
from benches.processes import Server
from benches.results import Check, Definition, Result, Samples
from benches.stream_client import Ages

DEFINITION = Definition(
    row=6,
    title="300 streams of 30 chunks/s at once",
    input="300 streamed chat requests, no two alike, begun within a second, 30 chunks/s each for 10 s",
    expected="every stream whole: all its chunks and [DONE]",
    rival="the same 300 streams from the stub upstream directly; a chunk's delay is its age on arrival",
)
STREAMS = 300
GAP_US = 1_000_000 // 30
ADDED_MS = 20.0


def run(lab: Lab) -> Result:
    """Take turns; added delay is the p99 through the gateway less the p99 without it."""
    rounds, chunks = (1, 60) if lab.plan.quick else (3, 300)
    direct, via, bare = [], [], []
    with (
        lab.stub() as upstream,
        lab.gateway(upstream) as gateway,
        lab.baseline("transport", upstream) as transport,
    ):
        ages(lab, gateway, chunks=10)
        for _ in range(rounds):
            lab.wait_until_quiet()
            direct.append(ages(lab, upstream, chunks))
            via.append(ages(lab, gateway, chunks))
            bare.append(ages(lab, transport, chunks))
    added = [a.p99_ms - b.p99_ms for a, b in zip(via, direct, strict=True)]
    return Result(
        row=DEFINITION.row,
        checks=[
            Check("streams whole, of 300", [run.whole for run in via], STREAMS, at_least=True, unit="streams"),
            Check("added delay per chunk (p99)", added, ADDED_MS, at_least=False, unit="ms"),
        ],
        sides=[
            Samples("age of a chunk directly, p99", "ms", [run.p99_ms for run in direct]),
            Samples("age of a chunk through the gateway, p99", "ms", [run.p99_ms for run in via]),
            Samples("age of a chunk through the gateway, p50", "ms", [run.p50_ms for run in via]),
            Samples("age of a chunk through the gateway, longest", "ms", [run.max_ms for run in via]),
            Samples("age of a chunk through the bare transport, p99", "ms", [run.p99_ms for run in bare]),
        ],
        notes=[f"{sum(run.chunks for run in via):,} chunks came through the gateway"],
    )


def ages(lab: Lab, server: Server, chunks: int) -> Ages:
    """One run of the client."""
    options = {"streams": STREAMS, "chunks": chunks, "gap-us": GAP_US}
    return lab.client("benches.stream_client", server, options, Ages)
