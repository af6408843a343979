"""`docs/api.md` and `docs/cache.md` name what the code has: routes, headers, codes, the parts of the key."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest

from isartor.providers import base
from isartor.server import pages, routes
from tests.docs.pages import ROOT, codes, rows, section, text

NONE = cast("Any", None)


def _documented_routes() -> set[tuple[str, str]]:
    found = rows(section("docs/api.md", "Routes"))
    return {(method.strip(), row[1].strip("`")) for row in found for method in row[0].split(",")}


def _routes() -> set[tuple[str, str]]:
    shown = pages.Pages(gate=NONE, keeper=NONE, health=NONE, cache=NONE, known=())
    found = {(method, path) for path, methods in shown._table.items() for method in methods}
    found |= {("GET", f"{root}{{id}}") for root in pages._MODEL_ROOTS}
    found |= {("POST", path) for path in routes.PROMPTS}
    return found | {
        ("POST", f"{root}{{model}}:{method}") for root in routes._GEMINI_ROOTS for method in routes._GEMINI_METHODS
    }


def test_the_routes_are_those_of_the_code() -> None:
    """Each route of the code is in the tables of api.md, and no other."""
    assert _documented_routes() == _routes()


def test_the_open_routes_are_those_of_the_code() -> None:
    """api.md names exactly the paths that need no key."""
    named = {
        code.removeprefix("HEAD ")
        for code in codes(section("docs/api.md", "Keys"))
        if code.removeprefix("HEAD ").startswith("/")
    }
    assert named == {path for _, path in routes.OPEN}


def _sources(*patterns: str) -> str:
    files = [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    assert files
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_every_reply_header_is_documented() -> None:
    """A header that the code writes is in the table of reply headers."""
    source = _sources("python/isartor/server/*.py", "python/isartor/stack/*.py")
    written = set(re.findall(r'\("([a-z][a-z0-9-]+)",', source))
    written |= set(re.findall(r'(?:name|pair)\((?:py, )?"([a-z][a-z-]+)"', _sources("native/py/src/exact.rs")))
    table = {row[0].strip("`") for row in rows(section("docs/api.md", "Reply headers"))}
    assert {name for name in written if name.startswith("x-")} <= table
    assert {"age", "cache-status", "retry-after", "allow"} <= table & written
    assert {name for name in table if name.startswith("x-isartor-")} <= written


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("Request headers", base._REQUEST_NAMES | set(base._REQUEST_PREFIXES)),
        ("Reply headers", base._REPLY_NAMES | set(base._REPLY_PREFIXES)),
    ],
)
def test_the_headers_that_cross_are_documented(heading: str, names: set[str]) -> None:
    """Every header that goes to the provider or comes back from it is named, by itself or by its prefix."""
    assert names <= codes(section("docs/api.md", heading))


def test_every_error_code_is_documented() -> None:
    """A code that a client can get is in the table of errors, and no other is."""
    source = _sources("python/isartor/**/*.py")
    raised = set(re.findall(r'(?:default_)?code(?:: ClassVar\[str\])? ?= ?"([a-z_]+)"', source)) - {
        "config_error",
        "command_failed",
    }
    table = {code for row in rows(section("docs/api.md", "Errors")) if row[0].isdigit() for code in codes(row[1])}
    assert table == raised


def _table_of(name: str, file: str) -> set[str]:
    source = (ROOT / "native/core/src" / file).read_text(encoding="utf-8")
    found = re.search(rf"const {name}: [^=]*?=\s*&?\[(.*?)\];", source, re.DOTALL)
    assert found is not None, name
    return set(re.findall(r'"([^"]+)"', found[1]))


@pytest.mark.parametrize(
    ("name", "file", "heading"),
    [
        ("ROOT_DROPS", "request/canonical.rs", "What is left out"),
        ("ROOT_MEMBERS", "request/volatile.rs", "What known clients change"),
        ("TURN_MEMBERS", "request/volatile.rs", "What known clients change"),
        ("KEYED", "request/head.rs", "The key"),
        ("NOT_KEYED", "request/head.rs", "The key"),
        ("SCOPES", "request/head.rs", "Sessions"),
        ("AGENT_SCOPES", "request/head.rs", "Sessions"),
    ],
)
def test_the_parts_of_the_key_are_documented(name: str, file: str, heading: str) -> None:
    """What the key leaves out or takes in by name stands in cache.md."""
    assert _table_of(name, file) <= codes(section("docs/cache.md", heading))


def test_nothing_more_is_said_to_be_left_out() -> None:
    """The table of what the key leaves out has no member that the code keeps in."""
    named = {code for row in rows(section("docs/cache.md", "What is left out")) for code in codes(row[0])}
    assert named - _table_of("ROOT_DROPS", "request/canonical.rs") == set()
    changes = rows(section("docs/cache.md", "What known clients change"))
    assert {row[0] for row in changes} == {"Codex", "Copilot CLI"}


def test_every_reason_not_to_store_is_documented() -> None:
    """The words of `detail` are those of the code."""
    outcome = (ROOT / "native/core/src/sse/outcome.rs").read_text(encoding="utf-8")
    words = set(re.findall(r'Self::\w+(?:\s*\{[^}]*\}|\(_\))? => "([a-z-]+)"', outcome))
    words |= set(re.findall(r'Some\("([a-z-]+)"\)', (ROOT / "native/py/src/exact.rs").read_text(encoding="utf-8")))
    table = {code for row in rows(section("docs/cache.md", "What is stored")) for code in codes(row[0])}
    assert table == words


def test_every_cache_status_is_documented() -> None:
    """What `cache-status` says of a request that goes on stands in api.md."""
    source = (ROOT / "native/core/src/exact.rs").read_text(encoding="utf-8")
    said = set(re.findall(r'"(isartor; [^"]+)"', source))
    assert said <= codes(section("docs/api.md", "Cache controls"))


def test_every_tool_name_is_documented() -> None:
    """The names of tools in the statistics stand in clients.md."""
    source = (ROOT / "native/core/src/request/head.rs").read_text(encoding="utf-8")
    table = re.search(r"const TOOLS[^=]*= &\[(.*?)\];", source, re.DOTALL)
    assert table is not None
    assert set(re.findall(r'\("[^"]+", "([^"]+)"\)', table[1])) <= codes(text("docs/clients.md"))
