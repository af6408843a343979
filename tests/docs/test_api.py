"""`docs/api.md` and `docs/cache.md` name what the code has: routes, headers, codes, the parts of the key."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest

from isartor.cli.cache import calibrate, explain
from isartor.config import keys
from isartor.providers import base
from isartor.server import metrics, pages, routes
from isartor.server.fellows import State
from isartor.stack.l1b import figures
from isartor.stack.l1b.figures import Figures
from tests.docs.pages import ROOT, codes, rows, section, text

NONE = cast("Any", None)


def _documented_routes() -> set[tuple[str, str]]:
    found = rows(section("docs/api.md", "Routes"))
    return {(method.strip(), row[1].strip("`")) for row in found for method in row[0].split(",")}


def _routes() -> set[tuple[str, str]]:
    shown = pages.Pages(gate=NONE, keeper=NONE, health=NONE, cache=NONE, operations=NONE, known=(), allowed={})
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
    written |= set(
        re.findall(
            r'(?:name|pair|intern!)\((?:py, )?"([a-z][a-z-]+)"',
            _sources("native/py/src/exact.rs", "native/py/src/fixed.rs"),
        )
    )
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


def test_every_metric_is_documented() -> None:
    """The names in the table of operations.md are those of `/metrics`, and no other."""
    counted = Figures()
    counted.served = 1
    counted.audits["agree"] = 1
    row = {"l1a_hits": 1, "l1a_misses": 1, "error_count": 0}
    state = State(0.0, {"by_layer": {"l3": 1}, "total_deflected_prompts": 0}, {"codex": row}, [], {})
    shown = metrics.text(state, figures.page(counted.sums(), {})).decode()
    table = {code for row in rows(section("docs/operations.md", "Metrics")) for code in codes(row[0])}
    assert table == set(re.findall(r"^# TYPE (\S+) ", shown, re.MULTILINE))
    layers = {code for row in rows(section("docs/operations.md", "Metrics")) for code in codes(row[2])}
    assert set(metrics._LAYERS.values()) - {"L2_SLM"} <= layers


def test_what_the_semantic_cache_counts_is_documented() -> None:
    """Members and reasons of `/debug/stats/semantic` stand in api.md."""
    said = codes(section("docs/api.md", "Statistics"))
    page = figures.page({}, {})
    assert {name for name in page if name != "skipped"} | {*figures.SKIPPED, *figures.REFUSED, *figures.AUDITS} <= said


def test_why_a_candidate_is_not_served_is_documented() -> None:
    """Each reason of a policy is a `detail` in semantic.md, and no other is."""
    source = _sources("python/isartor/stack/l1b/policy.py")
    reasons = set(re.findall(r'Decision\(Action\.\w+, "([a-z]+)"', source))
    table = {code for row in rows(section("docs/semantic.md", "How it decides")) for code in codes(row[0])}
    assert table == {f"semantic-{reason}" for reason in reasons}
    assert reasons - {"audit"} == set(explain._REASONS)


def test_defaults_in_the_text_are_those_of_the_schema() -> None:
    """Where semantic.md gives a setting and a number behind it, that is its default."""
    found = re.findall(r"`([a-z_.]+)`\s\(([\d.]+)\)", text("docs/semantic.md"))
    assert {name for name, _ in found} >= {"semantic_cache.max_error_rate", "semantic_cache.audit_rate"}
    for name, number in found:
        assert keys.active()[name].default == float(number), name
    least = re.search(r"With at least (\d+) pairs of either kind", text("docs/semantic.md"))
    assert least is not None
    assert int(least[1]) == calibrate.LEAST
