"""OpenAI's chat completions, which most providers speak.

Source: https://platform.openai.com/docs/api-reference/chat. Each format's folder has the same files: errors, request,
reply, stream, drops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from isartor.formats.openai_chat import errors, reply, request, stream

if TYPE_CHECKING:
    from isartor.formats.canonical import FormatName

__all__ = ["OpenAIChat"]


class OpenAIChat(errors.Errors):
    """The format in both directions; see `isartor.formats.canonical.Format`."""

    name: Final[FormatName] = "openai_chat"
    read_request = staticmethod(request.read)
    write_request = staticmethod(request.write)
    read_reply = staticmethod(reply.read)
    write_reply = staticmethod(reply.write)
    stream_reader = stream.Reader
    stream_writer = stream.Writer
    read_error = staticmethod(errors.read)
