"""From the address that a user configures to the address of each wire operation.

Users give what they have at hand: the host, the base with its version, or the full address of one operation
out of some documentation. All three mean the same provider::

    https://api.openai.com
    https://api.openai.com/v1/
    https://api.openai.com/v1/chat/completions
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from isartor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY: Final = "external_llm_url"
_SECRET: Final = "external_llm_api_key"  # noqa: S105 - the name of a setting
_VERSION: Final = re.compile(r"v\d+(?:(?:alpha|beta)\d*)?")


class Base(NamedTuple):
    """A configured address in its parts: `origin` + `prefix` + operation + `?` + `query`."""

    origin: str
    """Scheme, host and port: `https://api.openai.com`."""
    prefix: str
    """Path before the operation, without a slash at its end: `/v1`."""
    query: str
    """Query that goes along with every call, without its question mark."""


def parse(  # noqa: PLR0913 - what a provider knows of its address, by name
    url: str,
    operations: Mapping[str, str],
    *,
    version: str,
    own: str | None = None,
    key: str = _KEY,
    secret: str = _SECRET,
) -> Base:
    """Take `url` apart.

    `operations` are the paths below the prefix (`/chat/completions`). A path that ends in one of them keeps
    what stands before it, with or without a version, since the user has shown the whole address; so does a
    path with a version in it. Any other path gets `version` appended, if the provider has one (it may be empty).
    `own`: the provider's own address; the bare host of it means the whole of it. `key` and `secret` are the
    settings that messages name.

    Raises `ConfigError` if `url` is not http(s), has no host, or holds credentials; the message does not
    repeat those.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        message = f"{key} is not a valid URL: {error}"
        raise ConfigError(message, param=key) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = f"{key} must start with http:// or https:// and name a host"
        raise ConfigError(message, param=key)
    if "@" in parts.netloc:
        message = f"{key} must not contain credentials; use {secret}"
        raise ConfigError(message, param=key)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    origin = f"{parts.scheme}://{host}" if port is None else f"{parts.scheme}://{host}:{port}"
    path = parts.path
    if own is not None and not path.strip("/") and same_host(url, own):
        path = urlsplit(own).path
    return Base(origin, _prefix(path, operations, version), parts.query)


def same_host(url: str, other: str) -> bool:
    """Whether two addresses name the same host, whatever the rest."""
    return urlsplit(url.strip()).hostname == urlsplit(other).hostname


def _prefix(path: str, operations: Mapping[str, str], version: str) -> str:
    path = path.rstrip("/")
    for operation in sorted(operations.values(), key=len, reverse=True):
        if path.endswith(operation):
            return path.removesuffix(operation).rstrip("/")
    if not version or any(_VERSION.fullmatch(segment) for segment in path.split("/")):
        return path
    return f"{path}/{version}"


def target(path: str, configured: str, client: str) -> str:
    """`path` with the query of the configured address and the client's.

    The client's `key` parameter stays behind: it is a credential for the gateway.
    """
    if "key=" in client:
        client = "&".join(part for part in client.split("&") if not part.startswith("key="))
    query = f"{configured}&{client}" if configured and client else configured or client
    return f"{path}?{query}" if query else path
