"""What `isartor up` prints when it starts: where it listens, who may use it, what answers.

On a terminal it is coloured; anywhere else it is plain text, and the library that colours is not loaded. No line but
one with a long path or name is wider than 80 columns.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Final

from isartor import __version__
from isartor.cli import provider
from isartor.cli.failures import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isartor.config import Config, Loaded

_LABEL: Final = 10
_WIDTH: Final = 80
_GOOD: Final = "green"
_BAD: Final = "yellow"
_DIM: Final = "dim"

Line = tuple[str, str, str]
"""Label, text, and style of the text."""


def show(loaded: Loaded, config: Config, *, notes: list[str]) -> None:
    """Print the banner; a closed stdout is no reason not to serve."""
    lines = list(banner(loaded, config, notes=notes))
    with contextlib.suppress(OSError, ValueError):
        if sys.stdout.isatty():
            _coloured(lines)
        else:
            sys.stdout.write("".join(f"{label:<{_LABEL}}{text}\n" for label, text, _ in lines))
        sys.stdout.flush()


def url(config: Config) -> str:
    """The address for clients on this machine."""
    host = config.server.host.strip("[]")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 # compared, not bound
    return f"http://[{host}]:{config.server.port}" if ":" in host else f"http://{host}:{config.server.port}"


def banner(loaded: Loaded, config: Config, *, notes: list[str]) -> Iterator[Line]:
    """The lines of the banner."""
    yield "Isartor", __version__ + ("   OFFLINE MODE" if config.offline_mode else ""), "bold"
    yield "URL", url(config), "bold"
    yield "Auth", *_auth(config)
    yield "Config", str(loaded.file) if loaded.file else "defaults and environment (`isartor init` writes a file)", ""
    for number, (text, style) in enumerate(_layers(config)):
        yield "" if number else "Layers", text, style
    for number, (text, style) in enumerate(_provider(config)):
        yield "" if number else "Provider", text, style
    if config.inactive:
        notes = [f"set but not in effect in this version: {', '.join(config.inactive)}", *notes]
    keyless = () if config.demo else provider.keyless_fallbacks(config)
    for text in (*config.warnings, *keyless, *notes):
        for number, part in enumerate(_wrapped(one_line(text))):
            yield "" if number else "Note", part, _BAD
    yield "Stop", "Ctrl-C, or `isartor stop`", _DIM


def _auth(config: Config) -> tuple[str, str]:
    if config.gateway_api_key is not None or config.gateway_keys:
        return "on: clients send the gateway key", _GOOD
    if config.server.allow_unauthenticated:
        return "OFF: whoever reaches this address can use it", _BAD
    return "off: only this machine can connect", ""


def _layers(config: Config) -> Iterator[tuple[str, str]]:
    yield "L0  gate            on", _GOOD
    if config.cache_mode == "semantic":
        yield "L1a exact cache     off (cache_mode = semantic)", _DIM
    else:
        limits = f"{config.cache_ttl_secs} s, {config.cache_max_capacity} replies, {_size(config.cache_max_bytes)}"
        yield f"L1a exact cache     on ({limits})", _GOOD
    yield _semantic(config)
    state = "demo" if config.demo else "no key" if provider.keyless(config) else "on"
    if config.offline_mode and not config.demo:
        state = "offline: private addresses only"
    yield f"L3  provider        {state}", _GOOD if state == "on" else _BAD


def _semantic(config: Config) -> tuple[str, str]:
    if config.cache_mode == "exact":
        return "L1b semantic cache  off (cache_mode = exact)", _DIM
    if config.semantic_cache.policy == "threshold":
        return f"L1b semantic cache  on (threshold: similarity of {config.similarity_threshold:g})", _BAD
    return f"L1b semantic cache  on (verified: at most {config.semantic_cache.max_error_rate:.3g} wrong)", _GOOD


def _provider(config: Config) -> Iterator[tuple[str, str]]:
    if config.demo:
        yield "demo: built in, asks no model and says so in every answer", _BAD
        return
    name = config.llm_provider
    if (host := provider.host(config)) is not None:
        name += f" at {host}"
    if config.external_llm_model is not None:
        name += f", model {config.external_llm_model}"
    yield one_line(name), ""
    if provider.keyless(config):
        yield "no API key: what the cache cannot answer gets 503. Set one:", _BAD
        yield f"  {provider.hint(config)}", _BAD
        yield "or try without one: isartor up --demo", _BAD
    for entry in config.fallback_providers:
        yield one_line(f"then {entry.provider}" + (f", model {entry.model}" if entry.model else "")), ""


def _size(count: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, _WIDTH - _LABEL, break_long_words=False, break_on_hyphens=False) or [""]


def _coloured(lines: list[Line]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for label, text, style in lines:
        console.print(Text.assemble((f"{label:<{_LABEL}}", "cyan"), (text, style)))
