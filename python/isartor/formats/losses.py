"""What a target format cannot say: refused with 400, or dropped where the table below says so.

The table is the documentation, too: `docs/translation.md` is made from it. A field is named as the client writes it,
list indices left out (`messages[].cache_control`). What stands in no row is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from isartor.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isartor.formats.canonical import FormatName, Prompt

Why = Literal["bookkeeping", "caching", "hint", "sampling", "thinking", "safety"]
Place = Literal["prompt", "turn", "part", "tool", "choice", "output", "reasoning"]
"""Where an `extra` stands; each format's `PLACES` says what its fields are called with their path."""

REASONS: Final[dict[Why, str]] = {
    "bookkeeping": "names or labels for the provider's own accounts; the answer does not depend on it",
    "caching": "tells the provider what to keep; another provider decides by itself",
    "hint": "asks for speed, depth or length where the target has no such knob",
    "sampling": "fine-tunes chance where the target has no such knob; the answer stays one of the likely ones",
    "thinking": "earlier thoughts that only the provider that had them can read",
    "safety": "settings of the provider's own filters",
}


_SWITCHES: Final = frozenset({"web_search_options"})
"""Objects that ask for something by being there, be they empty."""


class Drop(msgspec.Struct, frozen=True):
    """One row: a `field` of the format `origin` that is dropped towards `targets` (empty: any other format)."""

    origin: FormatName
    field: str
    why: Why
    targets: tuple[FormatName, ...] = ()


class Losses:
    """Collects what one request loses on its way from its format to `target`."""

    def __init__(self, prompt: Prompt, target: FormatName) -> None:
        """`prompt` tells the format that the names are of."""
        self._origin: FormatName = prompt.origin
        self._target = target
        self._fields: dict[str, None] = {}

    @property
    def fields(self) -> list[str]:
        """What was dropped, in order, each once."""
        return list(self._fields)

    def without(self, name: str) -> None:
        """Drop what the canonical `name` (`top_k`, `thinking`) is called in the client's format, or refuse it."""
        self.lose(self.called(name))

    def called(self, name: str) -> str:
        """What the canonical `name` (`top_k`, `image`) is called in the client's format, with its path."""
        from isartor.formats import drops

        return drops.NAMES[self._origin].get(name, name)

    def refuse_tool(self, kind: str) -> None:
        """Refuse a tool that only the client's own provider has: without it the answer would be another one."""
        from isartor.formats import drops

        called = self.called(kind)
        self.refuse(called if called != kind else drops.PLACES[self._origin].get("tool", "") + kind)

    def extras(self, place: Place, extra: Mapping[str, Any]) -> None:
        """Drop or refuse each field that only the client's format knows; those that say nothing (false, []) just go."""
        for name, value in extra.items():
            if name[:1] == "~":
                continue
            says = value is not False and value not in (None, "", [], {})
            if says or (name in _SWITCHES and value is not None):
                from isartor.formats import drops

                self.lose(drops.PLACES[self._origin].get(place, "") + name)

    def lose(self, field: str, *, where: str | None = None) -> None:
        """Drop `field` (as the client names it, without indices) if the table allows it.

        Raises `RequestError` with 400 and the field as `param` otherwise; `where` is its full path, if that says more.
        """
        if field in self._fields:
            return
        if not droppable(self._origin, field, self._target):
            self.refuse(where or field)
        self._fields[field] = None

    def refuse(self, field: str, reason: str = "") -> None:
        """Raise the `RequestError` that says that the target cannot express `field`."""
        raise refusal(field, self._target, reason)


def refusal(field: str, target: FormatName, reason: str = "") -> RequestError:
    """The 400 for a field that cannot be translated."""
    message = (
        f"{field} cannot be sent to this provider: its format ({target}) has nothing that means the same"
        f"{': ' + reason if reason else ''}. Leave it out, or use a provider that speaks the client's own format."
    )
    return RequestError(message, code="not_translatable", param=field)


def droppable(origin: FormatName, field: str, target: FormatName) -> bool:
    """Whether the table allows `field` of `origin` to be dropped towards `target`."""
    return any(
        row.field == field and row.origin == origin and (not row.targets or target in row.targets) for row in rows()
    )


def rows() -> tuple[Drop, ...]:
    """The whole table: each format's package has its own rows (`losses.py`, `DROPS`)."""
    from isartor.formats import drops

    return drops.ALL
