"""OpenAI, and every provider that speaks its format at another address.

Source: https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from isartor.errors import ConfigError
from isartor.providers import urls
from isartor.providers.hosts import is_private
from isartor.providers.http import HttpProvider

if TYPE_CHECKING:
    from isartor.providers.base import Settings
    from isartor.providers.row import Row

_NEWEST: Final = frozenset({"max_completion_tokens", "developer"})


class OpenAI(HttpProvider):
    """One OpenAI-compatible provider."""

    operations = {  # noqa: RUF012 - declared ClassVar in the base
        "chat": "/chat/completions",
        "completions": "/completions",
        "embeddings": "/embeddings",
        "responses": "/responses",
    }
    credential = ("authorization", "Bearer ")

    def __init__(self, settings: Settings, row: Row) -> None:
        """Address and model are the row's where `settings` name none. Raises `ConfigError` for want of an address."""
        url = settings.url or row.url
        if url is None:
            key = settings.key("url")
            message = f"{settings.key('provider')} = {settings.provider} needs {key}: there is no usual address"
            raise ConfigError(message, param=key)
        base = urls.parse(
            url,
            self.operations,
            version=row.version,
            own=row.url,
            key=settings.key("url"),
            secret=settings.key("api_key"),
        )
        if is_private(urlsplit(base.origin).hostname or ""):
            # What only the newest of OpenAI's own models insist on, a server on this machine has often not heard of.
            row = replace(row, quirks=row.quirks - _NEWEST)
        super().__init__(settings, row, base)
