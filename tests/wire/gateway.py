"""A real gateway as a child process: `isartor up` with an empty HOME, configured by its environment alone."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

UPSTREAM_KEY = "sk-upstream-secret-0123456789"
_START_LIMIT = 30.0


def free_port() -> int:
    """Return a port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Gateway:
    """One `isartor up`; `settings` are configuration keys in lower case, `__` for nesting."""

    def __init__(
        self,
        folder: Path,
        settings: dict[str, str],
        arguments: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        module: str = "isartor",
    ) -> None:
        """Prepare; nothing runs yet. `module`: what is run in place of `isartor`."""
        self.folder = folder
        self.module = module
        self.port = free_port()
        self.arguments = arguments
        self.process: subprocess.Popen[bytes] | None = None
        names = {f"ISARTOR__{key.upper()}": value for key, value in settings.items()}
        path = os.environ.get("PATH", "")
        pass_on = {
            key: os.environ[key] for key in ("LD_LIBRARY_PATH", "SYSTEMROOT", "LLVM_PROFILE_FILE") if key in os.environ
        }
        self.environment = {"PATH": path, "HOME": str(folder), "ISARTOR__FIRST_RUN_COMPLETE": "1"}
        self.environment |= pass_on | names | (environment or {})
        self.log_path = folder / "gateway.log"

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """Everything it has printed."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def launch(self) -> Gateway:
        """Start the process without waiting for it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", self.module, "up", "--port", str(self.port), *self.arguments]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def start(self) -> Gateway:
        """Start the process and wait until it answers."""
        return self.launch().wait_ready()

    def wait_ready(self) -> Gateway:
        """Wait until it answers."""
        assert self.process is not None
        end = time.monotonic() + _START_LIMIT
        while time.monotonic() < end:
            if self.process.poll() is not None:
                msg = f"the gateway ended with {self.process.returncode}:\n{self.log[-4000:]}"
                raise RuntimeError(msg)
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(self.url + "/healthz", timeout=5, trust_env=False).status_code == 200:
                    return self
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
        self.kill()
        msg = f"the gateway did not answer in {_START_LIMIT} s:\n{self.log[-4000:]}"
        raise RuntimeError(msg)

    def stop(self) -> int:
        """Ask it to end, wait, and return its exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            return -9

    def kill(self) -> None:
        """End it and its workers at once, as a crash of the machine would."""
        if self.process is None:
            return
        for pid in (*self.workers(), self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(30)

    def workers(self) -> list[int]:
        """Return the process ids below the main process."""
        found, todo = [], [self.process.pid] if self.process else []
        while todo:
            children = Path(f"/proc/{(pid := todo.pop())}/task/{pid}/children")
            with contextlib.suppress(OSError):
                below = [int(word) for word in children.read_text().split()]
                found += below
                todo += below
        return found

    def memory(self) -> int:
        """Return the resident bytes of all its processes."""
        assert self.process is not None
        total = 0
        for pid in (self.process.pid, *self.workers()):
            with contextlib.suppress(OSError):
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return total
