"""`isartor set-key` writes provider and key, shows no key, and lets no key go to another provider."""

from __future__ import annotations

import io
import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isartor.cli import edit
from isartor.cli.failures import CommandError
from isartor.config import Secret, load
from isartor.config.template import template
from tests.cli.test_set_alias import run

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-0123456789-secret-wxyz"
MASKED = "sk-0…wxyz"


@pytest.fixture
def file(place: Path) -> Path:
    """Where the configuration file of the working directory goes."""
    return place / "work" / "isartor.toml"


def test_a_new_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a file one is made, which only its owner may read, and the key is not shown."""
    assert run("set-key", "-p", "groq", "-k", KEY, "-m", "llama") == 0
    assert tomllib.loads(file.read_text()) == {
        "llm_provider": "groq",
        "external_llm_model": "llama",
        "external_llm_api_key": KEY,
    }
    assert file.stat().st_mode & 0o777 == 0o600
    shown = capsys.readouterr()
    assert KEY not in shown.out + shown.err
    assert load(environ={}).external_llm_api_key == Secret(KEY)


def test_the_scaffolds_lines_are_used(file: Path) -> None:
    """In the file of `isartor init`, the settings stand where their comments are; nothing else changes."""
    file.write_text(template())
    assert run("set-key", "-p", "openai", "-k", KEY) == 0
    expected = template().replace('# llm_provider = "openai"', 'llm_provider = "openai"')
    assert file.read_text() == expected.replace('# external_llm_api_key = ""', f'external_llm_api_key = "{KEY}"')


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "# Mine\n\nport = 1 # one\n\n# The address\n[server]\n",
            "# Mine\n\nport = 1 # one\n{}\n# The address\n[server]\n",
        ),
        ("# Mine\n[server]\n", "# Mine\n{}\n[server]\n"),
        ("# Mine\n\n# The address\n[server]\n", "# Mine\n\n{}\n# The address\n[server]\n"),
        ("[server]\n", "{}\n[server]\n"),
        ("port = 1\n[server]\n", "port = 1\n{}\n[server]\n"),
        ("port = 1", "port = 1\n{}"),
        ("\n", "\n{}"),
        ('allowed_hosts = [\n  "a",\n]\n[server]\n', 'allowed_hosts = [\n  "a",\n]\n{}\n[server]\n'),
        ('external_llm_model = """\n[x]"""\n[server]\n', 'external_llm_model = """\n[x]"""\n{}\n[server]\n'),
    ],
)
def test_new_settings_stand_above_all_tables(file: Path, before: str, after: str) -> None:
    """A setting goes below the last one, never into a table and not between a table and its comment."""
    file.write_text(before)
    draft = edit.Draft(file)
    draft.put("llm_provider", "openai")
    draft.put("external_llm_api_key", "k")
    assert draft.text == after.format('llm_provider = "openai"\nexternal_llm_api_key = "k"\n')


def test_another_provider_takes_nothing_over(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Address, model and key of the provider before are removed: a key must not go to another's address."""
    file.write_text(
        'external_llm_url = "http://10.0.0.1/v1" # ours\nexternal_llm_model = "m"\nexternal_llm_api_key = "old"\n'
    )
    assert run("set-key", "-p", "anthropic", "-k", KEY) == 0
    assert tomllib.loads(file.read_text()) == {"llm_provider": "anthropic", "external_llm_api_key": KEY}
    told = capsys.readouterr().err
    assert "external_llm_url belonged to openai" in told
    assert "external_llm_model belonged to openai" in told
    assert run("set-key", "-p", "ollama") == 0
    assert tomllib.loads(file.read_text()) == {"llm_provider": "ollama"}


def test_the_same_provider_keeps_its_settings(file: Path) -> None:
    """A new key for the provider in use leaves its address and model, and replaces a key's file."""
    file.write_text(
        'external_llm_url = "http://10.0.0.1/v1"\nexternal_llm_model = "m"\nexternal_llm_api_key_file = "k"\n'
    )
    assert run("set-key", "-p", "OpenAI", "-k", KEY) == 0
    assert tomllib.loads(file.read_text()) == {
        "external_llm_url": "http://10.0.0.1/v1",
        "external_llm_model": "m",
        "llm_provider": "openai",
        "external_llm_api_key": KEY,
    }


def test_keys_are_added_to_a_pool(file: Path) -> None:
    """`--add` appends to the pool; the single key moves there first, so that all keys stand in one place."""
    file.write_text('external_llm_api_key = "one"\n\n[server]\nport = 1 # stays\n')
    arguments = ["--label", "two", "--priority", "2", "--strategy", "round-robin", "--cooldown-secs", "30"]
    assert run("set-key", "-p", "openai", "-k", KEY, "--add", *arguments) == 0
    assert tomllib.loads(file.read_text()) == {
        "llm_provider": "openai",
        "key_rotation_strategy": "round_robin",
        "key_cooldown_secs": 30,
        "provider_keys": [{"key": "one", "priority": 1}, {"key": KEY, "priority": 2, "label": "two"}],
        "server": {"port": 1},
    }
    assert "port = 1 # stays\n" in file.read_text()
    assert run("set-key", "-p", "openai", "-k", "three", "--add") == 0
    assert [entry["key"] for entry in tomllib.loads(file.read_text())["provider_keys"]] == ["one", KEY, "three"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{key} = "one"\t# ours\n', '\n[[provider_keys]]\n{short} = "one"\t# ours\npriority = 1\n'),
        (
            '# Above\n{key} = "one" # ours\nport = 1 # p\n\n[server]\nworkers = 1',
            '# Above\nport = 1 # p\n\n[server]\nworkers = 1\n\n[[provider_keys]]\n{short} = "one" # ours\npriority = 1\n',
        ),
        (
            '{key} = "one"  # ours\n[[provider_keys]]\nkey = "two" # theirs\n',
            '[[provider_keys]]\nkey = "two" # theirs\n[[provider_keys]]\n{short} = "one"  # ours\npriority = 1\n',
        ),
        (
            'port = 1\n{key} = "one"  # ours\nprovider_keys = [{{key = "two"}}] # theirs\n',
            'port = 1\n# ours\nprovider_keys = [{{key = "two"}}, {{{short} = "one", priority = 1}}',
        ),
        (
            '{key} = "one"  # ours\n[[provider_keys]]\n{short} = "one" # theirs\n',
            '# ours\n[[provider_keys]]\n{short} = "one" # theirs\n',
        ),
        ('{key} = ""  # none yet', "# none yet\n\n[[provider_keys]]\n"),
    ],
)
@pytest.mark.parametrize("name", ["external_llm_api_key", "external_llm_api_key_file"])
def test_a_moved_keys_comment_is_kept(file: Path, before: str, after: str, name: str) -> None:
    """What stands behind the single key goes to the pool with it, or stays where it was if it has no line there."""
    names = {"key": name, "short": name.replace("external_llm_api_key", "key")}
    (file.parent / "one").write_text("one")
    file.write_text('llm_provider = "openai"\n' + before.format(**names))
    assert run("set-key", "-p", "openai", "-k", KEY, "--add") == 0
    text = file.read_text()
    assert text.startswith('llm_provider = "openai"\n' + after.format(**names)), text
    assert tomllib.loads(text)["provider_keys"][-1] == {"key": KEY, "priority": 1}


def test_a_keys_file_moves_to_the_pool(file: Path) -> None:
    """A single key that stands in a file of its own stays there."""
    (file.parent / "k").write_text("one")
    file.write_text('external_llm_api_key_file = "k"\nprovider_keys = [{key = "two"}]\n')
    assert run("set-key", "-p", "openai", "-k", "three", "--add") == 0
    config = load(environ={})
    assert [entry.key.reveal() for entry in config.provider_keys] == ["two", "one", "three"]
    assert config.external_llm_api_key is None


@pytest.mark.parametrize(
    ("before", "arguments", "message"),
    [
        ('provider_keys = [{key = "a"}]\n', ["-p", "groq", "-k", KEY], "has provider_keys, which belong to openai"),
        ('provider_keys = [{key = "a"}]\n', ["-p", "openai", "-k", "a", "--add"], "a key must be given once"),
        (
            'provider_keys = [{key = "a", label = "x"}]\n',
            ["-p", "openai", "-k", KEY, "--add", "--label", "x"],
            "a label must be unique",
        ),
        ("prot = 1\n", ["-p", "openai", "-k", KEY], "nothing is written: "),
        ("", ["-p", "gorq", "-k", KEY], "'gorq' is not built in; did you mean 'groq'?"),
        ("", ["-p", "openai", "-k", "a b\n"], "the key must be printable ASCII"),
        ("", ["-p", "openai", "-k", ""], "no key"),
        ("", ["-p", "openai", "-k", KEY, "--url", "ftp://x"], "external_llm_url must be a URL"),
    ],
)
def test_nothing_is_written_that_is_wrong(
    file: Path, capsys: pytest.CaptureFixture[str], before: str, arguments: list[str], message: str
) -> None:
    """What cannot be is one line on stderr without the key, and the file stays as it is."""
    file.write_text(before)
    assert run("set-key", *arguments) == 1
    error = capsys.readouterr().err
    assert message in error
    assert KEY not in error
    assert error.count("\n") == 1
    assert file.read_text() == before


def test_any_server_may_be_a_provider(file: Path) -> None:
    """An id that is not built in needs an address."""
    assert run("set-key", "-p", "mine", "-k", KEY, "--url", "http://127.0.0.1:1/v1") == 0
    assert run("set-key", "-p", "mine", "-k", "other") == 0
    assert tomllib.loads(file.read_text())["external_llm_url"] == "http://127.0.0.1:1/v1"


def test_the_key_is_read_from_standard_input(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `--key` the key is a line of standard input, or is asked for at a terminal without showing it."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n"))
    assert run("set-key", "-p", "openai") == 0
    assert tomllib.loads(file.read_text())["external_llm_api_key"] == KEY
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("getpass.getpass", lambda _: "typed")
    assert run("set-key", "-p", "openai") == 0
    assert tomllib.loads(file.read_text())["external_llm_api_key"] == "typed"


def test_a_dry_run_shows_no_key(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--dry-run` prints the lines that change with keys masked, in comments and arrays too, and writes nothing."""
    before = f'# external_llm_api_key = "{KEY}1"\nprovider_keys = [{{key = "{KEY}2"}}]\n[[gateway_keys]]\nkey = """{KEY}3"""\nlabel = "a"\n'
    file.write_text(before)
    assert run("set-key", "-p", "openai", "-k", KEY, "--dry-run") == 0
    shown = capsys.readouterr()
    assert KEY not in shown.out + shown.err
    assert f'+external_llm_api_key = "{MASKED}"' in shown.out
    assert file.read_text() == before


def test_what_is_not_ready_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A setting that is still missing is named; the key is written all the same."""
    assert run("set-key", "-p", "azure", "-k", KEY) == 0
    assert "not ready yet: llm_provider = azure needs external_llm_url" in capsys.readouterr().err
    assert tomllib.loads(file.read_text())["llm_provider"] == "azure"


def test_a_variable_that_wins_is_pointed_out(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key in the environment overrides the file's: the user is told."""
    monkeypatch.setenv("ISARTOR__EXTERNAL_LLM_API_KEY", "other")
    assert run("set-key", "-p", "openai", "-k", KEY) == 0
    assert "ISARTOR__EXTERNAL_LLM_API_KEY is set in the environment and overrides" in capsys.readouterr().err
    assert KEY in file.read_text()


def test_the_file_of_variables(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--env-file` writes what a shell can read, for the owner alone, and leaves the configuration file."""
    arguments = ["-k", "it's $HOME", "-m", "m", "--strategy", "priority", "--env-file"]
    assert run("set-key", "-p", "groq", *arguments) == 0
    path = place / "home" / ".isartor" / "env" / "provider.sh"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert not (place / "work" / "isartor.toml").exists()
    command = ["/bin/sh", "-c", '. "$1" && env', "sh", str(path)]
    values = subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout  # noqa: S603 # our own
    assert "ISARTOR__EXTERNAL_LLM_API_KEY=it's $HOME\n" in values
    assert "ISARTOR__LLM_PROVIDER=groq\n" in values
    assert "ISARTOR__KEY_ROTATION_STRATEGY=priority\n" in values
    assert "$HOME" not in capsys.readouterr().out
    before = path.read_text()
    assert run("set-key", "-p", "groq", "-k", f"{KEY[:-4]}'wxyz", "--env-file", "--dry-run") == 0
    shown = capsys.readouterr().out
    assert MASKED in shown
    assert KEY[:-4] not in shown
    assert path.read_text() == before


@pytest.mark.parametrize("before", ['external_llm_url = "http://10.0.0.1/v1"\n', 'provider_keys = [{key = "a"}]\n'])
def test_variables_do_not_send_a_key_elsewhere(file: Path, capsys: pytest.CaptureFixture[str], before: str) -> None:
    """`--env-file` refuses a provider whose key would go to the address, or beside the keys, of the file's one."""
    file.write_text(before)
    assert run("set-key", "-p", "groq", "-k", KEY, "--env-file") == 1
    assert "belongs to openai" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--add", "--env-file"],
        ["--label", "x"],
        ["--add", "--priority", "0"],
        ["--strategy", "random"],
        ["--cooldown-secs", "0"],
        ["--cooldown-secs", "nan"],
    ],
)
def test_wrong_usage(file: Path, arguments: list[str]) -> None:
    """Options that make no sense together, or out of their range, are wrong usage."""
    assert run("set-key", "-p", "openai", "-k", KEY, *arguments) == 2
    assert not file.exists()


def test_a_link_stays_a_link(file: Path, place: Path) -> None:
    """What a link leads to is replaced, and the link stays; no draft is left beside either."""
    target = place / "home" / "real.toml"
    target.write_text("port = 1\n")
    target.chmod(0o640)
    file.symlink_to(target)
    assert run("set-alias", "--alias", "a", "--model", "m") == 0
    assert target.stat().st_mode & 0o777 == 0o640
    assert run("set-key", "-p", "openai", "-k", KEY) == 0
    assert file.is_symlink()
    assert KEY in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in (*file.parent.iterdir(), *target.parent.iterdir())} == {"isartor.toml", "real.toml"}


def test_a_failed_write_leaves_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the old file is as it was, and nothing is left beside it."""
    file.write_text("port = 1\n")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    draft = edit.Draft(file)
    draft.put("port", 2)
    with pytest.raises(CommandError, match="cannot be written: No space left"):
        draft.save()
    assert [path.name for path in file.parent.iterdir()] == ["isartor.toml"]
    assert file.read_text() == "port = 1\n"


def test_two_writers_do_not_undo_each_other(file: Path) -> None:
    """A file that has changed since it was read is left alone."""
    file.write_text("port = 1\n")
    draft = edit.Draft(file)
    draft.put("port", 2)
    file.write_text("port = 3\n")
    with pytest.raises(CommandError, match="has been changed by somebody else"):
        draft.save()
    assert file.read_text() == "port = 3\n"


_LINES = st.lists(
    st.sampled_from(
        [
            "# a comment",
            "",
            "port = 1 # one",
            'allowed_hosts = [\n  "[x]",\n]',
            "[semantic_cache]",
            "audit_rate = 0.5",
            '# llm_provider = "openai"',
            '[model_aliases]\nfast = "m"',
            '[[gateway_keys]]\nkey = "g"\nlabel = "l"',
            "cache_ttl_secs = 7",
        ]
    ),
    max_size=8,
    unique=True,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(lines=_LINES)
def test_every_other_line_stays(file: Path, lines: list[str]) -> None:
    """Whatever the file looks like, its lines are all still there, in order, and mean what they meant."""
    text = "\n".join(lines)
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    file.write_text(text)
    draft = edit.Draft(file)
    draft.put("llm_provider", "groq")
    draft.append("provider_keys", {"key": "k", "priority": 1})
    assert tomllib.loads(draft.text) == before | {
        "llm_provider": "groq",
        "provider_keys": [{"key": "k", "priority": 1}],
    }
    rest = iter(draft.text.splitlines())
    kept = [line for line in text.splitlines() if line and not line.startswith("# llm")]
    assert all(line in rest for line in kept)
