"""A network with loopback only, an empty home, and a process that cannot outlive its time."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# A process namespace beside the network's: whatever an agent leaves behind ends with the run.
_UNSHARE = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")


class SandboxError(Exception):
    """The namespace cannot be made here; the text says what is missing."""


def enter(command: Sequence[str]) -> NoReturn:
    """Replace this process by `command` inside a fresh namespace."""
    for tool in ("unshare", "ip"):
        if shutil.which(tool) is None:
            msg = f"{tool} is not installed (packages util-linux and iproute2); this runs on Linux only"
            raise SandboxError(msg)
    unshare = _UNSHARE if os.geteuid() == 0 else (*_UNSHARE, "--map-root-user")
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        msg = "a network namespace cannot be made: run as root, or allow unprivileged user namespaces"
        raise SandboxError(msg)
    os.execvp("unshare", [*unshare, *command])  # noqa: S606 - the search on PATH was made above


def raise_loopback() -> None:
    """Bring loopback up, and make sure that there is nothing else."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    others = [name for _, name in socket.if_nameindex() if name != "lo"]
    # Kernels with tunnels built in put their (dead) devices into every namespace; a route would lead out.
    routes = subprocess.run(["ip", "route"], check=True, capture_output=True, text=True).stdout.strip()
    if routes:
        msg = f"this namespace leads out: {others}, {routes}"
        raise SandboxError(msg)


def environment(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with nothing of the caller's but the search path."""
    base = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", "NO_COLOR": "1", "LANG": "C.UTF-8"}
    return {**base, **extra}


def fresh(folder: Path) -> Path:
    """Return the folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def make_project(folder: Path) -> Path:
    """Make a small repository for the agents to start in; agents put its state into their prompts."""
    fresh(folder)
    (folder / "README.md").write_text("# A project\n\nNothing to see.\n", encoding="utf-8")
    author = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.invalid"]
    for arguments in (["init", "--quiet"], ["add", "."], [*author, "commit", "--quiet", "-m", "start"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
    return folder


def run(
    command: Sequence[str], folder: Path, variables: Mapping[str, str], limit_secs: float
) -> tuple[int | None, str, str, float]:
    """Run a program to its end: exit code (None: it was killed at the limit), stdout, stderr, seconds."""
    begun = time.monotonic()
    process = subprocess.Popen(
        list(command),
        cwd=folder,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    code: int | None
    try:
        out, err = process.communicate(timeout=limit_secs)
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        code = None
    return code, out, err, time.monotonic() - begun
