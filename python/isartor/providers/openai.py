"""OpenAI, and every provider that speaks its format at another address.

Source: https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isartor.providers import urls
from isartor.providers.http import HttpProvider

if TYPE_CHECKING:
    from isartor.providers.base import Settings


class OpenAI(HttpProvider):
    """One OpenAI-compatible provider."""

    operations = {  # noqa: RUF012 - declared ClassVar in the base
        "chat": "/chat/completions",
        "completions": "/completions",
        "embeddings": "/embeddings",
        "responses": "/responses",
    }
    credential = ("authorization", "Bearer ")

    def __init__(self, settings: Settings, *, url: str, model: str, needs_key: bool = True) -> None:
        """`url` and `model` are the provider's own, used where `settings` name none."""
        base = urls.parse(settings.url or url, self.operations, version="v1")
        super().__init__(settings, base, model=model, needs_key=needs_key)
