"""What every provider shares: its settings, and which headers cross the gateway in either direction.

Request headers follow an *allow* rule. A deny rule would hand every header that a reverse proxy or a company
network adds in front of the gateway (identity assertions, internal tokens, client addresses) to a third
party, and a leaked credential is worse than a lost hint. What providers and their SDKs invent carries their
own prefix, so the prefixes below let new headers through without a release. Credentials are never on the
list; the provider adds its own.

Reply headers follow an allow rule too: rate limits, request ids and processing facts reach the client;
cookies, hop-by-hop headers and the provider's edge (`cf-*`, `alt-svc`, `server`, ...) do not.
`content-encoding` and `content-length` do not either, because the transport has already decoded the body. An
upstream `x-request-id` comes back as it is and is then the reply's `x-request-id`; ours is used only when
there is none, so that the id which a client quotes to the provider's support is the provider's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from isartor.errors import NoProviderError, NotImplementedFormatError
from isartor.ports import Call, Headers, Ping, Provider, ProviderStatus, Response

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    class Revealable(Protocol):
        """A secret that shows itself only when asked (`isartor.config.Secret`)."""

        def reveal(self) -> str:
            """Return the secret itself."""


__all__ = [
    "Call",
    "Headers",
    "Limits",
    "Ping",
    "Provider",
    "ProviderStatus",
    "Response",
    "Settings",
    "key_warning",
    "missing_key",
    "reply_headers",
    "request_headers",
    "unsupported",
]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Time limits of one upstream call, in seconds, each named after its key."""

    l3_connect_timeout_secs: float = 10
    """Name lookup, TCP and TLS together."""
    l3_first_byte_timeout_secs: float = 120
    """Until the reply begins, connecting included: its head, or the first piece of a stream."""
    l3_read_timeout_secs: float = 120
    """Longest silence, before the first byte of the reply or between two pieces of it."""
    l3_timeout_secs: float = 120
    """Whole call, for a reply that is not a stream."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One provider as configured. `url` and `model` fall back to the provider's own."""

    provider: str
    url: str | None = None
    model: str | None = None
    api_key: Revealable | None = None
    limits: Limits = Limits()
    offline: bool = False
    offline_allowed_hosts: tuple[str, ...] = ()
    azure_deployment_id: str | None = None
    azure_api_version: str = "2024-08-01-preview"
    token_url: str | None = None
    """Where a provider that exchanges its key for a session token does so, in place of its own address."""
    where: str = ""
    """Where the settings stand: empty for the first provider, `fallback_providers[0]` for the one after it."""

    def key(self, name: str) -> str:
        """Full path of one of the settings (`provider`, `url`, `model`, `api_key`, ...), for messages."""
        return f"{self.where}.{name}" if self.where else _FIRST.get(name, name)


# How the settings of the first provider are called, which stand at the root.
_FIRST: Final = {
    "provider": "llm_provider",
    "url": "external_llm_url",
    "model": "external_llm_model",
    "api_key": "external_llm_api_key",
}

_REQUEST_NAMES: Final = frozenset(
    {
        "accept",
        "accept-language",
        "content-type",
        "http-referer",
        "idempotency-key",
        "originator",
        "session-id",
        "session_id",
        "thread-id",
        "user-agent",
        "version",
        "x-app",
        "x-client-request-id",
        "x-initiator",
        "x-interaction-type",
        "x-session-affinity",
        "x-title",
    }
)
_REQUEST_PREFIXES: Final = (
    "anthropic-",
    "openai-",
    "x-claude-code-",
    "x-codex-",
    "x-gemini-",
    "x-goog-",
    "x-openai-",
    "x-openrouter-",
    "x-stainless-",
)
# Credentials that carry an allowed prefix. `anthropic-dangerous-direct-browser-access` is no credential, but
# speaks of the client's place (a browser), and upstream the gateway is the client.
_REQUEST_NEVER: Final = frozenset(
    {
        "anthropic-api-key",
        "anthropic-dangerous-direct-browser-access",
        "openai-api-key",
        "x-goog-api-key",
        "x-goog-authenticated-user-email",
        "x-goog-authenticated-user-id",
        "x-goog-iam-authority-selector",
        "x-goog-iam-authorization-token",
        "x-goog-iap-jwt-assertion",
    }
)

_REPLY_NAMES: Final = frozenset(
    {
        "anthropic-organization-id",
        "anthropic-version",
        "content-language",
        "content-type",
        "request-id",
        "retry-after",
        "retry-after-ms",
        "warning",
        "x-generation-id",
        "x-goog-request-id",
        "x-models-etag",
        "x-reasoning-included",
        "x-request-id",
        "x-should-retry",
        "x-trace-id",
    }
)
_REPLY_PREFIXES: Final = (
    "anthropic-ratelimit-",
    "openai-",
    "ratelimit-",
    "x-codex-",
    "x-openai-",
    "x-ratelimit-",
)

# Header names repeat on every call, so each verdict is found once. Bounded, because clients choose the names.
_KNOWN_MAX: Final = 2048
_request_known: dict[str, bool] = {}
_reply_known: dict[str, bool] = {}


def _request_verdict(name: str) -> bool:
    allowed = name not in _REQUEST_NEVER and (name in _REQUEST_NAMES or name.startswith(_REQUEST_PREFIXES))
    if len(_request_known) < _KNOWN_MAX:
        _request_known[name] = allowed
    return allowed


def _reply_verdict(name: str) -> bool:
    allowed = name in _REPLY_NAMES or name.startswith(_REPLY_PREFIXES)
    if len(_reply_known) < _KNOWN_MAX:
        _reply_known[name] = allowed
    return allowed


def request_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the client's headers that go upstream; names must be lower-case."""
    known = _request_known
    kept: Headers = []
    connection = None
    for name, value in headers:
        allowed = known.get(name)
        if allowed is None:
            allowed = _request_verdict(name)
        if allowed:
            # The body is JSON; a client that said otherwise (curl's default) must not mislead the provider.
            if name != "content-type" or "json" in value:
                kept.append((name, value))
        elif name == "connection":
            connection = value
    if connection is not None and connection.lower() not in {"keep-alive", "close"}:
        # A header that `Connection` names belongs to this hop only, whatever it is called.
        hop = {token.strip().lower() for token in connection.split(",")}
        kept = [line for line in kept if line[0] not in hop]
    return kept


def reply_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the provider's headers that reach the client."""
    known = _reply_known
    kept: Headers = []
    for line in headers:
        allowed = known.get(line[0])
        if allowed is None:
            allowed = _reply_verdict(line[0])
        if allowed:
            kept.append(line)
    return kept


def missing_key(provider: str, where: str = "") -> NoProviderError:
    """Return what a miss gets when the provider needs a key and has none. `where`: see `Settings.where`."""
    return NoProviderError(
        f"There is no API key for the provider {provider!r}, so this request cannot be answered. "
        f"{_how_to_set(where)}, and restart the gateway.",
        code="no_api_key",
    )


def key_warning(provider: str, where: str = "") -> str:
    """Return what is said at the start about a provider that needs a key and has none."""
    return f"The provider {provider!r} has no API key: it cannot be asked (503). {_how_to_set(where)}."


def _how_to_set(where: str) -> str:
    if where:
        return f"Set {where}.api_key or {where}.api_key_file in isartor.toml, or api_key in ISARTOR__FALLBACK_PROVIDERS"
    return (
        "Set external_llm_api_key in isartor.toml, or ISARTOR__EXTERNAL_LLM_API_KEY, "
        "or ISARTOR__EXTERNAL_LLM_API_KEY_FILE"
    )


def unsupported(provider: str, endpoint: str, endpoints: Iterable[str]) -> NotImplementedFormatError:
    """Return what a request gets whose format the provider does not speak."""
    spoken = ", ".join(sorted(endpoints))
    return NotImplementedFormatError(
        f"The configured provider {provider!r} does not speak {endpoint!r}; it speaks {spoken}. "
        "Use a client of that format, or set llm_provider to one that speaks the client's."
    )
