"""Google's Gemini API: `generateContent` and `streamGenerateContent`.

Source: https://ai.google.dev/api/generate-content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from isartor.formats.gemini import errors, reply, request, stream

if TYPE_CHECKING:
    from isartor.formats.canonical import FormatName

__all__ = ["Gemini"]


class Gemini(errors.Errors):
    """The format in both directions; see `isartor.formats.canonical.Format`."""

    name: Final[FormatName] = "gemini"
    read_request = staticmethod(request.read)
    write_request = staticmethod(request.write)
    read_reply = staticmethod(reply.read)
    write_reply = staticmethod(reply.write)
    stream_reader = stream.Reader
    stream_writer = stream.Writer
    read_error = staticmethod(errors.read)
