"""Generated bodies: trees that keep everything a body can say, ways to change them, and ways to spell them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.native.oracle import Members, Number

LISTED_NAMES = ("stream", "stream_options", "user", "service_tier", "store", "prompt_cache_key", "cache_control")
NAMES = (
    *LISTED_NAMES,
    *("metadata", "user_id", "client_metadata", "id", "internal_chat_message_metadata_passthrough"),
    *("tools", "function", "parameters", "input_schema", "schema", "json_schema", "properties", "response_format"),
    *("messages", "input", "content", "text", "system", "instructions", "role", "type", "format", "generationConfig"),
    *("temperature", "a", "b", "", "é", "\ud83d", "#", "a/b", "\U0001f600", '"\\'),
)
"""Names that mean something somewhere, and some that mean nothing anywhere."""

TEXTS = (
    *("user", "system", "assistant", "item_reference", "message", "", "hi", "1", "é", "\ud83d", "\ude00", "\ufffd"),
    "<current_datetime>2026-11-20T13:04:59.999+00:00</current_datetime>\n\nsay hi",
    "<current_datetime>2026-11-20T13:05:00.000Z</current_datetime>\n\nsay hi",
    "<current_datetime>2026-11-20T13:09:59.999Z</current_datetime>\n\nsay hi",
    "<current_datetime>2026-11-20T14:05:00.000+01:00</current_datetime>\n\nsay hi",
    "when is <current_datetime>2026-11-20T13:05:01.000Z</current_datetime>?",
    "/x/session-state/907e8512-a9f8-4e38-b641-440b78cc3531\nand 907e8512-a9f8-4e38-b641-440b78cc3531",
    "/x/session-state/37c9be12-e256-4905-b5e7-27c3ee3de637\nand 37c9be12-e256-4905-b5e7-27c3ee3de637",
    "/x/session-state/37c9be12-e256-4905-b5e7-27c3ee3de637\nand 907e8512-a9f8-4e38-b641-440b78cc3531",
    "/x/session-state/<session>\nand <session>",
)
NUMBERS = ("0", "-0", "1", "-1", "1.0", "10e-1", "0.1", "0.10", "1E2", "100", "1e400", "18446744073709551617", "1.5e-7")

names = st.sampled_from(NAMES)
texts = st.sampled_from(TEXTS) | st.text(max_size=6)
numbers = st.sampled_from(NUMBERS).map(Number) | st.integers().map(lambda number: Number(str(number)))
leaves = st.none() | st.booleans() | numbers | texts


def _members(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Members]:
    return st.lists(st.tuples(names, values), max_size=4).map(Members)


values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | _members(inner), max_leaves=8)


def _object(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Members]:
    return st.fixed_dictionaries(members).map(lambda given: Members(given.items()))


def _plus(first: st.SearchStrategy[Members], second: st.SearchStrategy[Members]) -> st.SearchStrategy[Members]:
    return st.tuples(first, second).map(lambda both: Members([*both[1], *both[0]]))


_extra = _members(values)
_parts = st.lists(_plus(_object(type=st.sampled_from(["text", "tool_result"]), text=texts), _extra), max_size=2)
_turn = _plus(
    _object(role=st.sampled_from(["user", "system", "developer", "assistant"]), content=texts | _parts), _extra
)
_turns = st.lists(_turn, min_size=1, max_size=3)
_tools = st.lists(
    _plus(_object(name=texts, input_schema=_extra, function=_object(parameters=_extra)), _extra), max_size=2
)
_fields = {
    "temperature": numbers,
    "stream": st.booleans(),
    "store": st.booleans(),
    "stream_options": _extra,
    "metadata": _plus(_object(user_id=texts), _extra),
    "tools": _tools,
    "response_format": values,
    "generationConfig": _extra,
}
_ROOT_SAFE = tuple(name for name in NAMES if name not in {*_fields, "messages", "input", "system", "model"})
_known = st.fixed_dictionaries({}, optional=_fields).map(lambda given: Members(given.items()))
_unknown = st.lists(st.tuples(st.sampled_from(_ROOT_SAFE), values), max_size=4).map(Members)
_root = _plus(_known, _unknown)

bodies = st.one_of(
    st.tuples(st.just("chat"), _plus(_object(model=texts, messages=_turns), _root)),
    st.tuples(st.just("messages"), _plus(_object(model=texts, messages=_turns, system=texts | _parts), _root)),
    st.tuples(st.just("responses"), _plus(_object(model=texts, input=texts | _turns, instructions=texts), _root)),
)
"""An endpoint and a body that it takes."""


def write(value: Any, style: random.Random | None = None) -> str:
    """Spell a tree; `style` picks white space, escapes and the spelling of numbers."""
    gap = _gap(style)
    match value:
        case Members():
            inner = f"{gap},{gap}".join(
                f"{_quoted(name, style)}{gap}:{gap}{write(member, style)}" for name, member in value
            )
            return f"{{{gap}{inner}{gap}}}"
        case list():
            return f"[{gap}{f'{gap},{gap}'.join(write(element, style) for element in value)}{gap}]"
        case Number():
            return _number(value, style)
        case str():
            return _quoted(value, style)
        case _:
            return json.dumps(value)


def _gap(style: random.Random | None) -> str:
    return style.choice(("", "", " ", "\n", "\r\n\t ")) if style else ""


def _number(number: str, style: random.Random | None) -> str:
    if style is None:
        return number
    sign, digits, exponent = Decimal(number).as_tuple()
    spelled = "".join(map(str, digits))
    minus = "-" if sign else ""
    zeros = "0" * style.randrange(3) if digits != (0,) else ""
    assert isinstance(exponent, int)
    return style.choice(
        (
            number,
            f"{minus}{spelled}{zeros}{style.choice('eE')}{exponent - len(zeros)}",
            f"{minus}{spelled}.0{zeros}e{exponent:+}",
        )
    )


def _quoted(text: str, style: random.Random | None) -> str:
    return f'"{"".join(_character(character, style) for character in text)}"'


def _character(character: str, style: random.Random | None) -> str:
    code = ord(character)
    must = code < 0x20 or character in '"\\' or 0xD800 <= code < 0xE000
    if not must and (style is None or style.random() < 0.7):
        return character
    short = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\n": "\\n", "\t": "\\t", "\b": "\\b", "\f": "\\f", "\r": "\\r"}
    if character in short and (style is None or style.random() < 0.5):
        return short[character]
    units = character.encode("utf-16-be", "surrogatepass")
    pairs = [units[index : index + 2].hex() for index in range(0, len(units), 2)]
    return "".join(f"\\u{pair.upper() if style and style.random() < 0.5 else pair}" for pair in pairs)


def containers(value: Any) -> Iterator[list[Any]]:
    """Every object and array in a tree."""
    if isinstance(value, list):
        yield value
        for inner in value:
            yield from containers(inner[1] if isinstance(value, Members) else inner)


def copied(value: Any) -> Any:
    """Return a tree of its own."""
    if isinstance(value, Members):
        return Members((name, copied(member)) for name, member in value)
    return [copied(element) for element in value] if isinstance(value, list) else value


def changed(value: Any, how: random.Random) -> Any:
    """Return the tree with one thing changed somewhere."""
    value = copied(value)
    target = how.choice(list(containers(value)))
    named = isinstance(target, Members)
    fresh: Any = how.choice((None, True, Number(how.choice(NUMBERS)), how.choice(TEXTS), [], Members()))
    at = how.randrange(len(target)) if target else 0
    action = how.choice(("insert", "delete", "replace", "double", "swap", "rename") if target else ("insert",))
    match action:
        case "insert":
            target.insert(at, (how.choice(NAMES), fresh) if named else fresh)
        case "delete":
            del target[at]
        case "replace":
            target[at] = (target[at][0], fresh) if named else fresh
        case "double":
            target.insert(how.randrange(len(target) + 1), copied([target[at]])[0])
        case "swap":
            other = how.randrange(len(target))
            target[at], target[other] = target[other], target[at]
        case _ if named:
            target[at] = (how.choice(NAMES), target[at][1])
    return value


def shuffled(value: Any, how: random.Random) -> Any:
    """Return the tree with the members of every object in another order."""
    if isinstance(value, Members):
        members = [(name, shuffled(member, how)) for name, member in value]
        how.shuffle(members)
        return Members(members)
    return [shuffled(element, how) for element in value] if isinstance(value, list) else value
