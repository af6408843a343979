"""Claude Code: the Anthropic Messages surface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.agents import versions
from tests.agents.agent import WORK, Case, Package, Place, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTALL = Package("@anthropic-ai/claude-code", versions.CLAUDE_CODE, "claude", setup="install.cjs")

CASES: tuple[Case, ...] = (
    Case("claude", "anthropic", "/v1/messages", "claude-code"),
    Case("claude-tool", "anthropic", "/v1/messages", "claude-code", prompts=WORK, turns=2),
)


def configure(_case: Case, place: Place) -> dict[str, str]:
    """Point Claude Code at the gateway by its environment; a fresh home needs no file."""
    return {"ANTHROPIC_BASE_URL": place.gateway, "ANTHROPIC_API_KEY": place.key}


def command(_case: Case, prompt: str) -> list[str]:
    """Print mode: one prompt, the answer on stdout."""
    return ["-p", prompt]


def expect(_case: Case, runs: Sequence[Run]) -> list[str]:
    """Check that its start-up probe (`HEAD /api/hello`) was answered by the gateway itself."""
    probes = [f"{call.method} {call.path}" for run in runs for call in run.upstream if call.method != "POST"]
    return [f"the start-up probe went to the provider: {probes}"] if probes else []
