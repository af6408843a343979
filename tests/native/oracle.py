"""A naive oracle of the exact key: two requests may share a reply if and only if their forms are equal.

It says in the plainest way what the key is to cover, and shares neither code nor method with the native module: every
rule is a pattern on the *path* of a member, such as `/messages/#/content/#/cache_control` (`#` stands for a position in
an array). Slow, and meant to be.

The rules:

* Everything in the body counts, but the members of the named list, each at its own places only (`LISTED`), and what
  known clients make up per run (`MADE_UP`).
* The order of an object's members does not count, except in JSON schemas (`SCHEMA`, or an object with `properties`).
* White space, the spelling of numbers and the escapes of strings do not count; a number is its exact value.
* Copilot's own time stamp counts as rounded down, its session folder not at all.
* A model counts as what its alias stands for.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

_TURN = r"/(messages|input|contents)/#"
_ANY_DEPTH = r"(/#)*"
_SPOKEN = rf"({_TURN}/content|/system|/instructions){_ANY_DEPTH}"
_PART = rf"{_SPOKEN}(/content(/#)+)*"
_DECLARING = (
    r"/(tools|functions|functionDeclarations|function_declarations|response_format|text|output_config|output_format"
    r"|generationConfig|generation_config)"
)
_INSIDE = r"/(function|format|functionDeclarations|function_declarations|tools|json_schema)"
_DECLARATIONS = rf"({_DECLARING}|{_TURN}/tools)((/#)?{_INSIDE})*"
_SCHEMA_NAME = (
    r"/(parameters|parametersJsonSchema|parameters_json_schema|input_schema|output_schema|schema|response"
    r"|responseSchema|response_schema|responseJsonSchema|response_json_schema)"
)

LISTED = re.compile(
    r"/(stream|stream_options|user|service_tier|store|prompt_cache_key|metadata/user_id)"
    rf"|(|{_TURN}|{_PART}|{_DECLARATIONS}/#)/cache_control"
)
"""The named list: members that cannot change the answer."""

MADE_UP = {
    "codex": re.compile(rf"/client_metadata|{_TURN}/(id|internal_chat_message_metadata_passthrough)"),
}
"""Members that a client makes up per run. The id of an `item_reference` is no such thing: it is all there is of it."""

SCHEMA = re.compile(rf"{_DECLARATIONS}(/#)?{_SCHEMA_NAME}(/.*)?", re.DOTALL)
"""Where JSON schemas stand: the order of members is meaning there."""

_CLOSED = re.compile(rf"|{_TURN}|{_PART}|/metadata|{_DECLARATIONS}/#")
"""Places whose kind is known, so that a member `properties` there makes no schema."""

SYSTEM_TEXT = re.compile(rf"(/system|/instructions){_ANY_DEPTH}(/text)?")
TURN_TEXT = re.compile(rf"{_TURN}/content{_ANY_DEPTH}(/text)?")
_FOLDER = re.compile(r"/session-state/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")
_STAMP = re.compile(
    r"<current_datetime>(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))</current_datetime>"
)


class Members(list[tuple[str, Any]]):
    """An object as it was written: all members, in order."""


class Number(str):
    """A number as it was written."""

    __slots__ = ()


@dataclass(frozen=True)
class Rules:
    """What the form depends on besides the body."""

    client: str = "other"
    ttl_secs: int = 300
    aliases: dict[str, str] = field(default_factory=dict)


def parse(body: bytes | str) -> Any:
    """Read a body without losing anything that may count."""
    return json.loads(body, object_pairs_hook=Members, parse_int=Number, parse_float=Number)


def form(body: bytes | str, rules: Rules | None = None) -> Any:
    """Return the form of a body; forms are compared with `==`."""
    return _form(parse(body), "", rules or Rules(), role="")


def _form(value: Any, path: str, rules: Rules, role: str) -> Any:
    match value:
        case Members():
            return _object(value, path, rules, role)
        case list():
            return "list", [_form(element, f"{path}/#", rules, role) for element in value]
        case Number():
            return "number", Decimal(value)
        case str():
            return "text", _text(value, path, rules, role)
        case _:
            return "word", repr(value)


def _object(members: Members, path: str, rules: Rules, role: str) -> Any:
    ordered = SCHEMA.fullmatch(path) is not None
    if not ordered and _looks_like_a_schema(members) and not _CLOSED.fullmatch(path):
        # From here on, a path under which nothing but schemas is found.
        path, ordered = "/tools/#/parameters", True
    if re.fullmatch(_TURN, path):
        role = next((text for name, text in reversed(members) if name == "role" and type(text) is str), "")
    kept = [
        (name, _form(_resolved(name, value, path, members, rules), f"{path}/{_escaped(name)}", rules, role))
        for name, value in members
        if _counts(name, members, path, rules)
    ]
    # Members of one name keep their order among themselves.
    return "object", kept if ordered else sorted(kept, key=lambda member: member[0].encode("utf-8", "surrogatepass"))


def _counts(name: str, members: Members, path: str, rules: Rules) -> bool:
    member = f"{path}/{_escaped(name)}"
    if LISTED.fullmatch(member):
        return False
    made_up = MADE_UP.get(rules.client)
    is_reference = ("type", "item_reference") in members
    return made_up is None or not made_up.fullmatch(member) or (is_reference and path != "")


def _resolved(name: str, value: Any, path: str, members: Members, rules: Rules) -> Any:
    """A model is what its alias stands for. Of several, the last is the one that is meant."""
    is_last = next((member for other, member in reversed(members) if other == "model"), None) is value
    if path == "" and name == "model" and type(value) is str and is_last:
        return rules.aliases.get(value, value)
    return value


def _text(text: str, path: str, rules: Rules, role: str) -> Any:
    if rules.client != "copilot":
        return text
    in_turn = TURN_TEXT.fullmatch(path) is not None
    if SYSTEM_TEXT.fullmatch(path) or (in_turn and role in {"system", "developer"}):
        folder = _FOLDER.search(text)
        if folder is not None:
            return text.split(folder[1])
    elif in_turn and role == "user":
        stamp = _STAMP.match(text)
        if stamp is not None:
            moment = datetime.fromisoformat(stamp[1])
            return int(moment.timestamp() // rules.ttl_secs), moment.utcoffset(), text[stamp.end() :]
    return text


def _looks_like_a_schema(members: Members) -> bool:
    return any(name == "properties" and isinstance(value, Members) for name, value in members)


def _escaped(name: str) -> str:
    """A member's name may itself look like a path or a position."""
    return name.replace("~", "~0").replace("/", "~1").replace("#", "~2")


def counts(path: str, client: str) -> bool:
    """Whether a member at this path (`/a/#/b`) counts, whatever stands beside it."""
    made_up = MADE_UP.get(client)
    places = [path[:end] for end in (match.start() for match in re.finditer("/|$", path)) if end > 0]
    return not any(LISTED.fullmatch(place) or (made_up and made_up.fullmatch(place)) for place in places)


def in_schema(path: str) -> bool:
    """Whether the order of the members of the object at this path counts."""
    return SCHEMA.fullmatch(path) is not None
