"""Cohere, through the part of its API that is compatible with OpenAI's.

Source: https://docs.cohere.com/docs/compatibility-api
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from msgspec.structs import replace

from isartor.providers.openai import OpenAI

if TYPE_CHECKING:
    from isartor.providers.base import Settings
    from isartor.providers.row import Row

_PREFIX: Final = "/compatibility/v1"
# Cohere's own API, which has another format: what users know as "the address" and what its documentation shows.
_NATIVE: Final = frozenset({"", "/v1", "/v2", "/v1/chat", "/v2/chat"})


class Cohere(OpenAI):
    """Cohere: an address of its own API, or of its host alone, means the compatible one beside it."""

    def __init__(self, settings: Settings, row: Row) -> None:
        """Address and model fall back to Cohere's own."""
        if settings.url is not None:
            settings = replace(settings, url=_compatible(settings.url))
        super().__init__(settings, row)

    def _below(self, path: str) -> str:
        """Return the path of a ping: the list of models stands in Cohere's own API."""
        return self._base.prefix.removesuffix(_PREFIX) + path


def _compatible(url: str) -> str:
    """Return the address of the compatible API beside Cohere's own; any other address as it is."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url
    return urlunsplit(parts._replace(path=_PREFIX)) if parts.path.rstrip("/") in _NATIVE else url
