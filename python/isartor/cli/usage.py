"""`isartor stats --usage`: tokens, cost and savings, asked from a running gateway."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from isartor.cli.failures import DONE, one_line
from isartor.cli.http import local_or
from isartor.cli.layout import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

_SUMMED = ("requests_total", "deflected_total", "total_tokens", "estimated_cost_usd", "estimated_saved_cost_usd")


def run(*, as_json: bool, url: str | None, key: str | None, hours: int) -> int:
    """Ask the gateway at `url`, by default the one that the configuration describes, and print."""
    # The first report after a start reads the whole file.
    with local_or(url, key, timeout=30) as gateway:
        page = gateway.read(f"/debug/usage?hours={hours}")
    if as_json:
        import msgspec

        document = {"gateway_url": gateway.url, "usage": page}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")
        return DONE
    _show(gateway.url, page)
    return DONE


def _show(url: str, page: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(f"Isartor Usage, last {page.get('window_hours', '?')} hours", style="bold"))
    for line in (f"URL        {url}", *_totals(page)):
        console.print(Text(one_line(f"  {line}")))
    rows = _by_model(page.get("entries") or [])
    if rows:
        console.print()
        console.print(_table(rows))
    quotas = list(_quotas(page.get("quota_status") or []))
    if quotas:
        console.print(Text("Quotas", style="bold"))
        for line in quotas:
            console.print(Text("\n".join(wrapped(line))))
    for note in _notes(page):
        console.print(Text("\n".join(wrapped(note, first="Note: ", then="      ")), style="yellow"))


def _totals(page: dict[str, Any]) -> Iterator[str]:
    total, deflected = page.get("total_requests", 0), page.get("total_deflected_requests", 0)
    share = f" ({deflected / total:.0%})" if total else ""
    yield f"Requests   {total:,}"
    yield f"Deflected  {deflected:,}{share}"
    prompt, completion = page.get("total_prompt_tokens", 0), page.get("total_completion_tokens", 0)
    yield f"Tokens     {page.get('total_tokens', 0):,}: {prompt:,} in, {completion:,} out"
    yield f"Cost       ${page.get('estimated_cost_usd', 0):,.4f}"
    yield f"Saved      ${page.get('estimated_saved_cost_usd', 0):,.4f}"


def _by_model(entries: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, float]]:
    """All days of a model in one row."""
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for entry in entries:
        row = rows.setdefault((str(entry.get("provider")), str(entry.get("model"))), dict.fromkeys(_SUMMED, 0))
        for name in _SUMMED:
            row[name] += entry.get(name, 0)
    return rows


def _table(rows: dict[tuple[str, str], dict[str, float]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("provider", "model"):
        table.add_column(heading, overflow="fold")
    for heading in ("requests", "deflected", "tokens", "cost", "saved"):
        table.add_column(heading, justify="right")
    for (provider, model), row in sorted(rows.items(), key=lambda item: (-item[1]["estimated_cost_usd"], item[0])):
        table.add_row(
            Text(one_line(provider)),
            Text(one_line(model)),
            *(f"{row[name]:,.0f}" for name in _SUMMED[:3]),
            *(f"${row[name]:,.4f}" for name in _SUMMED[3:]),
        )
    return table


def _quotas(status: list[dict[str, Any]]) -> Iterator[str]:
    for quota in status:
        whose = quota.get("provider") or f"gateway key {quota.get('tenant')}"
        for line in quota.get("lines") or []:
            yield f"{whose}: {line} ({quota.get('action')})"


def _notes(page: dict[str, Any]) -> Iterator[str]:
    if not page.get("enabled", True):
        yield "usage is not written: enable_usage is false"
    unpriced = page.get("unpriced_models") or []
    if unpriced:
        yield f"no price is known of {', '.join(unpriced)}: see usage_pricing"
    log = page.get("log") or {}
    if log.get("corrupt_lines"):
        yield f"{log['corrupt_lines']} lines of usage.jsonl cannot be read and are left out"
    if log.get("lost_events"):
        yield f"{log['lost_events']} events are lost: they could not be written in time"
    if log.get("fault"):
        yield str(log["fault"])
