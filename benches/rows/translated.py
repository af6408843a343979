"""Row 16: what it costs to answer a client in another format than its provider's."""

from typing import Final

import msgspec

from benches import client, fixtures, stub
from benches.lab import Lab, stub_requests
from benches.processes import Server
from benches.results import Check, Definition, Result
from benches.rows import expect
from benches.wrk import Target

DEFINITION = Definition(
    row=16,
    title="translated JSON",
    input="requests of Anthropic's messages API to a provider that speaks OpenAI's chat completions, 300 bytes, no two alike, "
    "16 connections",
    expected="each a message with the text of the upstream's reply to that very request, its stop reason and its tokens, "
    "from L3; every request reaches the upstream",
    rival="the same gateway's pass-through: chat completions of 300 bytes, in alternating rounds",
)
CONNECTIONS: Final = 16
CHECKED: Final = 50
LEAST_RATIO: Final = 0.60


def run(lab: Lab) -> Result:
    """Check, then compare."""
    ours, theirs = fixtures.DISTINCT_MESSAGE, fixtures.DISTINCT
    with lab.stub() as upstream, lab.gateway(upstream) as gateway:
        start = lab.serials(2 * CHECKED)
        expect.passes(gateway, upstream, theirs, range(start, start + CHECKED), via_gateway=True)
        translates(gateway, upstream, range(start + CHECKED, start + 2 * CHECKED))
        path, headers = client.MESSAGES_PATH, client.MESSAGES_HEADERS
        rounds = lab.compare(
            Target(gateway.port, ours, CONNECTIONS, distinct=True, path=path, headers=headers),
            Target(gateway.port, theirs, CONNECTIONS, distinct=True),
        )
    return Result(
        row=DEFINITION.row,
        checks=[
            Check("throughput, translated / pass-through", rounds.ratios, LEAST_RATIO, at_least=True, unit="ratio")
        ],
        sides=rounds.sides("translated", "pass-through", "req/s"),
        foreign_cores=rounds.cores,
        repeated_rounds=rounds.repeated,
    )


def translates(gateway: Server, upstream: Server, serials: range) -> None:
    """Each client of the messages API gets the upstream's reply as a message."""
    before = stub_requests(upstream)
    for serial in serials:
        sent = fixtures.numbered(fixtures.DISTINCT_MESSAGE, serial)
        answer = client.post(gateway.port, sent, path=client.MESSAGES_PATH, headers=client.MESSAGES_HEADERS)
        expect.require(answer.status == 200 and expect.layer(answer) == "l3", "a message is to come from L3", answer)
        reply = msgspec.json.decode(stub.json_reply(stub.directives(sent)))
        said = msgspec.json.decode(answer.body)
        text = reply["choices"][0]["message"]["content"]
        expect.require(said["content"] == [{"type": "text", "text": text}], "the text is to be the upstream's", answer)
        expect.require(said["type"] == "message" and said["stop_reason"] == "end_turn", "it is to be a message", answer)
        used = [said["usage"]["input_tokens"], said["usage"]["output_tokens"]]
        expect.require(
            used == [reply["usage"]["prompt_tokens"], reply["usage"]["completion_tokens"]],
            "its tokens are to be the upstream's",
            answer,
        )
    expect.require(stub_requests(upstream) == before + len(serials), "every message is to reach the upstream")
