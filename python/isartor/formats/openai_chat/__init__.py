"""OpenAI's chat completions, which most providers speak.

Source: https://platform.openai.com/docs/api-reference/chat. Each format's folder has the same files: errors, request,
reply, stream, drops.
"""

from __future__ import annotations

from isartor.formats.openai_chat import errors

__all__ = ["OpenAIChat"]


class OpenAIChat(errors.Errors):
    """The format in both directions; see `isartor.formats.canonical.Format`."""

    name = "openai_chat"
