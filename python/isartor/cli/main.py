"""The entry of the `isartor` command.

`isartor up` with its own options is recognised before the command-line library is loaded: that library and what it
brings along would cost a fifth of the time to the first answered request, and ten megabytes in each process of
a gateway. Everything else, help and usage errors included, goes through `app`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from isartor.cli.failures import guarded
from isartor.cli.quick import quick_up

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command that `argv` (by default the process's arguments) names, and exit with its code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    sys.exit(guarded(lambda: _run(arguments)))


def _run(arguments: list[str]) -> int:
    options = quick_up(arguments)
    if options is not None:
        from isartor.cli import up

        return up.run(options)
    from isartor.cli.app import app

    code = app(args=arguments, prog_name="isartor", standalone_mode=True)
    return code if isinstance(code, int) else 0
