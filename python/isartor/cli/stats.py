"""`isartor stats`: how many requests were answered where, asked from a running gateway."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from isartor.cli.failures import DONE, one_line
from isartor.cli.http import local_or

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def run(*, by_tool: bool, as_json: bool, url: str | None, key: str | None, recent: int) -> int:
    """Ask the gateway at `url`, by default the one that the configuration describes, and print."""
    with local_or(url, key) as gateway:
        health = gateway.read("/health")
        prompts = gateway.read(f"/debug/stats/prompts?limit={recent}")
        agents = gateway.read("/debug/stats/agents") if by_tool or as_json else {}
        semantic = gateway.read("/debug/stats/semantic", missing={})
    if as_json:
        import msgspec

        document = {
            "gateway_url": gateway.url,
            "health": health,
            "prompts": prompts,
            "agents": agents.get("agents", {}),
            "semantic": semantic,
        }
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")
        return DONE
    _show(gateway.url, health, prompts, semantic, agents.get("agents", {}) if by_tool else None)
    return DONE


def _show(
    url: str,
    health: dict[str, Any],
    prompts: dict[str, Any],
    semantic: dict[str, Any],
    agents: dict[str, Any] | None,
) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    total, deflected = prompts.get("total_prompts", 0), prompts.get("total_deflected_prompts", 0)
    share = f" ({deflected / total:.0%})" if total else ""
    console.print(Text("Isartor Prompt Stats", style="bold"))
    console.print(_plain(f"  URL        {url}, version {health.get('version', '?')}"))
    console.print(_plain(f"  Total      {total}"))
    console.print(_plain(f"  Deflected  {deflected}{share}"))
    for title, field in (("By Layer", "by_layer"), ("By Surface", "by_surface"), ("By Client", "by_client")):
        _counts(console, title, prompts.get(field))
    _semantic(console, semantic)
    if agents is not None:
        _counts(console, "By Tool", prompts.get("by_tool"))
        _agents(console, agents)
    recent = prompts.get("recent") or []
    if recent:
        console.print(Text("\nRecent Prompts", style="bold"))
        for entry in recent:
            console.print(_plain(f"  {_recent(entry)}"))


def _counts(console: Console, title: str, counts: object) -> None:
    if not isinstance(counts, dict) or not counts:
        return
    from rich.text import Text

    console.print(Text(f"\n{title}", style="bold"))
    width = max(len(str(name)) for name in counts)
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        shown = str(name).upper() if title == "By Layer" else str(name)
        console.print(_plain(f"  {shown:<{width}}  {count}"))


def _semantic(console: Console, page: dict[str, Any]) -> None:
    """What L1b served, and what audits say of it: nothing, until there has been one."""
    audits, observed = page.get("audits"), page.get("observed_error_rate")
    if not isinstance(audits, dict) or not isinstance(observed, dict):
        return
    from rich.text import Text

    count, rate = observed.get("audits", 0), observed.get("rate")
    console.print(Text("\nSemantic Cache (L1b)", style="bold"))
    console.print(_plain(f"  Served      {page.get('served', 0)} of {page.get('looked', 0)} looked up"))
    outcomes = ", ".join(f"{audits.get(name, 0)} {name}" for name in ("agree", "disagree", "unclear"))
    console.print(_plain(f"  Audits      {outcomes}"))
    if rate is None:
        console.print(_plain("  Error rate  unknown: no audits yet"))
    else:
        low, high = observed.get("low", 0.0), observed.get("high", 1.0)
        interval = f"95 % interval {low:.2%} to {high:.2%}"
        console.print(_plain(f"  Error rate  {rate:.2%} observed ({interval}, {count} audits)"))
    expected = page.get("expected_error_rate")
    if expected is not None:
        console.print(_plain(f"              {expected:.2%} expected"))
    console.print(_plain(f"  Reports     {page.get('reports', 0)}"))


def _agents(console: Console, agents: dict[str, Any]) -> None:
    table = _tool_table()
    for tool, row in sorted(agents.items()):
        hits, misses = row.get("cache_hits", 0), row.get("cache_misses", 0)
        share = f"{hits / (hits + misses):.0%}" if hits + misses else "-"
        numbers = (row.get("requests", 0), hits, misses, share)
        rest = (f"{row.get('average_latency_ms', 0):.1f}", row.get("retry_count", 0), row.get("error_count", 0))
        table.add_row(_plain(str(tool)), *(str(number) for number in (*numbers, *rest)))
    console.print()
    console.print(table)


def _tool_table() -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("tool")
    for heading in ("requests", "hits", "misses", "hit rate", "avg ms", "retries", "errors"):
        table.add_column(heading, justify="right")
    return table


def _recent(entry: dict[str, Any]) -> str:
    words = [str(entry.get(name, "?")) for name in ("timestamp", "traffic_surface", "client")]
    layer = str(entry.get("final_layer", "?")).upper()
    latency = entry.get("latency_ms", 0)
    took = f"{latency:.3g}" if isinstance(latency, int | float) else str(latency)
    return f"{' '.join(words)} {layer} via {entry.get('route', '?')} ({took} ms, HTTP {entry.get('status_code', '?')})"


def _plain(text: str) -> Any:
    """Text as it is: what clients call themselves must neither be read as markup nor steer the terminal."""
    from rich.text import Text

    return Text(one_line(text))
