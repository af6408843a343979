"""`isartor up --detach`: start the gateway as a process of its own and wait until it answers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

from isartor.cli import banner, home
from isartor.cli.failures import DONE, FAILED, CommandError, say
from isartor.cli.http import Gateway
from isartor.cli.logs import last_lines

if TYPE_CHECKING:
    from isartor.cli.quick import UpOptions
    from isartor.config import Config

CHILD_MARK: Final = "ISARTOR_INTERNAL_DETACHED_CHILD"
_PATIENCE_SECS: Final = 30.0
_PAUSE_SECS: Final = 0.05
_LINES_SHOWN: Final = 10


def start(options: UpOptions, config: Config) -> int:
    """Start it; 0 once `/healthz` answers, 1 with the end of the log if it died before."""
    import msgspec

    command = [sys.executable, "-m", "isartor", *msgspec.structs.replace(options, detach=False).arguments()]
    try:
        home.make_folder()
        log = os.open(home.log_file(), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"cannot write the log: {error}"
        raise CommandError(message) from None
    size_before = os.fstat(log).st_size
    try:
        child = subprocess.Popen(  # noqa: S603 # our own interpreter with arguments that have been checked
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, CHILD_MARK: "1", "PYTHONUNBUFFERED": "1"},
        )
    finally:
        os.close(log)
    if not _answers(child, banner.url(config)):
        code = child.poll()
        if code is None:
            child.terminate()
            say(f"the gateway did not answer within {_PATIENCE_SECS:g} s and was stopped; the end of its log:")
        else:
            say(f"the gateway ended with code {code} while it was starting; the end of its log:")
        for line in last_lines(home.log_file(), _LINES_SHOWN, since=size_before):
            sys.stderr.write(f"  {line}\n")
        return FAILED
    sys.stdout.write(
        f"{'Isartor':<10}runs in the background as process {child.pid}\n"
        f"{'URL':<10}{banner.url(config)}\n"
        f"{'Log':<10}{home.log_file()} (`isartor logs --follow`)\n"
        f"{'Stop':<10}isartor stop\n"
    )
    return DONE


def _answers(child: subprocess.Popen[bytes], url: str) -> bool:
    """Wait for the gateway; whether it answers and lives."""
    end = time.monotonic() + _PATIENCE_SECS
    with Gateway(url, timeout=2) as gateway:
        while time.monotonic() < end and child.poll() is None:
            if gateway.healthy():
                return child.poll() is None
            time.sleep(_PAUSE_SECS)
    return False
