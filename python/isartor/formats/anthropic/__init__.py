"""See the parts."""

from __future__ import annotations

from isartor.formats.anthropic import errors

__all__ = ["Anthropic"]


class Anthropic(errors.Errors):
    """The format in both directions; see `isartor.formats.canonical.Format`."""

    name = "anthropic"
