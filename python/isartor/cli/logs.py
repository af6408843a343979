"""`isartor logs`: the end of a log, and what follows: of a gateway in the background, or of the requests."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

from isartor.cli import home
from isartor.cli.failures import DONE, CommandError
from isartor.observe.tail import Follower, last_lines

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["last_lines", "run"]

_LINES: Final = 200
_PAUSE_SECS: Final = 0.5


def run(*, follow: bool, requests: bool = False) -> int:
    """Print the last lines; with `follow`, what is written from then on, until Ctrl-C."""
    path, hint = _requests() if requests else (home.log_file(), "`isartor up --detach` writes one")
    try:
        log = Follower(path)
        lines = log.lines(_LINES)
    except FileNotFoundError:
        message = f"there is no log at {path}; {hint}"
        raise CommandError(message) from None
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise CommandError(message) from None
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
    try:
        if follow:
            _follow(log)
    except KeyboardInterrupt:
        sys.stdout.write("\n")
    finally:
        log.close()
    return DONE


def _follow(log: Follower) -> None:
    while True:
        for text in log.read():
            sys.stdout.write(text)
        sys.stdout.flush()
        time.sleep(_PAUSE_SECS)


def _requests() -> tuple[Path, str]:
    """The request log that is configured, and what to say if there is none."""
    from isartor.config import load
    from isartor.observe.requests import FILE_NAME, folder_of

    config = load()
    folder = folder_of(config)
    if folder is None:
        message = "this user has no home directory; set HOME or request_log_path"
        raise CommandError(message)
    hint = "a gateway writes one if enable_request_logs is true"
    if config.enable_request_logs:
        hint = "the gateway has written nothing yet, or runs with other settings"
    return folder / FILE_NAME, hint
