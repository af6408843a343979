"""See the parts."""

from __future__ import annotations

from isartor.formats.openai_responses import errors

__all__ = ["OpenAIResponses"]


class OpenAIResponses(errors.Errors):
    """The format in both directions; see `isartor.formats.canonical.Format`."""

    name = "openai_responses"
