"""`isartor check`: what a gateway connects to, whether it answers, and what of it is outside the private network."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING, Any, Final

from isartor.cli.failures import DONE, FAILED, CommandError, one_line
from isartor.cli.http import local_or
from isartor.cli.layout import wrapped
from isartor.config import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from isartor.cli.audit import Audit, Target, Tried
    from isartor.config import Config
    from isartor.ports import Ping

_PATIENCE_SECS: Final = 2
_LABEL: Final = 10


def run(*, deep: bool, as_json: bool) -> int:
    """Try everything and print what came of it; 1 if something that is configured does not work."""
    from isartor.cli import audit

    config = load()
    quotas = _quotas(config)
    with _progress(audit.questions(config)) as done:
        found = asyncio.run(audit.audit(config, quotas, deep=deep, done=done))
    if as_json:
        import msgspec

        document = {**msgspec.to_builtins(found), "well": found.well, "outside": found.outside}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")
    else:
        _show(config, found)
    return DONE if found.well else FAILED


def _quotas(config: Config) -> list[dict[str, Any]]:
    """From the running gateway, which knows best; else from what is written down."""
    if not config.quota:
        return []
    from isartor.cli.audit import local_quotas

    with local_or(None, None, timeout=_PATIENCE_SECS) as gateway, contextlib.suppress(CommandError):
        if gateway.healthy():
            found: list[dict[str, Any]] = gateway.read("/api/admin/usage/breakdown")["quota_status"]
            return found
    return local_quotas(config)


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """On a terminal: how many have answered."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console

    answered = 0
    with Console(stderr=True).status(f"asking: 0 of {total} have answered") as status:

        def done() -> None:
            nonlocal answered
            answered += 1
            status.update(f"asking: {answered} of {total} have answered")

        yield done


def _show(config: Config, found: Audit) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text("Isartor connectivity audit", style="bold"))
    console.print(Text("\nProviders (L3)", style="bold"))
    for target in found.providers:
        _target(console.print, target)
    if found.services:
        console.print(Text("\nServices", style="bold"))
        for target in found.services:
            _target(console.print, target)
    console.print(Text("\nInternal only", style="bold"))
    for text in _internal(config):
        console.print(Text(f"  {text}"))
    console.print()
    for label, text, style in _verdict(found):
        for part in wrapped(text, first=f"{label:<{_LABEL}}", then=" " * _LABEL):
            console.print(Text.assemble((part[:_LABEL], "cyan"), (part[_LABEL:], style)))


def _target(write: Callable[[object], None], target: Target) -> None:
    from rich.text import Text

    state = "CONFIGURED" if target.configured else "NOT CONFIGURED"
    if target.blocked:
        state += ", BLOCKED: offline mode is active"
    style = "green" if target.well else "red"
    write(Text.assemble((f"  {target.role}: {one_line(target.name)}  ", "bold"), (f"[{state}]", style)))
    rows = [("endpoint", target.endpoint, "")]
    if target.model is not None:
        rows.append(("model", target.model, ""))
    rows += [_row(tried) for tried in target.tried]
    rows += [("quota", line, "") for line in target.quota]
    if target.note is not None:
        rows.append(("note", target.note, "yellow"))
    for label, text, colour in rows:
        head = f"    {label:<{_LABEL}}"
        for part in wrapped(text, first=head, then=" " * len(head)):
            write(Text.assemble((part[: len(head)], "dim"), (part[len(head) :], colour)))


def _row(tried: Tried) -> tuple[str, str, str]:
    answer = _answer(tried.ping)
    style = "green" if tried.ping.error is None else "red"
    if tried.key is None:
        return "ping", answer, style
    label = f' "{tried.label}"' if tried.label else ""
    return "key", f"{tried.key}{label}: {answer}", style


def _answer(ping: Ping) -> str:
    took = "" if ping.latency_ms is None else f" in {ping.latency_ms:.0f} ms"
    if ping.error is not None:
        return f"FAILED{took}: {ping.error}"
    return f"ok, status {ping.status_code}{took}" if ping.status_code is not None else f"ok{took}"


def _internal(config: Config) -> Iterator[str]:
    yield "cache: in memory, no connection"
    if config.cache_mode == "exact":
        yield "semantic cache: off"
    elif config.semantic_cache.provider not in {"tei", "sidecar"}:
        yield "semantic cache: a model in this process, no connection"
    yield "telemetry: none; Isartor connects to nothing that is not listed here"


def _verdict(found: Audit) -> Iterator[tuple[str, str, str]]:
    yield "Offline", "on" if found.offline_mode else "off", ""
    if found.outside:
        yield "Air gap", f"NO: connects to {', '.join(found.outside)}", "yellow"
    else:
        yield "Air gap", "YES: nothing leaves this machine and its private network", "green"
    yield "Result", *(("all is well", "green") if found.well else ("something does not work, see above", "red"))
