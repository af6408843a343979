"""Links, commands and verbs in the documents lead somewhere."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.docs.commands import commands
from tests.docs.pages import PAGES, ROOT, anchors, links, shell_lines, text


def _verbs() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))


def _inside() -> list[tuple[str, str]]:
    return [(page, link) for page in PAGES for link in links(page) if "://" not in link]


@pytest.mark.parametrize(("page", "link"), _inside(), ids=lambda value: value)
def test_every_link_inside_the_project_resolves(page: str, link: str) -> None:
    """A relative link names a file of the project, and its anchor a heading in it."""
    path, _, anchor = link.partition("#")
    target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
    assert target.exists(), f"{page} links to {link}"
    assert target.is_relative_to(ROOT)
    if anchor:
        assert anchor in anchors(str(target.relative_to(ROOT))), f"{page} links to {link}"


def test_the_index_lists_every_page() -> None:
    """`docs/README.md` links to each page beside it."""
    beside = {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")} - {"README.md"}
    assert beside <= set(links("docs/README.md"))


@pytest.mark.parametrize("page", PAGES)
def test_every_make_verb_exists(page: str) -> None:
    """`make x` in a page is a target of the Makefile."""
    named = set(re.findall(r"(?<![\w-])make ([a-z][a-z-]*)(?=[` \n]|$)", "\n".join(shell_lines(page))))
    named |= set(re.findall(r"`make ([a-z-]+)", text(page)))
    assert named <= _verbs()


def test_contributing_lists_every_make_verb() -> None:
    """The table of verbs in CONTRIBUTING.md is complete."""
    listed = set(re.findall(r"^\| `make ([a-z-]+)`", text("CONTRIBUTING.md"), re.MULTILINE))
    assert listed == _verbs() - {"help", "check-tools", "check-lint"}


@pytest.mark.parametrize("page", PAGES)
def test_every_isartor_command_exists(page: str) -> None:
    """An `isartor ...` line in a page is a command with options that it has."""
    known = {command.name: command for command in commands()}
    for line in shell_lines(page):
        words = shlex.split(line)
        if words[0].rpartition("/")[2] != "isartor":
            continue
        words[0] = "isartor"
        name = max((name for name in known if words[: len(name.split())] == name.split()), key=len)
        rest = words[len(name.split()) :]
        assert name != "isartor" or not rest or rest[0].startswith("-"), f"{page}: {line}"
        options = {spelling for option in known[name].options for spelling in option.names}
        given = {word.partition("=")[0] for word in rest if word.startswith("-")}
        assert given <= options | {"-h", "--help"}, f"{page}: {line}"


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """What the README says to run is what CI runs."""
    assert "make test" in shell_lines("README.md")
    assert "make test" in text(".ci/run").splitlines()


def test_the_licence_is_named_alike_everywhere() -> None:
    """LICENSE holds the text that the package's metadata names."""
    assert "Apache License\n" in text("LICENSE")
    assert "Version 2.0, January 2004" in text("LICENSE")
    assert 'license = "Apache-2.0"' in text("pyproject.toml")
    assert 'license = "Apache-2.0"' in text("Cargo.toml")


def test_the_changelog_knows_the_version() -> None:
    """The version of the package has a heading in CHANGELOG.md."""
    version = re.search(r'^version = "([^"]+)"', text("Cargo.toml"), re.MULTILINE)
    assert version is not None
    assert re.search(rf"^#+ \[?{re.escape(version[1])}\b", text("CHANGELOG.md"), re.MULTILINE)
