"""The files that a gateway keeps in `~/.isartor`, which only its owner may read."""

from __future__ import annotations

from pathlib import Path

from isartor.cli.failures import CommandError


def folder() -> Path:
    """`~/.isartor`, which may not exist yet. Raises `CommandError` if the user has no home."""
    try:
        return Path.home() / ".isartor"
    except RuntimeError:
        message = "this user has no home directory; set HOME"
        raise CommandError(message) from None


def make_folder() -> Path:
    """`~/.isartor`, made (0700) if it does not exist. Raises `OSError` if it cannot be."""
    path = folder()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def pid_file() -> Path:
    """Where the running gateway's process id is."""
    return folder() / "isartor.pid"


def log_file() -> Path:
    """Where a gateway in the background writes its log."""
    return folder() / "isartor.log"
