"""`isartor stats --usage` against a gateway that answers as told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from isartor.cli.app import app
from tests.cli.gateways import told

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = {
    "day": "2026-11-20",
    "provider": "openai",
    "model": "gpt-4o-mini",
    "requests_total": 1000,
    "deflected_total": 400,
    "total_tokens": 1_000_000,
    "estimated_cost_usd": 1.25,
    "estimated_saved_cost_usd": 0.5,
}
PAGE: dict[str, Any] = {
    "window_hours": 48,
    "enabled": True,
    "total_requests": 2000,
    "total_deflected_requests": 800,
    "total_prompt_tokens": 1_500_000,
    "total_completion_tokens": 500_000,
    "total_tokens": 2_000_000,
    "estimated_cost_usd": 2.5,
    "estimated_saved_cost_usd": 1.0,
    "entries": [ENTRY, ENTRY | {"day": "2026-11-21"}, ENTRY | {"model": "[b]odd\x1b[2J" * 4, "provider": "x"}],
    "quota_status": [
        {"provider": "openai", "tenant": None, "action": "block", "lines": ["daily: 1 of 2 " * 8]},
        {"provider": None, "tenant": "team", "action": "warn", "lines": ["monthly: 1 of 2"]},
    ],
    "unpriced_models": ["x/odd"],
    "log": {"corrupt_lines": 2, "lost_events": 1, "fault": "usage.jsonl cannot be written"},
}


def test_usage_is_shown(place: Path) -> None:
    """Totals, a row per model over all days, quotas and what is wrong, within 80 columns."""
    with told({"/debug/usage": PAGE}) as gateway:
        result = CliRunner().invoke(app, ["stats", "--usage", "--usage-hours", "48", "--gateway-url", gateway.url])
    assert result.exit_code == 0
    assert gateway.asked == [("/debug/usage?hours=48", None)]
    parts = ("last 48 hours", "800 (40%)", "2,000,000", "$2.5000", "gateway key team", "(block)", "x/odd", "2 lines")
    for part in parts:
        assert part in result.stdout
    row = next(line.split() for line in result.stdout.splitlines() if "gpt-4o-mini" in line)
    assert row == ["openai", "gpt-4o-mini", "2,000", "800", "2,000,000", "$2.5000", "$1.0000"]
    assert "\x1b" not in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


def test_an_idle_gateway_has_no_table(place: Path) -> None:
    """Zeros, and that nothing is written if so configured."""
    page = {"window_hours": 24, "enabled": False, "entries": []}
    with told({"/debug/usage": page}) as gateway:
        result = CliRunner().invoke(app, ["stats", "--usage", "--gateway-url", gateway.url])
    assert result.exit_code == 0
    assert "enable_usage is false" in result.stdout


def test_json_is_the_page(place: Path) -> None:
    """With the gateway's address."""
    with told({"/debug/usage": PAGE}) as gateway:
        result = CliRunner().invoke(app, ["stats", "--usage", "--json", "--gateway-url", gateway.url])
    assert json.loads(result.stdout) == {"gateway_url": gateway.url, "usage": PAGE}
