"""`isartor stop`: end the gateway that the pid file names."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

from isartor.cli import home, pidfile
from isartor.cli.failures import DONE, CommandError
from isartor.config import load
from isartor.errors import ConfigError

_PAUSE_SECS: Final = 0.05
_BEYOND_GRACE_SECS: Final = 10.0
_AFTER_KILL_SECS: Final = 5.0
_DEFAULT_GRACE_SECS: Final = 30.0


def run(*, force: bool, pid_file: Path | None) -> int:
    """Send SIGTERM (or, with `force`, SIGKILL) and wait until the process has ended."""
    path = pid_file or home.pid_file()
    try:
        gateway = pidfile.running(path)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise CommandError(message) from None
    if gateway is None:
        left_over = path.exists()
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        message = f"no gateway is running: {path} " + (
            "was left over and is removed" if left_over else "does not exist"
        )
        raise CommandError(message)
    family = [*_below(gateway.pid), gateway.pid] if force else [gateway.pid]
    _send(family, signal.SIGKILL if force else signal.SIGTERM)
    patience = _AFTER_KILL_SECS if force else _grace() + _BEYOND_GRACE_SECS
    # A worker that is killed holds the port until its memory has been taken apart.
    if not all(_ended(pid, patience) for pid in family):
        message = f"process {gateway.pid} is still running; `isartor stop --force` kills it"
        raise CommandError(message)
    if force:
        # A killed process cannot remove its file.
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    sys.stdout.write(f"Isartor (process {gateway.pid}) has stopped.\n")
    return DONE


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        except PermissionError:
            message = f"process {pid} belongs to another user"
            raise CommandError(message) from None


def _ended(pid: int, patience: float) -> bool:
    end = time.monotonic() + patience
    while pidfile.alive(pid):
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE_SECS)
    return True


def _grace() -> float:
    """How long running replies may take to finish. A file that does not load any more is no reason not to stop."""
    try:
        return load().server.shutdown_grace_secs
    except ConfigError:
        return _DEFAULT_GRACE_SECS


def _below(pid: int) -> list[int]:
    """The worker processes of a gateway, which do not die with it when it is killed."""
    found: list[int] = []
    todo = [pid]
    while todo:
        current = todo.pop()
        # A child belongs to the thread that made it.
        for thread in Path(f"/proc/{current}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                children = [int(word) for word in thread.read_text().split()]
                found += children
                todo += children
    return found
