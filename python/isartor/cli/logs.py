"""`isartor logs`: the end of the log of a gateway in the background, and what follows."""

from __future__ import annotations

import codecs
import sys
import time
from typing import TYPE_CHECKING, Final

from isartor.cli import home
from isartor.cli.failures import DONE, CommandError

if TYPE_CHECKING:
    from pathlib import Path

_LINES: Final = 200
_BLOCK: Final = 64 * 1024
_PAUSE_SECS: Final = 0.5


def run(*, follow: bool) -> int:
    """Print the last lines; with `follow`, what is written from then on, until Ctrl-C."""
    path = home.log_file()
    try:
        end = path.stat().st_size
        lines = last_lines(path, _LINES, until=end)
    except FileNotFoundError:
        message = f"there is no log at {path}; `isartor up --detach` writes one"
        raise CommandError(message) from None
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise CommandError(message) from None
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
    if follow:
        try:
            _follow(path, end)
        except KeyboardInterrupt:
            sys.stdout.write("\n")
    return DONE


def last_lines(path: Path, count: int, *, since: int = 0, until: int | None = None) -> list[str]:
    """The last `count` lines that lie between two offsets; the file is read from its end. Raises `OSError`."""
    with path.open("rb") as file:
        position = file.seek(0, 2) if until is None else until
        tail = b""
        while position > since and tail.count(b"\n") <= count:
            step = min(_BLOCK, position - since)
            position -= step
            file.seek(position)
            tail = file.read(step) + tail
    return tail.decode(errors="replace").splitlines()[-count:]


def _follow(path: Path, position: int) -> None:
    # A character may be cut by the end of a block.
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while True:
        try:
            with path.open("rb") as file:
                if file.seek(0, 2) < position:
                    # It has been truncated or replaced: begin anew.
                    position = 0
                    decoder.reset()
                file.seek(position)
                while block := file.read(_BLOCK):
                    position += len(block)
                    sys.stdout.write(decoder.decode(block))
                sys.stdout.flush()
        except FileNotFoundError:
            position = 0
        time.sleep(_PAUSE_SECS)
