"""Row 4: what a miss costs, against the HTTP client alone."""

from benches import fixtures
from benches.lab import Lab, stub_requests
from benches.results import Check, Definition, Result, Samples
from benches.rows import expect
from benches.wrk import Target

DEFINITION = Definition(
    row=4,
    title="pass-through JSON",
    input="chat requests of 300 bytes, no two alike, 16 connections",
    expected="each the upstream's reply to that very request, from L3; every request reaches the upstream",
    rival="pyreqwest alone inside the same Granian app, with the same stub upstream",
)
CONNECTIONS = 16
CHECKED = 50


def run(lab: Lab) -> Result:
    """Check, then compare; the stub's own ceiling is measured beside."""
    body = fixtures.DISTINCT
    with (
        lab.stub() as upstream,
        lab.gateway(upstream) as gateway,
        lab.baseline("transport", upstream) as rival,
    ):
        for server in (gateway, rival):
            start = lab.serials(CHECKED)
            serials = range(start + 1, start + CHECKED)
            expect.passes(server, upstream, body, serials, via_gateway=server is gateway)
        ceiling = lab.load(Target(upstream.port, body, CONNECTIONS, distinct=True)).per_sec
        before = stub_requests(upstream)
        ours = Target(gateway.port, body, CONNECTIONS, distinct=True)
        load = lab.load(ours, 1.0)
        # wrk stops in the middle: up to one request per connection reaches the upstream and is not counted.
        reached = stub_requests(upstream) - before
        expect.require(
            0 <= reached - load.requests <= CONNECTIONS, f"{load.requests} misses sent, {reached} reached L3"
        )
        rounds = lab.compare(ours, Target(rival.port, body, CONNECTIONS, distinct=True))
        with lab.baseline("own", upstream) as own:
            start = lab.serials(CHECKED)
            expect.passes(own, upstream, body, range(start + 1, start + CHECKED), via_gateway=False)
            native = [lab.load(Target(own.port, body, CONNECTIONS, distinct=True)).per_sec for _ in range(3)]
    return Result(
        row=DEFINITION.row,
        checks=[Check("throughput, ours / bare transport", rounds.ratios, 0.60, at_least=True, unit="ratio")],
        sides=[
            *rounds.sides("pass-through", "pyreqwest in Granian", "req/s"),
            Samples("Isartor's own transport in Granian", "req/s", native),
            Samples("stub upstream alone (ceiling)", "req/s", [ceiling]),
        ],
        foreign_cores=rounds.cores,
        repeated_rounds=rounds.repeated,
    )
