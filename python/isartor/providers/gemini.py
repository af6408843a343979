"""Google Gemini: generate, stream, count tokens.

Source: https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from isartor.providers import urls
from isartor.providers.http import HttpProvider

if TYPE_CHECKING:
    from isartor.providers.base import Call, Settings


class Gemini(HttpProvider):
    """Gemini, or a server that speaks its format at another address."""

    operations = {  # noqa: RUF012 - declared ClassVar in the base
        "generate": "generateContent",
        "stream_generate": "streamGenerateContent",
        "gemini_count": "countTokens",
    }
    # In a header and never in the address: addresses end up in logs.
    credential = ("x-goog-api-key", "")

    def __init__(self, settings: Settings) -> None:
        """Address and model fall back to Google's own."""
        url = settings.url or "https://generativelanguage.googleapis.com/v1beta"
        # A full address names one model (`.../models/{model}:generateContent`); the prefix ends before it.
        base = urls.parse(url.partition("/models/")[0], {"models": "/models"}, version="v1beta")
        super().__init__(settings, base, model="gemini-2.0-flash")

    def path(self, call: Call) -> str | None:
        """Return the path, in which the model stands, too."""
        operation = self.operations.get(call.endpoint)
        if operation is None:
            return None
        # The client chooses the model's name: quoted, it cannot leave its place in the path.
        model = quote(call.model or self.model, safe="")
        return f"{self._base.prefix}/models/{model}:{operation}"
