"""What the tests of this folder are made of."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from isartor._native import Head, UsageLog
from isartor.config.schema import Config
from isartor.ports import Spent, Tally
from isartor.usage.books import Books
from isartor.usage.prices import Prices
from isartor.usage.writer import Writer
from tests.native.reading import head as read_head

# 2026-11-21 15:08:10 UTC, a Saturday.
NOON = 1_795_273_690.0
DAY = 86_400


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def head() -> Head:
    return read_head("chat", None)


def events(capacity: int = 10_000, **tenants: bytes) -> UsageLog:
    return UsageLog(capacity=capacity, tenants={tenant: label for label, tenant in tenants.items()})


def spend(to: UsageLog, count: int = 1, *, provider: str = "openai", model: str = "gpt-4o-mini", **how: Any) -> None:
    """Some requests to a provider."""
    tenant = how.pop("tenant", "")
    followers = how.pop("followers", 0)
    how.setdefault("status", 200)
    how.setdefault("tally", Tally(input=100, output=10))
    books = Books(to)
    for _ in range(count):
        books.spent(head(), Spent(provider=provider, model=model, **how), tenant=tenant, followers=followers)


def writer(to: UsageLog, folder: Path, clock: Callable[[], float] = time.time, days: int = 30) -> Writer:
    return Writer(to, folder / "usage.jsonl", prices=Prices(), retention_days=days, clock=clock)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "usage.jsonl").read_text().splitlines()]


def old_line(at: str, provider: str = "openai", **more: Any) -> str:
    """A line as some other program may have written it."""
    return json.dumps({"timestamp": at, "provider": provider, "model": "gpt-4o-mini", **more}) + "\n"


def config(folder: Path, **more: Any) -> Config:
    return Config(usage_log_path=str(folder), **more)
