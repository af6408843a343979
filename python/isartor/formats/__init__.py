"""The client-facing formats: one file per surface, each with the same parts in the same order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from isartor.formats.anthropic import Anthropic
from isartor.formats.gemini import Gemini
from isartor.formats.native import Native
from isartor.formats.openai_chat import OpenAIChat
from isartor.formats.openai_responses import OpenAIResponses

if TYPE_CHECKING:
    from isartor.formats.canonical import Format
    from isartor.ports import Surface

_CHAT, _RESPONSES, _ANTHROPIC, _GEMINI, _NATIVE = OpenAIChat(), OpenAIResponses(), Anthropic(), Gemini(), Native()
_ALL: Final[tuple[Surface, ...]] = (_CHAT, _RESPONSES, _ANTHROPIC, _GEMINI, _NATIVE)

SURFACES: Final[dict[str, Surface]] = {surface.name: surface for surface in _ALL}
"""Every surface by its name."""

FORMATS: Final[dict[str, Format]] = {
    "openai_chat": _CHAT,
    "openai_responses": _RESPONSES,
    "anthropic": _ANTHROPIC,
    "gemini": _GEMINI,
    "native": _NATIVE,
}
"""The same, as what is translated between."""
