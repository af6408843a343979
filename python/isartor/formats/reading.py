"""Takes JSON objects apart, member by member, so that nothing is lost unseen: what no one took is `rest`.

Wrong types become errors that name the member: `RequestError` for what a client sent, `UpstreamError` for what a
provider sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.errors import RequestError, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NULLS: Final = "~null"
_decode: Final = msgspec.json.Decoder().decode


class Members:
    """The members of one object. Each is taken once, by name; `None` if it is missing or null."""

    __slots__ = ("_left", "_nulls", "_upstream", "path")

    def __init__(self, value: object, path: str = "", *, upstream: bool = False) -> None:
        """`path`: of the object in the body. `upstream`: a provider sent it. Raises if it is no object."""
        self.path = path
        self._upstream = upstream
        self._nulls: list[str] = []
        if not isinstance(value, dict):
            raise self.wrong(name="", what="an object")
        self._left: dict[str, Any] = dict(value)

    def any(self, name: str) -> Any:
        """The member, whatever it is."""
        if name not in self._left:
            return None
        value = self._left.pop(name)
        if value is None:
            self._nulls.append(name)
        return value

    def text(self, name: str) -> str | None:
        """A string."""
        value = self.any(name)
        if value is not None and not isinstance(value, str):
            raise self.wrong(name, "a string")
        return value

    def needed(self, name: str) -> str:
        """A string that has to be there."""
        value = self.text(name)
        if value is None:
            raise self.wrong(name, "a string")
        return value

    def number(self, name: str) -> float | None:
        """A number; an integer stays one."""
        value = self.any(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise self.wrong(name, "a number")
        return value

    def whole(self, name: str) -> int | None:
        """An integer."""
        value = self.any(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise self.wrong(name, "an integer")
        return value

    def flag(self, name: str) -> bool | None:
        """A boolean."""
        value = self.any(name)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def table(self, name: str) -> dict[str, Any] | None:
        """An object."""
        value = self.any(name)
        if value is not None and not isinstance(value, dict):
            raise self.wrong(name, "an object")
        return value

    def items(self, name: str) -> list[Any] | None:
        """An array."""
        value = self.any(name)
        if value is not None and not isinstance(value, list):
            raise self.wrong(name, "an array")
        return value

    def inner(self, name: str) -> Members | None:
        """The members of an object in this one."""
        value = self.table(name)
        return None if value is None else Members(value, self.at(name), upstream=self._upstream)

    def of(self, name: str, value: object) -> Members:
        """The members of `value`, which stood at `name` in this one."""
        return Members(value, self.at(name), upstream=self._upstream)

    def each(self, name: str) -> list[Members]:
        """The members of each object in an array; empty if there is none."""
        path = self.at(name)
        items = self.items(name) or []
        return [Members(item, f"{path}[{index}]", upstream=self._upstream) for index, item in enumerate(items)]

    def peek(self, *names: str) -> dict[str, Any]:
        """Those of these members that are there, without taking them."""
        return {name: self._left[name] for name in names if name in self._left}

    def rest(self) -> dict[str, Any]:
        """What nobody has taken, and which of those taken were null (`restore` puts them back)."""
        left = self._left
        if self._nulls:
            left[_NULLS] = self._nulls
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
