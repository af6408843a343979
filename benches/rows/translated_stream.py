"""Row 17: how much later a chunk of a stream is because it is translated."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from benches import client, fixtures
from benches.lab import Lab, Quiet
from benches.processes import Server
from benches.results import Check, Definition, Result, Samples
from benches.rows import expect
from benches.stream_client import Ages

DEFINITION = Definition(
    row=17,
    title="translated stream",
    input="streamed requests of Anthropic's messages API to a provider that speaks OpenAI's chat completions: 4 streams, no two "
    "alike, a chunk every 10 ms in each, so that most chunks find an idle gateway",
    expected="every stream whole, from `message_start` to `message_stop`, a text delta for each chunk of the upstream's, with "
    "its text",
    rival="chat completions passed through the same gateway at the same time, 4 streams of the same chunks at the same pace",
    method=(
        (
            "Each chunk carries the time of its sending; its age on arrival is measured end to end. What is judged is the age "
            "of a translated chunk less that of one passed through, each the median of a run; both kinds run at once, so that "
            "whatever else the machine does meets both"
        ),
    ),
)
STREAMS: Final = 4
GAP_US: Final = 10_000
ADDED_MS: Final = 0.3
CHECKED_CHUNKS: Final = 20


def run(lab: Lab) -> Result:
    """Check, then run both at once; the stub upstream directly is measured after them."""
    chunks = 100 if lab.plan.quick else 400
    quiet = Quiet()
    with lab.stub() as upstream, lab.gateway(upstream) as gateway:
        translates(lab, gateway)
        for flags in ((), ("--messages",)):
            ages(lab, gateway, 10, *flags)

        def both() -> tuple[Ages, Ages, Ages]:
            with ThreadPoolExecutor(2) as pool:
                translated = pool.submit(ages, lab, gateway, chunks, "--messages")
                passed = pool.submit(ages, lab, gateway, chunks)
            return translated.result(), passed.result(), ages(lab, upstream, chunks)

        runs = [lab.undisturbed(both, quiet) for _ in range(lab.plan.rounds)]
    whole = [translated.whole for translated, _, _ in runs]
    expect.require(min(whole) == STREAMS, f"every stream is to be whole: {min(whole)} of {STREAMS} were")
    ours, theirs, direct = zip(*runs, strict=True)
    return Result(
        row=DEFINITION.row,
        checks=[
            Check(
                "added per chunk (p50)",
                [a.p50_ms - b.p50_ms for a, b in zip(ours, theirs, strict=True)],
                ADDED_MS,
                at_least=False,
                unit="ms",
            )
        ],
        sides=[
            Samples("age of a translated chunk, p50", "ms", [run.p50_ms for run in ours]),
            Samples("age of a chunk passed through, p50", "ms", [run.p50_ms for run in theirs]),
            Samples("age of a chunk directly, p50", "ms", [run.p50_ms for run in direct]),
            Samples("age of a translated chunk, p99", "ms", [run.p99_ms for run in ours]),
            Samples("age of a chunk passed through, p99", "ms", [run.p99_ms for run in theirs]),
        ],
        notes=[f"{sum(run.chunks for run in ours):,} chunks were translated"],
        foreign_cores=quiet.cores,
        repeated_rounds=quiet.repeated,
    )


def ages(lab: Lab, server: Server, chunks: int, *flags: str) -> Ages:
    """One run of the client."""
    options = {"streams": STREAMS, "chunks": chunks, "gap-us": GAP_US}
    return lab.client("benches.stream_client", server, options, Ages, *flags)


def translates(lab: Lab, gateway: Server) -> None:
    """The same question as a stream of either API has the same text, chunk by chunk."""
    serial = lab.serials()
    question = f"[[chunks={CHECKED_CHUNKS}]] [[gap_us=2000]] [[serial={fixtures.SERIAL}]]"
    passed = client.post(gateway.port, fixtures.numbered(fixtures.chat(question, stream=True), serial))
    answer = client.post(
        gateway.port,
        fixtures.numbered(fixtures.message(question, stream=True), serial + 1),
        path=client.MESSAGES_PATH,
        headers=client.MESSAGES_HEADERS,
    )
    expect.require(expect.layer(answer) == "l3", "a new stream is to come from L3", answer)
    events = [line.removeprefix("data: ") for line in answer.body.decode().split("\n") if line.startswith("data: ")]
    said = [msgspec.json.decode(event) for event in events]
    kinds = [event["type"] for event in said if event["type"] != "ping"]
    expect.require(kinds[0] == "message_start" and kinds[-1] == "message_stop", "a stream is to be whole", answer)
    texts = [event["delta"]["text"] for event in said if event["type"] == "content_block_delta"]
    expect.require(len(texts) == CHECKED_CHUNKS, f"a delta a chunk is to come, not {len(texts)}", answer)
    expect.require(texts == expect.texts(passed.body), "the text is to be the upstream's, chunk by chunk", answer)
