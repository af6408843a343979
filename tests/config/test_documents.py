"""The scaffold and the reference table are the schema in other words."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from isartor.config import Config
from isartor.config.keys import FALLBACK_KEYS, SECTIONS, active, all_keys, spellings, value_of
from isartor.config.reference import later_markdown, markdown, tables_markdown
from isartor.config.template import template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.config.reading import Place

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def uncommented() -> str:
    """The scaffold with every setting switched on."""
    return "\n".join(line.removeprefix("# ") for line in template().splitlines())


def paths(tree: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """The keys of a file, those of a section with its name before them."""
    for name, value in tree.items():
        if isinstance(value, dict) and name in SECTIONS:
            yield from paths(value, f"{name}.")
        else:
            yield prefix + name


def test_the_scaffold_changes_nothing(place: Place) -> None:
    """The file that `isartor init` writes loads to the defaults."""
    assert place.config(template()) == Config()


def test_the_scaffolds_lines_are_the_defaults(place: Place) -> None:
    """Every commented line, uncommented, is its key at its default, and every key that is no table has a line."""
    assert place.config(uncommented()) == Config()
    plain = {path for path, key in active().items() if not key.table and key.struct is None}
    assert set(paths(tomllib.loads(uncommented()))) == plain - set(FALLBACK_KEYS.values())


def test_the_scaffolds_examples_load(place: Place) -> None:
    """The example of each table is valid when it is uncommented too, and every table has one."""
    twice = "\n".join(line.removeprefix("# ") for line in uncommented().splitlines())
    config = place.config(twice)
    assert all(value_of(config, path) for path, key in active().items() if key.table or key.struct is not None)


def test_the_table_has_every_key(place: Place) -> None:
    """The reference table has one row per key in effect, and what it gives as variable and key is accepted."""
    rows = [[cell.strip().strip("`") for cell in row.split("|")[1:-1]] for row in markdown().splitlines()[2:]]
    assert [variable for _, variable, *_ in rows] == [key.environment for key in active().values()]
    for spelling, variable, *_ in rows:
        assert spellings()[spelling] == spellings()[variable.removeprefix("ISARTOR__").lower().replace("__", ".")]
    assert place.config() == Config()


def test_every_key_has_a_meaning_with_its_unit() -> None:
    """Each key says in a sentence what it means; a duration and a size name their unit."""
    for path, key in active().items():
        assert key.meaning.endswith((".", ")")), path
        if path.endswith("_secs"):
            assert "econds" in key.meaning, path
        if path.endswith("_bytes"):
            assert "bytes" in key.meaning, path


def test_no_key_is_both_in_effect_and_later() -> None:
    """A key that has moved to the schema is no longer listed among the later ones."""
    later = {line.strip("-` \n").removesuffix(".*") for line in later_markdown().splitlines()}
    assert later.isdisjoint(active())
    assert later | set(active()) == set(all_keys())


@pytest.mark.skipif(not DOCUMENT.exists(), reason="the page is not written yet")
def test_the_page_holds_the_table() -> None:
    """`docs/configuration.md` holds the tables and the list as they are generated."""
    page = DOCUMENT.read_text(encoding="utf-8")
    assert markdown() in page
    assert tables_markdown() in page
    assert later_markdown() in page
