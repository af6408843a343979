"""The generated parts of the documents are those that the code gives now."""

from __future__ import annotations

import pytest

from isartor.config.schema import Config, Server
from tests.docs.generated import PARTS, Part, renewed
from tests.docs.pages import rows, section, text


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_generated_part_is_in_step(part: Part) -> None:
    """The part is as the code makes it; `make docs` writes it anew."""
    page = text(part.page)
    assert f"<!-- begin: {part.name} -->" in page
    assert renewed(page, part) == page, f"{part.page} is out of step; run `make docs`"


@pytest.mark.parametrize("page", ["docs/cache.md", "docs/operations.md"])
def test_defaults_in_other_pages_are_those_of_the_schema(page: str) -> None:
    """A default that a table repeats is the setting's own."""
    heading = {"docs/cache.md": "Limits", "docs/operations.md": "Time limits"}[page]
    found = rows(section(page, heading))
    assert found
    units = {"MiB": 1024 * 1024}
    for name, default, _ in found:
        number, _, unit = default.partition(" ")
        key = name.strip("`")
        holder = Server() if key in Server.__struct_fields__ else Config()
        assert getattr(holder, key) == int(number) * units.get(unit, 1), key
