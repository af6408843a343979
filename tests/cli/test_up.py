"""`isartor up` and its companions with real processes."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.cli.running import free_port

if TYPE_CHECKING:
    from tests.cli.running import Shell


def healthy(port: int) -> bool:
    """Whether a gateway answers there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def wait_for(process: subprocess.Popen[str], port: int) -> None:
    """Wait until the gateway answers."""
    end = time.monotonic() + 30
    while not healthy(port):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def test_up_serves_until_it_is_told_to_stop(shell: Shell) -> None:
    """`up` prints a plain banner, holds the pid file while it serves, and ends with 0 on SIGTERM."""
    port = free_port()
    with shell.start("up", "--demo", "--port", str(port)) as process:
        wait_for(process, port)
        pid_file = shell.home / ".isartor" / "isartor.pid"
        assert pid_file.read_text() == f"{process.pid}\n"
        assert pid_file.parent.stat().st_mode & 0o777 == 0o700
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert f"http://127.0.0.1:{port}" in out
    assert "demo: built in" in out
    assert "\x1b" not in out
    assert not pid_file.exists()


def test_stop_ends_a_gateway_in_the_background(shell: Shell) -> None:
    """`up --detach` returns when the gateway answers; `logs` shows its banner, `stop` ends it and frees the port."""
    port = free_port()
    started = shell.run("up", "--detach", "--demo", "--port", str(port))
    assert started.returncode == 0, started.stderr
    assert healthy(port)
    assert (shell.home / ".isartor" / "isartor.log").stat().st_mode & 0o777 == 0o600
    assert f"http://127.0.0.1:{port}" in shell.run("logs").stdout
    assert f"--port={port}" not in started.stderr
    stats = shell.run("stats", "--gateway-url", f"http://127.0.0.1:{port}")
    assert stats.returncode == 0, stats.stderr
    stopped = shell.run("stop")
    assert (stopped.returncode, stopped.stderr) == (0, "")
    assert not healthy(port)
    assert shell.run("stop").returncode == 1


def test_a_forced_stop_leaves_nothing_behind(shell: Shell) -> None:
    """`stop --force` kills the workers too, so that the port is free at once."""
    port = free_port()
    assert shell.run("--detach", "up", "--demo", "--port", str(port)).returncode == 0
    assert shell.run("stop", "--force").returncode == 0
    assert not healthy(port)
    again = shell.run("up", "--detach", "--demo", "--port", str(port))
    assert again.returncode == 0, again.stderr
    assert shell.run("stop").returncode == 0


@pytest.mark.parametrize("detach", [(), ("--detach",)])
def test_a_taken_port_is_one_line(shell: Shell, detach: tuple[str, ...]) -> None:
    """A port that somebody has is named with its holder on one line, and the exit code is 1."""
    port = free_port()
    other = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with subprocess.Popen(other, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            while not _listens(port):
                time.sleep(0.02)
            result = shell.run("up", *detach, "--port", str(port))
        finally:
            server.kill()
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"isartor: port {port} on 127.0.0.1 is taken by ")
    assert result.stderr.count("\n") == 1
    if sys.platform == "linux":
        assert f"process {server.pid} (" in result.stderr


def test_a_second_gateway_points_to_the_first(shell: Shell) -> None:
    """Starting a gateway where one runs already names it; on another port it runs without the pid file."""
    port, other_port = free_port(), free_port()
    with shell.start("up", "--demo", "--port", str(port)) as first:
        wait_for(first, port)
        taken = shell.run("up", "--port", str(port))
        assert taken.returncode == 1
        if sys.platform == "linux":
            assert f"the gateway that runs already, process {first.pid}" in taken.stderr
        with shell.start("up", "--demo", "--port", str(other_port)) as second:
            wait_for(second, other_port)
            second.terminate()
            out, _ = second.communicate(timeout=30)
        assert f"process {first.pid}" in out
        assert (shell.home / ".isartor" / "isartor.pid").read_text() == f"{first.pid}\n"
        first.terminate()
        first.communicate(timeout=30)


def test_a_gateway_that_dies_in_the_background_is_told(shell: Shell) -> None:
    """If the process in the background ends before it answers, its last lines are shown and the exit code is 1."""
    folder = shell.cwd / "broken" / "isartor_broken"
    folder.mkdir(parents=True)
    (folder.parent / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'ISARTOR_INTERNAL_DETACHED_CHILD' in os.environ:\n"
        "    sys.stderr.write('broken on purpose\\n')\n"
        "    sys.stderr.flush()\n"
        "    os._exit(7)\n"
    )
    paths = [str(folder.parent), *shell.environment.get("PYTHONPATH", "").split(":")]
    result = shell.run("up", "--detach", "--port", str(free_port()), PYTHONPATH=":".join(filter(None, paths)))
    assert result.returncode == 1
    assert "ended with code 7" in result.stderr
    assert "broken on purpose" in result.stderr


def test_without_a_key_the_demo_can_be_asked_for(shell: Shell) -> None:
    """`--demo-if-keyless` is the demo without a key and the provider with one."""
    for key, part in (("", "demo: built in"), ("sk-test", "openai")):
        port = free_port()
        environment = {"ISARTOR__EXTERNAL_LLM_API_KEY": key}
        with shell.start("up", "--demo-if-keyless", "--port", str(port), **environment) as process:
            wait_for(process, port)
            process.terminate()
            out, _ = process.communicate(timeout=30)
        assert part in out
        assert "sk-test" not in out


def test_an_unwritable_home_does_not_stop_the_gateway(shell: Shell) -> None:
    """Without a place for the pid file the gateway serves all the same, and says so."""
    port = free_port()
    with shell.start("up", "--demo", "--port", str(port), HOME="/dev/null") as process:
        wait_for(process, port)
        process.terminate()
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "no pid file" in out


def test_the_demonstration_runs_through_a_real_gateway(shell: Shell) -> None:
    """`isartor demo` needs no key and no configuration, deflects at least half, and leaves nothing running or written."""
    result = shell.run("demo", ISARTOR__GATEWAY_API_KEY="unused")
    assert result.returncode == 0, result.stderr
    assert "50 prompts" in result.stdout
    assert "L1a exact cache" in result.stdout
    assert "L1b semantic cache" in result.stdout
    assert not [file for file in (shell.home / ".isartor").rglob("*") if file.is_file()]
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


def test_starting_does_not_load_the_command_line_library(shell: Shell) -> None:
    """Neither the command-line library nor the colours are loaded for `isartor up` outside a terminal."""
    code = (
        "import sys; from isartor.cli import up, main, banner; from isartor.cli.quick import quick_up;"
        "from isartor.config import load_with_origins as l; x = l(); banner.show(x, x.config, notes=[]);"
        "sys.exit(','.join({m.split('.')[0] for m in sys.modules} & {'typer', 'rich', 'click', 'pydantic', 'httpx'}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=shell.cwd, env=shell.environment, capture_output=True, text=True, check=False
    )
    assert result.stderr.strip() == ""


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"LLM_PROVIDER": "opnai"}, "llm_provider = 'opnai' is not built in; did you mean 'openai'"),
        ({"LLM_PROVIDER": "azure"}, "llm_provider = azure needs external_llm_url"),
        (
            {"FALLBACK_PROVIDERS": '[{"provider": "antropic"}]'},
            "fallback_providers[0].provider = 'antropic' is not built in; did you mean 'anthropic'?",
        ),
    ],
)
def test_a_provider_that_cannot_be_is_said_in_one_line(shell: Shell, settings: dict[str, str], said: str) -> None:
    """Before anything is served, and without a trace."""
    environment = {f"ISARTOR__{name}": value for name, value in settings.items()}
    ended = shell.run("up", "--port", str(free_port()), **environment)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"isartor: {said}")
    assert ended.stderr.count("\n") == 1
