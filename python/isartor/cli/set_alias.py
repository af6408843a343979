"""`isartor set-alias`: a name that clients may use for a model."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from isartor.cli.edit import Draft, in_use
from isartor.cli.failures import DONE, one_line, say

if TYPE_CHECKING:
    from pathlib import Path

_TABLE = "model_aliases"


def run(alias: str, model: str, *, config_path: Path | None, dry_run: bool) -> int:
    """Write the alias into `isartor.toml`, or show what would be written."""
    alias, model = alias.strip(), model.strip()
    draft = Draft(in_use() if config_path is None else config_path)
    draft.put_in(_TABLE, alias, model)
    loaded = draft.checked()
    if dry_run:
        sys.stdout.write(draft.diff())
        return DONE
    draft.save()
    sys.stdout.write(f"{draft.path}: {one_line(alias)} is {one_line(model)}. A gateway that runs needs a restart.\n")
    if loaded.config.model_aliases.get(alias) != model:
        say(f"{loaded.origins[_TABLE]} gives this alias another model, and overrides the file")
    return DONE
