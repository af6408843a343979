"""Row 3: what it costs to give a stored reply as a stream."""

from http import HTTPStatus

from benches import client, fixtures
from benches.client import Answer
from benches.lab import Lab, stub_requests
from benches.results import Check, Definition, Result
from benches.rows import expect
from benches.wrk import Target

DEFINITION = Definition(
    row=3,
    title="L1a hit replayed as a 50-chunk stream",
    input="one chat request, asked for as a stream of 50 chunks and as JSON, 32 connections",
    expected="from L1a, in both forms the same text; the stream in the upstream's chunks, up to [DONE]",
    rival="the JSON hit of the same gateway",
)
CONNECTIONS = 32
CHUNKS = 50


def run(lab: Lab) -> Result:
    """Check, then compare."""
    as_stream, as_json = fixtures.FIFTY_STREAM, fixtures.FIFTY_JSON
    with lab.stub() as upstream, lab.gateway(upstream) as gateway:
        first = client.post(gateway.port, as_stream)
        expect.require(
            first.status == HTTPStatus.OK and expect.layer(first) == "l3",
            "the first is to come from L3",
            first,
        )
        before = stub_requests(upstream)
        expect_both_forms(first, client.post(gateway.port, as_stream), client.post(gateway.port, as_json))
        rounds = lab.compare(Target(gateway.port, as_stream, CONNECTIONS), Target(gateway.port, as_json, CONNECTIONS))
        expect.still_hits(upstream, before)
    return Result(
        row=DEFINITION.row,
        checks=[Check("throughput, stream / JSON", rounds.ratios, 0.50, at_least=True, unit="ratio")],
        sides=rounds.sides("hit as a stream", "hit as JSON", "req/s"),
        foreign_cores=rounds.cores,
        repeated_rounds=rounds.repeated,
    )


def expect_both_forms(first: Answer, stream: Answer, whole: Answer) -> None:
    """Both forms come from L1a and say what the upstream's stream said."""
    expect.require(expect.layer(stream) == expect.layer(whole) == "l1a", "both forms are to come from L1a", stream)
    expect.require("text/event-stream" in stream.headers["content-type"], "a stream is to be SSE", stream)
    expect.require("application/json" in whole.headers["content-type"], "JSON is to be JSON", whole)
    said = expect.texts(first.body)
    expect.require(len(said) == CHUNKS, f"the upstream is to send {CHUNKS} chunks, not {len(said)}", first)
    expect.require(expect.texts(stream.body) == said, "the stream is to have the upstream's chunks", stream)
    expect.require(expect.message(whole) == "".join(said), "the JSON form is to have the stream's text", whole)
