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
"""Hint in an `extra`: the fields that nobody took, where they are accounted for elsewhere or mean nothing elsewhere."""

_NULLS: Final = "~null"


def hide(given: Members) -> dict[str, Any]:
    """Hints that hold what is left of an object."""
    rest = given.rest()
    nulls = rest.pop(_NULLS, None)
    hints: dict[str, Any] = {OWN: rest} if rest else {}
    return hints if nulls is None else {**hints, _NULLS: nulls}


def put_back(written: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """`restore`, and the fields that `hide` hid."""
    written.update(extra.get(OWN, {}))
    return restore(written, extra)
