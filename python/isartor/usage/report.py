"""`GET /debug/usage` and its kin: sums over `usage.jsonl`, of all workers.

Sums are by the hour, so a report begins with the whole hour in which its time begins. Tokens and cost are what was
spent; what deflected requests have saved stands beside them. The first report reads the whole file, later ones what has
come since.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from isartor._native import Rollup, UsageLog
    from isartor.usage.prices import Prices
    from isartor.usage.quotas import Quotas
    from isartor.usage.writer import Writer

log = logging.getLogger("isartor.usage")

MOST_HOURS: Final = 87_840
_HOUR_SECS: Final = 3600
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS: Final = 9
_FAILED: Final = 4
"""First digit of the statuses that are errors."""

Row = tuple[tuple[str | int, ...], dict[str, Any]]


class Report:
    """Reads the file and sums up."""

    def __init__(  # noqa: PLR0913 - each is a part, all but two by name
        self,
        rollup: Rollup | None,
        file: Path,
        *,
        events: UsageLog | None,
        writer: Writer | None,
        quotas: Quotas,
        prices: Prices,
        window_hours: int,
        retention_days: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`rollup`: over `file`; `None` if no usage is written, and all sums are 0."""
        self._rollup = rollup
        self._file = file
        self._events = events
        self._writer = writer
        self._quotas = quotas
        self._prices = prices
        self._window_hours = window_hours
        self._retention_days = retention_days
        self._clock = clock
        self._lock = threading.Lock()
        self._corrupt = 0

    async def page(self, query: Mapping[str, str]) -> dict[str, Any]:
        """The body of `GET /debug/usage?hours=24`, and of `GET /api/admin/usage`."""
        return await asyncio.to_thread(self.read, self._hours(query))

    async def breakdown(self, query: Mapping[str, str]) -> dict[str, Any]:
        """The body of `GET /api/admin/usage/breakdown`."""
        return await asyncio.to_thread(self._breakdown, self._hours(query))

    async def totals(self, hours: int) -> dict[str, Any]:
        """The sums of so many hours, without what they are made of."""
        return await asyncio.to_thread(self._totals, hours)

    def read(self, hours: int) -> dict[str, Any]:
        """The whole report. Reads the file."""
        days = self._sums(hours, "day", "provider", "model", "deflected")
        recorded, corrupt = (0, 0) if self._rollup is None else self._rollup.lines
        named = {(str(provider), str(model)) for (_, provider, model, _), _ in days}
        unpriced = sorted(f"{name}/{model}" for name, model in named if not self._prices.of(name, model).is_known)
        return {
            "window_hours": hours,
            "usage_log_path": str(self._file.parent),
            "retention_days": self._retention_days,
            "enabled": self._rollup is not None,
            **_totals((sums, bool(key[-1])) for key, sums in days),
            "errors_total": self._errors(hours),
            "entries": [
                {"day": _day(int(day)), "provider": provider, "model": model, **entry}
                for (day, provider, model), entry in _merged(days)
            ],
            "by_tenant": self._by(hours, "tenant"),
            "by_tool": self._by(hours, "tool"),
            "by_layer": self._by(hours, "layer"),
            "quota_status": self._quotas.status(),
            "prices_as_of": self._prices.as_of,
            "unpriced_models": unpriced,
            "log": {
                "lines": recorded,
                "corrupt_lines": corrupt,
                "torn_lines": 0 if self._writer is None else self._writer.torn,
                "lost_events": 0 if self._events is None else self._events.lost,
                "fault": "" if self._writer is None else self._writer.fault,
            },
        }

    def _breakdown(self, hours: int) -> dict[str, Any]:
        rows = _merged(self._sums(hours, "provider", "model", "deflected"))
        return {
            "window_hours": hours,
            "rows": [{"provider": provider, "model": model, **entry} for (provider, model), entry in rows],
            "quota_status": self._quotas.status(),
        }

    def _totals(self, hours: int) -> dict[str, Any]:
        return _totals((sums, bool(key[-1])) for key, sums in self._sums(hours, "deflected"))

    def _by(self, hours: int, dimension: str) -> list[dict[str, Any]]:
        rows = _merged(self._sums(hours, dimension, "deflected", fresh=False))
        return [{dimension: name, **entry} for (name,), entry in rows]

    def _errors(self, hours: int) -> int:
        rows = self._sums(hours, "status", fresh=False)
        return sum(sums["requests"] for (status,), sums in rows if int(status) >= _FAILED)

    def _sums(self, hours: int, *by: str, fresh: bool = True) -> list[Row]:
        """`fresh`: look first what has come since the last time."""
        if self._rollup is None:
            return []
        if fresh:
            self._grow(self._rollup)
        return self._rollup.report(max(int(self._clock()) - hours * _HOUR_SECS, 0), list(by))

    def _grow(self, rollup: Rollup) -> None:
        with self._lock:
            if self._writer is not None:
                self._writer.flush()
            try:
                rollup.read()
            except OSError as error:
                log.warning("%s cannot be read: %s", self._file, error.strerror or error)
            _, corrupt = rollup.lines
            if corrupt > self._corrupt:
                log.warning("%s has %d lines that cannot be read; they are left out", self._file, corrupt)
            self._corrupt = max(corrupt, self._corrupt)

    def _hours(self, query: Mapping[str, str]) -> int:
        try:
            hours = int(query.get("hours") or query.get("window_hours") or self._window_hours)
        except ValueError:
            hours = self._window_hours
        return min(max(hours, 1), MOST_HOURS)


def _day(days: int) -> str:
    return (_EPOCH + timedelta(days=days)).date().isoformat()


def _totals(rows: Iterable[tuple[dict[str, Any], bool]]) -> dict[str, Any]:
    entry = _entry(rows)
    requests = entry["requests_total"]
    return {
        "total_requests": requests,
        "total_deflected_requests": entry["deflected_total"],
        "total_prompt_tokens": entry["prompt_tokens"],
        "total_completion_tokens": entry["completion_tokens"],
        "total_tokens": entry["total_tokens"],
        "total_cached_tokens": entry["cached_tokens"],
        "total_cache_write_tokens": entry["cache_write_tokens"],
        "total_reasoning_tokens": entry["reasoning_tokens"],
        "total_saved_tokens": entry["saved_tokens"],
        "estimated_requests": entry["estimated_total"],
        "estimated_cost_usd": entry["estimated_cost_usd"],
        "estimated_saved_cost_usd": entry["estimated_saved_cost_usd"],
        "deflection_rate": entry["deflected_total"] / requests if requests else 0.0,
    }


def _merged(rows: list[Row]) -> list[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Rows whose last dimension is `deflected`, both sides of each in one."""
    found: dict[tuple[str | int, ...], list[tuple[dict[str, Any], bool]]] = {}
    for (*place, deflected), sums in rows:
        found.setdefault(tuple(place), []).append((sums, bool(deflected)))
    return [(place, _entry(parts)) for place, parts in found.items()]


def _entry(parts: Iterable[tuple[dict[str, Any], bool]]) -> dict[str, Any]:
    """One line of a report: what was spent, and beside it what was saved."""
    entry: dict[str, Any] = dict.fromkeys(
        (
            "requests_total",
            "deflected_total",
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "cached_tokens",
            "cache_write_tokens",
            "reasoning_tokens",
            "saved_tokens",
            "estimated_total",
        ),
        0,
    )
    cost = saved = latency = 0.0
    for sums, deflected in parts:
        entry["requests_total"] += sums["requests"]
        entry["estimated_total"] += sums["estimated"]
        tokens = sums["prompt_tokens"] + sums["completion_tokens"]
        if deflected:
            entry["deflected_total"] += sums["requests"]
            entry["saved_tokens"] += tokens
        else:
            entry["total_tokens"] += tokens
            for name in (
                "prompt_tokens",
                "completion_tokens",
                "cached_tokens",
                "cache_write_tokens",
                "reasoning_tokens",
            ):
                entry[name] += sums[name]
        cost += sums["cost_usd"]
        saved += sums["saved_usd"]
        latency += sums["latency_ms"]
    entry["estimated_cost_usd"] = round(cost, _DIGITS)
    entry["estimated_saved_cost_usd"] = round(saved, _DIGITS)
    entry["average_latency_ms"] = round(latency / max(entry["requests_total"], 1), 3)
    return entry
