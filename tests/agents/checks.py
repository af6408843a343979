"""What every agent is held to, whatever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.agents.gateway import KEY, PROVIDER_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.agents.agent import Case, Run
    from tests.stub import Call

_FIRST_ERROR = 400

NAMES = ("first run", "repeat", "other prompt")


def problems(case: Case, runs: Sequence[Run]) -> list[str]:
    """Return what is wrong with the three runs of a case: a prompt, the same again, and another."""
    first, repeat, other = runs
    found = [f"{name}: {text}" for name, run in zip(NAMES, runs, strict=True) for text in _each(case, run)]
    found += [f"{name}: {text}" for name, run in ((NAMES[0], first), (NAMES[2], other)) for text in _miss(case, run)]
    found += [f"{NAMES[1]}: {text}" for text in _repeat(case, first, repeat)]
    return found


def _each(case: Case, run: Run) -> list[str]:
    """Check that a run ended well, in few calls, and that neither key went where it does not belong."""
    found = []
    if run.code is None:
        found.append(f"still running after {run.seconds:.0f} s, killed")
    elif run.code:
        found.append(f"exit code {run.code}")
    if len(run.upstream) > case.turns + case.beside:
        most, calls = case.turns + case.beside, _paths(run.upstream)
        found.append(f"{len(run.upstream)} upstream calls, at most {most} expected: {calls}")
    for call in run.upstream:
        sent = " ".join(value for _, value in call.headers) + call.target
        if KEY in sent:
            found.append("the gateway's own key went to the provider")
        if PROVIDER_KEY not in sent:
            found.append(f"{call.method} {call.path} reached the provider without the provider's key")
    bad = [f"{entry.route} {entry.status}" for entry in run.entries if entry.status >= _FIRST_ERROR]
    if bad:
        found.append(f"the gateway answered with errors: {', '.join(bad)}")
    if PROVIDER_KEY in run.stdout + run.stderr:
        found.append("the provider's key was shown to the agent")
    return found


def _miss(case: Case, run: Run) -> list[str]:
    """Check that a new prompt went upstream once a turn, and that its own last answer was printed."""
    calls = run.carrying_prompt(case)
    if len(calls) != case.turns:
        return [f"{len(calls)} upstream calls carried the prompt, not {case.turns}"]
    if answer(calls[-1].tag) not in run.stdout:
        return [f"the provider's answer is not in the output: {run.stdout.strip()[:120]!r}"]
    return []


def _repeat(case: Case, first: Run, repeat: Run) -> list[str]:
    """Check that the same prompt again cost no call, but for what did change, and gave the first answer."""
    found = []
    if len(repeat.upstream) != case.changing:
        found.append(f"not from the cache, {len(repeat.upstream)} upstream calls: {_paths(repeat.upstream)}")
    last = (repeat if case.changing else first).carrying_prompt(case)[-1:]
    if not all(answer(call.tag) in repeat.stdout for call in last):
        found.append(f"not the first answer: {repeat.stdout.strip()[:120]!r}")
    hits = case.turns + case.beside - case.changing
    if repeat.hits != hits:
        found.append(f"/debug/stats/agents counts {repeat.hits} L1a hits for {case.tool!r}, not {hits}")
    layers = [entry.layer for entry in repeat.entries if case.path in entry.route and entry.tool == case.tool]
    if layers.count("l1a") < case.turns - case.changing:
        found.append(f"/debug/stats/prompts has {layers} for {case.tool!r} on {case.path}")
    return found


def _paths(calls: Sequence[Call]) -> str:
    return ", ".join(f"{call.method} {call.path}" for call in calls[:5])


def answer(tag: str) -> str:
    """Return the words that the stub provider put into the reply to that call, and into no other."""
    return f"stub answer {tag}"
