"""Installs the pinned agents from npm into the cache folder, each in a folder that carries its version."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agents.agent import Package


class InstallError(Exception):
    """An agent could not be installed; the text says what is missing or what npm said."""


def program(package: Package, cache: Path) -> Path:
    """Return where the agent's program is, or will be."""
    return _folder(package, cache) / "node_modules" / ".bin" / package.binary


def install(package: Package, cache: Path) -> bool:
    """Install the agent unless this version is there already; tell whether anything was done."""
    folder = _folder(package, cache)
    done = folder / "installed"
    if done.exists():
        return False
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            msg = f"{tool} is not installed; Node.js 20 or newer brings both node and npm"
            raise InstallError(msg)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"private": True}), encoding="utf-8")
    # Scripts stay off: newer npm asks first, older runs every dependency's. The needed one is below.
    flags = ["--save-exact", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _call(["npm", "install", *flags, f"{package.npm}@{package.version}"], folder)
    if package.setup:
        _call(["node", package.setup], folder / "node_modules" / package.npm)
    done.touch()
    return True


def _folder(package: Package, cache: Path) -> Path:
    return cache / f"{package.binary}-{package.version}"


def _call(command: list[str], folder: Path) -> None:
    found = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if found.returncode:
        said = (found.stderr.strip() or found.stdout.strip()).splitlines()
        msg = f"`{' '.join(command)}` failed: {' | '.join(said[-5:])}"
        raise InstallError(msg)
