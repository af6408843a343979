"""The short way into `isartor up` takes what the command-line library would take, and means the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from isartor.cli.app import app
from isartor.cli.quick import UpOptions, quick_up

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("", UpOptions()),
        ("up", UpOptions()),
        ("--offline", UpOptions(offline=True)),
        ("--detach up --demo", UpOptions(detach=True, demo=True)),
        ("up --port 80 --workers=2", UpOptions(port=80, workers=2)),
        ("up --host ::1 --demo-if-keyless --offline", UpOptions(host="::1", demo_if_keyless=True, offline=True)),
        ("up --port 1 --port 2", UpOptions(port=2)),
    ],
)
def test_plain_lines_are_taken(line: str, options: UpOptions) -> None:
    """The usual ways to start the gateway do not load the library."""
    assert quick_up(line.split()) == options


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "up --help",
        "stop",
        "up up",
        "up --port",
        "up --port 0",
        "up --port 65536",
        "up --port x",
        "up --por 80",
    ]
    + ["up --demo=1", "up --host", "up --host --demo", "up x", "--version", "--demo", "up --port ²", "up --host="],
)
def test_anything_else_is_left_to_the_library(line: str) -> None:
    """What is unclear, wrong or another command is not taken."""
    assert quick_up(line.split()) is None


_WORDS = st.sampled_from(
    [
        "up",
        "--demo",
        "--demo-if-keyless",
        "--detach",
        "--offline",
        "--host",
        "--port",
        "--workers",
        "--help",
        "stop",
        "--port=80",
        "--host=::1",
        "--workers=0",
        "--port=70000",
        "80",
        "0",
        "-1",
        "::1",
        "x",
        "",
        "--",
        "-h",
        "--hos=a",
    ]
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(words=st.lists(_WORDS, max_size=6))
def test_both_ways_mean_the_same(place: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the short way takes, the library understands in the same way."""
    assert place.exists()
    taken = quick_up(words)
    if taken is None:
        return
    seen: list[UpOptions] = []

    def run(options: UpOptions) -> int:
        seen.append(options)
        return 0

    monkeypatch.setattr("isartor.cli.up.run", run)
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert seen == [taken]


@given(
    options=st.builds(
        UpOptions,
        demo=st.booleans(),
        detach=st.booleans(),
        offline=st.booleans(),
        host=st.none() | st.sampled_from(["::1", "localhost"]),
        port=st.none() | st.integers(1, 65535),
        workers=st.none() | st.integers(1, 256),
    )
)
def test_options_survive_being_written_as_arguments(options: UpOptions) -> None:
    """The arguments with which a gateway in the background is started give the same options again."""
    assert quick_up(options.arguments()) == options
