"""Turns of another format, written as items of `input`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isartor.formats.canonical import Opaque, Text, Thinking, ToolCall, ToolResult
from isartor.formats.openai_responses import content
from isartor.formats.openai_responses.layout import NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from isartor.formats.canonical import Part, Turn
    from isartor.formats.losses import Losses

_ERROR: Final = ("error", "<tool_use_error")


def split(turns: Sequence[Turn], losses: Losses) -> tuple[str, list[Turn]]:
    """The `instructions`, made of the turns that stand apart if they are all text, and the other turns."""
    count = 0
    texts: list[str] = []
    for turn in turns:
        if not turn.apart or not all(isinstance(part, Text) for part in turn.parts):
            break
        losses.extras("turn", turn.extra)
        for part in turn.parts:
            if isinstance(part, Text):
                losses.extras("part", part.extra)
                texts.append(part.text)
        count += 1
    return "\n\n".join(text for text in texts if text), list(turns[count:])


def write(turns: Iterable[Turn], losses: Losses) -> list[dict[str, Any]]:
    """The items of all turns."""
    written: list[dict[str, Any]] = []
    customs: set[str] = set()
    for turn in turns:
        if turn.name is not None:
            losses.without("turn_name")
        losses.extras("turn", turn.extra)
        _write(turn, losses, written, customs)
    return written


def _write(turn: Turn, losses: Losses, written: list[dict[str, Any]], customs: set[str]) -> None:
    role = "user" if turn.role == "tool" else turn.role
    said: list[dict[str, Any]] = []

    def flush() -> None:
        if said:
            written.append({"type": "message", "role": role, "content": said.copy()})
            said.clear()

    for part in turn.parts:
        if isinstance(part, ToolCall | ToolResult | Thinking):
            item = _item(part, losses, customs)
            if item is not None:
                flush()
                written.append(item)
        else:
            one = content.write(part, losses, said=role == "assistant")
            if one is not None:
                said.append(one)
    flush()


def _item(part: ToolCall | ToolResult | Thinking, losses: Losses, customs: set[str]) -> dict[str, Any] | None:
    losses.extras("part", part.extra)
    match part:
        case Thinking():
            return _thinking(part, losses)
        case ToolCall():
            if part.sealed is not None:
                losses.without("thinking")
            if part.custom:
                customs.add(part.id)
                return {"type": "custom_tool_call", "call_id": part.id, "name": part.name, "input": part.arguments}
            arguments = part.arguments or "{}"
            return {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": arguments}
    kind = "custom_tool_call_output" if part.id in customs else "function_call_output"
    return {"type": kind, "call_id": part.id, "output": _output(part, losses)}


def _thinking(part: Thinking, losses: Losses) -> dict[str, Any] | None:
    if part.maker != NAME or part.sealed is None:
        if part.text or part.sealed is not None:
            losses.without("thinking")
        return None
    written: dict[str, Any] = {"type": "reasoning", "summary": []}
    if part.id is not None:
        written["id"] = part.id
    if part.text:
        written["summary"] = [{"type": "summary_text", "text": part.text}]
    written["encrypted_content"] = part.sealed
    return written


def _output(result: ToolResult, losses: Losses) -> Any:
    """One string if it is all text, as every model has seen it, else a list of parts."""
    said = [one for part in result.parts if (one := _result_part(part, losses)) is not None]
    if all(one["type"] == "input_text" for one in said):
        text = "\n\n".join(one["text"] for one in said)
        if result.failed and not text.lstrip().lower().startswith(_ERROR):
            # There is no field for it here, and a model that does not know draws the wrong conclusion.
            text = f"Error: {text}" if text else "Error"
        return text
    if result.failed:
        said.insert(0, {"type": "input_text", "text": "Error"})
    return said


def _result_part(part: Part, losses: Losses) -> dict[str, Any] | None:
    if isinstance(part, ToolCall | ToolResult | Thinking):
        losses.refuse(losses.called("tool_result"))
    if isinstance(part, Opaque) and part.origin == NAME:
        return part.value  # type: ignore[no-any-return] # JSON
    return content.write(part, losses)
