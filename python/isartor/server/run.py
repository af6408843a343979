"""Runs the gateway: Granian, its workers, and their end."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from isartor.config import Config

# Beyond the grace for running replies: what Granian itself needs to stop.
_KILL_AFTER_SECS = 5
_PR_SET_PDEATHSIG = 1


def granian_options(config: Config) -> dict[str, Any]:
    """The keyword arguments with which Granian is started; a benchmark's rival gets the same."""
    from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes

    return {
        "address": config.server.host.strip("[]"),
        "port": config.server.port,
        "interface": Interfaces.RSGI,
        "workers": config.server.workers,
        "runtime_mode": RuntimeModes.st,
        "loop": Loops.uvloop,
        "http": HTTPModes.auto,
        "websockets": False,
        "log_enabled": False,
        "backlog": 1024,
        "workers_kill_timeout": int(config.server.shutdown_grace_secs) + _KILL_AFTER_SECS,
        "respawn_failed_workers": True,
    }


def serve(config: Config, *, on_ready: Callable[[], None] | None = None) -> int:
    """Serves until SIGINT or SIGTERM; then stops accepting and lets running replies finish.

    `on_ready` is called in the main process when the socket is bound, before the workers start. Returns the exit code:
    0 after a stop that was asked for, 1 if a worker could not start.
    """
    from granian import Granian

    server = Granian("isartor.server.app", **granian_options(config))
    if on_ready is not None:
        server.on_startup(on_ready)
    # What several workers share; one needs nothing.
    folder = Path(tempfile.mkdtemp(prefix="isartor-")) if config.server.workers > 1 else None
    try:
        server.serve(target_loader=partial(_load, config, folder), wrap_loader=False)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _load(config: Config, folder: Path | None) -> Any:
    """Runs in each worker: builds the gateway and its application."""
    # Until the server sets its own, the main process's handler is here, and would swallow an early stop.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from isartor.config import secrets
    from isartor.observe import logs
    from isartor.server.app import application
    from isartor.wiring import Gateway

    _end_with_parent()
    logs.setup(config.log_level, secrets=secrets(config))
    return application(Gateway(config, folder))


def _end_with_parent() -> None:
    """A worker whose main process was killed ends too: it would hold the port, and nobody could stop it.

    Linux does it at once, by a signal; elsewhere a thread looks once a second.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was killed meanwhile
            os._exit(1)
    else:

        def look() -> None:
            while os.getppid() == parent:
                time.sleep(1)
            os._exit(1)

        threading.Thread(target=look, name="isartor-parent", daemon=True).start()
