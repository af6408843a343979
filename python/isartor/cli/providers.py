"""`isartor providers`: the providers of a running gateway and how they are, or those of the configuration."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from isartor.cli.failures import DONE, one_line
from isartor.cli.http import local_or
from isartor.cli.layout import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

_PATIENCE_SECS: Final = 2
_STYLES: Final = {"healthy": "green", "failing": "red"}


def run(*, as_json: bool, url: str | None, key: str | None) -> int:
    """Ask the gateway at `url`, by default the local one; without an answer, say what is configured here."""
    with local_or(url, key, timeout=_PATIENCE_SECS) as gateway:
        source = "gateway" if gateway.healthy() else "local_config"
        status = gateway.read("/debug/providers") if source == "gateway" else _configured()
    if as_json:
        import msgspec

        document = {"source": source, "status": status}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")
        return DONE
    _show(gateway.url, source, status)
    return DONE


def _configured() -> dict[str, Any]:
    from isartor.config import load
    from isartor.wiring import chain_of

    return chain_of(load(), None).report()


def _show(url: str, source: str, status: dict[str, Any]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    said = f"of {url}" if source == "gateway" else f"as configured here; no gateway answers at {url}"
    console.print(Text(one_line(f"Providers {said}"), style="bold"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("", "provider", "status", "model"):
        table.add_column(heading, overflow="fold")
    for heading in ("requests", "errors"):
        table.add_column(heading, justify="right")
    rows: list[dict[str, Any]] = status.get("providers") or []
    for row in rows:
        state = _state(row)
        table.add_row(
            "*" if row.get("active") else "",
            _plain(row.get("name")),
            Text(state, style=_STYLES.get(state, "yellow")),
            _plain(row.get("model")),
            str(row.get("requests_total", 0)),
            str(row.get("errors_total", 0)),
        )
    console.print(table)
    for row in rows:
        _details(console, row)
    console.print("* is asked first. Counts are those of one worker, since it started.", style="dim")


def _state(row: dict[str, Any]) -> str:
    if not row.get("api_key_configured", True):
        return "no key"
    breaker = row.get("breaker")
    return "resting" if breaker in {"open", "half_open"} else str(row.get("status", "unknown"))


def _details(console: Console, row: dict[str, Any]) -> None:
    console.print(_plain(f"{row.get('name')} at {row.get('endpoint')}"))
    for line in _lines(row):
        for part in wrapped(line):
            console.print(_plain(part))


def _lines(row: dict[str, Any]) -> Iterator[str]:
    for key in row.get("keys") or []:
        label = f' "{key["label"]}"' if key.get("label") else ""
        used = f"{key.get('requests_total', 0)} requests, {key.get('rate_limit_total', 0)} limited"
        until = f" until {key['cooldown_until']}" if key.get("cooldown_until") else ""
        yield f"key {key.get('masked_key')}{label}: {key.get('status')}{until}, {used}"
    if row.get("last_success"):
        yield f"last success {row['last_success']}"
    if row.get("last_error"):
        yield f"last error {row['last_error']}: {row.get('last_error_message', '')}"


def _plain(text: object) -> Any:
    """Text as it is: what providers say must neither be read as markup nor steer the terminal."""
    from rich.text import Text

    return Text(one_line(str(text)))
