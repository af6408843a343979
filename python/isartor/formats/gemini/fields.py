"""Takes Gemini's JSON apart as Google's own parser does.

Source: https://protobuf.dev/programming-guides/json. Names may be in camel or snake case, and a repeated field may be
given as the one value that it has. What was how is kept as hints, so that it is written back the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from isartor.formats import reading
from isartor.formats.reading import Members, restore

if TYPE_CHECKING:
    from collections.abc import Mapping

_SINGLE: Final = "~single"
_SNAKE: Final = "~snake"
_WORD: Final = re.compile(r"(?<=[A-Za-z0-9])_([a-z0-9])")


class Fields(Members):
    """The members of one message, by their names in camel case."""

    __slots__ = ("_raw", "_single", "_snake")

    def __init__(self, value: object, path: str = "", *, upstream: bool = False) -> None:
        """See `Members`."""
        self._raw = value
        self._single: list[str] = []
        self._snake: dict[str, str] = {}
        super().__init__(self._camel(value) if isinstance(value, dict) else value, path, upstream=upstream)

    def _camel(self, value: dict[str, Any]) -> dict[str, Any]:
        """`value` with its names in camel case."""
        snakes = [name for name in value if "_" in name]
        if not snakes:
            return value
        members = value.copy()
        for name in snakes:
            camel = _WORD.sub(lambda found: found[1].upper(), name)
            if camel not in members:
                members[camel] = members.pop(name)
                self._snake[camel] = name
        return members

    def has(self, name: str) -> bool:
        """Whether the member is there and not taken yet."""
        return name in self._left

    def shown(self, name: str) -> Any:
        """The member, which stays where it is."""
        return self._left.get(name)

    def raw(self) -> dict[str, Any]:
        """The object as it was given."""
        return dict(self._raw) if isinstance(self._raw, dict) else {}

    def items(self, name: str) -> list[Any] | None:
        """An array, or the one value that it has."""
        value = self.any(name)
        if value is None or isinstance(value, list):
            return value
        self._single.append(name)
        return [value]

    def inner(self, name: str) -> Fields | None:
        """The members of an object in this one."""
        value = self.table(name)
        return None if value is None else Fields(value, self.at(name), upstream=self._upstream)

    def each(self, name: str) -> list[Fields]:  # type: ignore[override] # each is read, none is added
        """The members of each object in an array; empty if there is none."""
        path = self.at(name)
        items = self.items(name) or []
        return [Fields(item, f"{path}[{index}]", upstream=self._upstream) for index, item in enumerate(items)]

    def rest(self) -> dict[str, Any]:
        """What nobody has taken, and the hints."""
        left = super().rest()
        if self._single:
            left[_SINGLE] = self._single
        if self._snake:
            left[_SNAKE] = self._snake
        return left


def body(raw: bytes, *, upstream: bool = False) -> Fields:
    """The members of a body; see `reading.body`."""
    return Fields(reading.body(raw, upstream=upstream).rest(), upstream=upstream)


def keep(extra: dict[str, Any], name: str, inner: Fields) -> None:
    """Keep in `extra` what is left of the message `name`: fields as `name.field`, hints under the hint `~name`."""
    hints: dict[str, Any] = {}
    for field, value in inner.rest().items():
        if field.startswith("~"):
            hints[field] = value
        else:
            extra[f"{name}.{field}"] = value
    extra["~" + name] = hints


def put_back(written: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """`written` with everything put back that its own format left over, as it was."""
    flat = dict(extra)
    for hint, hints in extra.items():
        name = hint[1:]
        inner = written.get(name)
        if hint.startswith("~") and isinstance(hints, dict) and isinstance(inner, dict) and hint != _SNAKE:
            prefix = name + "."
            inside = {field.removeprefix(prefix): flat.pop(field) for field in extra if field.startswith(prefix)}
            written[name] = put_back(inner, inside | hints)
    restore(written, flat)
    for name in extra.get(_SINGLE, ()):
        value = written.get(name)
        if isinstance(value, list) and len(value) == 1:
            written[name] = value[0]
    for camel, snake in extra.get(_SNAKE, {}).items():
        if camel in written:
            written[snake] = written.pop(camel)
    return written
