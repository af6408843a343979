"""Whether a port is free, and who has it."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from isartor.cli import port
from isartor.cli.failures import CommandError
from tests.cli.running import free_port

linux = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells who holds a port")


def test_a_free_port_is_fine() -> None:
    """Nothing is said about a port that can be had, and it can still be had afterwards."""
    at = free_port()
    port.check("127.0.0.1", at)
    port.check("127.0.0.1", at)


@linux
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_taken_port_names_its_holder(family: socket.AddressFamily, host: str) -> None:
    """The line names the port, the process and its command, and is one line."""
    with socket.socket(family) as holder:
        try:
            holder.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        holder.listen()
        at = holder.getsockname()[1]
        with pytest.raises(CommandError) as caught:
            port.check(host, at)
    assert f"port {at} on {host} is taken by process {os.getpid()} (" in caught.value.message
    assert Path(sys.executable).name in caught.value.message
    assert "\n" not in caught.value.message


def test_an_unknown_holder_is_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the holder cannot be known, the line still names the port."""
    monkeypatch.setattr(port, "holder", lambda _: None)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(CommandError, match="is taken by another process"):
            port.check("127.0.0.1", holder.getsockname()[1])


def test_an_unreadable_proc_tells_nothing(tmp_path: Path) -> None:
    """Without `/proc`, or with one that holds odd lines, nobody is named and nothing fails."""
    assert port.holder(80, tmp_path) is None
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text("head\nodd line\n")
    assert port.holder(80, tmp_path) is None


@pytest.mark.parametrize(
    ("host", "message"),
    [("203.0.113.7", "is not an address of this machine"), ("no-such-host.invalid", "cannot be resolved")],
)
def test_an_impossible_host_is_explained(host: str, message: str) -> None:
    """An address of another machine and a name that nobody knows are told apart."""
    with pytest.raises(CommandError, match=message):
        port.check(host, free_port())
