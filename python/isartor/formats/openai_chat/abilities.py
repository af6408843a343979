"""What is known of models: which of them think, and how much they can say.

The other formats' words and budgets for thinking become `reasoning_effort` here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from isartor.formats.canonical import Reasoning

if TYPE_CHECKING:
    from isartor.formats.canonical import Prompt
    from isartor.formats.losses import Losses
    from isartor.formats.reading import Members

# Models that do not think refuse the field, so it goes only to those known to take it.
_THINKERS: Final = re.compile(
    r"o\d|gpt-([5-9]|oss)|codex|grok-3-mini|gemini-(2\.5|[3-9])|claude-(opus|sonnet|haiku)-[4-9]"
)
_VERBOSE: Final = re.compile(r"gpt-[5-9]")
_LEAST: Final = (
    (re.compile(r"gpt-[5-9]\.\d|gemini-2\.5-flash"), "none"),
    (re.compile(r"gpt-[5-9]"), "minimal"),
)
# Budgets, in tokens, up to which the nearest word is this one.
_BUDGETS: Final = ((1024, "minimal"), (4096, "low"), (16384, "medium"))
_MOST: Final = frozenset({"xhigh", "max"})
# OpenAI refuses a limit that is beyond what a model can say at all; agents ask for more than these could.
_LONGEST: Final = (
    (r"(?:chat)?gpt-4o(?!-2024-05-13)", 16_384),
    (r"gpt-4\.1", 32_768),
    (r"gpt-(?:3\.5|4-turbo|4o)", 4096),
)
_ALWAYS: Final = min(most for _, most in _LONGEST)
_LIMITED: Final = re.compile("|".join(f"({pattern})" for pattern, _ in _LONGEST))


def read(given: Members, extra: dict[str, Any]) -> Reasoning | None:
    """How much a client wants thought: OpenAI's word, or the objects that other providers of this format have."""
    word = given.text("reasoning_effort")
    found = None if word is None else Reasoning(enabled=word != "none", effort=word, extra={})
    router = given.table("reasoning")
    if router is not None:
        found = found or Reasoning(extra={})
        inner = _inner(given, "reasoning", router, extra)
        found.effort = inner.text("effort") or found.effort
        found.budget_tokens = inner.whole("max_tokens")
        hidden = inner.flag("exclude")
        found.show = None if hidden is None else not hidden
        enabled = inner.flag("enabled")
        if enabled is None and (found.effort or found.budget_tokens):
            enabled = found.effort != "none"
        found.enabled = enabled
        found.extra |= {f"reasoning.{name}": value for name, value in inner.rest().items() if name[0] != "~"}
    switch = given.table("thinking")
    if switch is not None:
        found = found or Reasoning(extra={})
        inner = _inner(given, "thinking", switch, extra)
        found.enabled = {"enabled": True, "disabled": False}.get(inner.needed("type"), found.enabled)
        found.budget_tokens = inner.whole("budget_tokens") or found.budget_tokens
        found.extra |= {f"thinking.{name}": value for name, value in inner.rest().items() if name[0] != "~"}
    if word is not None:
        extra["~reasoning_effort"] = word
    return found


def _inner(given: Members, name: str, value: dict[str, Any], extra: dict[str, Any]) -> Members:
    extra["~" + name] = value
    return type(given)(value, given.at(name))


def effort(prompt: Prompt, reasoning: Reasoning, losses: Losses) -> str | None:
    """The value of `reasoning_effort` for a prompt of another format; `None` for no such field."""
    losses.extras("reasoning", reasoning.extra)
    thinks = _known(_THINKERS, prompt.model)
    if reasoning.enabled is False or reasoning.effort == "none":
        # A model that never thinks does what is asked.
        return least(prompt.model) if thinks else None
    word = reasoning.effort or _nearest(reasoning.budget_tokens)
    if word is None:
        return None
    if not thinks:
        losses.without("reasoning")
        return None
    if word in _MOST and prompt.origin != "openai_responses":
        # Only OpenAI's own clients know which of its models go beyond `high`.
        return "high"
    return "low" if word == "minimal" and not verbose(prompt.model) else word


def verbose(model: str) -> bool:
    """Whether a model takes `verbosity`."""
    return _known(_VERBOSE, model)


def least(model: str) -> str:
    """The word for as little thinking as a model can do."""
    return next((word for pattern, word in _LEAST if _known(pattern, model)), "low")


def longest(model: str, asked: int) -> int:
    """The limit to ask for: not more than the model can say, which is the same answer."""
    found = _LIMITED.match(_name(model)) if asked > _ALWAYS else None
    if found is None or found.lastindex is None:
        return asked
    return min(asked, _LONGEST[found.lastindex - 1][1])


def _nearest(budget: int | None) -> str | None:
    if budget is None or budget < 0:
        # Gemini's -1 leaves it to the model.
        return None
    return next((word for most, word in _BUDGETS if budget <= most), "high")


def _known(pattern: re.Pattern[str], model: str) -> bool:
    return pattern.match(_name(model)) is not None


def _name(model: str) -> str:
    """Routers put the maker before the name: `openai/gpt-5`."""
    return model.rpartition("/")[2].lower()
