"""What an operator asks of a running gateway: its providers, what was used, the latest requests, its settings.

These pages show what all tenants do, so they are for the operator's key alone: `gateway_api_key`, or without one the
first of `gateway_keys`. So are the statistics and metrics, which other modules write. Without any key all of them are
open, as everything is.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from isartor import __version__
from isartor.config import sources
from isartor.errors import ForbiddenError, RequestError
from isartor.observe import tail
from isartor.observe.requests import FILE_NAME, folder_of
from isartor.providers.health import Asked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from isartor._native import Head
    from isartor.config import Config
    from isartor.ports import Ping
    from isartor.server.fellows import State

ROUTES: Final[Mapping[tuple[str, str], str]] = {
    ("GET", "/debug/providers"): "providers",
    ("GET", "/debug/usage"): "usage",
    ("GET", "/api/admin/overview"): "overview",
    ("GET", "/api/admin/providers"): "providers",
    ("GET", "/api/admin/usage"): "usage",
    ("GET", "/api/admin/usage/breakdown"): "breakdown",
    ("GET", "/api/admin/requests"): "requests",
    ("GET", "/api/admin/config"): "config",
    ("POST", "/api/admin/providers/test"): "test",
}
"""The pages, and what answers each."""
BODY_BYTES: Final = 16 * 1024
"""Largest body of a test."""
MOST_REQUESTS: Final = 100
"""As many requests of the log are shown at most."""

_WEEK_HOURS: Final = 7 * 24
_VIEW: Final = (
    "offline_mode",
    "llm_provider",
    "external_llm_model",
    "azure_deployment_id",
    "azure_api_version",
    "cache_mode",
    "cache_ttl_secs",
    "cache_max_capacity",
    "similarity_threshold",
    "enable_usage",
    "usage_log_path",
    "usage_retention_days",
    "usage_window_hours",
    "enable_request_logs",
    "request_log_path",
    "provider_health_check_interval_secs",
    "log_level",
)
"""Settings that are shown as they are; none of them can hold a secret."""


class Providers(Protocol):
    """The chain, as far as it is shown."""

    @property
    def name(self) -> str:
        """Id of the first provider."""

    @property
    def model(self) -> str:
        """Its model."""

    def report(self) -> dict[str, Any]:
        """The body of `GET /debug/providers`."""


class Tester(Protocol):
    """Asks a provider whether it is there."""

    async def test(self, asked: Asked) -> Ping:
        """Raises `RequestError` if there is no such provider."""


class Quotas(Protocol):
    """The quotas, as far as they are shown."""

    def warnings(self) -> list[str]:
        """A line for each limit that is near."""


class Used(Protocol):
    """What was used, summed up."""

    @property
    def quotas(self) -> Quotas:
        """Of providers and tenants."""

    @property
    def page(self) -> Callable[[Mapping[str, str]], Awaitable[dict[str, Any]]]:
        """The whole report."""

    @property
    def breakdown(self) -> Callable[[Mapping[str, str]], Awaitable[dict[str, Any]]]:
        """By provider and model."""

    @property
    def totals(self) -> Callable[[int], Awaitable[dict[str, Any]]]:
        """The sums of so many hours."""


class Operations:
    """The pages."""

    def __init__(  # noqa: PLR0913 # each is a part, by name
        self,
        config: Config,
        *,
        providers: Providers,
        tester: Tester,
        usage: Used,
        state: Callable[[], State],
        operator: bytes | None,
    ) -> None:
        """`state`: what the workers have counted. `operator`: the tenant who may look; `None` for anybody."""
        self._config = config
        self._providers = providers
        self._tester = tester
        self._usage = usage
        self._state = state
        self._operator = operator
        self._pages: Mapping[str, Callable[[Mapping[str, str], bytes], Awaitable[dict[str, Any]]]] = {
            "providers": self._report,
            "usage": self._used,
            "breakdown": self._breakdown,
            "overview": self._overview,
            "requests": self._requests,
            "config": self._view,
            "test": self._test,
        }

    def admit(self, head: Head) -> None:
        """Raises `ForbiddenError` for whoever has a key that is not the operator's."""
        if self._operator is not None and head.tenant != self._operator:
            message = (
                "This page shows what all tenants do. It asks for the operator's key: gateway_api_key, or without one "
                "the first of gateway_keys."
            )
            raise ForbiddenError(message)

    async def answer(self, page: str, query: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """The body of one page. Raises an `IsartorError`."""
        return await self._pages[page](query, body)

    async def _report(self, query: Mapping[str, str], body: bytes) -> dict[str, Any]:
        del query, body
        return self._providers.report()

    async def _used(self, query: Mapping[str, str], body: bytes) -> dict[str, Any]:
        del body
        return await self._usage.page(query)

    async def _breakdown(self, query: Mapping[str, str], body: bytes) -> dict[str, Any]:
        del body
        return await self._usage.breakdown(query)

    async def _overview(self, query: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """Of the last seven days, where it says nothing else."""
        del query, body
        config, state = self._config, self._state()
        used = await self._usage.totals(_WEEK_HOURS)
        return {
            "version": __version__,
            "provider": self._providers.name,
            "model": self._providers.model,
            "uptime_secs": int(monotonic() - state.born),
            "total_requests": used["total_requests"],
            "total_deflected": used["total_deflected_requests"],
            "deflection_rate": used["deflection_rate"],
            "total_tokens": used["total_tokens"],
            "estimated_cost_usd": used["estimated_cost_usd"],
            "estimated_saved_cost_usd": used["estimated_saved_cost_usd"],
            "l1a_entries": state.cache["entries"],
            "l1b_entries": state.semantic.get("entries", 0),
            "request_logging_enabled": config.enable_request_logs,
            "slm_router_enabled": False,
            "offline_mode": config.offline_mode,
            "quota_warnings": self._usage.quotas.warnings(),
        }

    async def _requests(self, query: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """The latest of the request log, newest first."""
        del body
        try:
            limit = min(max(int(query.get("limit", MOST_REQUESTS)), 0), MOST_REQUESTS)
        except ValueError:
            limit = MOST_REQUESTS
        folder = folder_of(self._config)
        entries = [] if folder is None else await asyncio.to_thread(_latest, folder / FILE_NAME, limit)
        return {
            "enabled": self._config.enable_request_logs,
            "log_path": self._config.request_log_path,
            "entries": entries,
        }

    async def _view(self, query: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """Settings in effect that are no secrets; `isartor config show` has all of them."""
        del query, body
        config = self._config
        file = await asyncio.to_thread(_file)
        return {
            "config_file": None if file is None else str(file),
            "file_exists": file is not None,
            "host_port": f"{config.server.host}:{config.server.port}",
            # The query of an address may be a credential.
            "external_llm_url": (config.external_llm_url or "").partition("?")[0] or None,
            **{name: getattr(config, name) for name in _VIEW},
        }

    async def _test(self, query: Mapping[str, str], body: bytes) -> dict[str, Any]:
        del query
        try:
            asked = msgspec.json.decode(body or b"{}", type=Asked)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            message = f"The body is not what this route takes: {error}"
            raise RequestError(message) from None
        ping = await self._tester.test(asked)
        return {
            "reachable": ping.reachable,
            "latency_ms": ping.latency_ms,
            "status_code": ping.status_code,
            "error": ping.error,
        }


def _latest(path: Path, limit: int) -> list[Any]:
    try:
        lines = tail.last_lines(path, limit)
    except OSError:
        return []
    entries = []
    for line in reversed(lines):
        try:
            entries.append(msgspec.json.decode(line))
        except msgspec.MsgspecError:
            continue  # another process is writing it
    return entries


def _file() -> Path | None:
    try:
        return sources.find_file(Path.cwd(), Path.home())
    except (RuntimeError, OSError):
        return None
