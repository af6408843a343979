"""The messages of a request, read and written."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from isartor.formats.canonical import (
    Audio,
    Document,
    Image,
    Opaque,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)
from isartor.formats.openai_chat import calls, content, thoughts
from isartor.formats.openai_chat.layout import put_back
from isartor.formats.reading import Members, restore

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from isartor.formats.canonical import Part, Prompt
    from isartor.formats.losses import Losses
    from isartor.ports import Quirk

_ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool"})
_THOUGHTS: Final = "~thoughts"
_BETWEEN: Final = "\n\n"
_LONGEST_ID: Final = 40


def read(given: Iterable[Members]) -> list[Turn]:
    """All turns; results have the names of their tools, which other formats want and only the calls tell here."""
    turns = [_turn(each) for each in given]
    names = {part.id: part.name for turn in turns for part in turn.parts if isinstance(part, ToolCall)}
    for turn in turns:
        for part in turn.parts:
            if isinstance(part, ToolResult):
                part.name = names.get(part.id)
    return turns


def _turn(given: Members) -> Turn:
    role: Any = given.needed("role")
    if role not in _ROLES:
        raise given.wrong(name="role", what="system, developer, user, assistant or tool")
    if role == "tool":
        call = given.needed("tool_call_id")
        parts, extra = content.read(given)
        return Turn(role="tool", parts=[ToolResult(id=call, parts=parts)], extra=extra | given.rest())
    parts, extra = content.read(given)
    if role == "assistant":
        parts = _assistant(given, parts, extra)
    turn = Turn(role=role, parts=parts, name=given.text("name"), extra=extra)
    extra |= given.rest()
    return turn


def _assistant(given: Members, parts: list[Part], extra: dict[str, Any]) -> list[Part]:
    said = {name: value for name in thoughts.MEMBERS if (value := given.any(name)) is not None}
    if said:
        extra[_THOUGHTS] = said
    refusal = given.text("refusal")
    if refusal is not None:
        extra["~refusal"] = True
        parts = [*parts, Refusal(text=refusal)]
    path = given.at("tool_calls")
    listed = given.items("tool_calls")
    if listed is not None:
        extra["~called"] = True
    made = [calls.read(Members(each, f"{path}[{at}]")) for at, each in enumerate(listed or ())]
    return [*thoughts.read(said), *parts, *made]


def write(prompt: Prompt, losses: Losses, quirks: frozenset[Quirk]) -> list[dict[str, Any]]:
    """All messages."""
    writer = _Own(losses) if prompt.origin == "openai_chat" else _Foreign(losses, quirks)
    for turn in prompt.turns:
        writer.turn(turn)
    return writer.messages()


class _Own:
    """Turns that were read from this format: each is the message that it was."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._messages: list[dict[str, Any]] = []

    def messages(self) -> list[dict[str, Any]]:
        """All of them."""
        return self._messages

    def turn(self, turn: Turn) -> None:
        """Add one."""
        message: dict[str, Any] = {"role": turn.role}
        parts = turn.parts
        if turn.role == "tool" and parts and isinstance(parts[0], ToolResult):
            message["tool_call_id"] = parts[0].id
            parts = parts[0].parts
        if turn.name is not None:
            message["name"] = turn.name
        if turn.extra.get("~refusal"):
            message["refusal"] = next((part.text for part in reversed(parts) if isinstance(part, Refusal)), "")
        made = [put_back(calls.write(part), part.extra) for part in parts if isinstance(part, ToolCall)]
        if made or turn.extra.get("~called"):
            message["tool_calls"] = made
        message |= turn.extra.get(_THOUGHTS, {})
        self._content(message, turn, parts)
        self._messages.append(restore(message, turn.extra))

    def _content(self, message: dict[str, Any], turn: Turn, parts: Sequence[Part]) -> None:
        said = [part for part in parts if not isinstance(part, ToolCall | Thinking)]
        if turn.extra.get("~refusal"):
            said.pop()
        layout = turn.extra.get(content.CONTENT)
        if layout == "text":
            message["content"] = "".join(content.texts(said))
        elif layout == "list":
            message["content"] = content.write(said, self._losses, own=True)


class _Foreign:
    """Turns of another format. Whatever must follow at once on something else here is put there."""

    def __init__(self, losses: Losses, quirks: frozenset[Quirk]) -> None:
        self._losses = losses
        self._developer = "developer" in quirks
        self._messages: list[dict[str, Any]] = []
        # Pictures of tool results: only a user may show any, after the last result of the group.
        self._shown: list[dict[str, Any]] = []

    def messages(self) -> list[dict[str, Any]]:
        """All of them."""
        self._show()
        return self._messages

    def _show(self) -> None:
        if self._shown:
            self._messages.append({"role": "user", "content": self._shown})
            self._shown = []

    def turn(self, turn: Turn) -> None:
        """Add what one turn says: no message, one or several."""
        self._losses.extras("turn", turn.extra)
        others: list[Part] = []
        for part in turn.parts:
            if isinstance(part, ToolResult):
                self._result(part)
            else:
                others.append(part)
        if not others:
            return
        match turn.role:
            case "system" | "developer":
                self._show()
                role = turn.role if self._developer else "system"
                self._named({"role": role, "content": self._plain(others)}, turn)
            case "assistant":
                self._show()
                self._assistant(others, turn)
            case _:
                self._user(others, turn)

    def _named(self, message: dict[str, Any], turn: Turn) -> None:
        if turn.name is not None:
            message["name"] = turn.name
        self._messages.append(message)

    def _plain(self, parts: Sequence[Part]) -> str:
        """Text only: not every provider takes a list here."""
        found: list[str] = []
        for part in parts:
            match part:
                case Text():
                    self._losses.extras("part", part.extra)
                    text = part.text
                case Document(text=str()):
                    self._losses.extras("part", part.extra)
                    text = content.titled(part.name, part.text or "")
                case _:
                    self._unsaid(part)
                    continue
            if text:
                found.append(text)
        return _BETWEEN.join(found)

    def _unsaid(self, part: Part) -> None:
        """A part that has no place where it stands: the client's table says whether it may go."""
        self._losses.without(part.kind if isinstance(part, Opaque) else type(part).__name__.lower())

    def _user(self, parts: Sequence[Part], turn: Turn) -> None:
        written, self._shown = self._shown, []
        for part in parts:
            each = content.write_one(part, self._losses, own=False)
            if each.get("text") != "":
                written.append(each)
        if not written:
            said: Any = ""
        elif len(written) == 1 and written[0]["type"] == "text":
            said = written[0]["text"]
        else:
            said = written
        self._named({"role": "user", "content": said}, turn)

    def _result(self, result: ToolResult) -> None:
        self._losses.extras("part", result.extra)
        said = [part for part in result.parts if not isinstance(part, Image | Audio | Document)]
        shown = [part for part in result.parts if isinstance(part, Image | Audio | Document)]
        text = self._plain(said)
        for each in content.write(shown, self._losses, own=False):
            if each["type"] == "text":
                text = _BETWEEN.join(filter(None, (text, each["text"])))
            else:
                self._shown.append(each)
        if not text and shown:
            text = "The result is shown in the next message of the user."
        if result.failed and not text.lstrip().lower().startswith(("error", "<tool_use_error")):
            # There is no field for it here, and a model that does not know draws the wrong conclusion.
            text = f"Error: {text}" if text else "Error"
        self._messages.append({"role": "tool", "tool_call_id": _name(result.id), "content": text})

    def _assistant(self, parts: Sequence[Part], turn: Turn) -> None:
        thought: list[Thinking] = []
        said: list[str] = []
        refused: list[str] = []
        made: list[dict[str, Any]] = []
        for part in parts:
            match part:
                case Thinking():
                    self._think(part, thought)
                case ToolCall():
                    self._losses.extras("part", part.extra)
                    made.append(_called(part))
                case Refusal():
                    refused.append(part.text)
                case Text():
                    self._losses.extras("part", part.extra)
                    said.append(part.text)
                case _:
                    self._unsaid(part)
        text = "".join(said)
        message: dict[str, Any] = {"role": "assistant", "content": text or None}
        if refused:
            message["refusal"] = "".join(refused)
        message |= thoughts.write(thought)
        if made:
            message["tool_calls"] = made
        elif not text and not refused:
            # Nothing but thoughts of another maker: there is no message to send.
            return
        self._named(message, turn)

    def _think(self, part: Thinking, thought: list[Thinking]) -> None:
        self._losses.extras("part", part.extra)
        if part.maker == "openai_chat":
            thought.append(part)
        else:
            self._losses.without("thinking")


def _name(call: str) -> str:
    """The id of a call, which OpenAI wants to be short; the same one gives the same."""
    return call if len(call) <= _LONGEST_ID else "call_" + sha256(call.encode()).hexdigest()[:32]


def _called(call: ToolCall) -> dict[str, Any]:
    """A call; one with free text as a call of the function that stands for its tool (see `tools`)."""
    arguments = calls.wrapped(call.arguments) if call.custom else call.arguments or "{}"
    return calls.write(ToolCall(id=_name(call.id), name=call.name, arguments=arguments, sealed=call.sealed))
