"""Anthropic: messages and token counting.

Source: https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isartor.providers import urls
from isartor.providers.http import HttpProvider

if TYPE_CHECKING:
    from isartor.providers.base import Settings


class Anthropic(HttpProvider):
    """Anthropic, or a server that speaks its format at another address."""

    operations = {  # noqa: RUF012 - declared ClassVar in the base
        "messages": "/messages",
        "count_tokens": "/messages/count_tokens",
    }
    credential = ("x-api-key", "")
    required = [("anthropic-version", "2023-06-01")]  # noqa: RUF012 - declared ClassVar in the base

    def __init__(self, settings: Settings) -> None:
        """Address and model fall back to Anthropic's own."""
        base = urls.parse(settings.url or "https://api.anthropic.com/v1", self.operations, version="v1")
        super().__init__(settings, base, model="claude-3-5-sonnet-20241022")
