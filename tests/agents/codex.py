"""Codex: the OpenAI Responses surface, by a custom provider and by the built-in one (WebSocket first)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.agents import versions
from tests.agents.agent import WORK, Case, Package, Place, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTALL = Package("@openai/codex", versions.CODEX, "codex")

CUSTOM = Case("codex", "openai", "/v1/responses", "codex", model="gpt-5-codex")
BUILT_IN = Case("codex-websocket", "openai", "/v1/responses", "codex")
# What its tool gives carries a random chunk id and the time it took: its second turn is new each time.
TOOL = replace(CUSTOM, name="codex-tool", prompts=WORK, turns=2, changing=1)
CASES: tuple[Case, ...] = (CUSTOM, BUILT_IN, TOOL)

# Codex reports to its maker when it ends, and waits five seconds for a network that is not there.
_QUIET = """\
check_for_update_on_startup = false
analytics.enabled = false
"""

_CUSTOM = """\
model = "{model}"
model_provider = "gateway"

[model_providers.gateway]
name = "gateway"
base_url = "{url}/v1"
env_key = "GATEWAY_KEY"
wire_api = "responses"
"""

_BUILT_IN = """\
openai_base_url = "{url}/v1"
"""

_WEBSOCKET_FAILED = "failed to connect to Responses WebSocket"
_FALLBACK = "falling back to HTTP"


def configure(case: Case, place: Place) -> dict[str, str]:
    """Write `config.toml`; the built-in provider takes its key from a variable of its own."""
    folder = place.home / ".codex"
    folder.mkdir()
    text = _BUILT_IN if case is BUILT_IN else _CUSTOM
    settings = _QUIET + text.format(model=case.model, url=place.gateway)
    (folder / "config.toml").write_text(settings, encoding="utf-8")
    key = "CODEX_API_KEY" if case is BUILT_IN else "GATEWAY_KEY"
    # The fallback from WebSocket is told on stderr only at this level.
    return {key: place.key, "RUST_LOG": "codex_core::client=warn,codex_api=error"}


def command(_case: Case, prompt: str) -> list[str]:
    """`exec`: one prompt, the answer on stdout."""
    return ["exec", "--skip-git-repo-check", prompt]


def expect(case: Case, runs: Sequence[Run]) -> list[str]:
    """Check, for the built-in provider, that one refused WebSocket try per run was enough."""
    if case is not BUILT_IN:
        return []
    problems = []
    for number, run in enumerate(runs, 1):
        tries, fallbacks = run.stderr.count(_WEBSOCKET_FAILED), run.stderr.count(_FALLBACK)
        if (tries, fallbacks) != (1, 1):
            problems.append(f"run {number}: {tries} WebSocket tries, {fallbacks} fallbacks, not one each (426?)")
        if any(call.method == "GET" for call in run.upstream):
            problems.append(f"run {number}: the WebSocket try went to the provider")
    return problems
