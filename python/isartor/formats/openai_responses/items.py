"""The items of `input`, read into turns.

What the assistant did stands in several items here (its thoughts, its messages, each call) and is one turn elsewhere,
so items in a row by the assistant become one turn; results in a row likewise. Hints tell where each message began.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.formats import seal
from isartor.formats.canonical import Opaque, Text, Thinking, ToolCall, ToolResult, Turn
from isartor.formats.openai_responses import content, tools
from isartor.formats.openai_responses.layout import NAME, OWN, hide, put_back
from isartor.formats.reading import Members

if TYPE_CHECKING:
    from collections.abc import Iterable

    from isartor.formats.canonical import Part, Role, Tool

MESSAGES: Final = "~messages"
"""Hint in a turn's `extra`: `[place, parts, fields]` of each message in it."""
STRING: Final = "~string"
"""Hint: the content or the output was one string."""
TYPE: Final = "~type"
ITEM: Final = "~item"
"""Hint: the item as it was."""
PLACED: Final = "~placed"
"""Hint in a prompt's `extra`: items that are no turns, each with its place."""

_NULL: Final = "~nothing"
_NAMELESS: Final = "~nameless"

_ROLES: Final = frozenset({"system", "developer", "user", "assistant"})
_CALLS: Final = frozenset({"function_call", "custom_tool_call", "tool_search_call"})
_OUTPUTS: Final = frozenset({"function_call_output", "custom_tool_call_output", "tool_search_output"})
# Fields of items that say nothing beyond what the turns say.
_PLAIN: Final = frozenset({"id", "status", "execution", "created_by", "name", "namespace"})
_encode: Final = msgspec.json.Encoder().encode


class Reader:
    """Collects turns from items, and what else they hold."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.found: list[Tool] = []
        """Tools that the input tells of."""
        self.placed: list[list[Any]] = []
        self._names: dict[str, str] = {}
        self._calls: dict[str, ToolCall] = {}
        self._sealed: set[str] = set()

    def read(self, values: Iterable[Any]) -> None:
        """Read all items."""
        for at, value in enumerate(values):
            self._item(at, value)
        if self._sealed:
            for turn in self.turns:
                self._unpack(turn)

    def _item(self, at: int, value: Any) -> None:
        given = Members(value, f"input[{at}]")
        kind = given.text("type")
        if kind == "message" or (kind is None and "role" in value):
            self._message(given, typed=kind is not None)
        elif kind in _CALLS and value.get("execution") != "server":
            self._call(given, kind)
        elif kind in _OUTPUTS and value.get("execution") != "server":
            self._output(given, kind)
        elif kind == "reasoning":
            self._reasoning(given, value)
        elif kind == "additional_tools":
            self.placed.append([at, value])
            self._find(given.items("tools") or [], given.at("tools"))
        else:
            self._turn("assistant").parts.append(Opaque(origin=NAME, kind=kind or "item_reference", value=value))

    def _unpack(self, turn: Turn) -> None:
        """Put signatures of calls, which travel as thoughts without a text, back on their calls."""
        for at in range(len(turn.parts) - 1, -1, -1):
            part = turn.parts[at]
            if not isinstance(part, Thinking) or part.id not in self._sealed:
                continue
            call = self._calls.get(part.id)
            if call is not None:
                call.sealed = part.sealed
                del turn.parts[at]
                for message in turn.extra.get(MESSAGES, ()):
                    message[0] -= message[0] > at

    def _turn(self, role: Role) -> Turn:
        """The last turn if it has the role, else a new one."""
        if not self.turns or self.turns[-1].role != role:
            self.turns.append(Turn(role=role, parts=[], extra={}))
        return self.turns[-1]

    def _message(self, given: Members, *, typed: bool) -> None:
        role: Any = given.needed("role")
        if role not in _ROLES:
            raise given.wrong(name="role", what="system, developer, user or assistant")
        value = given.any("content")
        if isinstance(value, str):
            parts: list[Part] = [Text(text=value)]
        elif isinstance(value, list):
            parts = content.read(value, given.at("content"))
        elif value is None and role == "assistant":
            parts = []
        else:
            raise given.wrong(name="content", what="a string or an array")
        if role == "assistant":
            turn = self._turn(role)
        else:
            turn = Turn(role=role, parts=[], extra={})
            self.turns.append(turn)
        hints = {STRING: isinstance(value, str), TYPE: typed, _NULL: value is None, **_account(given, turn)}
        turn.extra.setdefault(MESSAGES, []).append([len(turn.parts), len(parts), hints])
        turn.parts += parts

    def _call(self, given: Members, kind: str) -> None:
        extra: dict[str, Any] = {TYPE: kind}
        if kind == "tool_search_call":
            arguments = given.any("arguments")
            extra["~arguments"] = arguments
            name = tools.SEARCH
            text = arguments if isinstance(arguments, str) else _encode(arguments or {}).decode()
        else:
            own = given.needed("name")
            namespace = given.text("namespace")
            name = tools.joined(namespace, own)
            extra |= {"~name": own, "~namespace": namespace}
            text = given.text("input" if kind == "custom_tool_call" else "arguments") or ""
        identity = given.text("call_id")
        extra[_NAMELESS] = identity is None
        call = ToolCall(id=identity or "", name=name, arguments=text, custom=kind == "custom_tool_call", extra=extra)
        self._names[call.id] = name
        self._calls[call.id] = call
        turn = self._turn("assistant")
        turn.parts.append(call)
        extra |= _account(given, turn)

    def _output(self, given: Members, kind: str) -> None:
        extra: dict[str, Any] = {TYPE: kind}
        parts: list[Part]
        if kind == "tool_search_output":
            values = given.items("tools") or []
            extra["~tools"] = values
            found = self._find(values, given.at("tools"))
            names = ", ".join(tool.name for tool in found)
            parts = [Text(text=f"These tools can be called now: {names}" if names else "No tool was found.")]
        else:
            value = given.any("output")
            extra[STRING] = isinstance(value, str)
            if isinstance(value, str):
                parts = [Text(text=value)]
            elif isinstance(value, list):
                parts = content.read(value, given.at("output"))
            else:
                raise given.wrong(name="output", what="a string or an array")
        identity = given.text("call_id")
        extra[_NAMELESS] = identity is None
        call = identity or ""
        turn = self._turn("tool")
        turn.parts.append(ToolResult(id=call, parts=parts, name=self._names.get(call), extra=extra))
        extra |= _account(given, turn)

    def _find(self, values: list[Any], path: str) -> list[Tool]:
        found = tools.read(values, path)
        for tool in found:
            tool.extra[tools.FOUND] = True
        self.found += found
        return found

    def _reasoning(self, given: Members, value: Any) -> None:
        state = seal.unseal(given.text("encrypted_content"))
        thought = thinking(given)
        thought.extra[ITEM] = value
        if state is not None:
            thought.sealed, thought.maker, thought.redacted = state.sealed or None, state.maker, state.redacted
            thought.id = state.id or None
            thought.text = state.text
            if state.id and not state.text and state.sealed:
                self._sealed.add(state.id)
        turn = self._turn("assistant")
        turn.parts.append(thought)
        _account(given, turn)


def _account(given: Members, turn: Turn) -> dict[str, Any]:
    """Hints with what is left of an item; fields that might matter to others are the turn's, to be accounted for."""
    hints = hide(given)
    turn.extra.update({name: value for name, value in hints.get(OWN, {}).items() if name not in _PLAIN})
    return hints


def thinking(given: Members) -> Thinking:
    """A reasoning item: what it says in full if it does, else its summary. `encrypted_content` is taken already."""
    summary = [each.text("text") or "" for each in given.each("summary")]
    full = [each.text("text") or "" for each in given.each("content")]
    return Thinking(
        text="".join(full) if any(full) else "\n\n".join(summary), maker=NAME, id=given.text("id"), extra={}
    )


# -- the other direction, for requests of this format


def write_own(turn: Turn) -> list[Any]:
    """The items that a turn was read from."""
    written: list[Any] = []
    messages = list(turn.extra.get(MESSAGES, ()))
    at = 0
    while at < len(turn.parts) or messages:
        if messages and messages[0][0] == at:
            _, count, hints = messages.pop(0)
            written.append(_own_message(turn.role, turn.parts[at : at + count], hints))
            at += count
        else:
            written.append(_own_item(turn.parts[at]))
            at += 1
    return written


def _own_message(role: str, parts: list[Part], hints: dict[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = {"type": "message"} if hints[TYPE] else {}
    written["role"] = role
    if hints[STRING]:
        text = parts[0]
        written["content"] = text.text if isinstance(text, Text) else ""
    elif parts or not hints[_NULL]:
        written["content"] = [content.write_own(part) for part in parts]
    return put_back(written, hints)


def _own_item(part: Part) -> Any:
    match part:
        case ToolCall():
            return _own_call(part)
        case ToolResult():
            written = _own_head(part)
            if "~tools" in part.extra:
                written["tools"] = part.extra["~tools"]
            else:
                texts = [content.write_own(each) for each in part.parts] if not part.extra[STRING] else []
                whole = "".join(each.text for each in part.parts if isinstance(each, Text))
                written["output"] = whole if part.extra[STRING] else texts
            return put_back(written, part.extra)
        case Opaque():
            return part.value
        case Thinking():
            return part.extra[ITEM]
    return None


def _own_call(call: ToolCall) -> dict[str, Any]:
    kind = call.extra[TYPE]
    written = _own_head(call)
    if kind == "tool_search_call":
        written["arguments"] = call.extra["~arguments"]
    else:
        written["name"] = call.extra["~name"]
        written["input" if call.custom else "arguments"] = call.arguments
        if call.extra["~namespace"] is not None:
            written["namespace"] = call.extra["~namespace"]
    return put_back(written, call.extra)


def _own_head(part: ToolCall | ToolResult) -> dict[str, Any]:
    kind: dict[str, Any] = {"type": part.extra[TYPE]}
    return kind if part.extra[_NAMELESS] else {**kind, "call_id": part.id}
