"""Azure OpenAI: deployments of one resource.

A deployment is what other providers call a model: the model that a request asks for is the name of the deployment it
goes to. `azure_deployment_id` is the deployment behind the configured model (`external_llm_model`), and behind requests
that name none.

Source: https://learn.microsoft.com/azure/ai-services/openai/reference
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

import msgspec
from msgspec.structs import replace

from isartor.errors import ConfigError
from isartor.providers import urls
from isartor.providers.hosts import is_private
from isartor.providers.http import HttpProvider, Probe

if TYPE_CHECKING:
    from isartor.ports import Quirk
    from isartor.providers.base import Call, Settings
    from isartor.providers.row import Row

_HOSTS: Final = (
    ".openai.azure.com",
    ".openai.azure.us",
    ".openai.azure.cn",
    ".cognitiveservices.azure.com",
    ".cognitiveservices.azure.us",
    ".cognitiveservices.azure.cn",
    ".services.ai.azure.com",
)
_TOO_MUCH: Final = ("/openai/", "/deployments/", "chat/completions", "api-version=")

_DATED: Final = re.compile(r"(\d{4}-\d{2})-\d{2}")
# What each version of the API brought, by month; before it, the parameter is refused.
_SINCE: Final[tuple[tuple[str, Quirk], ...]] = (
    ("2024-08", "no_json_schema"),
    ("2024-08", "no_parallel"),
    ("2024-09", "no_stream_options"),
)
_TOKENS_SINCE: Final = "2024-09"
_DEVELOPER_SINCE: Final = "2024-12"


class Azure(HttpProvider):
    """The deployments of one Azure OpenAI resource."""

    operations = {  # noqa: RUF012 - declared ClassVar in the base
        "chat": "/chat/completions",
        "completions": "/completions",
        "embeddings": "/embeddings",
    }
    credential = ("api-key", "")

    def __init__(self, settings: Settings, row: Row) -> None:
        """Raises `ConfigError` for an address that is not a resource's, and without a deployment."""
        self._deployment = settings.azure_deployment_id or ""
        version = settings.azure_api_version
        if settings.url is None or not self._deployment or not version:
            name = "url" if settings.url is None else "azure_api_version" if self._deployment else "azure_deployment_id"
            key = settings.key(name)
            message = f"{settings.key('provider')} = azure needs {key}"
            raise ConfigError(message, param=key)
        base = urls.parse(settings.url, {}, version="", key=settings.key("url"), secret=settings.key("api_key"))
        problem = address_problem(settings.url)
        if problem is not None:
            key = settings.key("url")
            message = f"{key} {problem}"
            raise ConfigError(message, param=key)
        query = f"api-version={quote(version, safe='')}"
        base = base._replace(query=f"{base.query}&{query}" if base.query else query)
        super().__init__(settings, replace(row, quirks=quirks(version)), base)
        # No resource answers without a key; a gateway of the user's own, which stands before it, may.
        self._keyless = is_private(urlsplit(base.origin).hostname or "")

    def path(self, call: Call) -> str | None:
        """Return the path, in which the deployment stands."""
        operation = self.operations.get(call.endpoint)
        if operation is None:
            return None
        # The default model is not asked for by name, and need not be called like its deployment.
        asked = call.model if call.model and call.model != self.model else self._deployment
        return self._deployed(asked) + operation

    def query(self, call: Call) -> str:
        """Return the client's query without its version of the API: the configured one is the deployment's."""
        return "&".join(part for part in call.query.split("&") if not part.startswith("api-version="))

    def probe(self, *, deep: bool) -> Probe:
        """Ask for the list of models; `deep`: the deployment for one token."""
        if not deep:
            return Probe("GET", f"{self._base.prefix}/openai/models")
        body = {"messages": [{"role": "user", "content": "ping"}], "max_tokens": 1}
        if "max_completion_tokens" in self.quirks:
            body["max_completion_tokens"] = body.pop("max_tokens")
        return Probe("POST", f"{self._deployed(self._deployment)}/chat/completions", msgspec.json.encode(body))

    def _deployed(self, name: str) -> str:
        # The client chooses the name: quoted, it cannot leave its place in the path.
        return f"{self._base.prefix}/openai/deployments/{quote(name, safe='')}"


def address_problem(url: str) -> str | None:
    """Return what is wrong with a resource's address, as the rest of a sentence; `None` if nothing is."""
    parts = urlsplit(url.strip().lower())
    rest = f"{parts.path}/?{parts.query}"
    for part in _TOO_MUCH:
        if part in rest:
            return f"must be the resource's address alone, as https://<resource>.openai.azure.com, without {part!r}"
    host = parts.hostname or ""
    # A gateway of the user's own may stand before Azure.
    if not host.endswith(_HOSTS) and not is_private(host):
        return (
            "must be an Azure OpenAI resource: a host that ends in openai.azure.com (.us, .cn), "
            f"cognitiveservices.azure.com or services.ai.azure.com, got {host!r}"
        )
    return None


def quirks(version: str) -> frozenset[Quirk]:
    """Return in what chat completions of an API version differ from the common ground."""
    dated = _DATED.match(version)
    if dated is None:
        return frozenset({"max_completion_tokens", "developer"})
    month = dated[1]
    found: set[Quirk] = {quirk for since, quirk in _SINCE if month < since}
    if month >= _TOKENS_SINCE:
        found.add("max_completion_tokens")
    if month >= _DEVELOPER_SINCE:
        found.add("developer")
    return frozenset(found)
