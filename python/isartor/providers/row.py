"""What the registry knows of a provider: one row of its table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from isartor.ports import Quirk
    from isartor.providers.base import Provider, Settings

P = TypeVar("P", bound="Provider")

Builder = Callable[["Settings", "Row"], P]


class Row(msgspec.Struct, frozen=True):
    """One provider that is built in."""

    id: str
    """As in `llm_provider`."""
    url: str | None
    """Its address, with its version if it has one; `None` if only the user can know it."""
    model: str
    """Asked for when neither request nor configuration names one."""
    speaks: tuple[str, ...] = ()
    """Operations that go through as they are; empty: all that its adapter has. Others are translated if possible."""
    quirks: frozenset[Quirk] = frozenset()
    """In what its chat completions differ from the common ground (`isartor.ports.Quirk`)."""
    adapter: Builder[Provider] | None = None
    """What builds it; `None`: the adapter for all that is compatible with OpenAI."""
    keyed: bool = True
    """Whether it wants a key."""
    version: str = "v1"
    """Last part of the path before the operations, put behind an address of the user's that has none. May be empty."""
    probe: str = "models"
    """What a ping asks for: a path below the address, or with a slash in front, below its host."""
