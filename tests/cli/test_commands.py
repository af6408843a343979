"""The commands that need no running gateway, and how the command line itself answers."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from isartor.cli import demo, logs
from isartor.cli.app import app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.running import Shell


def test_the_version_is_printed(shell: Shell) -> None:
    """`isartor --version` prints name and version and exits with 0."""
    result = shell.run("--version")
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(r"isartor \d+\.\d+\.\d+\S*\n", result.stdout)


@pytest.mark.parametrize(
    "arguments",
    [["bogus"], ["up", "--prot", "80"], ["up", "--port", "0"], ["stop", "x"], ["--offline", "stats"], ["config"]],
)
def test_wrong_usage_exits_with_two(shell: Shell, arguments: list[str]) -> None:
    """A command line that makes no sense exits with 2 and shows how it is meant."""
    result = shell.run(*arguments)
    assert result.returncode == 2
    assert "Usage: isartor" in result.stderr + result.stdout


def test_a_wrong_setting_is_one_line(shell: Shell) -> None:
    """A configuration error is one line on stderr and exit code 1, in every command that reads it."""
    for arguments in (["up"], ["config", "show"], ["stats"]):
        result = shell.run(*arguments, ISARTOR__PROT="1")
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == "isartor: ISARTOR__PROT is not a known setting; did you mean ISARTOR__PORT?\n"


def test_init_writes_once(shell: Shell) -> None:
    """`init` writes a file that only its owner may read, and never overwrites one."""
    file = shell.cwd / "isartor.toml"
    assert shell.run("init").returncode == 0
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("port = 9\n")
    again = shell.run("init")
    assert (again.returncode, file.read_text()) == (0, "port = 9\n")
    assert "exists" in again.stdout


def test_config_show_tells_values_and_places(shell: Shell) -> None:
    """`config show` gives each value and its place, and no secret, as a table and as JSON."""
    (shell.cwd / "isartor.toml").write_text(
        'gateway_api_key = "hunter2"\nredis_url = "redis://:hunter2@x"\nexternal_llm_url = "http://a/?key=hunter2"\n'
    )
    table = shell.run("config", "show", ISARTOR__PORT="9")
    document = shell.run("config", "show", "--json", ISARTOR__PORT="9")
    assert (table.returncode, document.returncode) == (0, 0)
    assert "hunter2" not in table.stdout + document.stdout
    assert max(len(line) for line in table.stdout.splitlines() if str(shell.cwd) not in line) <= 80
    shown = json.loads(document.stdout)
    assert shown["settings"]["port"] == {"value": 9, "from": "ISARTOR__PORT"}
    assert shown["settings"]["gateway_api_key"] == {"value": "***", "from": str(shell.cwd / "isartor.toml")}
    assert shown["settings"]["cache_ttl_secs"] == {"value": 300, "from": "default"}
    assert shown["inactive"] == ["redis_url"]


def test_a_fallback_key_shows_its_place(shell: Shell) -> None:
    """The provider's key is shown as coming from where it was set."""
    document = json.loads(shell.run("config", "show", "--json", ISARTOR__OPENAI_API_KEY="k").stdout)
    assert document["settings"]["external_llm_api_key"] == {"value": "***", "from": "ISARTOR__OPENAI_API_KEY"}


def test_a_user_without_a_home_can_look(shell: Shell) -> None:
    """A home that does not exist is no error for a command that only looks."""
    assert shell.run("config", "show", HOME="/nonexistent").returncode == 0
    result = shell.run("logs", HOME="/nonexistent")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1


def test_stop_without_a_gateway_fails(shell: Shell) -> None:
    """`stop` with nothing to stop says so, exits with 1, and removes a file that was left over."""
    missing = shell.run("stop")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)
    assert "does not exist" in missing.stderr
    left = shell.cwd / "left.pid"
    left.write_text(str(os.getpid()))
    result = shell.run("stop", "--pid-file", str(left))
    assert result.returncode == 1
    assert "left over and is removed" in result.stderr
    assert not left.exists()


def test_logs_without_a_log_fail(shell: Shell) -> None:
    """`logs` without a log says where it would be and exits with 1."""
    result = shell.run("logs")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)


def test_logs_print_the_end(place: Path) -> None:
    """`logs` prints the last 200 lines, however long the file and its lines are."""
    path = place / "home" / ".isartor" / "isartor.log"
    path.parent.mkdir()
    path.write_text("".join(f"{number} {'ü' * 1000}\n" for number in range(500)))
    result = CliRunner().invoke(app, ["logs"])
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == [str(number) for number in range(300, 500)]


@pytest.mark.parametrize(
    ("content", "since", "lines"), [("", 0, []), ("a\nb", 0, ["a", "b"]), ("a\nb\nc\n", 2, ["b", "c"])]
)
def test_the_end_of_a_file_is_found(tmp_path: Path, content: str, since: int, lines: list[str]) -> None:
    """The last lines of a file are found from any offset on, with or without a final line end."""
    path = tmp_path / "log"
    path.write_text(content)
    assert logs.last_lines(path, 5, since=since) == lines


def test_following_sees_what_is_added_and_replaced(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`logs --follow` prints what is appended, begins anew when the file is truncated, and ends quietly at Ctrl-C."""
    path = place / "home" / ".isartor" / "isartor.log"
    path.parent.mkdir()
    path.write_text("first line\n")
    steps = iter(["more\n", None, "new\n"])

    def next_step(_: float) -> None:
        step = next(steps, "end")
        if step == "end":
            raise KeyboardInterrupt
        if step is None:
            path.write_text("")
        else:
            with path.open("a") as file:
                file.write(step)

    monkeypatch.setattr("isartor.cli.logs.time.sleep", next_step)
    result = CliRunner().invoke(app, ["logs", "--follow"])
    assert result.exit_code == 0
    assert result.stdout.split() == ["first", "line", "more", "new"]


def test_the_demo_has_fifty_prompts_worth_caching() -> None:
    """The demonstration's prompts are 50, and enough of them are exact repeats."""
    prompts = [entry.prompt for entry in demo.prompts()]
    assert len(prompts) == 50
    assert 1 - len(set(prompts)) / len(prompts) >= demo.ENOUGH


@pytest.mark.parametrize(("hits", "code"), [(50, 0), (25, 0), (24, 1), (0, 1)])
def test_the_demo_fails_below_half(hits: int, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Fewer deflected prompts than half is exit code 1, and the table is printed all the same."""
    outcomes = [demo.Outcome("p", "l1a" if n < hits else "l3", n < hits, 0.001) for n in range(50)]
    assert demo.report(outcomes) == code
    assert f"Deflected: {hits} of 50" in capsys.readouterr().out


def test_the_request_log_is_printed(place: Path) -> None:
    """`logs --requests` prints the file that the configuration names."""
    folder = place / "elsewhere"
    folder.mkdir()
    (folder / "requests.log").write_text('{"a":1}\n{"b":2}\n')
    (place / "work" / "isartor.toml").write_text(f'request_log_path = "{folder}"\n')
    result = CliRunner().invoke(app, ["logs", "--requests"])
    assert (result.exit_code, result.stdout) == (0, '{"a":1}\n{"b":2}\n')


def test_a_missing_request_log_says_how_to_get_one(shell: Shell) -> None:
    """One line, exit code 1."""
    result = shell.run("logs", "--requests")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "enable_request_logs" in result.stderr
