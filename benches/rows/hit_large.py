"""Row 2: what a repeat costs when the request is long, as those of coding agents are."""

from benches import baselines, client, fixtures
from benches.lab import Lab, stub_requests
from benches.results import Check, Definition, Result
from benches.rows import expect
from benches.wrk import Target

DEFINITION = Definition(
    row=2,
    title="L1a hit, 100 KB body",
    input="the same chat request of 102,400 bytes, 32 connections",
    expected="the stored reply, byte for byte, from L1a; the upstream sees one request only",
    rival="a Granian RSGI app with the same flags, which reads the body and answers",
)
CONNECTIONS = 32


def run(lab: Lab) -> Result:
    """Check, then compare."""
    body = fixtures.LARGE
    with lab.stub() as upstream, lab.gateway(upstream) as gateway, lab.baseline("read_body") as rival:
        expect.hit(gateway, upstream, body)
        answer = client.post(rival.port, body)
        expect.require(answer.body == baselines.ANSWER, "the reading app is to give its answer", answer)
        before = stub_requests(upstream)
        rounds = lab.compare(Target(gateway.port, body, CONNECTIONS), Target(rival.port, body, CONNECTIONS))
        expect.still_hits(upstream, before)
    return Result(
        row=DEFINITION.row,
        checks=[Check("throughput, ours / body-reading app", rounds.ratios, 0.50, at_least=True, unit="ratio")],
        sides=rounds.sides("L1a hit", "body-reading Granian app", "req/s"),
        foreign_cores=rounds.cores,
        repeated_rounds=rounds.repeated,
    )
