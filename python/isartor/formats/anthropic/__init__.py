"""Anthropic's messages.

Source: https://platform.claude.com/docs/en/api/messages. Each format's folder has the same files: errors, request,
reply, stream, drops; `content` and `turns` are the parts and the messages of a request, `abilities` how models differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from isartor.formats.anthropic import errors, reply, request, stream, stream_writer

if TYPE_CHECKING:
    from isartor.formats.canonical import FormatName

__all__ = ["Anthropic"]


class Anthropic(errors.Errors):
    """The format in both directions; see `isartor.formats.canonical.Format`."""

    name: Final[FormatName] = "anthropic"
    read_request = staticmethod(request.read)
    write_request = staticmethod(request.write)
    read_reply = staticmethod(reply.read)
    write_reply = staticmethod(reply.write)
    stream_reader = stream.Reader
    stream_writer = stream_writer.Writer
    read_error = staticmethod(errors.read)
