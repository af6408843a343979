"""Row 19: how long a report over a million requests takes."""

import os
from pathlib import Path
from typing import Final

import msgspec

from benches import usage_file
from benches.client import Connection
from benches.lab import Lab, Quiet
from benches.processes import Server
from benches.results import Check, Definition, Result, Samples
from benches.rows import expect
from benches.usage_file import Sums

DEFINITION = Definition(
    row=19,
    title="`/debug/usage` over 1,000,000 events",
    input="`usage.jsonl` with 1,000,000 events of the last 29 days: 5 providers, 12 models, 8 tenants, 6 tools, hits, misses "
    "and errors; `GET /debug/usage?hours=720`",
    expected="the sums of requests, tokens and cost that were added up while the file was written; no line corrupt, none left "
    "out",
    rival="a stop watch",
    method=(
        (
            "The lines are those that the gateway's own log makes of events, with other times put in. Cold is the first request "
            "to a new gateway, which reads the whole file, from the page cache; warm is the next one"
        ),
        "There is no load beside it, so the gateway has all CPUs here",
    ),
)
EVENTS: Final = 1_000_000
BOUND_SECS: Final = 1.0
HOURS: Final = 720
SLACK_USD: Final = 0.01


def run(lab: Lab) -> Result:
    """Write the file once, then ask new gateways."""
    home = lab.home()
    file = home / ".isartor" / "usage.jsonl"
    sums = usage_file.write(file, EVENTS // 20 if lab.plan.quick else EVENTS)
    cpus = tuple(sorted({*lab.cpus.server, *lab.cpus.load}))
    quiet = Quiet()
    with lab.stub() as upstream:

        def once() -> tuple[float, float]:
            with lab.gateway(upstream, home=home, cpus=cpus) as gateway:
                return asked(gateway, sums), asked(gateway, sums)

        once()  # Into the page cache.
        found = [lab.undisturbed(once, quiet) for _ in range(lab.plan.rounds)]
        evict(file)
        from_disk, _ = once()
    cold, warm = zip(*found, strict=True)
    return Result(
        row=DEFINITION.row,
        checks=[Check("cold", list(cold), BOUND_SECS, at_least=False, unit="s")],
        sides=[
            Samples("first request to a new gateway", "s", list(cold)),
            Samples("next request", "s", list(warm)),
            Samples("first request, file not in the page cache", "s", [from_disk]),
        ],
        notes=[f"{sums.requests:,} events in {file.stat().st_size / 2**20:,.0f} MiB"],
        foreign_cores=quiet.cores,
        repeated_rounds=quiet.repeated,
    )


def asked(gateway: Server, sums: Sums) -> float:
    """Seconds that one report takes; its numbers are checked."""
    with Connection(gateway.port) as connection:
        answer = connection.get(f"/debug/usage?hours={HOURS}")
    expect.require(answer.status == 200, "there is to be a report", answer)
    page = msgspec.json.decode(answer.body)
    counts = {
        "total_requests": sums.requests,
        "total_deflected_requests": sums.deflected,
        "total_tokens": sums.tokens,
        "total_saved_tokens": sums.saved_tokens,
        "errors_total": sums.errors,
    }
    for name, count in counts.items():
        expect.require(page[name] == count, f"{name} is to be {count}, not {page[name]}")
    for name, cost in (("estimated_cost_usd", sums.cost), ("estimated_saved_cost_usd", sums.saved_cost)):
        expect.require(abs(page[name] - cost) < SLACK_USD, f"{name} is to be {cost}, not {page[name]}")
    expect.require(page["log"]["corrupt_lines"] == 0, f"no line is to be corrupt: {page['log']}")
    return answer.whole_secs


def evict(file: Path) -> None:
    """Take a file out of the page cache."""
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)
