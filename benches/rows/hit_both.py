"""Row 13: what L1a pays for L1b standing behind it."""

from statistics import median
from typing import Final

from benches import fixtures, questions
from benches.client import Connection
from benches.lab import Lab, stub_requests
from benches.processes import Server
from benches.results import Check, Definition, Result, Samples
from benches.rows import expect
from benches.wrk import Target

DEFINITION = Definition(
    row=13,
    title="L1a hit with L1b on",
    input="the same chat request of 300 bytes, 32 connections, as in row 1; and questions that nobody asked before, one "
    "after the other",
    expected="the stored reply, byte for byte, from L1a in both gateways, L1b active in one; the upstream sees one request "
    "of each only",
    rival="the same gateway with `cache_mode` exact, in alternating rounds of the same run",
    method=(
        (
            "What a miss waits longer because L1b has looked first is shown beside it, and not judged: both gateways are asked "
            "the same new questions in turn, and only those count that both have passed on"
        ),
    ),
)
CONNECTIONS: Final = 32
LEAST_RATIO: Final = 0.97


def run(lab: Lab) -> Result:
    """Check, then compare."""
    body = fixtures.SMALL
    with lab.stub() as upstream, lab.gateway(upstream) as exact, lab.semantic_gateway(upstream) as both:
        for gateway in (exact, both):
            expect.hit(gateway, upstream, body)
        before = stub_requests(upstream)
        rounds = lab.compare(Target(both.port, body, CONNECTIONS), Target(exact.port, body, CONNECTIONS))
        expect.still_hits(upstream, before)
        lab.wait_until_quiet()
        ours, theirs = misses(both, exact, 50 if lab.plan.quick else 300)
    return Result(
        row=DEFINITION.row,
        checks=[Check("throughput, both / exact", rounds.ratios, LEAST_RATIO, at_least=True, unit="ratio")],
        sides=[
            *rounds.sides("hit, `cache_mode` both", "hit, `cache_mode` exact", "req/s"),
            Samples("miss, `cache_mode` both, p50", "ms", [median(ours)]),
            Samples("miss, `cache_mode` exact, p50", "ms", [median(theirs)]),
        ],
        foreign_cores=rounds.cores,
        repeated_rounds=rounds.repeated,
    )


def misses(both: Server, exact: Server, count: int) -> tuple[list[float], list[float]]:
    """What new questions take from either, in ms."""
    times: tuple[list[float], list[float]] = ([], [])
    with Connection(both.port) as one, Connection(exact.port) as two:
        for _, (question, _) in zip(range(count), questions.wordings(19, lambda _: True), strict=False):
            answers = [connection.post(fixtures.chat(question)) for connection in (one, two)]
            for answer in answers:
                expect.require(answer.status == 200, "a question is to be answered", answer)
            if all(expect.layer(answer) == "l3" for answer in answers):
                for series, answer in zip(times, answers, strict=True):
                    series.append(answer.whole_secs * 1e3)
    expect.require(len(times[0]) > count / 2, "most new questions are to be misses")
    return times
