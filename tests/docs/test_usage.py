"""`docs/usage.md`, `docs/chain.md` and the limits in `docs/operations.md` repeat names and defaults of the code."""

from __future__ import annotations

import tomllib

import msgspec

from isartor.config.schema import Config
from isartor.config.upstream import GatewayKey, Quota
from isartor.stack import cloud
from isartor.usage.events import FILE_NAME, Event
from isartor.usage.tracker import CAPACITY
from tests.docs.pages import codes, rows, section, text


def test_the_fields_of_an_event_are_documented() -> None:
    """The table names the members of a line, and no other."""
    named = {code for row in rows(section("docs/usage.md", "The file")) for code in codes(row[0])}
    assert named == set(Event.__struct_fields__)
    assert FILE_NAME in codes(section("docs/usage.md", "The file"))
    assert f"{CAPACITY:,}" in text("docs/usage.md")


def test_defaults_of_quotas_are_those_of_the_code() -> None:
    """Which action is whose default stands in the table of actions."""
    actions = {row[0] for row in rows(section("docs/usage.md", "Quotas"))}
    assert f"`{Quota().action_on_limit}` (default of providers)" in actions
    defaults = {field.name: field.default for field in msgspec.structs.fields(GatewayKey)}
    assert f"`{defaults['action_on_limit']}` (default of gateway keys)" in actions


def test_the_tries_of_the_example_are_the_defaults() -> None:
    """The example of `[retry]` shows what holds without it."""
    block = section("docs/chain.md", "Tries and waits").split("```toml\n")[1].split("```")[0]
    shown = tomllib.loads(block)["retry"]
    config = Config()
    assert shown == {name: getattr(config.retry, name) for name in config.retry.__struct_fields__}
    breaker = section("docs/chain.md", "Breaker")
    assert config.breaker.failure_threshold == 5
    assert "five requests in a row" in breaker
    assert f"{config.breaker.open_secs:g} seconds" in breaker


def test_the_concurrency_of_the_example_is_the_default() -> None:
    """The example of `[concurrency]` shows what holds without it."""
    block = section("docs/operations.md", "Requests at once").split("```toml\n")[1].split("```")[0]
    default = Config().concurrency
    assert tomllib.loads(block)["concurrency"] == {name: getattr(default, name) for name in default.__struct_fields__}


def test_the_headers_of_a_session_are_documented() -> None:
    """Each header that names a session is in chain.md."""
    assert cloud._SESSIONS <= codes(section("docs/chain.md", "Sessions"))
