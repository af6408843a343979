"""What a gateway would connect to, and what comes of trying: the findings of `isartor check`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from isartor.errors import IsartorError
from isartor.ports import Ping
from isartor.providers import registry
from isartor.providers.configured import settings_of
from isartor.providers.hosts import allowed_offline, is_private
from isartor.providers.service import HttpService
from isartor.wiring import chain_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from isartor.config import Config
    from isartor.providers.base import Settings
    from isartor.providers.keys import Key
    from isartor.providers.link import Link

_LONGEST_SECS: Final = 15.0
_SERVER_ERROR: Final = 500


class Tried(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One question to a provider."""

    key: str | None = None
    """Masked; `None` if none was sent."""
    label: str | None = None
    priority: int = 1
    ping: Ping


class Target(msgspec.Struct, kw_only=True):
    """One place to connect to."""

    role: str
    name: str
    endpoint: str
    configured: bool
    external: bool
    """Whether it is outside this machine and its private network."""
    blocked: bool
    """Whether offline mode keeps it from being asked."""
    model: str | None = None
    tried: list[Tried] = []
    quota: list[str] = []
    note: str | None = None

    @property
    def well(self) -> bool:
        """Whether a request to it would be answered, or is not wanted."""
        return self.blocked or (self.configured and all(each.ping.error is None for each in self.tried))


class Audit(msgspec.Struct, kw_only=True):
    """All of it."""

    providers: list[Target]
    services: list[Target]
    offline_mode: bool

    @property
    def well(self) -> bool:
        """Whether everything that is configured works."""
        return all(target.well for target in (*self.providers, *self.services))

    @property
    def outside(self) -> list[str]:
        """Where the gateway would connect to outside of the private network."""
        targets = (*self.providers, *self.services)
        return [each.endpoint for each in targets if each.configured and each.external and not each.blocked]


async def audit(
    config: Config, quotas: Sequence[Mapping[str, Any]], *, deep: bool, done: Callable[[], None] = lambda: None
) -> Audit:
    """Try every key of every provider, and every service, at the same time. `done` is called after each question.

    `quotas`: as `usage.quotas.Quotas.status` gives them.
    """
    chain = chain_of(config, None)
    providers = [_provider(config, *each) for each in zip(chain.links, settings_of(config), strict=True)]
    services = [found for found in (_embedder(config),) if found is not None]
    try:
        async with asyncio.TaskGroup() as group:
            for target, link in zip(providers, chain.links, strict=True):
                target.quota = [line for row in quotas if row.get("provider") == target.name for line in row["lines"]]
                if target.configured and not target.blocked:
                    for key in link.pool.keys or (None,):
                        group.create_task(_ask(target, link, key, deep=deep, done=done))
            for target in services:
                if not target.blocked:
                    group.create_task(_serve(config, target, done))
    finally:
        await chain.close()
    for target in providers:
        target.tried.sort(key=lambda each: each.priority)
    return Audit(providers=providers, services=services, offline_mode=config.offline_mode)


def questions(config: Config) -> int:
    """How many will be asked at most."""
    pools = [max(len(link.pool.keys), 1) for link in chain_of(config, None).links]
    return sum(pools) + (1 if _embedder(config) is not None else 0)


def _provider(config: Config, link: Link, settings: Settings) -> Target:
    row = registry.TABLE.get(settings.provider)
    address = settings.url or (None if row is None else row.url) or link.status()["endpoint"]
    configured = link.status()["state"] != "no_api_key"
    return _target(
        config,
        address,
        role=f"Fallback {int(link.about['config_index']) + 1}" if "config_index" in link.about else "Primary",
        name=link.name,
        configured=configured,
        model=link.model or link.provider.model,
        note=None if configured else f"no key: set {settings.key('api_key')}",
    )


def _embedder(config: Config) -> Target | None:
    kind = config.semantic_cache.provider
    if config.cache_mode == "exact" or kind not in {"tei", "sidecar"}:
        return None
    url = config.semantic_cache.remote_url if kind == "tei" else config.embedding_sidecar.sidecar_url
    return _target(config, url or "", role="Embeddings", name=kind, configured=bool(url))


def _target(config: Config, address: str, **about: Any) -> Target:
    # The query of an address may be a credential.
    address = address.partition("?")[0]
    host = urlsplit(address).hostname or ""
    blocked = config.offline_mode and not allowed_offline(host, config.offline_allowed_hosts)
    return Target(endpoint=address, external=not is_private(host), blocked=blocked, **about)


async def _ask(target: Target, link: Link, key: Key | None, *, deep: bool, done: Callable[[], None]) -> None:
    ping = await link.provider.ping(None if key is None else key.secret, deep=deep)
    if key is None:
        target.tried.append(Tried(ping=ping))
    else:
        target.tried.append(Tried(key=key.masked, label=key.label, priority=key.priority, ping=ping))
    done()


async def _serve(config: Config, target: Target, done: Callable[[], None]) -> None:
    """Ask a service for something that it answers at once."""
    service = HttpService(
        target.role.lower(),
        target.endpoint,
        timeout_secs=min(config.embedding_sidecar.timeout_seconds, _LONGEST_SECS),
        offline=config.offline_mode,
        offline_allowed_hosts=config.offline_allowed_hosts,
    )
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        status, _ = await service.ask("GET", "/health" if target.name == "tei" else "/v1/models")
        took = round((loop.time() - began) * 1000, 3)
        error = f"status {status}" if status >= _SERVER_ERROR else None
        ping = Ping(reachable=error is None, status_code=status, latency_ms=took, error=error)
    except IsartorError as failure:
        ping = Ping(reachable=False, error=failure.message)
    finally:
        await service.close()
    target.tried.append(Tried(ping=ping))
    done()


def local_quotas(config: Config) -> list[dict[str, Any]]:
    """What is used of the quotas, as far as it is written down here."""
    from isartor.usage.ledger import Ledger
    from isartor.usage.prices import Prices
    from isartor.usage.quotas import Quotas

    try:
        folder = Path(config.usage_log_path).expanduser()
    except RuntimeError:
        folder = None
    # A look must leave no trace: neither a folder, nor a quota that the next gateway takes for one that was counted.
    ledger = Ledger(folder if folder is not None and folder.is_dir() else None)
    quotas = Quotas(config.quota, config.gateway_keys, prices=Prices(config.usage_pricing), ledger=ledger)
    if quotas.policies:
        ledger.peek()
    try:
        return quotas.status()
    finally:
        ledger.close()
