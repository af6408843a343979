"""The rows of every format's table of fields that may be dropped, and what each format calls things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from isartor.formats.anthropic import drops as anthropic
from isartor.formats.gemini import drops as gemini
from isartor.formats.openai_chat import drops as chat
from isartor.formats.openai_responses import drops as responses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isartor.formats.canonical import FormatName
    from isartor.formats.losses import Drop

ALL: Final[tuple[Drop, ...]] = (*chat.DROPS, *responses.DROPS, *anthropic.DROPS, *gemini.DROPS)
"""Every row."""

NAMES: Final[Mapping[FormatName, Mapping[str, str]]] = {
    "openai_chat": chat.NAMES,
    "openai_responses": responses.NAMES,
    "anthropic": anthropic.NAMES,
    "gemini": gemini.NAMES,
    "native": {},
}
"""For each format its own name of a canonical field, where that is another."""

PLACES: Final[Mapping[FormatName, Mapping[str, str]]] = {
    "openai_chat": chat.PLACES,
    "openai_responses": responses.PLACES,
    "anthropic": anthropic.PLACES,
    "gemini": gemini.PLACES,
    "native": {},
}
"""For each format what stands before a field of a turn, a part, a tool, ... in its path."""
