"""`isartor set-alias` changes one line of the file and nothing else."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from isartor.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
# The office gateway.
port = 9    # not 8080: that is the proxy

[model_aliases]
fast = "gpt-4o-mini"    # cheap
# smart = "gpt-4o"

[server]
host = "127.0.0.1"
"""


def run(*arguments: str) -> int:
    """The command's exit code, through the program's own way of telling errors."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as caught:
        patch.setattr("sys.argv", ["isartor", *arguments])
        main()
    return int(caught.value.code or 0)


@pytest.fixture
def file(place: Path) -> Path:
    """The configuration file of the working directory."""
    path = place / "work" / "isartor.toml"
    path.write_text(FILE)
    return path


def test_one_line_changes(file: Path) -> None:
    """A new alias is a new line, another model changes its line; comments and order stay."""
    assert run("set-alias", "--alias", "code", "--model", "gpt-4.1") == 0
    assert file.read_text() == FILE.replace('# smart = "gpt-4o"\n', '# smart = "gpt-4o"\ncode = "gpt-4.1"\n')
    file.write_text(FILE)
    assert run("set-alias", "--alias", "fast", "-m", "o3") == 0
    assert file.read_text() == FILE.replace('"gpt-4o-mini"', '"o3"')


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, '[model_aliases]\n"a.b" = "m"\n'),
        ("", '[model_aliases]\n"a.b" = "m"\n'),
        ("port = 1", 'port = 1\n\n[model_aliases]\n"a.b" = "m"\n'),
        ("# tail\n", '# tail\n\n[model_aliases]\n"a.b" = "m"\n'),
        ('model_aliases = {x = "y"}\nport = 1\n', 'model_aliases = {x = "y", "a.b" = "m"}\nport = 1\n'),
        ('model_aliases.x = "y"\nport = 1\n', 'model_aliases.x = "y"\nmodel_aliases."a.b" = "m"\nport = 1\n'),
        ("[server]\r\nport = 1\r\n", '[server]\r\nport = 1\r\n\r\n[model_aliases]\r\n"a.b" = "m"\r\n'),
    ],
)
def test_every_way_to_write_the_table(place: Path, before: str | None, after: str) -> None:
    """The alias goes where the file has aliases, in the way that it writes them; line ends stay."""
    path = place / "work" / "isartor.toml"
    if before is not None:
        path.write_bytes(before.encode())
    assert run("set-alias", "--alias", "a.b", "--model", "m") == 0
    # Versions of tomlkit differ in the space after a comma.
    assert path.read_bytes().decode().replace('","', '", "') == after
    assert tomllib.loads(path.read_text())["model_aliases"]["a.b"] == "m"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--alias", "x", "--model", "fast"], "'fast' is an alias, and aliases are resolved once"),
        (["--alias", "x", "--model", "x"], "must not name the alias 'x' as its own model"),
        (["--alias", " ", "--model", "x"], "must give each alias a name and a model"),
    ],
)
def test_nothing_is_written_that_would_not_load(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """An alias that the gateway would refuse is refused with its words, and the file stays as it is."""
    assert run("set-alias", *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("isartor: nothing is written: ")
    assert message in error
    assert error.count("\n") == 1
    assert file.read_text() == FILE


def test_a_broken_file_stays(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no TOML, or no table where one belongs, is left alone and named."""
    for content in ("port = ", "model_aliases = 3\n", "\udcff"):
        file.write_bytes(content.encode(errors="surrogateescape"))
        assert run("set-alias", "--alias", "a", "--model", "m") == 1
        assert str(file) in capsys.readouterr().err
        assert file.read_bytes() == content.encode(errors="surrogateescape")


def test_a_dry_run_shows_and_leaves(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--dry-run` prints the lines that change, and the file stays as it is."""
    assert run("set-alias", "--alias", "fast", "--model", "o3", "--dry-run") == 0
    shown = capsys.readouterr().out
    assert '-fast = "gpt-4o-mini"    # cheap\n+fast = "o3"    # cheap\n' in shown
    assert file.read_text() == FILE


def test_the_file_in_use_is_changed(place: Path) -> None:
    """Without a file in the directory, the home's one is changed and no new one hides it; a path names another."""
    (place / "home" / ".isartor").mkdir()
    used = place / "home" / ".isartor" / "isartor.toml"
    used.write_text("port = 1\n")
    assert run("set-alias", "--alias", "a", "--model", "m") == 0
    assert "model_aliases" in used.read_text()
    assert list((place / "work").iterdir()) == []
    other = place / "other.toml"
    assert run("set-alias", "--alias", "b", "--model", "m", "--config-path", str(other)) == 0
    assert other.read_text() == '[model_aliases]\nb = "m"\n'


def test_a_variable_that_wins_is_pointed_out(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An alias that the environment sets differently is written, and the user is told that it has no effect."""
    monkeypatch.setenv("ISARTOR__MODEL_ALIASES__FAST", "other")
    assert run("set-alias", "--alias", "fast", "--model", "o3") == 0
    assert "ISARTOR__MODEL_ALIASES__FAST" in capsys.readouterr().err
    assert 'fast = "o3"' in file.read_text()


def test_the_command_line_is_checked() -> None:
    """Both options are needed: anything else is wrong usage."""
    from isartor.cli.app import app

    assert CliRunner().invoke(app, ["set-alias", "--alias", "a"]).exit_code == 2
