"""The one place where configuration becomes objects: it alone knows both the stack and the providers."""

from __future__ import annotations

import secrets
import time
from hashlib import blake2b
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from isartor._native import Exact, Gate, Stats, Tokenizer
from isartor.config.schema import BUNDLED_MODEL, EMBEDDED
from isartor.embedding import local
from isartor.embedding.remote import RemoteEmbedder
from isartor.embedding.sidecar import Sidecar
from isartor.embedding.tei import Tei
from isartor.formats import FORMATS, SURFACES, models
from isartor.formats.counting import Counter
from isartor.formats.translate import Translator
from isartor.observe.requests import RequestLog
from isartor.providers import registry
from isartor.providers.breaker import Breaker
from isartor.providers.chain import Chain
from isartor.providers.configured import settings_of
from isartor.providers.health import Watch
from isartor.providers.hosts import allowed_offline
from isartor.providers.keys import Pool
from isartor.providers.link import Link
from isartor.providers.service import HttpService
from isartor.server.admin import CacheAdmin
from isartor.server.fellows import TICK_SECS, Fellow, Worker
from isartor.server.health import Health
from isartor.server.operations import Operations
from isartor.server.pages import Pages
from isartor.stack.cloud import Cloud
from isartor.stack.exact import ExactCache
from isartor.stack.gate import Gatekeeper
from isartor.stack.l1b import calibration, outcomes
from isartor.stack.l1b.engine import Engine, Files
from isartor.stack.limits import AllowedModels, Pace, Rates, Tenant, Turnstile
from isartor.stack.pipeline import Pipeline
from isartor.stack.semantic import GROWTH_SECS, Rules, SemanticCache
from isartor.usage import Usage

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from isartor.config import Config
    from isartor.ports import Budget, Embedder
    from isartor.providers.base import Settings

_LOCAL: Final = ("localhost", "127.0.0.1", "[::1]", "::1")
_PURGE_SECS: Final = 60
_NOBODY: Final = bytes(16)
"""The tenant of everybody where no key is asked for."""
_COUNTER: Final = Counter(FORMATS, local.count_tokens)


class Gateway:
    """Everything that one worker process holds."""

    def __init__(self, config: Config, folder: Path | None = None) -> None:
        """Builds the stack from the top down; connects to nothing yet. `folder`: shared by several workers."""
        self.aliases = config.model_aliases
        self.stats = Stats()
        self.labels = {tenant_of(key.label): key.label for key in config.gateway_keys}
        self.usage = Usage(config, tenants=self.labels)
        self.upstream = chain_of(config, self.usage.quotas if self.usage.quotas.policies else None)
        self.watch = watch_of(config, self.upstream)
        self.requests = RequestLog.of(config)
        self.gate = _gate(config)
        self.turnstile = _turnstile(config)
        self.keeper = Gatekeeper(
            max_body_bytes=config.server.max_body_bytes,
            body_timeout_secs=config.server.body_timeout_secs,
            tenants=_tenants(config, folder),
            turnstile=self.turnstile,
        )
        workers = config.server.workers
        self.store = Exact(
            max_entries=max(config.cache_max_capacity // workers, 1),
            max_bytes=max(config.cache_max_bytes // workers, 1),
            ttl_secs=config.cache_ttl_secs,
            stale_secs=config.stale_if_error_secs,
            aliases=config.model_aliases,
            stats=self.stats,
            semantic=config.cache_mode != "exact",
            usage=self.usage.log,
        )
        self.semantic = _semantic(config, self.store)
        if folder is None:
            self.worker = Worker(self.store, self.stats, self.semantic)
        else:
            self.worker = Fellow(self.store, self.stats, folder, self.semantic)
        self.pipeline = Pipeline(
            gate=self.keeper,
            exact=ExactCache(self.store, enabled=config.cache_mode in {"exact", "both"}),
            allowed=AllowedModels(config.gateway_keys, self.upstream.model) or None,
            semantic=self.semantic,
            cloud=Cloud(
                self.upstream,
                self.store,
                keeps=True,
                limit=config.cache_max_entry_bytes,
                semantic=self.semantic,
                books=self.usage.books,
                took=self.turnstile.took,
            ),
        )
        self.pages = Pages(
            gate=self.gate,
            keeper=self.keeper,
            health=Health(
                config,
                worker=self.worker,
                provider=self.upstream,
                l3=_l3(config, self.upstream),
                semantic=self.semantic,
                faults=self._faults,
                concurrency=self.turnstile.status,
            ),
            cache=CacheAdmin(self.store, self.worker),
            operations=Operations(
                config,
                providers=self.upstream,
                tester=self.watch,
                usage=self.usage,
                state=lambda: self.worker.state(0),
                operator=_operator(config),
            ),
            **_models(config, self.upstream),
        )
        self._pings_every = config.provider_health_check_interval_secs
        self._timers: list[asyncio.TimerHandle] = []

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts what runs by the clock."""
        self.usage.start()
        if self.requests is not None:
            self.requests.start()
        if self._pings_every:
            self._every(loop, self._pings_every, self.watch.tick)
        self._every(loop, 1, self.keeper.tick)
        self._every(loop, _PURGE_SECS, self.store.purge)
        if isinstance(self.worker, Fellow):
            self._every(loop, TICK_SECS, self.worker.tick)
        if self.semantic is not None:
            self.semantic.start(loop)
            self._every(loop, GROWTH_SECS, self.semantic.tick)

    def stop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stops the clocks and closes the provider's connections."""
        for timer in self._timers:
            timer.cancel()
        self.worker.leave()
        if not loop.is_closed() and not loop.is_running():
            if self.semantic is not None:
                loop.run_until_complete(self.semantic.close())
            loop.run_until_complete(self.watch.close())
            loop.run_until_complete(self.upstream.close())
        self.usage.stop()
        if self.requests is not None:
            self.requests.stop()

    def _faults(self) -> list[str]:
        return self.usage.faults() + (self.requests.faults() if self.requests is not None else [])

    def _every(self, loop: asyncio.AbstractEventLoop, secs: float, work: Callable[[], object]) -> None:
        place = len(self._timers)

        def run() -> None:
            # First the next turn: work that fails is reported by the loop, and the clock goes on.
            self._timers[place] = loop.call_later(secs, run)
            work()

        self._timers.append(loop.call_later(secs, run))


def chain_of(config: Config, budget: Budget | None) -> Chain:
    """All providers, in their order."""
    first, *others = settings_of(config)
    links = [_primary(config, first), *(_fallback(config, place, each) for place, each in enumerate(others))]
    return Chain(
        links,
        retry=config.retry,
        budget=budget,
        hedge_after_secs=config.hedge_after_ms / 1000,
        affinity=config.session_affinity,
    )


def _l3(config: Config, chain: Chain) -> Callable[[], str]:
    """The state of the first provider that offline mode lets be asked; if there is none, what forbids it."""
    links = chain.links
    if config.offline_mode and not config.demo:
        hosts = {link: urlsplit(f"//{link.status()['endpoint']}").hostname or "" for link in links}
        links = tuple(link for link in links if allowed_offline(hosts[link], config.offline_allowed_hosts))
        if not links:
            return lambda: "offline_mode_active"
    first = links[0]
    return lambda: first.status()["state"]


def _models(config: Config, chain: Chain) -> dict[str, Any]:
    """The models that `Pages` lists: all, and for tenants who may not ask for all of them."""
    aliases = config.model_aliases
    known = models.known(chain.name, chain.model, aliases, created=int(time.time()))
    allowed = {
        tenant_of(key.label): tuple(model for model in known if key.allows(aliases.get(model.id, model.id)))
        for key in config.gateway_keys
        if key.allowed_models
    }
    return {"known": known, "allowed": allowed}


def watch_of(config: Config, chain: Chain) -> Watch:
    """Who looks after the providers of the chain."""
    links = tuple(zip(chain.links, settings_of(config), strict=True))
    return Watch(links, interval_secs=config.provider_health_check_interval_secs)


def _primary(config: Config, settings: Settings) -> Link:
    pool = Pool.of(
        config.external_llm_api_key,
        config.provider_keys,
        rotation=config.key_rotation_strategy,
        cooldown_secs=config.key_cooldown_secs,
    )
    return Link(
        _reachable(settings),
        pool=pool,
        breaker=_breaker(config),
        setting=_keys(settings, config.external_llm_api_key, config.provider_keys),
        about=_about(settings),
    )


def _fallback(config: Config, place: int, settings: Settings) -> Link:
    entry = config.fallback_providers[place]
    pool = Pool.of(
        entry.api_key,
        entry.provider_keys,
        rotation=entry.key_rotation_strategy,
        cooldown_secs=entry.key_cooldown_secs,
    )
    provider = _reachable(settings)
    return Link(
        provider,
        model=provider.model,
        pool=pool,
        breaker=_breaker(config),
        setting=_keys(settings, entry.api_key, entry.provider_keys),
        about={"config_index": place, **_about(settings)},
    )


def _keys(settings: Settings, single: object, several: object) -> str:
    """The settings that a provider's keys stand in, for messages."""
    names = ["api_key"] * (single is not None or not several) + ["provider_keys"] * bool(several)
    return " and ".join(settings.key(name) for name in names)


def _about(settings: Settings) -> dict[str, Any]:
    """What reports say of a provider beside its state. The query of an address may be a credential."""
    azure = settings.provider == "azure"
    about = {
        "config_url": (settings.url or "").partition("?")[0] or None,
        "azure_deployment_id": settings.azure_deployment_id if azure else None,
        "azure_api_version": settings.azure_api_version if azure else None,
    }
    return {name: value for name, value in about.items() if value is not None}


def _breaker(config: Config) -> Breaker:
    return Breaker(config.breaker.failure_threshold, config.breaker.open_secs)


def _reachable(settings: Settings) -> Translator:
    """A provider that every surface reaches."""
    return Translator(registry.build(settings), FORMATS, SURFACES, _COUNTER.answer)


def _semantic(config: Config, store: Exact) -> SemanticCache | None:
    if config.cache_mode == "exact":
        return None
    settings = config.semantic_cache
    reader = local.bundled(Tokenizer, threads=settings.threads)
    search = _embedder(config)
    home = None if config.demo else _home()
    engine = Engine(
        reader,
        search,
        Files(local.BUNDLED, None if home is None else home / calibration.FILE_NAME),
        remote=settings.provider not in EMBEDDED,
    )
    rules = Rules(
        policy=settings.policy,
        max_error_rate=settings.max_error_rate,
        # The demo provider quotes the question, so its answers to two wordings always differ.
        audit_rate=0 if config.demo else settings.audit_rate,
        similarity_threshold=config.similarity_threshold,
    )
    file = None if home is None else home / outcomes.FILE_NAME
    return SemanticCache(store, engine, rules=rules, exact=config.cache_mode == "both", outcomes=file)


def _embedder(config: Config) -> Embedder | None:
    """What makes the vectors of the search; `None` for the bundled model, which the verifier needs anyway."""
    settings, sidecar = config.semantic_cache, config.embedding_sidecar
    if settings.provider in EMBEDDED:
        if config.embedding_model == BUNDLED_MODEL:
            return None
        path = Path(config.embedding_model).expanduser()
        return local.from_folder(path, Tokenizer, threads=settings.threads, tokens=False)
    tei = settings.provider == "tei"
    service = HttpService(
        "semantic_cache.remote_url" if tei else "embedding_sidecar.sidecar_url",
        (settings.remote_url or "") if tei else sidecar.sidecar_url,
        timeout_secs=sidecar.timeout_seconds,
        offline=config.offline_mode,
        offline_allowed_hosts=config.offline_allowed_hosts,
    )
    return RemoteEmbedder(Tei(service) if tei else Sidecar(service, sidecar.model_name))


def _home() -> Path | None:
    """`~/.isartor`; a user without a home has none."""
    try:
        return Path.home() / ".isartor"
    except RuntimeError:
        return None


def _gate(config: Config) -> Gate:
    server = config.server
    keys = [(key.key.reveal(), tenant_of(key.label)) for key in config.gateway_keys]
    if config.gateway_api_key is not None:
        key = config.gateway_api_key.reveal()
        keys.append((key, tenant_of(key)))
    hosts = [*_LOCAL, server.host.lower(), *(host.lower() for host in server.allowed_hosts)]
    outside = not _is_loopback(server.host)
    if outside and keys and not server.allowed_hosts:
        # A page behind a rebound name has no key; by which name the gateway is reached is its operator's business.
        hosts = []
    return Gate(
        keys=keys,
        hosts=hosts,
        any_address=outside,
        origins=list(server.allowed_origins),
        scope_agent_sessions=config.scope_agent_sessions,
        seed=secrets.randbits(64),
    )


def _tenants(config: Config, folder: Path | None) -> dict[bytes, Tenant]:
    """Those that have a label or a limit. `folder`: shared by several workers."""
    rates = Rates(config.rate_limit, config.gateway_keys, folder=folder)
    tenants = {tenant_of(key.label): Tenant(key.label, rates.of(key.label)) for key in config.gateway_keys}
    allowance = rates.of("")
    if allowance is not None:
        single = config.gateway_api_key
        tenants[_NOBODY if single is None else tenant_of(single.reveal())] = Tenant("", allowance)
    return tenants


def _turnstile(config: Config) -> Turnstile:
    rules = config.concurrency
    pace = Pace(rules.min, rules.max, rules.target_p95_ms / 1000)
    return Turnstile(pace, length=rules.queue_length, timeout_secs=rules.queue_timeout_ms / 1000)


def tenant_of(key: str) -> bytes:
    """The tenant that a gateway key, or the label of one, stands for: 16 bytes that tell nothing of the key."""
    return blake2b(key.encode(), digest_size=16, person=b"isartor-tenant").digest()


def _operator(config: Config) -> bytes | None:
    """The tenant who may see what all tenants do; `None` if there are no keys, and anybody may."""
    if config.gateway_api_key is not None:
        return tenant_of(config.gateway_api_key.reveal())
    return tenant_of(config.gateway_keys[0].label) if config.gateway_keys else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
