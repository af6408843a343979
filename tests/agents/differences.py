"""What differs between the requests of two runs: the first thing to look at when a repeat is no hit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.stub import Call

# Characters of a differing value.
_SHOWN = 60


def between(first: Sequence[Call], second: Sequence[Call]) -> list[str]:
    """Return one line for each place where the bodies of two runs differ."""
    lines = []
    if len(first) != len(second):
        lines.append(f"{len(first)} calls, then {len(second)}")
    # Calls made at once arrive in any order; by path and size they pair up.
    for one, two in zip(_sorted(first), _sorted(second), strict=False):
        if one.target != two.target:
            lines.append(f"{one.target} / {two.target}")
        elif one.body != two.body:
            places = list(_walk(_parsed(one), _parsed(two), ""))
            lines += [f"{one.path} {place}" for place in places or ["same JSON in another order or spacing"]]
    return lines


def _sorted(calls: Sequence[Call]) -> list[Call]:
    return sorted(calls, key=lambda call: (call.path, len(call.body) // 1000))


def _parsed(call: Call) -> Any:
    try:
        return call.json
    except ValueError:
        return call.body.decode("utf-8", "replace")


def _walk(one: Any, two: Any, path: str) -> Iterator[str]:
    """Yield the places where two JSON values differ, deepest first."""
    if isinstance(one, dict) and isinstance(two, dict):
        for key in dict.fromkeys([*one, *two]):
            if key in one and key in two:
                yield from _walk(one[key], two[key], f"{path}.{key}" if path else key)
            else:
                yield f"{path}.{key}: only in {'the first' if key in one else 'the second'}"
    elif isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        for index, (left, right) in enumerate(zip(one, two, strict=True)):
            yield from _walk(left, right, f"{path}[{index}]")
    elif one != two:
        yield f"{path}: {_around(one, two)} / {_around(two, one)}"


def _around(value: Any, other: Any) -> str:
    """Return the part of a value where it begins to differ from another, short enough to read."""
    text, against = (x if isinstance(x, str) else json.dumps(x) for x in (value, other))
    same = next((at for at, (a, b) in enumerate(zip(text, against, strict=False)) if a != b), len(text))
    begin = max(0, same - _SHOWN // 3)
    return repr(text[begin : begin + _SHOWN])
