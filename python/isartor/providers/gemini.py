"""Google Gemini: generate, stream, count tokens.

Source: https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from isartor.providers import urls
from isartor.providers.http import HttpProvider, Probe

if TYPE_CHECKING:
    from isartor.providers.base import Call, Settings
    from isartor.providers.row import Row


class Gemini(HttpProvider):
    """Gemini, or a server that speaks its format at another address."""

    operations = {  # noqa: RUF012 - declared ClassVar in the base
        "generate": "generateContent",
        "stream_generate": "streamGenerateContent",
        "gemini_count": "countTokens",
    }
    # In a header and never in the address: addresses end up in logs.
    credential = ("x-goog-api-key", "")

    def __init__(self, settings: Settings, row: Row) -> None:
        """Address and model fall back to Google's own."""
        url = settings.url or str(row.url)
        # A full address names one model (`.../models/{model}:generateContent`); the prefix ends before it.
        base = urls.parse(
            url.partition("/models/")[0],
            {"models": "/models"},
            version=row.version,
            own=row.url,
            key=settings.key("url"),
            secret=settings.key("api_key"),
        )
        super().__init__(settings, row, base)

    def path(self, call: Call) -> str | None:
        """Return the path, in which the model stands, too."""
        operation = self.operations.get(call.endpoint)
        if operation is None:
            return None
        return f"{self._model(call.model or self.model)}:{operation}"

    def probe(self, *, deep: bool) -> Probe:
        """Ask what the model is."""
        del deep
        return Probe("GET", self._model(self.model))

    def _model(self, name: str) -> str:
        # The client chooses the model's name: quoted, it cannot leave its place in the path.
        return f"{self._base.prefix}/models/{quote(name, safe='')}"
