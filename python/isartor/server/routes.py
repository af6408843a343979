"""Which path is which operation: one table.

A path that names its model (Gemini) is taken apart here; every other path is looked up as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from isartor._native import ENDPOINTS
from isartor.formats import SURFACES
from isartor.stack.exchange import Route

if TYPE_CHECKING:
    from collections.abc import Mapping

OPEN: Final = frozenset(
    {("HEAD", "/"), ("GET", "/health"), ("HEAD", "/health"), ("GET", "/healthz"), ("HEAD", "/healthz")}
)
"""What is answered without a key: the only list."""

_PROMPTS: Final = (
    ("/v1/chat/completions", "chat", "openai_chat"),
    ("/v1/completions", "completions", "openai_chat"),
    ("/v1/embeddings", "embeddings", "openai_chat"),
    ("/v1/responses", "responses", "openai_responses"),
    ("/v1/messages", "messages", "anthropic"),
    ("/v1/messages/count_tokens", "count_tokens", "anthropic"),
    ("/api/chat", "native", "native"),
    ("/api/v1/chat", "native", "native"),
)
_GEMINI_ROOTS: Final = ("/v1beta/models/", "/v1/models/")
_GEMINI_METHODS: Final = {
    "generateContent": ("generate", False),
    "streamGenerateContent": ("generate", True),
    "countTokens": ("gemini_count", False),
}
_MAX_MODEL: Final = 256

PROMPTS: Final[dict[str, Route]] = {
    path: Route(endpoint=endpoint, number=ENDPOINTS.index(endpoint), surface=SURFACES[surface], path=path)
    for path, endpoint, surface in _PROMPTS
}
"""The operations whose path says nothing more."""


def gemini(path: str, aliases: Mapping[str, str]) -> Route | None:
    """The operation of a path that names its model: `/v1beta/models/{model}:{method}`."""
    for root in _GEMINI_ROOTS:
        if path.startswith(root):
            model, colon, method = path[len(root) :].rpartition(":")
            known = _GEMINI_METHODS.get(method)
            if not colon or known is None or not model or len(model) > _MAX_MODEL:
                return None
            endpoint, stream = known
            name = unquote(model)
            return Route(
                endpoint=endpoint,
                number=ENDPOINTS.index(endpoint),
                surface=SURFACES["gemini"],
                path=f"{root}{{model}}:{method}",
                model=aliases.get(name, name),
                stream=stream,
                google_key=True,
                wire="stream_generate" if stream else "",
            )
    return None


def surface_of(path: str, headers: Mapping[str, str]) -> str:
    """The surface in whose shape an error on an unknown or shared path is told."""
    if path.startswith(("/v1beta", "/v1beta1")) or (path.startswith("/v1/models/") and ":" in path):
        return "gemini"
    if path.startswith("/v1/messages") or "anthropic-version" in headers:
        return "anthropic"
    if path.startswith("/v1/responses"):
        return "openai_responses"
    if path.startswith("/v1/"):
        return "openai_chat"
    return "native"
