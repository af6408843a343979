"""Row 1: what a repeat costs, against a server that does nothing."""

from benches import baselines, client, fixtures
from benches.lab import Lab, stub_requests
from benches.results import Check, Definition, Result
from benches.rows import expect
from benches.wrk import Target

DEFINITION = Definition(
    row=1,
    title="L1a hit, 300-byte body",
    input="the same chat request of 300 bytes, 32 connections",
    expected="the stored reply, byte for byte, from L1a; the upstream sees one request only",
    rival="an empty Granian RSGI app with the same flags, which answers without reading the body",
)
CONNECTIONS = 32


def run(lab: Lab) -> Result:
    """Check, then compare."""
    body = fixtures.SMALL
    with lab.stub() as upstream, lab.gateway(upstream) as gateway, lab.baseline("empty") as rival:
        expect.hit(gateway, upstream, body)
        answer = client.post(rival.port, body)
        expect.require(answer.body == baselines.ANSWER, "the empty app is to give its answer", answer)
        before = stub_requests(upstream)
        rounds = lab.compare(Target(gateway.port, body, CONNECTIONS), Target(rival.port, body, CONNECTIONS))
        expect.still_hits(upstream, before)
    return Result(
        row=DEFINITION.row,
        checks=[Check("throughput, ours / empty app", rounds.ratios, 0.75, at_least=True, unit="ratio")],
        sides=rounds.sides("L1a hit", "empty Granian app", "req/s"),
        foreign_cores=rounds.cores,
        repeated_rounds=rounds.repeated,
    )
