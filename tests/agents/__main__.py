"""Run the real agents: `python -m tests.agents [--only NAME ...] [--provider ID | --direct]`.

1. Install what is missing into `.cache/agents` (the only step with a network).
2. Start over inside a namespace with loopback only.
3. For each case: a stub provider, a fresh gateway in front of it, and three runs of the agent (a prompt, the
   same again, another). A line per run, a table at the end; homes, what was printed and what was sent stay in
   `.cache/agents/runs`.

Exit codes: 0 all well, 1 a case failed, 2 it could not be tried here.
`--provider` puts a provider of another format behind the gateway: `--only claude --provider openai`.
`--direct` leaves the gateway out and shows what differs between two runs: the way to learn a new version.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.agents import checks, claude, codex, differences, gemini, opencode, sandbox
from tests.agents.agent import Place, Run
from tests.agents.gateway import KEY, Gateway, GatewayError
from tests.agents.install import InstallError, install, program
from tests.stub import Stub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.agents.agent import Agent, Case

AGENTS: tuple[Agent, ...] = (claude, codex, gemini, opencode)

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "agents"
_LIMIT_SECS = 90.0

_console = Console(highlight=False, markup=False, soft_wrap=True)


def main() -> int:
    """Read the arguments, install, go inside, run."""
    cases = {case.name: (agent, case) for agent in AGENTS for case in agent.CASES}
    parser = argparse.ArgumentParser(prog="python -m tests.agents", description="Run real agents, twice each.")
    names = ", ".join(cases)
    parser.add_argument("--only", nargs="+", choices=cases, default=list(cases), metavar="CASE", help=names)
    parser.add_argument("--direct", action="store_true", help="no gateway: show what differs between two runs")
    parser.add_argument("--provider", choices=("openai", "anthropic", "gemini"), help="instead of the agent's own")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    chosen = [cases[name] for name in given.only]
    try:
        if given.inside:
            sandbox.raise_loopback()
            if given.provider is not None:
                chosen = [(agent, replace(case, provider=given.provider, path="")) for agent, case in chosen]
            return _run_all(chosen, direct=given.direct)
        for agent in dict.fromkeys(agent.INSTALL for agent, _ in chosen):
            did = install(agent, CACHE)
            _console.print(f"{agent.npm} {agent.version}: {'installed' if did else 'there already'}")
        sandbox.enter([sys.executable, "-m", "tests.agents", "--inside", *sys.argv[1:]])
    except (InstallError, sandbox.SandboxError) as error:
        _console.print(f"error: {error}")
        return 2


def _run_all(chosen: Sequence[tuple[Agent, Case]], *, direct: bool) -> int:
    table = Table("case", "version", "first", "repeat", "other", "upstream calls", "result")
    table.columns[0].no_wrap = True
    failed = 0
    for agent, case in chosen:
        runs, problems = _direct(agent, case) if direct else _case(agent, case)
        failed += bool(problems)
        for problem in problems:
            _console.print(f"    {'differs' if direct else 'PROBLEM'}: {problem}")
        seconds = [f"{run.seconds:.1f} s" for run in runs] + ["-"] * (3 - len(runs))
        calls = " ".join(str(len(run.upstream)) for run in runs)
        result = ("differs" if problems else "same") if direct else ("FAILED" if problems else "ok")
        table.add_row(case.name, agent.INSTALL.version, *seconds, calls, result)
    _console.print(table)
    return 0 if direct else int(failed > 0)


def _case(agent: Agent, case: Case) -> tuple[list[Run], list[str]]:
    """Run one case against a fresh gateway."""
    folder = sandbox.fresh(CACHE / "runs" / case.name)
    project = sandbox.make_project(folder / "project")
    runs: list[Run] = []
    try:
        with Stub() as stub, Gateway(case.provider, stub.url, folder / "gateway") as gateway:
            for prompt in (case.prompts[0], *case.prompts):
                place = Place(sandbox.fresh(folder / "home"), project, gateway.url, KEY)
                runs.append(_one(agent, case, place, prompt, (stub, gateway)))
                _save(folder, len(runs), runs[-1])
    except GatewayError as error:
        return runs, [str(error)]
    problems = checks.problems(case, runs) + agent.expect(case, runs)
    if "Traceback" in gateway.log():
        problems.append(f"a traceback in the gateway's output, see {folder / 'gateway' / 'gateway.log'}")
    if len(runs[1].upstream) > case.changing:
        problems += [f"differs: {line}" for line in differences.between(runs[0].upstream, runs[1].upstream)]
    return runs, problems


def _direct(agent: Agent, case: Case) -> tuple[list[Run], list[str]]:
    """Run one case twice against the provider itself; what differs counts as what is found."""
    folder = sandbox.fresh(CACHE / "runs" / case.name)
    project = sandbox.make_project(folder / "project")
    runs: list[Run] = []
    with Stub() as stub:
        for prompt in (case.prompts[0], case.prompts[0]):
            place = Place(sandbox.fresh(folder / "home"), project, stub.url, KEY)
            runs.append(_one(agent, case, place, prompt, (stub, None)))
            _save(folder, len(runs), runs[-1])
    return runs, differences.between(runs[0].upstream, runs[1].upstream)


def _one(agent: Agent, case: Case, place: Place, prompt: str, behind: tuple[Stub, Gateway | None]) -> Run:
    """Run the agent once and collect what everybody saw of it."""
    stub, gateway = behind
    variables = sandbox.environment(place.home, agent.configure(case, place))
    command = [str(program(agent.INSTALL, CACHE)), *agent.command(case, prompt)]
    known, hits = (len(gateway.entries()), gateway.hits(case.tool)) if gateway else (0, 0)
    with stub.counting() as upstream:
        code, out, err, seconds = sandbox.run(command, place.project, variables, _LIMIT_SECS)
    entries = gateway.entries()[known:] if gateway else []
    hits = gateway.hits(case.tool) - hits if gateway else 0
    run = Run(prompt, code, out, err, seconds, upstream, entries, hits)
    _console.print(f"{case.name}: {prompt} exit {code}, {seconds:.1f} s, {len(upstream)} upstream, {hits} hits")
    return run


def _save(folder: Path, number: int, run: Run) -> None:
    """Keep what was printed and sent, for whoever has to find out why."""
    (folder / f"run-{number}.stdout").write_text(run.stdout, encoding="utf-8")
    (folder / f"run-{number}.stderr").write_text(run.stderr, encoding="utf-8")
    for index, call in enumerate(run.upstream, 1):
        (folder / f"run-{number}.upstream-{index}.json").write_bytes(call.body)


if __name__ == "__main__":
    sys.exit(main())
