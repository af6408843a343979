"""What the numbers were measured on, and how much of it was somebody else's during a round."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

PACKAGES: Final = ("isartor", "granian", "uvloop", "pyreqwest", "msgspec", "onnxruntime", "numpy")
TICK_SECS: Final = 1 / os.sysconf("SC_CLK_TCK")


class Machine(msgspec.Struct, frozen=True):
    """The machine, as the report prints it."""

    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    packages: dict[str, str]
    wrk: str
    date: str


def describe() -> Machine:
    """Look at the machine, now."""
    return Machine(
        cpu=cpu_model(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        kernel=platform.release(),
        python=platform.python_version(),
        packages={name: version(name) for name in PACKAGES},
        wrk=wrk_version(),
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def cpu_model() -> str:
    """The CPU's name as Linux gives it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def version(name: str) -> str:
    """An installed package's version."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def wrk_version() -> str:
    """The load generator's version: it prints it and exits 1."""
    words = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False).stdout.split()
    return words[1] if len(words) > 1 else "unknown"


class Cpus(msgspec.Struct, frozen=True):
    """Which CPUs the server under test gets and which the load generator (and the stub upstream) gets."""

    server: tuple[int, ...]
    load: tuple[int, ...]

    @classmethod
    def split(cls) -> "Cpus":
        """Half for the server, half for the load; with one CPU both share it."""
        cpus = sorted(os.sched_getaffinity(0))
        half = max(1, len(cpus) // 2)
        return cls(server=tuple(cpus[:half]), load=tuple(cpus[half:] or cpus))

    @classmethod
    def shared(cls) -> "Cpus":
        """Every CPU for everybody, and the kernel decides."""
        cpus = tuple(sorted(os.sched_getaffinity(0)))
        return cls(server=cpus, load=cpus)

    def __str__(self) -> str:
        if self.server == self.load:
            return f"server, load and stub unpinned on CPUs {listed(self.server)}"
        return f"server on CPU {listed(self.server)}, load and stub upstream on CPU {listed(self.load)}"


def listed(cpus: tuple[int, ...]) -> str:
    """CPU numbers as `taskset -c` takes them."""
    return ",".join(map(str, cpus))


def busy_secs() -> float:
    """CPU seconds that all processes of the machine have used, and that the host has taken away (steal)."""
    user, nice, system, _idle, _iowait, _irq, _softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + steal) * TICK_SECS


def fail(message: str) -> None:
    """End with one line on standard error."""
    sys.stderr.write(f"bench: {message}\n")
    sys.exit(1)
