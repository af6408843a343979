"""Loads a configuration from given texts, with nothing of this machine in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isartor.config import Loaded, load_with_origins

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from isartor.config import Config


class Place:
    """An empty working directory and an empty home."""

    def __init__(self, root: Path) -> None:
        """Make both below `root`."""
        self.cwd = root / "work"
        self.home = root / "home"
        (self.home / ".isartor").mkdir(parents=True)
        self.cwd.mkdir()

    @property
    def file(self) -> Path:
        """The working directory's configuration file."""
        return self.cwd / "isartor.toml"

    def loaded(self, toml: str | None = None, env: Mapping[str, str] | None = None, **overrides: object) -> Loaded:
        """What `toml` in the file, `env` and `overrides` give together."""
        if toml is not None:
            self.file.write_text(toml)
        return load_with_origins(environ=env or {}, cwd=self.cwd, home=self.home, overrides=overrides)

    def config(self, toml: str | None = None, env: Mapping[str, str] | None = None, **overrides: object) -> Config:
        """The configuration alone."""
        return self.loaded(toml, env, **overrides).config
