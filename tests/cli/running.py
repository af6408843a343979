"""Runs `isartor` as a process, with an empty home and nothing of this machine's settings."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def free_port() -> int:
    """Return a port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Shell:
    """A user's shell: a home, a working directory and an environment."""

    def __init__(self, root: Path) -> None:
        """Make both directories below `root`."""
        self.home = root / "home"
        self.cwd = root / "work"
        self.home.mkdir()
        self.cwd.mkdir()
        kept = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ}
        if "PYTHONPATH" in self.environment:
            paths = self.environment["PYTHONPATH"].split(os.pathsep)
            self.environment["PYTHONPATH"] = os.pathsep.join(os.path.abspath(path) for path in paths)  # noqa: PTH100
        self.environment |= {"HOME": str(self.home), "COLUMNS": "80", "PYTHONWARNINGS": "error"}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `isartor` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "isartor", *arguments],
            cwd=self.cwd,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start `isartor` and leave it running; its output goes into pipes."""
        return subprocess.Popen(
            [sys.executable, "-m", "isartor", *arguments],
            cwd=self.cwd,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
