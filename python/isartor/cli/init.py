"""`isartor init`: write a file in which every setting stands as a comment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from isartor.cli.failures import DONE, CommandError
from isartor.config.sources import FILE_NAME
from isartor.config.template import template


def run() -> int:
    """Write `isartor.toml` into the working directory; one that is there stays as it is."""
    path = Path.cwd() / FILE_NAME
    try:
        # Readable by its owner alone: keys will stand in it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        sys.stdout.write(f"{path} exists and stays as it is.\n")
        return DONE
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise CommandError(message) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(template())
    sys.stdout.write(f"{path} is written: every setting is in it, commented out. Next: isartor up\n")
    return DONE
