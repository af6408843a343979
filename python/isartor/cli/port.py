"""Is the port free, and if not, who has it? Asked before the server starts, so that the answer is one clear line."""

from __future__ import annotations

import contextlib
import errno
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from isartor.cli import home, pidfile
from isartor.cli.failures import CommandError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_LISTENING: Final = "0A"
_SHOWN: Final = 60
_PROC: Final = Path("/proc")


class Holder(msgspec.Struct, frozen=True):
    """The process that listens on a port."""

    pid: int
    command: str


def check(host: str, port: int) -> None:
    """Raise `CommandError` if nothing can listen on `host` and `port`; its line says why and what to do."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        message = f"host {host} cannot be resolved to an address of this machine"
        raise CommandError(message) from None
    try:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        raise CommandError(_why(error, host, port)) from None


def holder(port: int, proc: Path = _PROC) -> Holder | None:
    """Who listens on `port`, as far as `/proc` tells this user."""
    inodes = set(_listening_inodes(port, proc))
    if not inodes:
        return None
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                if str(descriptor.readlink()) in inodes:
                    return Holder(int(process.name), _command(process))
    return None


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        found = holder(port)
        if found and (ours := _gateway(found.pid)):
            return (
                f"port {port} on {host} is taken by the gateway that runs already, process {ours}; see `isartor stop`"
            )
        who = f"process {found.pid} ({found.command})" if found else "another process"
        return f"port {port} on {host} is taken by {who}; stop it, or choose another port with --port"
    if error.errno == errno.EACCES:
        return f"port {port} on {host} is not allowed for this user; choose one above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"host {host} is not an address of this machine"
    return f"cannot listen on {host}:{port}: {error.strerror}"


def _gateway(pid: int) -> int | None:
    """The gateway of the pid file, if `pid` is its process or one of its workers."""
    with contextlib.suppress(OSError, ValueError, IndexError, CommandError):
        running = pidfile.running(home.pid_file())
        # The name in brackets may hold anything; the parent is the second field after it.
        parent = int((_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
        if running is not None and running.pid in {pid, parent}:
            return running.pid
    return None


def _listening_inodes(port: int, proc: Path) -> Iterator[str]:
    """The sockets that listen on `port`, as links in `/proc/*/fd` name them."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            for line in (proc / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    yield f"socket:[{fields[9]}]"


def _command(process: Path) -> str:
    with contextlib.suppress(OSError):
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        line = one_line(" ".join(words)).strip()
        if line:
            return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
    return "name unknown"
