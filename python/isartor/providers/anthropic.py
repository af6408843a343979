"""Anthropic: messages and token counting.

Source: https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from isartor.providers import urls
from isartor.providers.http import HttpProvider, Probe

if TYPE_CHECKING:
    from isartor.providers.base import Settings
    from isartor.providers.row import Row


class Anthropic(HttpProvider):
    """Anthropic, or a server that speaks its format at another address."""

    operations = {  # noqa: RUF012 - declared ClassVar in the base
        "messages": "/messages",
        "count_tokens": "/messages/count_tokens",
    }
    credential = ("x-api-key", "")
    required = [("anthropic-version", "2023-06-01")]  # noqa: RUF012 - declared ClassVar in the base

    def __init__(self, settings: Settings, row: Row) -> None:
        """Address and model fall back to Anthropic's own."""
        base = urls.parse(
            settings.url or str(row.url),
            self.operations,
            version=row.version,
            own=row.url,
            key=settings.key("url"),
            secret=settings.key("api_key"),
        )
        super().__init__(settings, row, base)

    def probe(self, *, deep: bool) -> Probe:
        """Ask for the list of models; `deep`: the model for one token."""
        if not deep:
            return super().probe(deep=deep)
        body = {"model": self.model, "max_tokens": 1, "messages": [{"role": "user", "content": "ping"}]}
        return Probe("POST", self._below("messages"), msgspec.json.encode(body))
