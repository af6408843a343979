"""The documents, as text, and what stands in them: links, headings, tables, commands."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = tuple(
    sorted(["README.md", "CHANGELOG.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))])
)
"""Every document, as a path from the project's root."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)|\b(?:src|href)=\"([^\"]+)\"")


@cache
def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page: str) -> str:
    """The page without its code blocks."""
    return _FENCE.sub("", text(page))


def links(page: str) -> list[str]:
    """The targets of all links and pictures."""
    return [found[0] or found[1] for found in _LINK.findall(re.sub(r"`[^`\n]*`", "", prose(page)))]


def anchors(page: str) -> set[str]:
    """The names by which the page's headings can be linked to, as GitHub makes them."""
    heads = re.findall(r"^#{1,6} +(.+?)\s*$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def shell_lines(page: str) -> list[str]:
    """The lines of all shell blocks, continued lines joined and comments left out."""
    blocks = [block for kind, block in _FENCE.findall(text(page)) if kind in {"sh", "bash"}]
    joined = "\n".join(blocks).replace("\\\n", " ")
    lines = [re.sub(r"\s+#.*$", "", line).strip() for line in joined.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def section(page: str, heading: str) -> str:
    """What stands below a heading, up to the next one of the same or a higher level."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,6}} |\Z)", text(page), re.MULTILINE | re.DOTALL)
    assert found is not None, f"{page} has no heading {heading!r}"
    start = found.start(2)
    end = re.search(rf"^#{{1,{len(found[1])}}} ", text(page)[start:], re.MULTILINE)
    return text(page)[start : start + end.start()] if end else text(page)[start:]


def codes(markdown: str) -> set[str]:
    """Everything that stands between single backticks."""
    return set(re.findall(r"`([^`\n]+)`", markdown))


def rows(markdown: str) -> list[list[str]]:
    """The rows of all tables, without their heads."""
    found = []
    lines = markdown.splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("|") and not set(line) <= set("|-: ") and not _is_head(lines, line, before):
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


def _is_head(lines: list[str], line: str, before: str) -> bool:
    if before.startswith("|"):
        return False
    place = lines.index(line)
    return place + 1 < len(lines) and set(lines[place + 1]) <= set("|-: ")
