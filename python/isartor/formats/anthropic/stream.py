"""Streams of the messages API, read; `stream_writer` writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.errors import UpstreamError
from isartor.formats.anthropic import errors, reply
from isartor.formats.base import encode
from isartor.formats.canonical import (
    Began,
    Finished,
    PartBegan,
    PartEnded,
    PartGrew,
    PartSealed,
    Text,
    Thinking,
    ToolCall,
)

if TYPE_CHECKING:
    from isartor.formats.canonical import Event, Part, Stop, Usage

_decode: Final = msgspec.json.Decoder().decode


class _Incoming(msgspec.Struct):
    """A block of a provider's stream that has begun. `index`: of its part."""

    index: int
    call: bool = False
    whole: str = ""
    """Arguments that came with the block's beginning, as some providers send them."""
    grown: bool = False
    sealed: list[str] = []
    """Pieces of the signature."""


class Reader:
    """Reads one provider's stream."""

    def __init__(self) -> None:
        self._blocks: dict[int, _Incoming] = {}
        self._parts = 0
        self._begun = False
        self._stop: Stop = "end"
        self._told = False
        self._stop_sequence: str | None = None
        self._usage: Usage | None = None

    def read(self, event: str | None, data: bytes) -> list[Event]:
        """See `isartor.formats.canonical.StreamReader`."""
        del event  # its name stands in the data, too
        try:
            said: Any = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _invalid(what="an event is not JSON") from None
        if not isinstance(said, dict) or not isinstance(said.get("type"), str):
            raise _invalid(what="an event has no type")
        kind = said["type"]
        if kind == "error":
            return [errors.of(said, data)]
        if kind == "message_start":
            return self._begin(_object(said, "message"))
        # `ping`, and whatever else there will be, is none of our business.
        handler = _HANDLERS.get(kind)
        if handler is None:
            return []
        if not self._begun:
            raise _invalid(f"{kind} comes before message_start")
        return handler(self, said)

    def end(self) -> list[Event]:
        """The last event says that it is the last: without it the stream was cut."""
        return []

    def _begin(self, message: dict[str, Any]) -> list[Event]:
        self._begun = True
        self._usage = reply.usage_of(message.get("usage"))
        return [Began(id=str(message.get("id") or ""), model=str(message.get("model") or ""), usage=self._usage)]

    def _block_start(self, said: dict[str, Any]) -> list[Event]:
        block = _object(said, "content_block")
        kind = block.get("type")
        incoming = _Incoming(index=self._parts)
        first = ""
        match kind:
            case "text":
                part: Part = Text(text="")
                first = str(block.get("text") or "")
            case "thinking":
                part = Thinking(maker="anthropic")
                first = str(block.get("thinking") or "")
                incoming.sealed.append(str(block.get("signature") or ""))
            case "redacted_thinking":
                part = Thinking(maker="anthropic", redacted=True)
                incoming.sealed.append(str(block.get("data") or ""))
            case "tool_use":
                part = ToolCall(id=str(block.get("id") or ""), name=str(block.get("name") or ""), arguments="")
                incoming.call = True
                incoming.whole = encode(block.get("input") or {}).decode()
            case _:
                # What the provider's own tools did: only a client of this format can have asked for it.
                return []
        self._parts += 1
        self._blocks[_number(said)] = incoming
        begun: list[Event] = [PartBegan(incoming.index, part)]
        return [*begun, PartGrew(incoming.index, first)] if first else begun

    def _block_delta(self, said: dict[str, Any]) -> list[Event]:
        incoming = self._blocks.get(_number(said))
        delta = _object(said, "delta")
        if incoming is None:
            return []
        match delta.get("type"):
            case "text_delta":
                text = delta.get("text")
            case "input_json_delta":
                text = delta.get("partial_json")
            case "thinking_delta":
                text = delta.get("thinking")
            case "signature_delta":
                incoming.sealed.append(str(delta.get("signature") or ""))
                return []
            case _:
                return []
        if not text:
            return []
        incoming.grown = True
        return [PartGrew(incoming.index, str(text))]

    def _block_stop(self, said: dict[str, Any]) -> list[Event]:
        incoming = self._blocks.pop(_number(said), None)
        return [] if incoming is None else _ended(incoming)

    def _message_delta(self, said: dict[str, Any]) -> list[Event]:
        delta = _object(said, "delta")
        if delta.get("stop_reason") is not None:
            self._stop = reply.stop_of(str(delta["stop_reason"]))
            self._told = reply.known(delta["stop_reason"])
        if isinstance(delta.get("stop_sequence"), str):
            self._stop_sequence = delta["stop_sequence"]
        self._usage = reply.usage_of(said.get("usage"), self._usage)
        return []

    def _message_stop(self, _: dict[str, Any]) -> list[Event]:
        ended = [event for incoming in self._blocks.values() for event in _ended(incoming)]
        self._blocks.clear()
        return [*ended, Finished(self._stop, self._stop_sequence, self._usage, told=self._told)]


_HANDLERS: Final = {
    "content_block_start": Reader._block_start,  # noqa: SLF001 # its own methods
    "content_block_delta": Reader._block_delta,  # noqa: SLF001
    "content_block_stop": Reader._block_stop,  # noqa: SLF001
    "message_delta": Reader._message_delta,  # noqa: SLF001
    "message_stop": Reader._message_stop,  # noqa: SLF001
}


def _ended(incoming: _Incoming) -> list[Event]:
    events: list[Event] = []
    if incoming.call and not incoming.grown:
        events.append(PartGrew(incoming.index, incoming.whole))
    sealed = "".join(incoming.sealed)
    if sealed:
        events.append(PartSealed(incoming.index, sealed, "anthropic"))
    return [*events, PartEnded(incoming.index)]


def _object(said: dict[str, Any], name: str) -> dict[str, Any]:
    value = said.get(name)
    if not isinstance(value, dict):
        raise _invalid(f"{name} of {said['type']} is not an object")
    return value


def _number(said: dict[str, Any]) -> int:
    index = said.get("index")
    if not isinstance(index, int):
        raise _invalid(f"index of {said['type']} is not an integer")
    return index


def _invalid(what: str) -> UpstreamError:
    return UpstreamError(f"The provider's stream cannot be read: {what}.", code="upstream_invalid_reply")
