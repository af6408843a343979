"""opencode: chat completions, Responses, Messages and Gemini, by the provider it is set up with."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.agents import versions
from tests.agents.agent import WORK, Case, Package, Place, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTALL = Package("opencode-ai", versions.OPENCODE, "opencode", setup="postinstall.mjs")

_CHAT = Case("opencode", "openai", "/v1/chat/completions", "opencode", "gateway/stub-model", beside=1)
CASES: tuple[Case, ...] = (
    _CHAT,
    Case("opencode-openai", "openai", "/v1/responses", "opencode", "openai/gpt-4.1", beside=1),
    Case("opencode-anthropic", "anthropic", "/v1/messages", "opencode", "anthropic/claude-sonnet-5", beside=1),
    Case("opencode-google", "gemini", ":streamGenerateContent", "opencode", "google/gemini-2.5-pro", beside=1),
    replace(_CHAT, name="opencode-tool", prompts=WORK, turns=2),
)

# What stands between the gateway's address and the paths that the provider's own SDK appends.
_BASE = {"gateway": "/v1", "openai": "/v1", "anthropic": "/v1", "google": "/v1beta"}


def configure(case: Case, place: Place) -> dict[str, str]:
    """Write `opencode.json` with one provider; only the OpenAI-compatible one has to be described in full."""
    provider, _, model = str(case.model).partition("/")
    entry: dict[str, object] = {"options": {"baseURL": place.gateway + _BASE[provider], "apiKey": place.key}}
    if provider == "gateway":
        entry |= {"npm": "@ai-sdk/openai-compatible", "name": "gateway", "models": {model: {"name": model}}}
    settings = {
        "provider": {provider: entry},
        "model": case.model,
        "small_model": case.model,
        "autoupdate": False,
        "share": "disabled",
    }
    folder = place.home / ".config" / "opencode"
    folder.mkdir(parents=True)
    (folder / "opencode.json").write_text(json.dumps(settings), encoding="utf-8")
    return {}


def command(_case: Case, prompt: str) -> list[str]:
    """One message, the answer on stdout."""
    return ["run", prompt]


def expect(_case: Case, _runs: Sequence[Run]) -> list[str]:
    """Check nothing more: an answer that it cannot read shows as a flood of calls, which `checks` counts."""
    return []
