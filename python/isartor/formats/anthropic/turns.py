"""The messages of a request and its system text, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isartor.formats.anthropic import content
from isartor.formats.anthropic.blocks import Blocks
from isartor.formats.canonical import Text, Thinking, ToolCall, ToolResult, Turn
from isartor.formats.reading import restore

if TYPE_CHECKING:
    from isartor.formats.anthropic.abilities import Abilities
    from isartor.formats.canonical import Part, Prompt, Role
    from isartor.formats.losses import Losses
    from isartor.formats.reading import Members

_ROLES: Final = frozenset({"user", "assistant", "system"})
_JOINED: Final = "~joined"
"""Hint: the turn was in one message with the turn before it."""
_SYSTEM: Final = "~system"
"""Hint: there was a system text, with nothing in it."""
_BILLING: Final = "system[].x-anthropic-billing-header"
"""Claude Code's first block of system text: it changes with every prompt, and is for Anthropic's accounts alone."""
_BILLING_MARK: Final = "x-anthropic-billing-header:"
_PREFILL: Final = "messages[-1]"
"""A beginning of the answer that the model is to go on with: other formats would answer it."""
_NO_USER: Final = "(The conversation begins with your own turn below.)"
_NO_REPLY: Final = "(The user has not said anything more: it is your turn again.)"


def read(given: Members, extra: dict[str, Any]) -> list[Turn]:
    """System text and messages; `extra` is the request's."""
    turns = _read_system(given, extra)
    for each in given.each("messages"):
        turns += _read_message(each)
    _restore_calls(turns)
    if turns and turns[-1].role == "assistant" and turns[-1].parts and isinstance(turns[-1].parts[-1], Text):
        extra[_PREFILL] = True
    return turns


def _read_system(given: Members, extra: dict[str, Any]) -> list[Turn]:
    value = given.any("system")
    if value is None:
        return []
    if not isinstance(value, str | list):
        raise given.wrong(name="system", what="a string or an array of text blocks")
    if not value:
        extra[_SYSTEM] = value
        return []
    if isinstance(value, str):
        return [Turn(role="system", apart=True, parts=[Text(text=value)], extra={content.PLAIN: True})]
    parts = [content.read(each, f"{given.at('system')}[{at}]") for at, each in enumerate(value)]
    first = parts[0]
    if isinstance(first, Text) and not first.extra and first.text.startswith(_BILLING_MARK):
        extra[_BILLING] = first.text
        del parts[0]
    return [Turn(role="system", apart=True, parts=parts)]


def _read_message(given: Members) -> list[Turn]:
    role: Any = given.needed("role")
    if role not in _ROLES:
        raise given.wrong(name="role", what="user, assistant or system")
    parts, hints = content.read_all(given.any("content"), given)
    extra = hints | given.rest()
    if role != "user" or ToolResult not in map(type, parts):
        return [Turn(role=role, parts=parts, extra=extra)]
    # Results of tools are a turn of their own, as they are in most formats.
    turns: list[Turn] = []
    for part in parts:
        kind: Role = "tool" if isinstance(part, ToolResult) else "user"
        if not turns or turns[-1].role != kind:
            turns.append(Turn(role=kind, parts=[], extra={_JOINED: True} if turns else extra))
        turns[-1].parts.append(part)
    return turns


def _restore_calls(turns: list[Turn]) -> None:
    """Give calls the signatures that we sent the client in thinking blocks, and results the names of their tools."""
    names: dict[str, str] = {}
    for turn in turns:
        if ToolCall in map(type, turn.parts):
            calls = {part.id: part for part in turn.parts if isinstance(part, ToolCall)}
            names |= {part.id: part.name for part in calls.values()}
            if turn.role == "assistant":
                turn.parts = [part for part in turn.parts if not _put_on_call(part, calls)]
        if names:
            for part in turn.parts:
                if isinstance(part, ToolResult):
                    part.name = names.get(part.id)


def _put_on_call(part: Part, calls: dict[str, ToolCall]) -> bool:
    if not isinstance(part, Thinking) or part.maker == "anthropic" or part.id not in calls:
        return False
    calls[part.id].sealed = part.sealed
    return True


# -- the other direction


def write_own(prompt: Prompt, losses: Losses, written: dict[str, Any]) -> None:
    """Put the turns of a request of this format back to where they were."""
    blocks = Blocks(losses, own=True)
    messages: list[dict[str, Any]] = []
    if _SYSTEM in prompt.extra:
        written["system"] = prompt.extra[_SYSTEM]
    for turn in prompt.turns:
        made = blocks.all(turn.parts)
        if turn.apart:
            billing = prompt.extra.get(_BILLING)
            if billing is not None:
                made.insert(0, {"type": "text", "text": billing})
            written["system"] = _plain(made) if content.PLAIN in turn.extra else made
        elif _JOINED in turn.extra:
            messages[-1]["content"] += made
        elif made or not turn.parts:
            message: dict[str, Any] = {"role": "user" if turn.role == "tool" else turn.role}
            if content.ABSENT not in turn.extra:
                message["content"] = _plain(made) if content.PLAIN in turn.extra else made
            messages.append(restore(message, turn.extra))
    written["messages"] = messages


def _plain(blocks: list[dict[str, Any]]) -> str:
    return "".join(block["text"] for block in blocks)


def without_own(extra: dict[str, Any]) -> dict[str, Any]:
    """A request's `extra` less what stands for parts of its system text and its messages."""
    return {name: value for name, value in extra.items() if name not in {_BILLING, _SYSTEM, _PREFILL}}


class Foreign:
    """Writes the turns of another format: one message from the user between every two of the model's.

    A system text that comes later stays at its place: as a message of its own where the model takes those, which is
    after a user's turn and before the model's; otherwise as a reminder in the user's turn, which has less authority.
    """

    def __init__(self, losses: Losses, abilities: Abilities) -> None:
        self._losses = losses
        self._blocks = Blocks(losses, own=False)
        self._later = abilities.system
        self._system: list[dict[str, Any]] = []
        self._messages: list[dict[str, Any]] = []
        self._results: list[dict[str, Any]] = []
        self._said: list[dict[str, Any]] = []
        self._orders: list[dict[str, Any]] = []

    def write(self, prompt: Prompt, written: dict[str, Any], order: str | None) -> None:
        """Add `system` and `messages` to `written`. `order`: one more system text."""
        for turn in prompt.turns:
            self._turn(turn)
        self._flush()
        if not self._messages and self._system:
            # There has to be a message; a prompt of nothing but system text is in fact what the user wants.
            self._messages.append({"role": "user", "content": self._system})
            self._system = []
        if self._messages and self._messages[0]["role"] != "user":
            self._messages.insert(0, {"role": "user", "content": _NO_USER})
        if self._messages and self._messages[-1]["role"] == "assistant":
            # Left as the last message it would be the beginning of the answer, and new models refuse that.
            self._messages.append({"role": "user", "content": _NO_REPLY})
        if order is not None:
            self._system.append({"type": "text", "text": order})
        if self._system:
            written["system"] = _short(self._system)
        written["messages"] = [
            {"role": message["role"], "content": _short(message["content"])} for message in self._messages
        ]

    def _turn(self, turn: Turn) -> None:
        self._losses.extras("turn", turn.extra)
        if turn.name is not None:
            self._losses.without("turn_name")
        made = self._blocks.all(turn.parts)
        if turn.role == "assistant":
            self._assistant(made)
            return
        if turn.role in {"system", "developer"}:
            self._order(made, turn)
            return
        for block in made:
            # Results come first in their message, or the API does not find them.
            (self._results if block["type"] == "tool_result" else self._said).append(block)

    def _order(self, made: list[dict[str, Any]], turn: Turn) -> None:
        begun = self._messages or self._results or self._said
        texts = [block for block in made if block["type"] == "text"]
        # Only a user can show pictures.
        self._said += [block for block in made if block["type"] != "text"]
        (self._orders if begun and not turn.apart else self._system).extend(texts)
        if not self._later:
            self._remind()

    def _assistant(self, made: list[dict[str, Any]]) -> None:
        if not made:
            return
        self._flush()
        if self._messages and self._messages[-1]["role"] == "assistant":
            self._messages[-1]["content"] += made
        else:
            self._messages.append({"role": "assistant", "content": made})

    def _flush(self) -> None:
        """End the user's turn, if there is one."""
        if self._orders and not (self._results or self._said):
            self._remind()
        said = self._results + self._said
        if said:
            self._messages.append({"role": "user", "content": said})
        if self._orders:
            self._messages.append({"role": "system", "content": self._orders})
        self._results, self._said, self._orders = [], [], []

    def _remind(self) -> None:
        for block in self._orders:
            self._said.append(block | {"text": f"<system-reminder>\n{block['text']}\n</system-reminder>"})
        self._orders = []


def _short(blocks: Any) -> Any:
    """A string in place of a single text, as people write it."""
    if isinstance(blocks, list) and len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return blocks[0]["text"]
    return blocks
