"""GitHub Copilot: a GitHub token buys a session token, and the session token pays for chat completions.

The GitHub token goes to GitHub's API only, the session token to Copilot's. A session is kept until a minute before it
ends; requests that come while one is being fetched wait for the same one. Where GitHub names an address for the account
(individual, business, enterprise), that one is asked.

Source: https://docs.github.com/en/copilot; the exchange is what GitHub's own editor plug-ins do.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from isartor.errors import UpstreamError
from isartor.providers.base import Call, Headers, Ping, Response, missing_key, request_headers, unsupported
from isartor.providers.given import Given
from isartor.providers.http import Probe, judged
from isartor.providers.openai import OpenAI
from isartor.providers.transport import Transport
from isartor.providers.urls import target

if TYPE_CHECKING:
    from collections.abc import Callable

    from isartor.ports import Revealable
    from isartor.providers.base import Settings
    from isartor.providers.row import Row

_GITHUB: Final = "https://api.github.com"
_EXCHANGE: Final = "/copilot_internal/v2/token"
_HOST: Final = "githubcopilot.com"
_PREFIX: Final = "github_copilot/"
"""What some clients put before the names of Copilot's models."""
_EARLY_SECS: Final = 60
_REPLY_BYTES: Final = 64 * 1024
_OK: Final = 200
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404

# Copilot serves known editors only, so it is told of one, whoever the client is.
_EDITOR: Final[Headers] = [
    ("user-agent", "GitHubCopilotChat/0.29.1"),
    ("editor-version", "vscode/1.99.0"),
    ("editor-plugin-version", "copilot-chat/0.29.1"),
    ("copilot-integration-id", "vscode-chat"),
    ("x-github-api-version", "2025-04-01"),
]
_EDITOR_NAMES: Final = frozenset(name for name, _ in _EDITOR)
_IMAGE: Final = b'"image_url"'


class Session(msgspec.Struct, frozen=True):
    """What a GitHub token was exchanged for."""

    token: str
    until: float
    """When it is no longer used, by the clock of `Sessions`."""
    address: str
    """Copilot's, for this account."""

    def __repr__(self) -> str:
        """Never shows the token."""
        return f"Session(until={self.until:g}, address={self.address!r})"


class _RefusedError(Exception):
    """GitHub gave no session; `response` is what the caller gets."""

    def __init__(self, response: Given) -> None:
        super().__init__(response.status)
        self.response = response


class Sessions:
    """The sessions of all GitHub tokens in use, each fetched once however many ask for it."""

    def __init__(self, transport: Transport, clock: Callable[[], float] = time.time) -> None:
        """`clock`: seconds since 1970."""
        self.transport = transport
        self._clock = clock
        self._held: dict[str, Session] = {}
        self._fetching: dict[str, asyncio.Task[Session]] = {}

    async def get(self, secret: str, *, spent: Session | None = None) -> Session:
        """Return the session of a GitHub token, a new one if it is over or is the one in `spent`.

        Raises `_RefusedError`, and what the transport raises.
        """
        held = self._held.get(secret)
        if held is not None and held is not spent and self._clock() < held.until:
            return held
        task = self._fetching.get(secret)
        if task is None:
            task = asyncio.ensure_future(self.fetch(secret))
            self._fetching[secret] = task
            task.add_done_callback(lambda done: self._fetched(secret, done))
        # Whoever leaves does not take the session from the others who wait for it.
        return await asyncio.shield(task)

    def _fetched(self, secret: str, task: asyncio.Task[Session]) -> None:
        self._fetching.pop(secret, None)
        if not task.cancelled():
            # Looked at, so that nobody is told of an error that nobody waits for any more.
            task.exception()

    async def fetch(self, secret: str) -> Session:
        """Exchange the GitHub token now."""
        headers = [("accept", "application/json"), ("authorization", f"token {secret}"), *_EDITOR]
        response = await self.transport.send("GET", _EXCHANGE, headers, b"", stream=False)
        try:
            raw = await response.read_all(_REPLY_BYTES)
        finally:
            await response.close()
        if response.status != _OK:
            raise _RefusedError(_refusal(response.status, response.headers))
        session = self._held[secret] = self._read(raw)
        return session

    def _read(self, raw: bytes) -> Session:
        try:
            reply = msgspec.json.decode(raw, type=_Reply)
        except msgspec.MsgspecError:
            message = "GitHub's reply to the exchange of the Copilot token is not what it should be."
            raise UpstreamError(message, code="upstream_invalid_reply", retryable=True) from None
        now = self._clock()
        # What is relative does not depend on whether this machine's clock is right.
        until = now + reply.refresh_in if reply.refresh_in else reply.expires_at - _EARLY_SECS
        return Session(reply.token, until, address(reply.endpoints.get("api")))

    async def close(self) -> None:
        """Forget all sessions, and let nobody wait for one."""
        for task in list(self._fetching.values()):
            task.cancel()
        self._held.clear()
        await self.transport.close()


class _Reply(msgspec.Struct):
    """GitHub's reply to an exchange."""

    token: str
    expires_at: float
    refresh_in: float = 0
    endpoints: dict[str, Any] = {}


class Copilot(OpenAI):
    """GitHub Copilot, with a GitHub token as its key."""

    def __init__(self, settings: Settings, row: Row, clock: Callable[[], float] = time.time) -> None:
        """`settings.url` replaces the address that GitHub names, unless it is Copilot's too."""
        # Copilot's own address has no version in its path; a gateway's of the user's own may have what it likes.
        super().__init__(settings, row)
        self._fixed = not _is_copilot(urlsplit(self._base.origin).hostname or "")
        # The key goes to GitHub, whatever address is configured for Copilot.
        self._keyless = False
        self._elsewhere: dict[str, Transport] = {}
        github = Transport(
            self.name,
            settings.token_url or _GITHUB,
            settings.limits,
            offline=settings.offline,
            offline_allowed_hosts=settings.offline_allowed_hosts,
            who="GitHub",
            url_key=None,
        )
        self._sessions = Sessions(github, clock)

    async def call(self, call: Call) -> Response:
        """See `isartor.ports.Provider`."""
        path = self.path(call)
        if path is None:
            raise unsupported(self.name, call.endpoint, self.endpoints)
        secret = self._secret(call.key)
        if not secret:
            raise missing_key(self.name, self._settings.where)
        if call.query or self._base.query:
            path = target(path, self._base.query, call.query)
        call = _unprefixed(call)
        headers = [line for line in request_headers(call.headers) if line[0] not in _EDITOR_NAMES]
        self._complete(headers)
        headers += _EDITOR
        if _IMAGE in call.body:
            headers.append(("copilot-vision-request", "true"))
        try:
            session = await self._sessions.get(secret)
            response = await self._send(session, path, headers, call)
            if response.status != _UNAUTHORIZED:
                return response
            # The session may have been ended early. A new one that is refused as well is the reply.
            await response.close()
            session = await self._sessions.get(secret, spent=session)
            return await self._send(session, path, headers, call)
        except _RefusedError as refused:
            return refused.response

    async def _send(self, session: Session, path: str, headers: Headers, call: Call) -> Response:
        paid = [*headers, ("authorization", f"Bearer {session.token}")]
        transport = self._at(session.address)
        return await transport.send("POST", path, paid, call.body, stream=call.stream)

    def _at(self, origin: str) -> Transport:
        """Return the connections for a session's address."""
        if self._fixed or origin == self._base.origin:
            return self._transport
        transport = self._elsewhere.get(origin)
        if transport is None:
            transport = self._elsewhere[origin] = self._connections(origin)
        return transport

    def _secret(self, key: Revealable | None) -> str:
        key = self._settings.api_key if key is None else key
        return key.reveal() if key is not None else ""

    async def ping(self, key: Revealable | None = None, *, deep: bool = False) -> Ping:
        """Exchange the GitHub token. `deep`: no more than that, for each request to Copilot may count."""
        del deep
        secret = self._secret(key)
        probe = Probe("GET", _EXCHANGE)
        headers: Headers = [("accept", "application/json"), *_EDITOR]
        if secret:
            headers.append(("authorization", f"token {secret}"))
        ping = await self._measured(self._sessions.transport, probe, headers)
        return judged(_FORBIDDEN, ping.latency_ms or 0) if ping.status_code == _NOT_FOUND else ping

    async def close(self) -> None:
        """See `isartor.ports.Provider`."""
        await self._sessions.close()
        for transport in self._elsewhere.values():
            await transport.close()
        await super().close()


def address(named: object) -> str:
    """Return the address that GitHub named, if a session token may go there; Copilot's usual one otherwise."""
    if isinstance(named, str):
        parts = urlsplit(named)
        if parts.scheme == "https" and parts.netloc == parts.hostname and _is_copilot(parts.hostname):
            return f"https://{parts.hostname}"
    return f"https://api.{_HOST}"


def _is_copilot(host: str) -> bool:
    return host == _HOST or host.endswith(f".{_HOST}")


def _unprefixed(call: Call) -> Call:
    """`call` without the prefix of its model's name; everything else of its body stays as it is."""
    if not call.model.startswith(_PREFIX):
        return call
    model = call.model.removeprefix(_PREFIX)
    try:
        body = msgspec.json.decode(call.body, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        return call
    body["model"] = msgspec.Raw(msgspec.json.encode(model))
    return replace(call, model=model, body=msgspec.json.encode(body))


def _refusal(status: int, headers: Headers) -> Given:
    """Return what a request gets when GitHub gives no session: a reply of Copilot's, in words and shape."""
    message = f"GitHub refused to exchange the token for Copilot (status {status})."
    kind = "upstream_error"
    if status in {_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND}:
        # GitHub says 404 where a token or an account has no access to Copilot.
        message += " The token is wrong or has expired, or its account has no Copilot."
        kind = "authentication_error"
        status = _FORBIDDEN if status == _NOT_FOUND else status
    body = {"error": {"message": message, "type": kind, "param": None, "code": None}}
    kept = [line for line in headers if line[0] in {"retry-after", "x-ratelimit-reset"}]
    return Given([*kept, ("content-type", "application/json")], [msgspec.json.encode(body)], status=status)
