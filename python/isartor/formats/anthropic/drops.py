"""What a request of this format may lose on its way to another one."""

from __future__ import annotations

from typing import Final

from isartor.formats.losses import Drop

DROPS: Final[tuple[Drop, ...]] = ()
"""The rows of the table."""

NAMES: Final[dict[str, str]] = {}
"""What this format calls a canonical field, where that is another name."""

PLACES: Final[dict[str, str]] = {}
"""What stands before a field of a turn, a part, ... in its path."""
