"""Row 5: how much later the first byte of a stream is when it comes through the gateway."""

from statistics import median

from benches import fixtures
from benches.client import Connection
from benches.lab import Lab
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
    count = 50 if lab.plan.quick else 400
    body = fixtures.first_byte(THINK_US)
    with (
        lab.stub() as upstream,
        lab.gateway(upstream) as gateway,
        lab.baseline("transport", upstream) as bare,
    ):
        servers = (upstream, gateway, bare)
        times: dict[Server, list[float]] = {server: [] for server in servers}
        with Connection(upstream.port) as a, Connection(gateway.port) as b, Connection(bare.port) as c:
            for serial in range(start := lab.serials(2 * count), start + count + 20):
                sent = fixtures.numbered(body, serial)
                answers = [connection.post(sent) for connection in (a, b, c)]
                expect.require(answers[1].body == answers[0].body, "the stream is to pass unchanged", answers[1])
                expect.require(expect.layer(answers[1]) == "l3", "a distinct stream is to come from L3", answers[1])
                expect.require(
                    len(expect.texts(answers[1].body)) == CHUNKS,
                    "the stream is to have five chunks",
                    answers[1],
                )
                for server, answer in zip(servers, answers, strict=True):
                    times[server].append(answer.first_byte_secs * 1e3)
    direct, via, alone = (times[server][20:] for server in servers)
    later = [a - b for a, b in zip(via, direct, strict=True)]
    return Result(
        row=DEFINITION.row,
        checks=[Check("first byte later by (p50)", spread(later), BOUND_MS, at_least=False, unit="ms")],
        sides=[
            Samples("upstream directly", "ms", spread(direct)),
            Samples("through the gateway", "ms", spread(via)),
            Samples("through the bare transport", "ms", spread(alone)),
        ],
        notes=[
            f"p50 over {count} requests; p99 later by {sorted(later)[int(count * 0.99)]:.2f} ms",
            f"of the p50 the bare transport takes {median(alone) - median(direct):.2f} ms",
        ],
    )


def spread(values: list[float]) -> list[float]:
    """Minimum, median and maximum: enough for the report, where hundreds of values are not."""
    return [min(values), median(values), max(values)]
