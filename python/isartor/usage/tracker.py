"""Everything about usage that one worker has, put together."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from isartor._native import Rollup, UsageLog
from isartor.usage.books import Books
from isartor.usage.events import FILE_NAME
from isartor.usage.ledger import NANO, Amount, Ledger
from isartor.usage.prices import Prices
from isartor.usage.quotas import Quotas
from isartor.usage.report import Report
from isartor.usage.windows import DAY_SECS, PERIODS, windows
from isartor.usage.writer import BATCH_SECS, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isartor.config import Config

CAPACITY: Final = 1 << 16
"""Most events that wait to be written; at a thousand requests a second, those of a minute without a disk."""


class Usage:
    """Log, prices, quotas and reports. Touches no file before `start`."""

    def __init__(
        self, config: Config, *, tenants: Mapping[bytes, str] | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """`tenants`: labels of the gateway keys that have one, by the 16 bytes that stand for them."""
        self._clock = clock
        folder = _folder(config.usage_log_path)
        file = (folder or Path()) / FILE_NAME
        self._ledger = Ledger(folder, clock=clock)
        self._seconds: threading.Thread | None = None
        self._ends = threading.Event()
        self.prices = Prices(config.usage_pricing)
        self.quotas = Quotas(config.quota, config.gateway_keys, prices=self.prices, ledger=self._ledger, clock=clock)
        self.log: UsageLog | None = None
        self.books: Books | None = None
        self._rollup: Rollup | None = None
        self._writer: Writer | None = None
        self._fresh: list[str] = []
        if config.enable_usage and folder is not None:
            self.log = UsageLog(capacity=CAPACITY, tenants=dict(tenants or {}))
            self.books = Books(self.log)
            self._rollup = Rollup(file)
            self._writer = Writer(
                self.log,
                file,
                prices=self.prices,
                retention_days=config.usage_retention_days,
                clock=clock,
                before=self._begin,
                every_second=self._ledger.tick if self.quotas.policies else None,
            )
        self._report = Report(
            self._rollup,
            file,
            events=self.log,
            writer=self._writer,
            quotas=self.quotas,
            prices=self.prices,
            window_hours=config.usage_window_hours,
            retention_days=config.usage_retention_days,
            clock=clock,
        )
        self.page = self._report.page
        self.breakdown = self._report.breakdown
        self.totals = self._report.totals

    def __repr__(self) -> str:
        """Writer and ledger."""
        return f"<Usage {self._writer!r} {self._ledger!r}>"

    def start(self) -> None:
        """Takes the quotas' file over and begins to write."""
        if self.quotas.policies:
            self._fresh = self._ledger.open([policy.account.name for policy in self.quotas.policies])
        if self._writer is not None:
            self._writer.start()
        elif self.quotas.policies:
            self._seconds = threading.Thread(target=self._tick, name="isartor-quotas", daemon=True)
            self._seconds.start()

    def stop(self) -> None:
        """Writes what is left."""
        self._ends.set()
        if self._writer is not None:
            self._writer.close()
        if self._seconds is not None:
            self._seconds.join()
        self._ledger.close()

    def faults(self) -> list[str]:
        """What is wrong, for `/health`; empty if nothing is."""
        found = [self._ledger.fault]
        if self._writer is not None and self.log is not None:
            found.append(self._writer.fault)
            if self.log.lost:
                found.append(f"{self.log.lost} usage events are lost: they could not be written in time")
        return [fault for fault in found if fault]

    def numbers(self) -> dict[str, Any]:
        """What this worker has recorded and lost, for metrics."""
        if self.log is None:
            return {}
        return {"recorded": self.log.recorded, "lost": self.log.lost, "pending": self.log.pending}

    def _tick(self) -> None:
        while not self._ends.wait(BATCH_SECS):
            self._ledger.tick()

    def _begin(self) -> None:
        """A quota that is new counts what was used before there was one."""
        if not self._fresh or self._rollup is None:
            return
        now = windows(self._clock())
        self._rollup.read()
        rows = self._rollup.report(min(now.begins), ["day", "provider", "tenant", "deflected"])
        for policy in self.quotas.policies:
            if policy.account.name not in self._fresh:
                continue
            place = 1 if policy.kind == "provider" else 2
            amounts = [Amount()] * len(PERIODS)
            for key, sums in rows:
                if key[place] != policy.label or key[3]:
                    continue
                tokens = sums["prompt_tokens"] + sums["completion_tokens"]
                more = tokens, round(sums["cost_usd"] * NANO)
                for period, begins in enumerate(now.begins):
                    if int(key[0]) * DAY_SECS >= begins:
                        amounts[period] = Amount(amounts[period].tokens + more[0], amounts[period].nanos + more[1])
            self._ledger.add(policy.account, now.ids, amounts)


def _folder(path: str) -> Path | None:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return None  # a user without a home
