"""The registry, `docs/providers.md` and the command line know the same providers."""

from __future__ import annotations

import re

import pytest

from isartor.cli import set_key
from isartor.cli.failures import CommandError
from isartor.providers import registry
from tests.docs.commands import commands
from tests.docs.pages import rows, section, text

OFFERED = set(registry.known()) - {"demo"}
"""What a user may choose: all but the demo, which has its own option."""


def test_the_table_lists_every_provider() -> None:
    """The table has one row for each provider, and no other."""
    listed = [row[0].strip("`") for row in rows(section("docs/providers.md", "Table"))]
    assert sorted(listed) == sorted(OFFERED)


def test_the_page_names_providers_that_exist() -> None:
    """A value of `llm_provider` in an example is in the table."""
    named = set(re.findall(r'llm_provider = "([^"]+)"', text("docs/providers.md")))
    assert named
    assert named <= OFFERED


@pytest.mark.parametrize("provider", sorted(OFFERED))
def test_the_command_line_takes_every_provider(provider: str) -> None:
    """`isartor set-key` knows each provider of the table, and suggests one of them for any other name."""
    set_key._known(provider, has_url=False)
    with pytest.raises(CommandError, match=provider):
        set_key._known(f"{provider}x", has_url=False)


def test_the_command_line_knows_which_need_no_key() -> None:
    """What `isartor set-key` takes without a key, before it loads the providers, is what the table says."""
    without = {row.id for row in registry.ROWS if not row.keyed} - {"demo"}
    assert without == set_key._KEYLESS


def test_the_option_lists_all_or_none() -> None:
    """Where the help of `--provider` lists providers, it lists all of them."""
    (command,) = [command for command in commands() if command.name == "isartor set-key"]
    (option,) = [option for option in command.options if "--provider" in option.names]
    listed = set(re.findall(r"[a-z]+", f"{option.help} {option.value}")) & (OFFERED - {"custom"})
    assert listed in (set(), OFFERED - {"custom"})
