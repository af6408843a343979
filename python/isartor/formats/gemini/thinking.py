"""How much a Gemini model is to think: a level since Gemini 3, a budget of tokens before, nothing before 2.5.

Source: https://ai.google.dev/gemini-api/docs/thinking and https://ai.google.dev/gemini-api/docs/openai#thinking.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from isartor.formats.canonical import Prompt, Reasoning
    from isartor.formats.losses import Losses

_VERSION: Final = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
_LEVELS: Final = {
    "none": "MINIMAL",
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}
_BUDGETS: Final = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}
_DYNAMIC: Final = -1
# From another format's budget to the nearest level.
_STEPS: Final = ((1024, "MINIMAL"), (4096, "LOW"), (16384, "MEDIUM"))


def version(model: str) -> tuple[int, int]:
    """Of a model by its name; the newest for a name that tells none (`gemini-flash-latest`)."""
    found = _VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else (99, 0)


def has_levels(model: str) -> bool:
    """Whether it is Gemini 3 or newer: it also checks thought signatures, and takes pictures in tool results."""
    return version(model) >= (3, 0)


def write(prompt: Prompt, losses: Losses) -> dict[str, Any]:
    """The `thinkingConfig` for another format's request; empty if it says nothing."""
    reasoning = prompt.reasoning
    if reasoning is None:
        return {}
    losses.extras("reasoning", reasoning.extra)
    wanted = reasoning.enabled is not False and reasoning.effort != "none"
    if version(prompt.model) < (2, 5):
        if wanted and (reasoning.enabled or reasoning.effort):
            losses.without("reasoning")
        return {}
    written = _level(prompt.model, reasoning) if has_levels(prompt.model) else _budget(prompt.model, reasoning)
    # Anthropic's clients are shown thoughts unless they say no.
    shown = reasoning.show if reasoning.show is not None else prompt.origin == "anthropic" and reasoning.enabled
    if shown and wanted:
        written["includeThoughts"] = True
    return written


def _level(model: str, reasoning: Reasoning) -> dict[str, Any]:
    if reasoning.enabled is False:
        level = "MINIMAL"
    elif reasoning.effort is not None:
        level = _LEVELS.get(reasoning.effort, "HIGH")
    elif reasoning.budget_tokens is not None:
        budget = reasoning.budget_tokens
        level = next((level for most, level in _STEPS if budget <= most), "HIGH")
    else:
        return {}
    if "pro" in model:
        # Thinks always; 3.0 has no level between the two.
        level = "LOW" if level == "MINIMAL" else level
        level = "HIGH" if level == "MEDIUM" and version(model) == (3, 0) else level
    return {"thinkingLevel": level}


def _budget(model: str, reasoning: Reasoning) -> dict[str, Any]:
    if reasoning.enabled is False:
        budget = 0
    elif reasoning.budget_tokens is not None:
        budget = reasoning.budget_tokens
    elif reasoning.effort is not None:
        budget = _BUDGETS.get(reasoning.effort, 24576)
    else:
        return {"thinkingBudget": _DYNAMIC} if reasoning.enabled else {}
    least, most = (128, 32768) if "pro" in model else (512, 24576) if "lite" in model else (1, 24576)
    if budget == 0 and "pro" not in model:
        return {"thinkingBudget": 0}
    return {"thinkingBudget": min(max(budget, least), most)}
