"""Asks providers whether they are there: all of the chain by the clock, and any of them when somebody wants to know.

A key only ever goes to its own provider: to the scheme, host and port that the provider has in the configuration or in
the registry. An address that somebody types in gets the key that was typed in with it, or none.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from isartor.config import Secret
from isartor.errors import ConfigError, RequestError
from isartor.providers import registry
from isartor.providers.base import Settings
from isartor.providers.urls import same_host

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isartor.ports import Ping
    from isartor.providers.keys import Key
    from isartor.providers.link import Link

log = logging.getLogger("isartor.providers")

_PORTS: Final = {"http": 80, "https": 443}


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which provider to test; without anything the first of the chain."""

    provider: str | None = None
    url: str | None = None
    api_key: str | None = None


class Watch:
    """Looks after the providers of a chain."""

    def __init__(
        self,
        links: Sequence[tuple[Link, Settings]],
        *,
        interval_secs: float,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`links`: the providers in their order, each with its settings. `interval_secs`: of `tick`."""
        self._links = tuple(links)
        self._interval = interval_secs
        self._clock = clock
        self._wall = wall
        self._round: asyncio.Task[None] | None = None

    # -- by the clock

    def tick(self) -> None:
        """Pings those of which nothing has been heard for half the interval or more; not while that still goes on."""
        if self._round is None or self._round.done():
            self._round = asyncio.get_running_loop().create_task(self.look())

    async def look(self) -> None:
        """One round."""
        # Half of it: the answer to the ping of the round before came a little after that round had begun.
        since = self._wall() - self._interval / 2
        links = [link for link, _ in self._links if _can_be_asked(link) and _heard(link) <= since]
        await asyncio.gather(*(self._look_at(link) for link in links))

    async def _look_at(self, link: Link) -> None:
        try:
            ping = await self.ping(link)
        except Exception:
            log.exception("the ping of %s failed", link.name)
            return
        if ping.error is not None:
            log.info("the provider %s does not answer as it should: %s", link.name, ping.error)

    async def close(self) -> None:
        """Ends what goes on."""
        if self._round is not None:
            self._round.cancel()
            await asyncio.gather(self._round, return_exceptions=True)

    # -- on demand

    async def ping(self, link: Link, *, deep: bool = False) -> Ping:
        """Asks one of the chain, with the key that is most likely good; its health is what came of it."""
        key = best_key(link, self._clock())
        ping = await link.provider.ping(None if key is None else key.secret, deep=deep)
        link.seen(self._wall(), ping.error)
        return ping

    async def test(self, asked: Asked) -> Ping:
        """Asks any provider. Raises `RequestError` if there is none such."""
        found = self._of_chain(asked)
        if found is not None and not asked.api_key:
            return await self.ping(found[0])
        return await self._stranger(asked, None if found is None else found[1])

    def _of_chain(self, asked: Asked) -> tuple[Link, Settings] | None:
        """The provider of the chain that is meant, if one is."""
        for link, settings in self._links:
            if asked.provider in {None, link.name} and (asked.url is None or _is_at(asked.url, settings)):
                return link, settings
        return None

    async def _stranger(self, asked: Asked, known: Settings | None) -> Ping:
        """Asks a provider that is made for this one question, with the key that came along, or none."""
        if known is None:
            common = self._links[0][1]
            # Whatever is not this one's own, such as a deployment, belongs to another provider.
            known = Settings(
                provider=asked.provider or "custom",
                url=asked.url,
                limits=common.limits,
                offline=common.offline,
                offline_allowed_hosts=common.offline_allowed_hosts,
                azure_deployment_id="-" if asked.provider == "azure" else None,
                where="body",
            )
        key = Secret(asked.api_key) if asked.api_key else None
        settings = replace(known, api_key=None, url=asked.url or known.url)
        try:
            provider = registry.build(settings)
        except ConfigError as error:
            raise RequestError(error.message, param="url" if asked.url else "provider") from None
        try:
            return await provider.ping(key)
        finally:
            await provider.close()


def best_key(link: Link, now: float) -> Key | None:
    """The key that is most likely good; `None` if there is none. Takes no turn."""
    keys = link.pool.keys
    return min(keys, key=lambda key: (key.dead, max(key.rests_until - now, 0.0))) if keys else None


def _can_be_asked(link: Link) -> bool:
    return link.status()["state"] == "active"


def _heard(link: Link) -> float:
    """When something was last heard of it."""
    return max(link.last_success or 0.0, link.last_error or 0.0)


def _is_at(url: str, settings: Settings) -> bool:
    """Whether `url` is the very place that this provider's key is for."""
    row = registry.TABLE.get(settings.provider)
    own = settings.url or (None if row is None else row.url)
    try:
        return own is not None and same_host(url, own) and _door(url) == _door(own)
    except ValueError:
        return False


def _door(url: str) -> tuple[str, int | None]:
    """Scheme and port: behind another one of the same host may be anybody."""
    parts = urlsplit(url.strip())
    return parts.scheme, parts.port or _PORTS.get(parts.scheme)
