"""Servers as processes: start, pin, wait until they answer, weigh, stop."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benches.client import answers
from benches.machine import TICK_SECS, listed

ROOT: Final = Path(__file__).resolve().parent.parent
READY_SECS: Final = 60.0
STOP_SECS: Final = 20.0


class DiedError(RuntimeError):
    """A server ended, or never answered; the message carries the end of its log."""


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """An environment without the caller's settings: an empty home, no proxies, no `ISARTOR__...`."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH", "VIRTUAL_ENV") if name in os.environ}
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return kept | {"HOME": str(home), "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"} | dict(extra)


class Server:
    """One server with its child processes, pinned to `cpus`, running in `home` and logging there."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        port: int,
        cpus: tuple[int, ...],
        home: Path,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.port = port
        self.log = home / f"{name}-{port}.log"
        self.started = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", listed(cpus), *command],
                cwd=home,
                env=environment(home, env or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __repr__(self) -> str:
        return f"Server({self.name}, port={self.port}, pid={self.process.pid})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def ready(self, path: str = "/healthz", timeout_secs: float = READY_SECS) -> Self:
        """Wait until an HTTP request is answered, whatever the answer."""
        deadline = time.monotonic() + timeout_secs
        while not answers(self.port, path):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise DiedError(self.epitaph())
            time.sleep(0.02)
        return self

    def epitaph(self) -> str:
        """Why the server is not there: the end of its log."""
        tail = self.log.read_text(errors="replace")[-2000:]
        return f"{self.name} did not answer on port {self.port}; its log ends:\n{tail}"

    def stop(self) -> None:
        """End the process and its group: politely, then not."""
        for number, patience in ((signal.SIGTERM, STOP_SECS), (signal.SIGKILL, STOP_SECS)):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue

    def pids(self) -> list[int]:
        """The process and its descendants."""
        return family(self.process.pid)

    def rss_bytes(self) -> int:
        """Resident memory, shared pages counted once per process (what `ps` and `top` add up to)."""
        return sum(field_kib(pid, "status", "VmRSS:") for pid in self.pids()) * 1024

    def pss_bytes(self) -> int:
        """Resident memory, shared pages divided by those who share them."""
        return sum(field_kib(pid, "smaps_rollup", "Pss:") for pid in self.pids()) * 1024

    def cpu_secs(self) -> float:
        """CPU time that the process and its living descendants have used."""
        return sum(cpu_secs(pid) for pid in self.pids())


def parents() -> dict[int, int]:
    """Each process of the machine with its parent."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := stat_fields(int(entry.name))):
            found[int(entry.name)] = int(stat[1])
    return found


def family(root: int) -> list[int]:
    """`root` and its descendants."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def stat_fields(pid: int) -> list[str]:
    """`/proc/PID/stat` from the state on (the name before it may hold spaces); empty if it has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def cpu_secs(pid: int) -> float:
    """CPU time of one process, without its children."""
    fields = stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) * TICK_SECS if fields else 0.0


def field_kib(pid: int, file: str, name: str) -> int:
    """One line of a `/proc/PID` file, in KiB; 0 for a process that has gone."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
