"""Gemini CLI: the Gemini surface; a router call in JSON before each streamed prompt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.agents import versions
from tests.agents.agent import WORK, Case, Package, Place, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTALL = Package("@google/gemini-cli", versions.GEMINI_CLI, "gemini")

CASES: tuple[Case, ...] = (
    Case("gemini", "gemini", ":streamGenerateContent", "gemini-cli", beside=1),
    Case("gemini-tool", "gemini", ":streamGenerateContent", "gemini-cli", prompts=WORK, turns=2, beside=1),
)

_SETTINGS = {
    # Without it a base URL from the environment makes the CLI ask for an account first.
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "privacy": {"usageStatisticsEnabled": False},
    "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
}


def configure(_case: Case, place: Place) -> dict[str, str]:
    """Write `settings.json`; address and key come from the environment."""
    folder = place.home / ".gemini"
    folder.mkdir()
    (folder / "settings.json").write_text(json.dumps(_SETTINGS), encoding="utf-8")
    return {
        "GOOGLE_GEMINI_BASE_URL": place.gateway,
        "GEMINI_API_KEY": place.key,
        # It runs no tool for a folder that it was not told to trust, and asks a terminal about it.
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }


def command(_case: Case, prompt: str) -> list[str]:
    """Prompt mode: one prompt, the answer on stdout."""
    return ["-p", prompt]


def expect(case: Case, runs: Sequence[Run]) -> list[str]:
    """Check that the router's question was asked: JSON, on a path of its own."""
    if case.provider != "gemini" or any(call.path.endswith(":generateContent") for call in runs[0].upstream):
        return []
    return ["no router call (:generateContent) in the first run: the CLI has changed"]
