"""Row 7: what stays in memory, with nothing to do and after a million different requests."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benches import fixtures
from benches.lab import Lab, stub_requests
from benches.processes import Server
from benches.results import Check, Curve, Definition, Result, Samples
from benches.rows import expect
from benches.wrk import Target

DEFINITION = Definition(
    row=7,
    title="resident memory",
    input="nothing; then 1,000,000 chat requests, no two alike, with capacity 10,000; in another gateway "
    "requests with replies of 40,000 bytes, which fill the cache by bytes before by count",
    expected="all processes of the gateway together, RSS (shared pages counted once per process) and PSS",
    rival="an empty Granian app of the same flags, idle",
)
MIB = 2**20
IDLE_MIB = 90.0
CAPACITY = 10_000
CACHE_MAX_BYTES = 256 * MIB
SLACK = 1.3
SETTLE_SECS = 3.0
CONNECTIONS = 16
HEAVY_BYTES = 40_000
POINTS = 200


def run(lab: Lab) -> Result:
    """Weigh, fill, weigh."""
    many, heavy = (30_000, 5_000) if lab.plan.quick else (1_000_000, 60_000)
    with lab.stub() as upstream:
        with lab.baseline("empty") as empty:
            time.sleep(SETTLE_SECS)
            floor = weighed(empty)
        idle, by_count = filled(lab, upstream, "300-byte requests", fixtures.DISTINCT, many)
        _, by_bytes = filled(lab, upstream, "40 KB replies", fixtures.heavy(HEAVY_BYTES), heavy)
    return Result(
        row=DEFINITION.row,
        checks=[
            Check("RSS idle", [idle[0]], IDLE_MIB, at_least=False, unit="MiB"),
            *(
                Check(f"highest RSS in {curve.requests[-1]:,} misses, {curve.name}", [max(curve.rss_mib)],
                      curve.bound_mib, at_least=False, unit="MiB")
                for curve in (by_count, by_bytes)
            ),
        ],
        sides=[
            Samples("empty Granian app, RSS", "MiB", [floor[0]]),
            Samples("empty Granian app, PSS", "MiB", [floor[1]]),
            Samples("idle, RSS", "MiB", [idle[0]]),
            Samples("idle, PSS", "MiB", [idle[1]]),
        ],
        notes=[growth(curve) for curve in (by_count, by_bytes)],
        curves=[by_count, by_bytes],
    )  # fmt: skip


def filled(lab: Lab, upstream: Server, name: str, body: bytes, count: int) -> tuple[tuple[float, float], Curve]:
    """A new gateway, weighed idle, then on the way through `count` distinct misses."""
    env = {"ISARTOR__CACHE_MAX_CAPACITY": str(CAPACITY), "ISARTOR__CACHE_MAX_BYTES": str(CACHE_MAX_BYTES)}
    with lab.gateway(upstream, env) as gateway:
        time.sleep(SETTLE_SECS)
        idle = weighed(gateway)
        start = lab.serials(10)
        expect.passes(gateway, upstream, body, range(start, start + 10), via_gateway=True)
        curve = Curve(name, [0], [idle[0]], [idle[1]], bound_mib=idle[0] + CACHE_MAX_BYTES * SLACK / MIB)
        with sampling(gateway, upstream, curve):
            before = stub_requests(upstream)
            while stub_requests(upstream) - before < count:
                lab.load(Target(gateway.port, body, CONNECTIONS, distinct=True), 2.0 if lab.plan.quick else 10.0)
    return idle, thinned(curve)


@contextmanager
def sampling(gateway: Server, upstream: Server, curve: Curve) -> Iterator[None]:
    """Weigh the gateway every half second, and once more at the end."""
    base, stop = stub_requests(upstream), threading.Event()

    def sample() -> None:
        rss, pss = weighed(gateway)
        curve.requests.append(stub_requests(upstream) - base)
        curve.rss_mib.append(rss)
        curve.pss_mib.append(pss)

    def watch() -> None:
        while not stop.wait(0.5):
            sample()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()
        sample()


def weighed(server: Server) -> tuple[float, float]:
    """RSS and PSS of all processes, in MiB."""
    return round(server.rss_bytes() / MIB, 1), round(server.pss_bytes() / MIB, 1)


def thinned(curve: Curve) -> Curve:
    """The curve with at most `POINTS` points, its highest and last among them."""
    step = max(1, len(curve.requests) // POINTS)
    highest = curve.rss_mib.index(max(curve.rss_mib))
    kept = sorted({*range(0, len(curve.requests), step), highest, len(curve.requests) - 1})
    return Curve(
        curve.name,
        [curve.requests[n] for n in kept],
        [curve.rss_mib[n] for n in kept],
        [curve.pss_mib[n] for n in kept],
        curve.bound_mib,
    )


def growth(curve: Curve) -> str:
    """Whether the curve is flat in its second half."""
    half = next(n for n, requests in enumerate(curve.requests) if requests >= curve.requests[-1] / 2)
    change = curve.rss_mib[-1] - curve.rss_mib[half]
    return f"{curve.name}: {change:+.1f} MiB RSS over the second half of {curve.requests[-1]:,} requests"
