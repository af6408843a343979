"""One run of wrk: closed loop, one thread, HTTP/1.1 keep-alive."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from benches.client import HEADERS, PATH
from benches.machine import listed

LUA: Final = Path(__file__).resolve().parent / "lua"


class Load(msgspec.Struct, frozen=True):
    """What wrk counted."""

    requests: int
    duration_us: int
    p50_us: int
    p99_us: int
    bad_status: int
    socket_errors: int

    @property
    def per_sec(self) -> float:
        """Requests answered per second."""
        return self.requests / self.duration_us * 1e6


class LoadError(RuntimeError):
    """A run in which not every request was answered with 2xx: its numbers mean nothing."""


class Target(msgspec.Struct, frozen=True):
    """Where wrk sends what: a fixed body, or one with a serial when `distinct`."""

    port: int
    body: bytes
    connections: int
    distinct: bool = False
    path: str = PATH
    headers: Mapping[str, str] = msgspec.field(default_factory=lambda: HEADERS)


def run(target: Target, *, secs: float, cpus: tuple[int, ...], start: int = 0) -> Load:
    """Load `target` for `secs` (wrk takes whole seconds; at least one); serials count from `start`."""
    script = LUA / ("distinct.lua" if target.distinct else "fixed.lua")
    with tempfile.NamedTemporaryFile() as body:
        body.write(target.body)
        body.flush()
        done = subprocess.run(
            ["taskset", "-c", listed(cpus), "wrk", "-t1", f"-c{target.connections}",
             f"-d{max(1, round(secs))}s", "--timeout", "30s", "-s", str(script),
             f"http://127.0.0.1:{target.port}{target.path}"],
            env=os.environ | {
                "BENCH_LUA": str(LUA),
                "BENCH_BODY": body.name,
                "BENCH_START": str(start),
                "BENCH_HEADERS": "\t".join(f"{name}: {value}" for name, value in target.headers.items()),
            },
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if line.startswith("BENCH "))
    load = msgspec.json.decode(line.removeprefix("BENCH "), type=Load)
    if load.bad_status or load.socket_errors:
        bad = f"{load.bad_status} replies not 2xx, {load.socket_errors} socket errors"
        msg = f"wrk on port {target.port}: {bad}"
        raise LoadError(msg)
    return load
