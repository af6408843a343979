"""The bench's tools: the servers it compares, and rounds that alternate between them."""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Final, Self, TypeVar

import msgspec

from benches import client, wrk
from benches.machine import Cpus, busy_secs, listed
from benches.processes import ROOT, DiedError, Server, environment, free_port
from benches.results import Samples, Unit

T = TypeVar("T")

FOREIGN_CORES: Final = 0.10
QUIET_SECS: Final = 0.3
BOTH: Final = {"ISARTOR__CACHE_MODE": "both"}
"""With the semantic cache on, as it is by default."""
LOADED_SECS: Final = 30.0


class Plan(msgspec.Struct, frozen=True):
    """How long and how often. `quick` proves that everything runs; its numbers prove nothing."""

    quick: bool = False
    rounds: int = 7
    round_secs: float = 3.0
    patience_secs: float = 15.0

    @classmethod
    def quickly(cls) -> "Plan":
        """A plan for trying out."""
        return cls(quick=True, rounds=3, round_secs=1.0, patience_secs=3.0)


class Quiet(msgspec.Struct):
    """How far other processes were in the way: cores they took in each round, rounds done again for it."""

    foreign: list[float] = []
    repeated: int = 0

    @property
    def cores(self) -> float:
        """What others took in the median round."""
        return median(self.foreign)


class Rounds(Quiet):
    """Measurements of two sides, taken in turn."""

    ours: list[float] = []
    theirs: list[float] = []

    @property
    def ratios(self) -> list[float]:
        """Ours over theirs, round by round."""
        return [a / b for a, b in zip(self.ours, self.theirs, strict=True)]

    def sides(self, ours: str, theirs: str, unit: Unit) -> list[Samples]:
        """Both sides, for the report."""
        return [Samples(ours, unit, self.ours), Samples(theirs, unit, self.theirs)]


class Lab:
    """Starts servers (each in a home of its own, all pinned the same way) and compares them."""

    def __init__(self, plan: Plan, cpus: Cpus) -> None:
        self.plan = plan
        self.cpus = cpus
        self.servers: list[Server] = []
        self.serial = 0

    def __enter__(self) -> Self:
        self.cleanup = ExitStack()
        self.root = Path(self.cleanup.enter_context(tempfile.TemporaryDirectory(prefix="isartor-bench-")))
        return self

    def __exit__(self, *_: object) -> None:
        self.cleanup.close()

    def say(self, text: str) -> None:
        """Progress, on standard error."""
        sys.stderr.write(f"bench: {text}\n")

    def home(self) -> Path:
        """A new empty directory."""
        return Path(tempfile.mkdtemp(dir=self.root))

    @contextmanager
    def running(self, server: Server) -> Iterator[Server]:
        """A server whose CPU time counts as ours, stopped at the end."""
        with server:
            self.servers.append(server)
            try:
                yield server
            finally:
                self.servers.remove(server)

    @contextmanager
    def stub(self) -> Iterator[Server]:
        """The stub upstream, on the load generator's CPUs."""
        port = free_port()
        command = [sys.executable, "-m", "benches.stub", "--port", str(port)]
        with self.running(Server("stub", command, port=port, cpus=self.cpus.load, home=self.home())) as server:
            yield server.ready("/_stub/requests")

    def baseline_server(self, app: str, upstream: Server | None = None) -> Server:
        """One of `benches/baselines.py`, started and not waited for."""
        port = free_port()
        command = [sys.executable, "-m", "benches.baselines", app, "--port", str(port)]
        if upstream:
            command += ["--upstream", f"http://127.0.0.1:{upstream.port}"]
        return Server(app, command, port=port, cpus=self.cpus.server, home=self.home())

    @contextmanager
    def baseline(self, app: str, upstream: Server | None = None) -> Iterator[Server]:
        """One of `benches/baselines.py`, answering."""
        with self.running(self.baseline_server(app, upstream)) as server:
            yield server.ready()

    def gateway_server(
        self,
        upstream: Server,
        env: Mapping[str, str] | None = None,
        home: Path | None = None,
        cpus: tuple[int, ...] | None = None,
    ) -> Server:
        """`isartor up`, started and not waited for, with the stub as its provider; in a new home if none is given.

        On its defaults, but without the semantic cache: rows that are about L1b say so.
        """
        port = free_port()
        settings = {
            "ISARTOR__LLM_PROVIDER": "openai",
            "ISARTOR__EXTERNAL_LLM_URL": f"http://127.0.0.1:{upstream.port}/v1",
            "ISARTOR__EXTERNAL_LLM_API_KEY": "sk-bench",
            "ISARTOR__CACHE_TTL_SECS": "3600",
            "ISARTOR__CACHE_MODE": "exact",
        }
        command = [*isartor(), "up", "--port", str(port)]
        settings |= env or {}
        home = self.home() if home is None else home
        return Server("isartor", command, port=port, cpus=cpus or self.cpus.server, home=home, env=settings)

    @contextmanager
    def gateway(
        self,
        upstream: Server,
        env: Mapping[str, str] | None = None,
        home: Path | None = None,
        cpus: tuple[int, ...] | None = None,
    ) -> Iterator[Server]:
        """`isartor up`, answering."""
        with self.running(self.gateway_server(upstream, env, home, cpus)) as server:
            yield server.ready()

    @contextmanager
    def semantic_gateway(self, upstream: Server, env: Mapping[str, str] | None = None) -> Iterator[Server]:
        """`isartor up` with the semantic cache on and its model loaded."""
        with self.gateway(upstream, BOTH | dict(env or {})) as server:
            deadline = time.monotonic() + LOADED_SECS
            while (state := l1b_state(server)) != "active":
                if not state.startswith("loading") or time.monotonic() > deadline:
                    msg = f"the semantic cache is not active but {state}; {server.epitaph()}"
                    raise DiedError(msg)
                time.sleep(0.05)
            yield server

    def pinned(self, arguments: Sequence[str], *, timeout_secs: float = 600.0) -> bytes:
        """What a module of these benches prints, run by itself on the server's CPUs."""
        done = subprocess.run(
            ["taskset", "-c", listed(self.cpus.server), sys.executable, "-m", *arguments],
            env=environment(ROOT, {}), capture_output=True, timeout=timeout_secs, check=False,
        )  # fmt: skip
        if done.returncode:
            msg = f"{' '.join(arguments)} failed:\n{done.stderr.decode(errors='replace')[-2000:]}"
            raise DiedError(msg)
        return done.stdout

    def client(self, module: str, server: Server, options: Mapping[str, int], kind: type[T], *flags: str) -> T:
        """What a load generator of these benches found, run by itself on the load generator's CPUs."""
        command = [sys.executable, "-m", module, "--port", str(server.port), "--start", str(self.serials()), *flags]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        done = subprocess.run(
            ["taskset", "-c", listed(self.cpus.load), *command],
            env=environment(ROOT, {}), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            msg = f"{' '.join(command)} failed:\n{done.stderr[-2000:]}"
            raise wrk.LoadError(msg)
        return msgspec.json.decode(done.stdout, type=kind)

    def serials(self, count: int = 10**8) -> int:
        """The start of `count` numbers that no other request of this run has."""
        start = self.serial
        self.serial += count
        return start

    def load(self, target: wrk.Target, secs: float | None = None) -> wrk.Load:
        """One run of wrk, on the load generator's CPUs."""
        start = self.serials() if target.distinct else 0
        return wrk.run(target, secs=secs or self.plan.round_secs, cpus=self.cpus.load, start=start)

    def compare(self, ours: wrk.Target, theirs: wrk.Target) -> Rounds:
        """Throughput of two targets in alternating rounds, after a second of warming up each."""
        self.load(ours, 1.0)
        self.load(theirs, 1.0)
        return self.alternate(lambda: self.load(ours).per_sec, lambda: self.load(theirs).per_sec)

    def alternate(self, ours: Callable[[], float], theirs: Callable[[], float]) -> Rounds:
        """A B, B A, A B, ...: a drift of the machine meets both sides alike."""
        rounds = Rounds()

        def there() -> tuple[float, float]:
            return ours(), theirs()

        def back() -> tuple[float, float]:
            b, a = theirs(), ours()
            return a, b

        while len(rounds.ours) < self.plan.rounds:
            a, b = self.undisturbed(back if len(rounds.ours) % 2 else there, rounds)
            rounds.ours.append(a)
            rounds.theirs.append(b)
        self.say(f"    ratios {' '.join(f'{ratio:.3f}' for ratio in rounds.ratios)}")
        return rounds

    def undisturbed(self, action: Callable[[], T], quiet: Quiet) -> T:
        """The outcome of `action`, begun when the machine is quiet; what others took is added to `quiet`.

        If other processes took more than `FOREIGN_CORES` of a core meanwhile, the outcome is thrown away and the action
        done again, as often in all as there are rounds.
        """
        while True:
            self.wait_until_quiet()
            started, used, busy = time.monotonic(), self.used_secs(), busy_secs()
            outcome = action()
            foreign = ((busy_secs() - busy) - (self.used_secs() - used)) / (time.monotonic() - started)
            if foreign <= FOREIGN_CORES or quiet.repeated >= self.plan.rounds:
                quiet.foreign.append(max(0.0, round(foreign, 3)))
                return outcome
            quiet.repeated += 1

    def used_secs(self) -> float:
        """CPU time of this process, of its ended children (wrk) and of the living servers."""
        mine = resource.getrusage(resource.RUSAGE_SELF)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = mine.ru_utime + mine.ru_stime + ended.ru_utime + ended.ru_stime
        return spent + sum(server.cpu_secs() for server in self.servers)

    def wait_until_quiet(self) -> None:
        """Wait until other processes leave the machine alone, `patience_secs` at most."""
        deadline = time.monotonic() + self.plan.patience_secs
        while time.monotonic() < deadline:
            used, busy = self.used_secs(), busy_secs()
            time.sleep(QUIET_SECS)
            if (busy_secs() - busy) - (self.used_secs() - used) < FOREIGN_CORES * QUIET_SECS:
                return


def isartor() -> list[str]:
    """The installed command, as a user starts it."""
    script = Path(sys.executable).with_name("isartor")
    return [str(script)] if script.exists() else [sys.executable, "-m", "isartor"]


def l1b_state(gateway: Server) -> str:
    """What `/health` says of L1b."""
    return str(msgspec.json.decode(client.get(gateway.port, "/health").body)["layers"]["l1b"])


def stub_requests(stub: Server) -> int:
    """How many requests have reached the upstream."""
    return int(msgspec.json.decode(client.get(stub.port, "/_stub/requests").body)["requests"])
