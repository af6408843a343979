"""Row 14: how much of realistic traffic is answered without the provider, and how much of that is wrong."""

import sys
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import msgspec

from benches import client, fixtures, intents
from benches.client import Connection
from benches.intents import Said
from benches.lab import Lab, stub_requests
from benches.processes import ROOT, Server, free_port
from benches.results import Check, Definition, Result, Table
from benches.rows import expect
from benches.rows.quality import percents, told
from isartor.cli.cache.outcomes import share

DEFINITION = Definition(
    row=14,
    title="FAQ and agent traffic",
    input="benches/semantic/faq.jsonl (what people type into the chats of a shop and a help desk) and agent.jsonl (what they "
    "ask coding agents), each text with its intent, shuffled with seed 0, sent one after the other",
    expected="a status of 200 each; what L3 answers is the request's own intent; the upstream sees what L3 answers and no more",
    rival="the same traffic with `semantic_cache.policy` threshold, similarity_threshold 0.85, as the seed has it",
    method=(
        (
            "A real gateway (`isartor up`, all defaults but for provider and TTL) with an upstream that answers a text with the "
            "name of its intent; a new gateway with an empty cache for each file and policy; all texts of a file with one system "
            "prompt, so that they share a scope"
        ),
        (
            "A reply is wrong if it names another intent than the request's; audits (audit_rate 0.02, as by default) are answered "
            "by L3 and count there; which they are is drawn at random. Intents are near neighbours on purpose: to cancel an order is not to cancel a subscription"
        ),
        "Of N texts with K intents at most N - K can be hits: the first of each intent has nothing to be answered from",
    ),
)
SEMANTIC: Final = ROOT / "benches" / "semantic"
FILES: Final = ("faq.jsonl", "agent.jsonl")
SEED: Final = 0
WRONG_PERCENT: Final = 1.0
POLICIES: Final = {
    "verified": {"ISARTOR__SEMANTIC_CACHE__POLICY": "verified"},
    "threshold 0.85": {"ISARTOR__SEMANTIC_CACHE__POLICY": "threshold", "ISARTOR__SIMILARITY_THRESHOLD": "0.85"},
}
SYSTEM: Final = {
    "faq.jsonl": "You answer customers of a web shop and of its help desk. Be brief.",
    "agent.jsonl": "You are a coding agent in a software project. Be brief.",
}


class Count(msgspec.Struct):
    """What became of one file under one policy."""

    file: str
    policy: str
    requests: int
    intents: int
    layers: Counter[str]
    wrong: Counter[str]
    audits: dict[str, int]

    def among(self, layer: str) -> str:
        """How many a layer answered, and what share of the requests that is."""
        return f"{self.layers[layer]} ({100 * self.layers[layer] / self.requests:.1f} %)"


def run(lab: Lab) -> Result:
    """Send each file to a gateway of either policy."""
    files = [SEMANTIC / name for name in FILES]
    counts = [sent(lab, file, policy) for policy in POLICIES for file in files]
    ours = [count for count in counts if count.policy == "verified"]
    served, wrong = sum(count.layers["l1b"] for count in ours), sum(count.wrong["l1b"] for count in ours)
    checks = []
    if served:
        checks.append(
            Check("wrong among the semantic hits, policy verified", percents(share(wrong, served)), WRONG_PERCENT,
                  at_least=False, unit="%")
        )  # fmt: skip
    return Result(row=DEFINITION.row, checks=checks, tables=[layers(counts), errors(counts)], notes=notes(counts))


def sent(lab: Lab, file: Path, policy: str) -> Count:
    """One file through one new gateway."""
    traffic = intents.shuffled(file, SEED)
    intent_of: dict[str, str] = {}
    for said in traffic:
        known = intent_of.setdefault(said.text, said.intent)
        expect.require(known == said.intent, f"{file.name}: a text is to have one intent: {said.text!r}")
    count = Count(file.name, policy, len(traffic), len(set(intent_of.values())), Counter(), Counter(), {})
    with provider(lab, file) as upstream, lab.semantic_gateway(upstream, POLICIES[policy]) as gateway:
        with Connection(gateway.port) as connection:
            for said in traffic:
                one(connection, said, file.name, count)
        asked = stub_requests(upstream)
        expect.require(
            asked == count.layers["l3"], f"the upstream is to see {count.layers['l3']} requests, not {asked}"
        )
        page = msgspec.json.decode(client.get(gateway.port, "/debug/stats/semantic").body)
        count.audits = page["audits"]
    return count


def provider(lab: Lab, file: Path) -> AbstractContextManager[Server]:
    """The upstream, on the load generator's CPUs."""
    port = free_port()
    command = [sys.executable, "-m", "benches.intents", "--port", str(port), str(file)]
    server = Server("intents", command, port=port, cpus=lab.cpus.load, home=lab.home())
    server.ready("/_stub/requests")
    return lab.running(server)


def one(connection: Connection, said: Said, file: str, count: Count) -> None:
    """Ask, and count who answered and whether it was right."""
    answer = connection.post(fixtures.chat(said.text, system=SYSTEM[file]))
    expect.require(answer.status == 200, "every request is to be answered", answer)
    layer, right = expect.layer(answer), expect.message(answer) == said.intent
    expect.require(right or layer != "l3", "L3 is to pass the upstream's answer", answer)
    count.layers[layer] += 1
    count.wrong[layer] += not right


def layers(counts: list[Count]) -> Table:
    """Who answered."""
    return Table(
        "Who answered",
        ["traffic", "policy", "requests", "intents", "L1a", "L1b", "L3", "hits at most"],
        [
            [
                count.file, count.policy, f"{count.requests}", f"{count.intents}", count.among("l1a"), count.among("l1b"),
                count.among("l3"), f"{100 * (1 - count.intents / count.requests):.1f} %",
            ]
            for count in counts
        ],
    )  # fmt: skip


def errors(counts: list[Count]) -> Table:
    """How many of the answers were wrong, with 95 % intervals (Wilson)."""
    rows = []
    for policy in POLICIES:
        mine = [count for count in counts if count.policy == policy]
        for name, group in (*((count.file, [count]) for count in mine), ("both", mine)):
            served, wrong = (sum(getattr(count, which)["l1b"] for count in group) for which in ("layers", "wrong"))
            every, asked = sum(count.wrong.total() for count in group), sum(count.requests for count in group)
            rows.append(
                [name, policy, f"{served}", told(wrong, share(wrong, served)), told(every, share(every, asked))]
            )
    return Table(
        "Wrong answers, with shares and their 95 % intervals (Wilson)",
        ["traffic", "policy", "semantic hits", "wrong among them", "wrong among all requests"],
        rows,
    )


def notes(counts: list[Count]) -> list[str]:
    """What the gateway itself found out."""
    return [
        f"{count.file}, {count.policy}: {count.audits['chosen']} audits, of which {count.audits['agree']} agreed, "
        f"{count.audits['disagree']} disagreed and {count.audits['unclear']} were unclear"
        for count in counts
    ]
