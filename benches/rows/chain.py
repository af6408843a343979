"""Row 15: what a miss costs with everything on that stands between the gateway and its providers."""

from typing import Final

import msgspec

from benches import client, fixtures, stub
from benches.lab import Lab, stub_requests
from benches.processes import Server
from benches.results import Check, Definition, Result, Samples
from benches.rows import expect
from benches.wrk import Target

DEFINITION = Definition(
    row=15,
    title="pass-through with chain, key pool, usage and quotas",
    input="chat requests of 300 bytes, no two alike, 16 connections, as in row 4; a second provider behind the first, two "
    "keys in turn, usage written, a token and a cost quota with `block` that are never reached",
    expected="each the upstream's reply to that very request, from L3, asked with either key in turn; at the end every request "
    "that reached the upstream stands in `usage.jsonl`, with the upstream's tokens, and in the quotas",
    rival="pyreqwest alone inside the same Granian app, with the same stub upstream",
)
CONNECTIONS: Final = 16
CHECKED: Final = 50
LEAST_RATIO: Final = 0.50
KEYS: Final = ("sk-bench", "sk-bench-two")
INPUT_TOKENS: Final = 42
TOKENS: Final = 59
PLAIN: Final = {"ISARTOR__ENABLE_USAGE": "false"}


def run(lab: Lab) -> Result:
    """Check, compare, and count what was written down; a gateway without all of it is measured beside."""
    body = fixtures.DISTINCT
    home = lab.home()
    with (
        lab.stub() as upstream,
        lab.baseline("transport", upstream) as rival,
        lab.gateway(upstream, PLAIN) as plain,
        lab.gateway(upstream, everything(upstream), home) as gateway,
    ):
        before = stub_requests(upstream)
        start = lab.serials(CHECKED)
        expect.passes(gateway, upstream, body, range(start, start + CHECKED), via_gateway=True)
        takes_turns(lab, gateway)
        ours = Target(gateway.port, body, CONNECTIONS, distinct=True)
        lab.load(ours, 1.0)
        reached = stub_requests(upstream) - before
        counted(gateway, reached)
        rounds = lab.compare(ours, Target(rival.port, body, CONNECTIONS, distinct=True))
        alone = [lab.load(Target(plain.port, body, CONNECTIONS, distinct=True)).per_sec for _ in range(3)]
    written = expect.usage_lines(home)
    requests = sum(line.get("requests", 1) for line in written)
    whole = sum(line["status"] == 200 for line in written)
    # wrk stops in the middle: the last request of a connection may have found nobody who waited for its reply.
    expect.require(requests >= reached and whole >= len(written) * 0.99, "every request is to be written down")
    return Result(
        row=DEFINITION.row,
        checks=[Check("throughput, ours / bare transport", rounds.ratios, LEAST_RATIO, at_least=True, unit="ratio")],
        sides=[
            *rounds.sides("pass-through, everything on", "pyreqwest in Granian", "req/s"),
            Samples("pass-through, one provider, one key, no usage, no quota", "req/s", alone),
        ],
        notes=[f"{requests:,} requests stood in `usage.jsonl` at the end"],
        foreign_cores=rounds.cores,
        repeated_rounds=rounds.repeated,
    )


def everything(upstream: Server) -> dict[str, str]:
    """A configuration with all parts of the chain."""
    url = f"http://127.0.0.1:{upstream.port}/v1"
    keys = [{"key": key, "label": f"key {number}"} for number, key in enumerate(KEYS)]
    second = {"provider": "groq", "model": "bench-model", "api_key": "sk-second", "url": url}
    return {
        "ISARTOR__PROVIDER_KEYS": msgspec.json.encode(keys).decode(),
        "ISARTOR__FALLBACK_PROVIDERS": msgspec.json.encode([second]).decode(),
        "ISARTOR__QUOTA__OPENAI__DAILY_TOKEN_LIMIT": str(10**12),
        "ISARTOR__QUOTA__OPENAI__MONTHLY_COST_LIMIT_USD": str(10**6),
        "ISARTOR__QUOTA__OPENAI__ACTION_ON_LIMIT": "block",
        "ISARTOR__USAGE_PRICING__OPENAI__INPUT_COST_PER_MILLION_USD": "1",
        "ISARTOR__USAGE_PRICING__OPENAI__OUTPUT_COST_PER_MILLION_USD": "2",
    }


def takes_turns(lab: Lab, gateway: Server) -> None:
    """Both keys are used, one after the other."""
    start = lab.serials(CHECKED)
    used = []
    for serial in range(start, start + CHECKED):
        sent = fixtures.numbered(fixtures.KEYED, serial)
        answer = client.post(gateway.port, sent)
        said = {key: stub.json_reply(stub.directives(sent) | {b"key": key.encode()}) for key in KEYS}
        expect.require(answer.body in said.values(), "the upstream is to be asked with a key of the pool", answer)
        used.append(next(key for key, body in said.items() if body == answer.body))
    expect.require(used[:-1:2] == [used[0]] * (CHECKED // 2) and used[1] != used[0], "the keys are to take turns")


def counted(gateway: Server, reached: int) -> None:
    """Usage and quota know of every request that has reached the upstream."""
    page = expect.usage(gateway)
    left = reached - page["total_requests"]
    expect.require(abs(left) <= CONNECTIONS, f"{reached} requests reached L3, {page['total_requests']} are counted")
    daily = next(limit for limit in page["quota_status"][0]["limits"] if limit["unit"] == "tokens")
    expect.require(
        abs(reached - daily["used"] / TOKENS) <= CONNECTIONS + 1,
        f"{reached} requests of {TOKENS} tokens reached L3, the quota counts {daily['used']} tokens",
    )
