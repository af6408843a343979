"""Row 5: how much later the first byte of a stream is when it comes through the gateway."""

from contextlib import ExitStack
from statistics import median

from benches import fixtures
from benches.client import Connection
from benches.lab import Lab, Quiet
from benches.processes import Server
from benches.results import Check, Definition, Result, Samples
from benches.rows import expect

DEFINITION = Definition(
    row=5,
    title="first streamed byte, later than the upstream's own",
    input="streamed chat requests, no two alike, one connection, an upstream that thinks for 5 ms",
    expected="the upstream's five chunks, unchanged, from L3",
    rival="the stub upstream asked directly, request by request in turn",
)
THINK_US = 5_000
CHUNKS = 5
BOUND_MS = 1.0


def run(lab: Lab) -> Result:
    """Check, then take turns; the bare transport is measured beside, to show what of it is ours."""
    batches, size = (2, 25) if lab.plan.quick else (10, 50)
    quiet = Quiet()
    with lab.stub() as upstream, lab.gateway(upstream) as gateway, lab.baseline("transport", upstream) as bare:
        batch(lab, (upstream, gateway, bare), size)
        found = [lab.undisturbed(lambda: batch(lab, (upstream, gateway, bare), size), quiet) for _ in range(batches)]
    count = batches * size
    direct, via, alone = ([value for part in found for value in part[side]] for side in range(3))
    later = [a - b for a, b in zip(via, direct, strict=True)]
    return Result(
        row=DEFINITION.row,
        checks=[Check("first byte later by (p50)", spread(later), BOUND_MS, at_least=False, unit="ms")],
        sides=[
            Samples("upstream directly", "ms", spread(direct)),
            Samples("through the gateway", "ms", spread(via)),
            Samples("through the bare transport", "ms", spread(alone)),
        ],
        foreign_cores=quiet.cores,
        repeated_rounds=quiet.repeated,
        notes=[
            f"p50 over {count} requests; p99 later by {sorted(later)[int(count * 0.99)]:.2f} ms",
            f"of the p50 the bare transport takes {median(alone) - median(direct):.2f} ms",
        ],
    )


def batch(lab: Lab, servers: tuple[Server, Server, Server], size: int) -> list[list[float]]:
    """First-byte times in ms, for each server in turn; every answer is checked."""
    times: list[list[float]] = [[] for _ in servers]
    start = lab.serials(size)
    with ExitStack() as stack:
        connections = [stack.enter_context(Connection(server.port)) for server in servers]
        for serial in range(start, start + size):
            sent = fixtures.numbered(fixtures.first_byte(THINK_US), serial)
            direct, via, alone = answers = [connection.post(sent) for connection in connections]
            expect.require(via.body == direct.body, "the stream is to pass unchanged", via)
            expect.require(expect.layer(via) == "l3", "a distinct stream is to come from L3", via)
            expect.require(alone.body == direct.body, "the transport is to pass the stream unchanged", alone)
            expect.require(len(expect.texts(via.body)) == CHUNKS, "the stream is to have five chunks", via)
            for series, answer in zip(times, answers, strict=True):
                series.append(answer.first_byte_secs * 1e3)
    return times


def spread(values: list[float]) -> list[float]:
    """Minimum, median and maximum: enough for the report, where hundreds of values are not."""
    return [min(values), median(values), max(values)]
