"""OpenAI's Responses API, which Codex speaks.

Source: https://platform.openai.com/docs/api-reference/responses. Each format's folder has the same files: errors,
request, reply, stream, drops. Here also: items, content and tools (of a request), message (what another format's turns
become), output (what replies and streams share), reader (a provider's stream).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from isartor.formats.openai_responses import errors, reply, request, stream

if TYPE_CHECKING:
    from isartor.formats.canonical import FormatName

__all__ = ["OpenAIResponses"]


class OpenAIResponses(errors.Errors):
    """The format in both directions; see `isartor.formats.canonical.Format`."""

    name: Final[FormatName] = "openai_responses"
    read_request = staticmethod(request.read)
    write_request = staticmethod(request.write)
    read_reply = staticmethod(reply.read)
    write_reply = staticmethod(reply.write)
    stream_reader = stream.Reader
    stream_writer = stream.Writer
    read_error = staticmethod(errors.read)
