"""What Claude models differ in, by their names.

Sources: https://platform.claude.com/docs/en/build-with-claude/ (thinking, effort, mid-conversation-system-messages,
structured-outputs) and the models overview there. A name that is not understood (another maker's model behind the same
API) gets what every version of the API has taken.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

_NEW: Final = re.compile(r"claude-(opus|sonnet|haiku|fable|mythos)-(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?")
_OLD: Final = re.compile(r"claude-(\d)(?:[-.](\d))?(?:-(opus|sonnet|haiku))?")
# The longest replies, by family and from which version on; the first that fits.
_LIMITS: Final[dict[str, tuple[tuple[tuple[int, int], int], ...]]] = {
    "opus": (((4, 6), 128_000), ((4, 5), 64_000), ((0, 0), 32_000)),
    "sonnet": (((5, 0), 128_000), ((0, 0), 64_000)),
    "haiku": (((5, 0), 128_000), ((0, 0), 64_000)),
    "": (((3, 7), 64_000), ((3, 5), 8192), ((0, 0), 4096)),
}


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What one model takes."""

    budget: bool = True
    """Thinks within a budget of tokens, if it is not `adaptive`."""
    adaptive: bool = False
    """Thinks as much as it sees fit, steered by `effort`; otherwise it wants a budget of tokens."""
    efforts: tuple[str, ...] = ()
    thinks: bool = False
    """Thinks unless it is told not to."""
    quiet: str | None = "disabled"
    """The type of `thinking` that thinks least; `None`: it always thinks."""
    sampling: bool = True
    """Takes `temperature`, `top_p` and `top_k`."""
    both: bool = True
    """Takes `temperature` and `top_p` at once."""
    system: bool = False
    """Takes messages of role `system` after a user's turn."""
    most: int = 8192
    """Tokens of a reply that are asked for where the client names no limit."""
    limit: int | None = None
    """Tokens that no reply can be longer than: the API refuses to be asked for more."""


def of(model: str) -> Abilities:
    """The abilities of `model`; prefixes (`anthropic/`, `us.anthropic.`) and dates are passed over."""
    name = model.lower()
    found = _NEW.search(name)
    if found is not None:
        return _since((int(found[2]), int(found[3] or 0)), found[1])
    if "claude-mythos" in name or "claude-fable" in name:
        return _since((4, 7), "mythos")
    found = _OLD.search(name)
    if found is not None:
        version = (int(found[1]), int(found[2] or 0))
        limit = next(limit for since, limit in _LIMITS[""] if version >= since)
        return Abilities(most=min(limit, 8192), limit=limit, budget=version >= (3, 7))
    return Abilities()


def _since(version: tuple[int, int], family: str) -> Abilities:
    efforts: tuple[str, ...] = ()
    if version >= (4, 6) or (family, version) == ("opus", (4, 5)):
        efforts = ("low", "medium", "high")
    if version >= (4, 6):
        efforts = (*efforts, "max")
    if version >= (4, 7):
        efforts = (*efforts[:3], "xhigh", "max")
    return Abilities(
        adaptive=version >= (4, 6),
        efforts=efforts,
        thinks=version >= (5, 0),
        quiet=_quiet(version, family),
        sampling=version < (4, 7),
        both=version < (4, 1),
        system=version >= (4, 8),
        most=32_000,
        limit=next(limit for since, limit in _LIMITS.get(family, _LIMITS["opus"]) if version >= since),
    )


def _quiet(version: tuple[int, int], family: str) -> str | None:
    if family in {"fable", "mythos"} or (family == "opus" and version >= (5, 5)):
        return None
    return "between_tools" if family == "sonnet" and version >= (5, 5) else "disabled"
