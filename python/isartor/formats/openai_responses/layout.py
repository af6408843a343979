"""How fields of this format that have no word elsewhere are kept and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isartor.formats.reading import restore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isartor.formats.canonical import FormatName
    from isartor.formats.reading import Members

NAME: Final[FormatName] = "openai_responses"

OWN: Final = "~own"
"""Hint in an `extra`: what this API keeps of the object for itself (ids, statuses) and no other one asks for."""


def keep(given: Members, *own: str) -> dict[str, Any]:
    """What is left of an object: `own` fields under a hint, the others by their names, to be accounted for."""
    rest = given.rest()
    mine = {name: rest.pop(name) for name in own if name in rest}
    if mine:
        rest[OWN] = mine
    return rest


def put_back(written: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """`restore`, and the fields that `keep` hid."""
    written.update(extra.get(OWN, {}))
    return restore(written, extra)
