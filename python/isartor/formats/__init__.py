"""The client-facing formats: one file per surface, each with the same parts in the same order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from isartor.formats.anthropic import Anthropic
from isartor.formats.gemini import Gemini
from isartor.formats.native import Native
from isartor.formats.openai_chat import OpenAIChat
from isartor.formats.openai_responses import OpenAIResponses

if TYPE_CHECKING:
    from isartor.ports import Surface

_ALL: Final[tuple[Surface, ...]] = (OpenAIChat(), OpenAIResponses(), Anthropic(), Gemini(), Native())

SURFACES: Final[dict[str, Surface]] = {surface.name: surface for surface in _ALL}
"""Every surface by its name."""
