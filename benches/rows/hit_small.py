"""Row 1: what a repeat costs, against a server that does nothing."""

from statistics import median

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
    with (
        lab.stub() as upstream,
        lab.gateway(upstream) as gateway,
        lab.baseline("empty") as rival,
        lab.baseline("read_body") as reader,
    ):
        expect.hit(gateway, upstream, body)
        answer = client.post(rival.port, body)
        expect.require(answer.body == baselines.ANSWER, "the empty app is to give its answer", answer)
        before = stub_requests(upstream)
        ours, theirs = Target(gateway.port, body, CONNECTIONS), Target(rival.port, body, CONNECTIONS)
        rounds = lab.compare(ours, theirs)
        # What the server itself takes for reading a body: the share that no gateway on it can get back.
        reading = lab.compare(Target(reader.port, body, CONNECTIONS), theirs)
        expect.still_hits(upstream, before)
    return Result(
        row=DEFINITION.row,
        checks=[Check("throughput, ours / empty app", rounds.ratios, 0.75, at_least=True, unit="ratio")],
        sides=[
            *rounds.sides("L1a hit", "empty Granian app", "req/s"),
            reading.sides("app that reads the body and answers", "", "req/s")[0],
        ],
        notes=[f"an app that only reads the body reaches {median(reading.ratios):.2f} of the empty one in this run"],
        foreign_cores=rounds.cores,
        repeated_rounds=rounds.repeated,
    )
