"""Row 12: what the semantic cache adds to a gateway's memory."""

import time
from typing import Final

import msgspec

from benches import fixtures, questions
from benches.client import Connection
from benches.inside import Weight
from benches.lab import Lab
from benches.processes import Server
from benches.results import Check, Definition, Result, Samples
from benches.rows import expect

DEFINITION = Definition(
    row=12,
    title="memory that L1b adds",
    input="two gateways, `cache_mode` exact and both, after the same 200 questions; and 10,000 and 100,000 entries with "
    "questions of 25 tokens",
    expected="every question answered, L1b active before anything is weighed; as many entries in the index as in the store",
    rival="the same gateway without L1b; the same store before the questions are kept",
    method=(
        (
            "Model and runtime: RSS of all processes of one gateway less that of the other, each a new process, after the model "
            "is loaded and has read 200 questions"
        ),
        (
            "Entries: in a process of its own the replies are stored, the process is weighed, their questions are kept, and it is "
            "weighed again. The texts are really embedded ones, used again and again with the vector turned at random (to a "
            "cosine of about 0.9), so that every entry has a vector of its own, in one scope"
        ),
        "1 MB is 1,000,000 bytes, 1 KB 1,000",
    ),
)
MODEL_MB: Final = 100.0
ENTRY_BYTES: Final = 1_200.0
MB: Final = 1e6
SETTLE_SECS: Final = 3.0


def run(lab: Lab) -> Result:
    """Weigh both gateways, then the entries."""
    rounds = 1 if lab.plan.quick else 3
    exact, both = [], []
    with lab.stub() as upstream:
        for _ in range(rounds):
            with lab.gateway(upstream) as gateway:
                exact.append(weighed(gateway))
            with lab.semantic_gateway(upstream) as gateway:
                both.append(weighed(gateway))
    sizes = (10_000,) if lab.plan.quick else (10_000, 100_000)
    found = [entries(lab, size, embedded=200 if lab.plan.quick else 2_000) for size in sizes]
    return Result(
        row=DEFINITION.row,
        checks=[
            Check("RSS, model and runtime", [b - a for a, b in zip(exact, both, strict=True)], MODEL_MB, at_least=False,
                  unit="MB"),
            *(
                Check(f"per entry of {weight.entries:,}, RSS", [weight.rss_bytes], ENTRY_BYTES, at_least=False, unit="B")
                for weight in found
            ),
            *(
                Check(f"per entry of {weight.entries:,}, as counted", [weight.own_bytes], ENTRY_BYTES, at_least=False, unit="B")
                for weight in found
            ),
        ],
        sides=[Samples("`cache_mode` exact, RSS", "MB", exact), Samples("`cache_mode` both, RSS", "MB", both)],
        notes=["as counted: what `GET /debug/stats/semantic` gives as bytes of the index"],
    )  # fmt: skip


def weighed(gateway: Server) -> float:
    """RSS after 200 questions, in MB."""
    with Connection(gateway.port) as connection:
        for place, (first, _) in zip(range(200), questions.wordings(17, lambda _: True), strict=False):
            answer = connection.post(fixtures.chat(first))
            expect.require(answer.status == 200, f"question {place} is to be answered", answer)
    time.sleep(SETTLE_SECS)
    return gateway.rss_bytes() / MB


def entries(lab: Lab, count: int, embedded: int) -> Weight:
    """What so many entries weigh."""
    arguments = ["benches.inside", "weigh", "--entries", str(count), "--count", str(embedded)]
    return msgspec.json.decode(lab.pinned(arguments), type=Weight)
