"""What is told about usage."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isartor._native import Rollup, UsageLog
from isartor.config.upstream import Quota
from isartor.ports import Tally
from isartor.usage.ledger import Ledger
from isartor.usage.prices import Prices
from isartor.usage.quotas import Quotas
from isartor.usage.report import Report
from isartor.usage.windows import moment
from isartor.usage.writer import Writer
from tests.usage.making import DAY, NOON, Clock, events, old_line, spend, writer

HOUR = 3600


def report(folder: Path, log: UsageLog | None = None, by: Writer | None = None, **quota: Quota) -> Report:
    # What is recorded natively has the machine's own time.
    clock = Clock() if log is None else time.time
    prices = Prices()
    return Report(
        Rollup(folder / "usage.jsonl"),
        folder / "usage.jsonl",
        events=log,
        writer=by,
        quotas=Quotas(quota, prices=prices, ledger=Ledger(None, clock=clock), clock=clock),
        prices=prices,
        window_hours=24,
        retention_days=30,
        clock=clock,
    )


def put(folder: Path, *written: str) -> None:
    with (folder / "usage.jsonl").open("a") as file:
        file.writelines(written)


def ago(hours: float, **more: Any) -> str:
    more = {"prompt_tokens": 10, "completion_tokens": 1, "estimated_cost_usd": 0.5, "final_layer": "l3", **more}
    return old_line(moment(NOON - hours * HOUR), **more)


def test_a_report_has_the_members_of_the_reference(tmp_path: Path) -> None:
    """Totals, and one entry for each day, provider and model."""
    log = events()
    by = writer(log, tmp_path)
    about = report(tmp_path, log, by, openai=Quota(daily_token_limit=1000))
    spend(log, 2, tally=Tally(input=1000, output=100, cached=400, reasoning=50), latency_ms=10)
    spend(log, followers=3, latency_ms=10, tally=Tally(input=1000, output=100, cached=400, estimated=True))
    spend(log, status=500, tally=None, latency_ms=0)
    page = asyncio.run(about.page({}))
    price = (600 * 0.15 + 400 * 0.075 + 100 * 0.6) / 1e6
    entry = {
        "requests_total": 7,
        "deflected_total": 3,
        "prompt_tokens": 3000,
        "completion_tokens": 300,
        "total_tokens": 3300,
        "cached_tokens": 1200,
        "cache_write_tokens": 0,
        "reasoning_tokens": 100,
        "saved_tokens": 3300,
        "estimated_total": 4,
        "estimated_cost_usd": pytest.approx(3 * price),
        "estimated_saved_cost_usd": pytest.approx(3 * price),
        "average_latency_ms": pytest.approx(60 / 7, abs=0.001),
    }
    day = page["entries"][0].pop("day")
    assert len(day) == len("2026-11-21")
    assert page == {
        "window_hours": 24,
        "usage_log_path": str(tmp_path),
        "retention_days": 30,
        "enabled": True,
        "total_requests": 7,
        "total_deflected_requests": 3,
        "total_prompt_tokens": 3000,
        "total_completion_tokens": 300,
        "total_tokens": 3300,
        "total_cached_tokens": 1200,
        "total_cache_write_tokens": 0,
        "total_reasoning_tokens": 100,
        "total_saved_tokens": 3300,
        "estimated_requests": 4,
        "estimated_cost_usd": pytest.approx(3 * price),
        "estimated_saved_cost_usd": pytest.approx(3 * price),
        "deflection_rate": pytest.approx(3 / 7),
        "errors_total": 1,
        "entries": [{"provider": "openai", "model": "gpt-4o-mini", **entry}],
        "by_tenant": [{"tenant": "", **entry}],
        "by_tool": [{"tool": "unknown", **entry}],
        "by_layer": [{"layer": "l3", **entry}],
        "quota_status": about._quotas.status(),
        "prices_as_of": Prices().as_of,
        "unpriced_models": [],
        "log": {"lines": 5, "corrupt_lines": 0, "torn_lines": 0, "lost_events": 0, "fault": ""},
    }
    breakdown = asyncio.run(about.breakdown({"hours": "2"}))
    assert breakdown == {
        "window_hours": 2,
        "rows": [{"provider": "openai", "model": "gpt-4o-mini", **entry}],
        "quota_status": about._quotas.status(),
    }
    totals = asyncio.run(about.totals(168))
    assert {name: page[name] for name in totals} == totals
    by.close()


@pytest.mark.parametrize(
    ("query", "hours", "requests"),
    [
        ({}, 24, 3),
        ({"hours": "1"}, 1, 1),
        ({"window_hours": "48"}, 48, 4),
        ({"hours": "x"}, 24, 3),
        ({"hours": "0"}, 1, 1),
        ({"hours": "999999999"}, 87_840, 5),
    ],
)
def test_a_report_covers_the_hours_that_it_says(
    tmp_path: Path, query: dict[str, str], hours: int, requests: int
) -> None:
    """From the whole hour in which the window begins; what is no number is the usual window."""
    put(tmp_path, ago(400), ago(40), ago(20), ago(5), ago(0.5))
    page = asyncio.run(report(tmp_path).page(query))
    assert (page["window_hours"], page["total_requests"]) == (hours, requests)


def test_lines_of_other_programs_count_and_broken_ones_are_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With only the reference's members, in any order; the broken ones are left out."""
    put(tmp_path, ago(1), "nonsense\n", '{"timestamp": 7}\n', ago(2, deflected=True, final_layer="l1a"), '{"torn')
    about = report(tmp_path)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            page = about.read(24)
    assert (page["total_requests"], page["total_deflected_requests"], page["log"]["corrupt_lines"]) == (2, 1, 2)
    assert len(caplog.records) == 1


def test_a_report_sees_what_has_come_since_the_last_one(tmp_path: Path) -> None:
    """Also if the file was shortened or replaced meanwhile, and if there was none."""
    about = report(tmp_path)
    assert about.read(24)["total_requests"] == 0
    put(tmp_path, ago(3), ago(2))
    assert about.read(24)["total_requests"] == 2
    put(tmp_path, ago(1))
    assert about.read(24)["total_requests"] == 3
    (tmp_path / "new").write_text(ago(2) + ago(1) + ago(0.5) + ago(0.1))
    (tmp_path / "new").replace(tmp_path / "usage.jsonl")
    assert about.read(24)["total_requests"] == 4
    (tmp_path / "usage.jsonl").write_text(ago(1))
    assert about.read(24)["total_requests"] == 1
    (tmp_path / "usage.jsonl").unlink()
    assert about.read(24)["total_requests"] == 0


def test_models_without_a_price_are_named(tmp_path: Path) -> None:
    """So that a cost of nothing is not believed."""
    put(tmp_path, ago(1), ago(1, provider="mira", model="x"))
    assert report(tmp_path).read(24)["unpriced_models"] == ["mira/x"]


def test_a_file_that_cannot_be_read_is_a_report_of_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And a line in the log."""
    (tmp_path / "usage.jsonl").mkdir()
    with caplog.at_level(logging.WARNING):
        assert report(tmp_path).read(24)["total_requests"] == 0
    assert "cannot be read" in caplog.text


EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "hours": st.integers(0, 60),
            "provider": st.sampled_from(["openai", "groq"]),
            "model": st.sampled_from(["a", 'b"\\', "é"]),
            "tenant": st.sampled_from(["", "x"]),
            "deflected": st.booleans(),
            "status": st.sampled_from([200, 429, 500]),
            "prompt_tokens": st.integers(0, 10**9),
            "completion_tokens": st.integers(0, 10**6),
        }
    ),
    max_size=60,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(EVENTS)
def test_sums_are_those_of_a_naive_reader(tmp_path: Path, told: list[dict[str, Any]]) -> None:
    """By any dimensions, over any window."""
    file = tmp_path / "usage.jsonl"
    file.write_text("".join(ago(event["hours"], **{k: v for k, v in event.items() if k != "hours"}) for event in told))
    rollup = Rollup(file)
    rollup.read()
    for since in (0, int(NOON) - 24 * HOUR):
        for by in (["provider", "model"], ["deflected"], ["tenant", "status"], ["hour"], []):
            expected: dict[tuple[Any, ...], list[int]] = {}
            for event in told:
                at = int(NOON) - event["hours"] * HOUR
                if at // HOUR < since // HOUR:
                    continue
                values = {
                    **event,
                    "hour": at // HOUR,
                    "status": event["status"] // 100,
                    "deflected": int(event["deflected"]),
                }
                sums = expected.setdefault(tuple(values[name] for name in by), [0, 0, 0])
                sums[0] += 1
                sums[1] += event["prompt_tokens"]
                sums[2] += event["completion_tokens"]
            found = {
                key: [sums["requests"], sums["prompt_tokens"], sums["completion_tokens"]]
                for key, sums in rollup.report(since, by)
            }
            assert found == expected


def test_a_file_of_many_pieces_is_read_as_one(tmp_path: Path) -> None:
    """Parts are read at the same time; no line is lost or read twice at their bounds, and a monster is left out."""
    file = tmp_path / "usage.jsonl"
    piece = "".join(ago(number % 20, tenant=f"t{number % 3}") for number in range(1000))
    count = 40_000_000 // len(piece)
    with file.open("w") as handle:
        for number in range(count):
            handle.write(piece)
            if number == count // 2:
                handle.write('{"x": "' + "y" * 3_000_000 + '"}\n')
        handle.write('{"torn')
    rollup = Rollup(file)
    rollup.read()
    read, corrupt = rollup.lines
    assert (read, corrupt > 0) == (count * 1000, True)
    [(_, sums)] = rollup.report(0, [])
    assert (sums["requests"], sums["prompt_tokens"]) == (count * 1000, count * 10_000)
    with file.open("a") as handle:
        handle.write('"}\n' + ago(0))
    rollup.read()
    assert rollup.lines == (count * 1000 + 1, corrupt + 1)


def test_what_can_be_asked_for_is_limited(tmp_path: Path) -> None:
    """An unknown dimension is refused."""
    with pytest.raises(ValueError, match="no such dimension: colour"):
        Rollup(tmp_path / "x").report(0, ["colour"])
    assert DAY == 24 * HOUR
