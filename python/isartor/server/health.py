"""`/health` and `/debug/stats/*`: what the gateway says about itself. No secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from isartor import __version__
from isartor.server.fellows import MOST_RECENT
from isartor.stack.l1b import figures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isartor.config import Config
    from isartor.ports import Upstream
    from isartor.server.fellows import State, Worker
    from isartor.stack.semantic import SemanticCache

_LIMIT: Final = 20


class Health:
    """Reads the state of everything that has one."""

    def __init__(  # noqa: PLR0913 - each is a part, all by name but one
        self,
        config: Config,
        *,
        worker: Worker,
        provider: Upstream,
        semantic: SemanticCache | None = None,
        l3: Callable[[], str],
        faults: Callable[[], list[str]] = list,
        concurrency: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        """The parts are only read.

        `l3`: whether there is a provider to ask. `faults`: what is wrong without stopping anything. `concurrency`: how
        busy L0 is.
        """
        self._concurrency = concurrency
        self._config = config
        self._worker = worker
        self._provider = provider
        self._semantic = semantic
        self._l3 = l3
        self._faults = faults

    def health(self) -> dict[str, Any]:
        """The body of `GET /health`."""
        state = self._worker.state(0)
        provider = self._provider.status()
        exact = self._config.cache_mode in {"exact", "both"}
        demo = provider["state"] == "demo"
        return {
            "status": "ok",
            "version": __version__,
            "layers": {
                "l1a": "active" if exact else "disabled",
                "l1b": "disabled" if self._semantic is None else self._semantic.state,
                "l2": "disabled",
                "l3": self._l3(),
            },
            "provider": {key: provider[key] for key in ("provider", "model", "endpoint")},
            "uptime_seconds": int(monotonic() - state.born),
            "demo_mode": demo,
            "proxy": "disabled",
            "proxy_layer3": "disabled",
            "proxy_recent_requests": 0,
            "prompt_total_requests": state.totals["total_prompts"],
            "prompt_total_deflected_requests": state.totals["total_deflected_prompts"],
            "cache": state.cache,
            "concurrency": self._concurrency(),
            "faults": self._faults(),
        }

    def prompts(self, query: Mapping[str, str]) -> dict[str, Any]:
        """The body of `GET /debug/stats/prompts?limit=20`."""
        try:
            limit = min(max(int(query.get("limit", _LIMIT)), 0), MOST_RECENT)
        except ValueError:
            limit = _LIMIT
        state = self._worker.state(limit)
        for answered in state.recent:
            at = datetime.fromtimestamp(answered.pop("timestamp_ms") / 1000, UTC)
            answered["timestamp"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {**state.totals, "recent": state.recent}

    def agents(self) -> dict[str, Any]:
        """The body of `GET /debug/stats/agents`."""
        return {"agents": self._worker.state(0).agents}

    def semantic(self) -> dict[str, Any]:
        """The body of `GET /debug/stats/semantic`."""
        settings = self._config.semantic_cache
        about = {
            "state": "disabled" if self._semantic is None else self._semantic.state,
            "policy": settings.policy,
            "max_error_rate": settings.max_error_rate,
            "audit_rate": settings.audit_rate,
            "similarity_threshold": self._config.similarity_threshold,
        }
        return figures.page(self._worker.state(0).semantic, about)

    def state(self) -> State:
        """What all workers together have counted."""
        return self._worker.state(0)
