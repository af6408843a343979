"""What an agent's file has to define, and the plain data that goes in and out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.stub import Call


TALK = ("Say hello to the green door.", "Say hello to the brown door.")
# The stub provider answers the words in capitals with reasoning and a call of the shell tool: `echo tool-ok`.
WORK = ("THINK, then USE_TOOL to knock at the green door.", "THINK, then USE_TOOL to knock at the brown door.")


@dataclass(frozen=True)
class Package:
    """Where an agent comes from.

    `setup` is the script of the package that puts its native program in place. It is called by name, because
    npm versions differ in whether they run the scripts of a package at all.
    """

    npm: str
    version: str
    binary: str
    setup: str | None = None


@dataclass(frozen=True)
class Case:
    """One way to set an agent up: the provider behind the gateway and the request that carries the prompt.

    `path` is a part of the main request's path. `tool` is the gateway's name for the agent in its statistics.
    `prompts` are the one that is asked twice and the other one; it is sent `turns` times in one run (a second
    time with what a tool gave). `beside` is how many calls one run makes beside these: a title, a router's
    question. `changing` is how many calls of a repeat rightly differ from the first run's in what they ask.
    """

    name: str
    provider: str
    path: str
    tool: str
    model: str | None = None
    prompts: tuple[str, str] = TALK
    turns: int = 1
    beside: int = 0
    changing: int = 0


@dataclass(frozen=True)
class Place:
    """Where a run happens: an empty home, a project folder, the gateway and the key for it."""

    home: Path
    project: Path
    gateway: str
    key: str


@dataclass(frozen=True, order=True)
class Entry:
    """One line of the gateway's own account of what it answered, from `/debug/stats/prompts`."""

    timestamp: str
    route: str
    layer: str
    tool: str
    status: int


@dataclass(frozen=True)
class Run:
    """What one run of an agent printed, and what the gateway and the provider saw of it."""

    prompt: str
    code: int | None
    stdout: str
    stderr: str
    seconds: float
    upstream: Sequence[Call] = ()
    entries: Sequence[Entry] = ()
    hits: int = 0

    def carrying_prompt(self, case: Case) -> list[Call]:
        """Return the upstream calls that carried this run's prompt with tools; a title's has none."""
        parts = (self.prompt.encode(), b'"tools"')
        return [c for c in self.upstream if case.path in c.path and all(part in c.body for part in parts)]


class Agent(Protocol):
    """One agent: a module with these four parts, in this order."""

    INSTALL: Package
    CASES: tuple[Case, ...]

    def configure(self, case: Case, place: Place, /) -> dict[str, str]:
        """Write the agent's settings into its home and return the environment it needs."""

    def command(self, case: Case, prompt: str, /) -> list[str]:
        """Return the arguments for one non-interactive run, without the program itself."""

    def expect(self, case: Case, runs: Sequence[Run], /) -> list[str]:
        """Return what is wrong beyond the checks that every agent gets; empty when all is well."""
