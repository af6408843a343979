"""The parts of the documents that are made from the code."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from isartor.config import reference
from isartor.formats import base, drops
from isartor.formats.anthropic import errors as anthropic
from isartor.formats.gemini import errors as gemini
from isartor.formats.losses import REASONS, Drop
from isartor.formats.openai_chat import errors as chat
from isartor.providers.openai import OpenAI
from isartor.providers.registry import ROWS
from isartor.providers.row import Row
from isartor.usage import prices
from tests.docs.commands import Command, commands


@dataclass(frozen=True)
class Part:
    """What stands in `page` between `<!-- begin: name -->` and `<!-- end: name -->`."""

    page: str
    name: str
    make: Callable[[], str]


def current(text: str, part: Part) -> str:
    """The part as it stands in the page."""
    return _place(part).search(text)[2]  # type: ignore[index]  # a page without its markers is a fault of the page


def renewed(text: str, part: Part) -> str:
    """The page with the part as it should be."""
    return _place(part).sub(lambda found: f"{found[1]}\n{part.make()}\n{found[3]}", text)


def command_line() -> str:
    """Every command with its options."""
    return "\n".join(_command(command) for command in commands()).rstrip() + "\n"


def _command(command: Command) -> str:
    lines = [f"### `{command.name}`", "", command.help, ""]
    shown = [option for option in command.options if not option.hidden]
    if shown:
        lines += ["| option | value | meaning |", "| --- | --- | --- |"]
        for option in shown:
            names = ", ".join(f"`{name}`" for name in option.names)
            lines.append(f"| {names} | {option.value} | {option.help} |")
        lines.append("")
    return "\n".join(lines)


_DIFFERS = {
    "max_completion_tokens": "takes `max_completion_tokens`",
    "developer": "knows the role `developer`",
    "no_stream_options": "no `stream_options`",
    "no_parallel": "no `parallel_tool_calls`",
    "no_json_schema": "no JSON schemas",
}
_ELSEWHERE = {"azure": "your resource's", "custom": "yours"}
_DEPENDS = {"azure": "by its version, see [below](#azure)"}
_PATHS = {
    "chat": "chat completions",
    "completions": "completions",
    "embeddings": "embeddings",
    "responses": "responses",
    "messages": "messages",
    "count_tokens": "token counts",
    "generate": "`generateContent`",
    "stream_generate": "`streamGenerateContent`",
    "gemini_count": "`countTokens`",
}


def providers() -> str:
    """Every provider of the registry."""
    lines = [
        "| `llm_provider` | address | default model | key | speaks | differs |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*lines, *(_provider(row) for row in ROWS if row.id != "demo")]) + "\n"


def _provider(row: Row) -> str:
    adapter: Any = row.adapter or OpenAI
    header, scheme = adapter.credential
    key = f"`{header}: {scheme}...`" if row.keyed else "none"
    address = f"`{row.url}`" if row.url else _ELSEWHERE[row.id]
    speaks = ", ".join(_PATHS[name] for name in adapter.operations if not row.speaks or name in row.speaks)
    differs = _DEPENDS.get(row.id) or ", ".join(_DIFFERS[quirk] for quirk in _DIFFERS if quirk in row.quirks)
    return f"| `{row.id}` | {address} | `{row.model}` | {key} | {speaks} | {differs} |"


_FORMATS = {
    "openai_chat": "OpenAI chat completions",
    "openai_responses": "OpenAI Responses",
    "anthropic": "Anthropic messages",
    "gemini": "Gemini",
}


def dropped() -> str:
    """What each format's requests may lose, and towards which others."""
    lines: list[str] = []
    for name, title in _FORMATS.items():
        lines += [f"### From {title}", "", "| dropped | towards | reason |", "| --- | --- | --- |"]
        groups: dict[tuple[str, tuple[str, ...]], list[Drop]] = {}
        for row in drops.ALL:
            if row.origin == name:
                groups.setdefault((row.why, row.targets), []).append(row)
        for why in REASONS:
            for (reason, targets), found in groups.items():
                if reason == why:
                    fields = ", ".join(f"`{row.field}`" for row in found)
                    towards = ", ".join(_FORMATS[target] for target in targets) or "all others"
                    lines.append(f"| {fields} | {towards} | {why} |")
        lines.append("")
    return "\n".join(lines)


def reasons() -> str:
    """Why a field may be dropped at all."""
    lines = ["| reason | what the field does |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {name} | {text} |" for name, text in REASONS.items())]) + "\n"


_STATUSES = (400, 401, 402, 403, 404, 413, 429, 500, 502, 503, 504, 529)


def error_words() -> str:
    """What the formats call the statuses of errors."""
    lines = ["| status | OpenAI | Anthropic | Gemini |", "| ---: | --- | --- | --- |"]
    for status in _STATUSES:
        words = (base.word(table, status) for table in (chat.TYPES, anthropic.TYPES, gemini.STATUSES))
        lines.append(f"| {status} | " + " | ".join(f"`{word}`" for word in words) + " |")
    return "\n".join(lines) + "\n"


def listed_prices() -> str:
    """The price table's date and its models."""
    known = prices.table()
    lines = [f"The table is of **{known.as_of}**. US dollars for a million tokens:", ""]
    lines += ["| provider | model | input | cached input | output |", "| --- | --- | ---: | ---: | ---: |"]
    for provider, models in known.providers.items():
        for model, price in models.items():
            cached = price.input if price.cached is None else price.cached
            named = "every model" if model == "*" else f"`{model}`"
            lines.append(f"| `{provider}` | {named} | {price.input:g} | {cached:g} | {price.output:g} |")
    return "\n".join(lines) + "\n"


PARTS = (
    Part("docs/providers.md", "providers", providers),
    Part("docs/configuration.md", "settings", reference.markdown),
    Part("docs/configuration.md", "tables", reference.tables_markdown),
    Part("docs/configuration.md", "later", reference.later_markdown),
    Part("docs/translation.md", "reasons", reasons),
    Part("docs/translation.md", "dropped", dropped),
    Part("docs/translation.md", "errors", error_words),
    Part("docs/usage.md", "prices", listed_prices),
    Part("docs/cli.md", "commands", command_line),
)


def _place(part: Part) -> re.Pattern[str]:
    begin, end = f"<!-- begin: {part.name} -->", f"<!-- end: {part.name} -->"
    return re.compile(rf"({re.escape(begin)}\n)(.*?)({re.escape(end)})", re.DOTALL)
