"""Tool calls inside messages and replies, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.formats.canonical import ToolCall
from isartor.formats.openai_chat.layout import keep

if TYPE_CHECKING:
    from collections.abc import Container

    from isartor.formats.reading import Members

INPUT: Final = "input"
"""The one member of a function that stands for a tool that takes free text."""

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


def read(given: Members) -> ToolCall:
    """One of `tool_calls`. Some providers leave the type out, or give the arguments as an object."""
    kind = given.text("type")
    custom = kind == "custom"
    inner = given.inner("custom" if custom else "function")
    if inner is None:
        raise given.wrong("custom" if custom else "function", "an object")
    extra: dict[str, Any] = {} if kind is not None else {"~untyped": True}
    name = inner.needed("name")
    arguments = inner.any("input" if custom else "arguments")
    if arguments is None:
        arguments = ""
    elif not isinstance(arguments, str):
        extra["~arguments"] = arguments
        arguments = _encode(arguments).decode()
    call = ToolCall(id=given.text("id") or "", name=name, arguments=arguments, custom=custom, extra=extra)
    keep(extra, "custom" if custom else "function", inner)
    _signature(given, call)
    extra |= given.rest()
    return call


def _signature(given: Members, call: ToolCall) -> None:
    """Gemini's thought signature, where Google's own chat endpoint puts it."""
    said = given.table("extra_content")
    if said is None:
        return
    google = said.get("google")
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    if isinstance(signature, str):
        call.sealed = signature
    alone = call.sealed is not None and {"extra_content": said} == signed(call.sealed)
    if not alone:
        call.extra["extra_content"] = said


def write(call: ToolCall, *, customs: Container[str] = ()) -> dict[str, Any]:
    """One of `tool_calls`. `customs`: names of tools that whoever reads this knows as custom ones."""
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    if call.name in customs:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": unwrapped(call.arguments)}}
    arguments = call.extra.get("~arguments", call.arguments)
    written: dict[str, Any] = {"id": call.id, "type": "function"}
    if call.extra.get("~untyped"):
        del written["type"]
    written["function"] = {"name": call.name, "arguments": arguments}
    return written if call.sealed is None else written | signed(call.sealed)


def signed(signature: str) -> dict[str, Any]:
    """Gemini's thought signature as a member of a call."""
    return {"extra_content": {"google": {"thought_signature": signature}}}


def wrapped(text: str) -> str:
    """Free text as the arguments of a function."""
    return _encode({INPUT: text}).decode()


def unwrapped(arguments: str) -> str:
    """The free text in a function's arguments; the arguments themselves if the model did not keep to the form."""
    try:
        value = _decode(arguments)
    except msgspec.DecodeError:
        return arguments
    text = value.get(INPUT) if isinstance(value, dict) else None
    return text if isinstance(text, str) else arguments


def whole(arguments: str) -> bool:
    """Whether `arguments` are complete: an object of JSON that nothing can be added to."""
    try:
        return isinstance(_decode(arguments), dict)
    except msgspec.DecodeError:
        return False
