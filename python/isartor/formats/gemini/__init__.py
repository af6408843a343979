"""See the parts."""

from __future__ import annotations

from isartor.formats.gemini import errors

__all__ = ["Gemini"]


class Gemini(errors.Errors):
    """The format in both directions; see `isartor.formats.canonical.Format`."""

    name = "gemini"
