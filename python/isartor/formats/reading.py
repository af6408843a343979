"""Takes JSON objects apart, member by member, so that nothing is lost unseen: what no one took is `rest`.

Wrong types become errors that name the member: `RequestError` for what a client sent, `UpstreamError` for what a
provider sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.errors import RequestError, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NULLS: Final = "~null"
_NUMBERS: Final = frozenset({int, float})
"""Without `bool`, which is an `int` to Python."""
_decode: Final = msgspec.json.Decoder().decode


class Members:
    """The members of one object. Each is taken once, by name; `None` if it is missing or null."""

    __slots__ = ("_given", "_left", "_upstream", "path")

    def __init__(self, value: object, path: str = "", *, upstream: bool = False) -> None:
        """`path`: of the object in the body. `upstream`: a provider sent it. Raises if it is no object."""
        self.path = path
        self._upstream = upstream
        if not isinstance(value, dict):
            raise self.wrong(name="", what="an object")
        self._given: dict[str, Any] = value
        self._left = value.copy()

    def any(self, name: str) -> Any:
        """The member, whatever it is."""
        return self._left.pop(name, None)

    # Most of what a format may have is not there: each of these is one look into the object, and no more.

    def text(self, name: str) -> str | None:
        """A string."""
        value = self._left.pop(name, None)
        if value is None or isinstance(value, str):
            return value
        raise self.wrong(name, "a string")

    def needed(self, name: str) -> str:
        """A string that has to be there."""
        value = self._left.pop(name, None)
        if isinstance(value, str):
            return value
        raise self.wrong(name, "a string")

    def number(self, name: str) -> float | None:
        """A number; an integer stays one."""
        value: Any = self._left.pop(name, None)
        if value is None or type(value) in _NUMBERS:
            return value  # type: ignore[no-any-return] # told by the line above
        raise self.wrong(name, "a number")

    def whole(self, name: str) -> int | None:
        """An integer."""
        value: Any = self._left.pop(name, None)
        if value is None or type(value) is int:
            return value
        raise self.wrong(name, "an integer")

    def flag(self, name: str) -> bool | None:
        """A boolean."""
        value = self._left.pop(name, None)
        if value is None or isinstance(value, bool):
            return value
        raise self.wrong(name, "true or false")

    def table(self, name: str) -> dict[str, Any] | None:
        """An object."""
        value = self._left.pop(name, None)
        if value is None or isinstance(value, dict):
            return value
        raise self.wrong(name, "an object")

    def items(self, name: str) -> list[Any] | None:
        """An array."""
        value = self._left.pop(name, None)
        if value is None or isinstance(value, list):
            return value
        raise self.wrong(name, "an array")

    def has_any(self, names: Iterable[str]) -> bool:
        """Whether any of these members is there and not taken yet."""
        return not self._left.keys().isdisjoint(names)

    def inner(self, name: str) -> Members | None:
        """The members of an object in this one."""
        value = self._left.pop(name, None)
        return None if value is None else Members(value, self.at(name), upstream=self._upstream)

    def of(self, name: str, value: object) -> Members:
        """The members of `value`, which stood at `name` in this one."""
        return Members(value, self.at(name), upstream=self._upstream)

    def each(self, name: str) -> list[Members]:
        """The members of each object in an array; empty if there is none."""
        items = self.items(name)
        if not items:
            return []
        path = self.at(name)
        return [Members(item, f"{path}[{index}]", upstream=self._upstream) for index, item in enumerate(items)]

    def peek(self, *names: str) -> dict[str, Any]:
        """Those of these members that are there, without taking them."""
        left = self._left
        return {name: left[name] for name in names if name in left}

    def rest(self) -> dict[str, Any]:
        """What nobody has taken, and which of those taken were null (`restore` puts them back)."""
        left = self._left
        if None in self._given.values():
            nulls = [name for name, value in self._given.items() if value is None and name not in left]
            if nulls:
                left[_NULLS] = nulls
        return left

    def at(self, name: str) -> str:
        """The full path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def wrong(self, name: str, what: str) -> RequestError | UpstreamError:
        """The error that says that a member (or with an empty name the object) is not `what` it must be."""
        path = self.at(name) if name else self.path or "the body"
        if self._upstream:
            return UpstreamError(f"The provider's reply cannot be read: {path} is not {what}.", code=_INVALID)
        return RequestError(f"{path} must be {what}.", param=path)


_INVALID: Final = "upstream_invalid_reply"


def body(raw: bytes, *, upstream: bool = False) -> Members:
    """The members of a body. Raises `RequestError` or `UpstreamError` if it is no JSON object."""
    try:
        value = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if upstream:
            message = "The provider's reply is not JSON."
            raise UpstreamError(message, code=_INVALID) from None
        message = "The body is not JSON."
        raise RequestError(message) from None
    return Members(value, upstream=upstream)


def restore(written: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """`written` with the fields of its own format put back: what nobody took, and what was null."""
    for name in extra.get(_NULLS, ()):
        written.setdefault(name, None)
    written.update((name, value) for name, value in extra.items() if not name.startswith("~"))
    return written


def foreign(extra: Mapping[str, Any]) -> list[str]:
    """The fields in `extra` that another format would lose."""
    return [name for name in extra if not name.startswith("~")]
