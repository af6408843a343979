"""A small HTTP service beside the gateway (`isartor.ports.Service`), over the providers' transport.

Whole requests and replies under one time limit; a reply is bounded. Offline mode holds as for a provider: what is
outside this machine, its private network and `offline_allowed_hosts` is not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from isartor.errors import ConfigError, NoProviderError, UpstreamTimeoutError
from isartor.providers.base import Limits
from isartor.providers.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Sequence

_LARGEST_REPLY: Final = 4 * 1024 * 1024
_CONNECT_SECS: Final = 5.0


class HttpService:
    """The service at a configured address."""

    def __init__(
        self,
        key: str,
        url: str,
        *,
        timeout_secs: float,
        offline: bool = False,
        offline_allowed_hosts: Sequence[str] = (),
    ) -> None:
        """`key`: the setting that `url` comes from, for messages. Raises `ConfigError` for a useless `url`."""
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError as error:
            raise ConfigError(f"{key} is not a valid URL: {error}", param=key) from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(f"{key} must start with http:// or https:// and name a host", param=key)
        if "@" in parts.netloc:
            raise ConfigError(f"{key} must not contain credentials", param=key)
        name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self.host = name if port is None else f"{name}:{port}"
        self._key = key
        self._prefix = parts.path.rstrip("/")
        self._timeout_secs = timeout_secs
        limits = Limits(
            l3_connect_timeout_secs=min(_CONNECT_SECS, timeout_secs),
            l3_first_byte_timeout_secs=timeout_secs,
            l3_read_timeout_secs=timeout_secs,
            l3_timeout_secs=timeout_secs,
        )
        self._transport = Transport(
            key,
            f"{parts.scheme}://{self.host}",
            limits,
            offline=offline,
            offline_allowed_hosts=offline_allowed_hosts,
            who="the service",
            url_key=key,
        )

    async def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """See `isartor.ports.Service`. Raises `NoProviderError` in offline mode, `UpstreamError`."""
        headers = [("accept", "application/json")]
        if body is not None:
            headers.append(("content-type", "application/json"))
        # An address that already ends in the path, or in its beginning (`/v1`), means the same service.
        prefix = self._prefix.removesuffix(path)
        head = path[: path.index("/", 1)] if path.count("/") > 1 else None
        if head is not None:
            prefix = prefix.removesuffix(head)
        try:
            response = await self._transport.send(method, prefix + path, headers, body or b"", stream=False)
            try:
                return response.status, await response.read_all(_LARGEST_REPLY)
            finally:
                await response.close()
        except NoProviderError as error:
            raise NoProviderError(
                f"Offline mode is active, and {self.host} ({self._key}) is outside this machine and its private"
                " network. Add the host to offline_allowed_hosts, or set offline_mode = false.",
                code=error.code,
            ) from None
        except UpstreamTimeoutError as error:
            raise UpstreamTimeoutError(
                f"{self.host} did not answer within {self._timeout_secs:g} s ({self._key})", retryable=True
            ) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()
