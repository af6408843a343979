"""How a command fails: one line on stderr and an exit code, never a trace (unless `ISARTOR_DEBUG=1` asks for it)."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from isartor.errors import IsartorError

if TYPE_CHECKING:
    from collections.abc import Callable

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2


class CommandError(IsartorError):
    """A command cannot do what it was asked; the message is what the user sees."""

    default_code = "command_failed"


def guarded(command: Callable[[], int]) -> int:
    """Run `command` and turn whatever it raises into a line and an exit code."""
    try:
        return command()
    except IsartorError as error:
        return _fail(error.message, error)
    except KeyboardInterrupt:
        return FAILED
    except BrokenPipeError:
        # The reader of our output has gone (`isartor stats | head`). Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        return _fail(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""), error)
    except Exception as error:  # noqa: BLE001 # the last resort of the process
        return _fail(f"internal error: {type(error).__name__}: {error} (ISARTOR_DEBUG=1 shows where)", error)


def say(line: str) -> None:
    """Write a line to stderr, where everything goes that is no result."""
    sys.stderr.write(f"isartor: {one_line(line)}\n")
    sys.stderr.flush()


def one_line(text: str) -> str:
    """`text` without line breaks and other control characters, which could forge output or steer a terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def _fail(message: str, error: BaseException) -> int:
    from isartor.observe.logs import debugging, redact

    say(redact(message))
    if debugging():
        import traceback

        sys.stderr.write(redact("".join(traceback.format_exception(error))))
    return FAILED
