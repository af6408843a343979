"""Questions of the command line to a gateway, over the standard library: nothing here needs to be fast or clever.

Proxies of the environment are not used: the gateway is near, and a proxy would be told its key.
"""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from isartor.cli.failures import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from isartor.config import Config


class Answer(msgspec.Struct, frozen=True):
    """A reply that has been read."""

    status: int
    headers: dict[str, str]
    body: bytes


class Gateway:
    """One connection to a gateway at `url`; usable for one question after the other."""

    def __init__(self, url: str, *, key: str | None = None, timeout: float = 10) -> None:
        """`key`: the gateway key, if it asks for one. Raises `CommandError` if `url` is none."""
        try:
            parts = urlsplit(url)
            address, port = parts.hostname, parts.port
        except ValueError:
            address, port = None, None
        if parts.scheme not in {"http", "https"} or not address:
            message = f"{url!r} is not the URL of a gateway; it looks like http://127.0.0.1:8080"
            raise CommandError(message)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        self._prefix = parts.path.rstrip("/")
        self._connection = kind(address, port, timeout=timeout)
        self._headers = {} if key is None else {"x-api-key": key}

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Send one request. Raises `OSError` or `http.client.HTTPException` if no reply comes."""
        headers: Mapping[str, str] = self._headers
        content = None
        if body is not None:
            content = msgspec.json.encode(body)
            headers = {**self._headers, "content-type": "application/json"}
        try:
            self._connection.request(method, self._prefix + path, body=content, headers=dict(headers))
            reply = self._connection.getresponse()
            return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
        except BaseException:
            # The connection is in an unknown state; the next question opens another.
            self._connection.close()
            raise

    def read(self, path: str, *, missing: dict[str, Any] | None = None) -> dict[str, Any]:
        """The JSON object at `path`, or `missing` from a gateway that has no such page.

        Raises `CommandError` with a line for the user.
        """
        answer = self._answer("GET", path)
        if answer.status == 404 and missing is not None:
            return missing
        return self._object(answer, path)

    def send(self, path: str, body: object) -> dict[str, Any]:
        """The JSON object with which `path` answers a POST. Raises `CommandError`, with what the gateway says."""
        return self._object(self._answer("POST", path, body), path)

    def _answer(self, method: str, path: str, body: object = None) -> Answer:
        try:
            answer = self.ask(method, path, body)
        except (OSError, http.client.HTTPException):
            message = f"no gateway answers at {self.url}; start one with `isartor up`"
            raise CommandError(message) from None
        if answer.status in {401, 403}:
            message = f"the gateway at {self.url} refuses the key; give it with --gateway-api-key"
            raise CommandError(message)
        return answer

    def _object(self, answer: Answer, path: str) -> dict[str, Any]:
        try:
            found = msgspec.json.decode(answer.body, type=dict[str, Any])
        except msgspec.DecodeError:
            found = {}
        if answer.status == 200 and found:
            return found
        if answer.status in {400, 404} and found.get("error") in {"not_found", "invalid_request"}:
            # In its own words, which name what is wrong, unless it does not know the route.
            message = str(found.get("message"))
            if "has no route" not in message:
                raise CommandError(message)
        message = f"{self.url}{path} answers with {answer.status} and not as an Isartor gateway does"
        raise CommandError(message)

    def healthy(self) -> bool:
        """Whether it answers at all."""
        try:
            return self.ask("GET", "/healthz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def __enter__(self) -> Self:
        """Nothing is opened before the first question."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._connection.close()


def local_or(url: str | None, key: str | None, *, timeout: float = 10) -> Gateway:
    """The gateway at `url`, by default the one that the configuration describes, with that one's key."""
    if url is None or key is None:
        from isartor.cli import banner
        from isartor.config import load

        # The key is the local gateway's own: another gateway must not be told it.
        config = load()
        own = banner.url(config)
        is_own = url is None or url.rstrip("/") in {own, f"http://localhost:{config.server.port}"}
        if key is None and is_own:
            key = _operators(config)
        url = url or own
    return Gateway(url, key=key, timeout=timeout)


def _operators(config: Config) -> str | None:
    """The key that opens every page of the local gateway, if it has keys."""
    if config.gateway_api_key is not None:
        return config.gateway_api_key.reveal()
    return config.gateway_keys[0].key.reveal() if config.gateway_keys else None
