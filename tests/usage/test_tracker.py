"""Everything about usage, put together."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from isartor.config.upstream import Quota
from isartor.ports import Spent, Tally
from isartor.usage import Usage
from isartor.usage.windows import moment
from tests.usage.making import NOON, Clock, config, head, lines, old_line

WIDE = Quota(daily_token_limit=10_000, weekly_token_limit=10_000, monthly_cost_limit_usd=5)


def spend(by: Usage) -> None:
    assert by.books is not None
    ticket = by.quotas.reserve(provider="openai", model="gpt-4o-mini", tenant="", tokens=10)
    tally = Tally(input=100, output=20)
    ticket.settle(tally)
    by.books.spent(head(), Spent(provider="openai", model="gpt-4o-mini", status=200, tally=tally), tenant="")


def used(by: Usage) -> list[float]:
    return [limit["used"] for limit in by.quotas.status()[0]["limits"]]


def test_what_is_spent_is_written_counted_and_told(tmp_path: Path) -> None:
    """By two workers, over a restart."""
    settings = config(tmp_path / "usage", quota={"openai": WIDE})
    one, two = Usage(settings), Usage(settings)
    assert not (tmp_path / "usage").exists()
    one.start()
    two.start()
    spend(one)
    spend(two)
    one.stop()
    page = asyncio.run(two.page({}))
    assert (page["total_requests"], page["total_tokens"]) == (2, 240)
    two.stop()
    assert len(lines(tmp_path / "usage")) == 2
    assert two.faults() == []
    again = Usage(settings)
    again.start()
    assert used(again) == [240, 240, pytest.approx(2 * 27e-6)]
    assert asyncio.run(again.totals(1))["total_requests"] == 2
    assert again.numbers() == {"recorded": 0, "lost": 0, "pending": 0}
    again.stop()


def test_a_new_quota_counts_what_was_used_before_there_was_one(tmp_path: Path) -> None:
    """By the usage log, each window from its own beginning, and what was deflected used nothing."""
    told = {"prompt_tokens": 1000, "completion_tokens": 100, "estimated_cost_usd": 0.25}
    written = [
        old_line(moment(NOON - days * 86_400), provider, **told, **more)
        for days, provider, more in [
            (0, "openai", {}),
            (0, "openai", {"deflected": True}),
            (0, "groq", {}),
            (1, "openai", {}),
            (10, "openai", {}),
            (30, "openai", {}),
        ]
    ]
    (tmp_path / "usage.jsonl").write_text("".join(written))
    settings = config(tmp_path, quota={"openai": WIDE})
    for _ in range(2):  # and once only
        by = Usage(settings, clock=Clock())
        by.start()
        by.stop()
        assert used(by) == [1100, 2200, 0.75]


def test_usage_may_be_off_and_quotas_hold_all_the_same(tmp_path: Path) -> None:
    """Nothing is written but what the quotas need."""
    by = Usage(config(tmp_path, enable_usage=False, quota={"openai": WIDE}))
    assert (by.log, by.books) == (None, None)
    by.start()
    by.quotas.reserve(provider="openai", model="m", tenant="", tokens=1).settle(Tally(input=50))
    page = asyncio.run(by.page({}))
    assert (page["enabled"], page["total_requests"]) == (False, 0)
    by.stop()
    assert used(by)[0] == 50
    assert sorted(path.name for path in tmp_path.iterdir()) == ["quota-0.ledger", "quota.lock"]
    assert (by.faults(), by.numbers()) == ([], {})


def test_without_quotas_there_is_no_ledger(tmp_path: Path) -> None:
    """Only the log."""
    by = Usage(config(tmp_path))
    by.start()
    spend(by)
    by.stop()
    assert [path.name for path in tmp_path.iterdir()] == ["usage.jsonl"]


def test_a_folder_that_cannot_be_used_stops_nobody(tmp_path: Path) -> None:
    """What is wrong is told."""
    (tmp_path / "usage").write_text("in the way")
    by = Usage(config(tmp_path / "usage", quota={"openai": WIDE}))
    by.start()
    spend(by)
    assert used(by)[0] == 120
    by.stop()
    faults = by.faults()
    assert len(faults) == 2
    assert faults[0].startswith("quotas are not kept on disk: ")
    assert faults[1].startswith("usage cannot be written to usage.jsonl: ")


def test_a_user_without_a_home_has_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """And quotas until the process ends."""

    def homeless(path: Path) -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "expanduser", homeless)
    by = Usage(config(Path("~/.isartor"), quota={"openai": WIDE}))
    by.start()
    assert by.log is None
    by.quotas.reserve(provider="openai", model="m", tenant="", tokens=1).settle(Tally(input=50))
    by.stop()
    assert used(by)[0] == 50


def test_a_request_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    """Nothing is written where it is recorded."""
    by = Usage(config(tmp_path, quota={"openai": WIDE}))
    for _ in range(100):
        spend(by)
    assert not (tmp_path / "usage.jsonl").exists()
    assert by.log is not None
    assert by.log.pending == 100
    by.start()
    by.stop()
    assert len(lines(tmp_path)) == 100
