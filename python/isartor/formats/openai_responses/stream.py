"""A stream for a client of the Responses API, written event by event.

The order is the real API's, on which the SDK's accumulator and Codex rely: an item is added before anything of it
comes, a part of a message before its text, everything is said once more as a whole when it is done, and the last event
has the whole response. A message stays open until something else begins, since texts in a row are parts of one message.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from isartor.formats import seal
from isartor.formats.base import encode, sse
from isartor.formats.canonical import (
    Began,
    Finished,
    PartBegan,
    PartEnded,
    PartGrew,
    PartSealed,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from isartor.formats.freetext import FreeText
from isartor.formats.openai_responses import output
from isartor.formats.openai_responses.layout import NAME
from isartor.formats.openai_responses.reader import Reader

if TYPE_CHECKING:
    from isartor.formats.canonical import Event, FormatName, Prompt, Usage

__all__ = ["Reader", "Writer"]

_SUMMARY: Final = {"summary_index": 0}


class _Message(msgspec.Struct):
    """A message that is open: its place in the output, its parts so far, how many of them may still grow."""

    index: int
    id: str
    content: list[dict[str, Any]] = []
    growing: int = 0


class _Part(msgspec.Struct):
    """A part on its way. `at`: its item's place in the output, once the client knows of it; `place`: as events say."""

    part: Text | Refusal | Thinking | ToolCall
    at: int | None = None
    place: dict[str, Any] = {}
    pieces: list[str] = []
    message: _Message | None = None
    content_index: int = 0
    free: FreeText | None = None
    sealed: str | None = None
    summed: bool = False


class Writer:
    """See `isartor.formats.canonical.StreamWriter`."""

    def __init__(self, prompt: Prompt) -> None:
        """`prompt`: what the client asked."""
        self._prompt = prompt
        self._frame = output.Frame(prompt, "", "", int(time.time()))
        self._usage: Usage | None = None
        self._sequence = 0
        self._parts: dict[int, _Part] = {}
        self._message: _Message | None = None
        self._items: dict[int, dict[str, Any]] = {}
        self._count = 0
        self._out: list[bytes] = []

    def write(self, event: Event) -> bytes:
        """See `isartor.formats.canonical.StreamWriter`."""
        match event:
            case PartGrew():
                self._grow(self._parts[event.index], event.text)
            case PartBegan():
                self._begin(event)
            case PartSealed():
                self._seal(self._parts[event.index], event.sealed, event.maker)
            case PartEnded():
                self._end(self._parts.pop(event.index))
            case Began():
                self._frame = output.Frame(self._prompt, event.id, event.model, int(time.time()))
                self._usage = event.usage
                opening = self._frame.response([])
                self._say("response.created", response=opening)
                self._say("response.in_progress", response=opening)
            case Finished():
                self._finish(event)
        written, self._out = b"".join(self._out), []
        return written

    def _say(self, kind: str, **fields: Any) -> None:
        value = {"type": kind, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        self._out.append(sse(encode(value), kind))

    def _add(self) -> int:
        """A place for the next item."""
        self._count += 1
        return self._count - 1

    def _added(self, at: int, item: dict[str, Any]) -> None:
        self._say("response.output_item.added", output_index=at, item=item)

    def _done(self, at: int, item: dict[str, Any]) -> None:
        self._items[at] = item
        self._say("response.output_item.done", output_index=at, item=item)

    # -- the events

    def _begin(self, event: PartBegan) -> None:
        part = event.part
        if not isinstance(part, Text | Refusal | Thinking | ToolCall):
            # What another provider does by itself; the text tells what comes of it. Its other events have no effect.
            part = Thinking()
        begun = self._parts[event.index] = _Part(part=part)
        if isinstance(part, Text | Refusal):
            self._begin_text(begun, part)
            if part.text:
                self._grow(begun, part.text)
            return
        # Thoughts and calls are announced with their first content: a signature goes before the call that it is of.
        self._close_message()
        if isinstance(part, ToolCall):
            if part.custom is False and self._frame.known(part.name).kind == "custom":
                begun.free = FreeText()
            if part.sealed is not None:
                self._seal(begun, part.sealed, output.signer(part))
        elif part.sealed is not None:
            self._seal(begun, part.sealed, part.maker or NAME)

    def _begin_text(self, begun: _Part, part: Text | Refusal) -> None:
        message = self._message
        if message is None:
            at = self._add()
            item = self._frame.message(at, [], done=False)
            message = self._message = _Message(index=at, id=item["id"])
            self._added(at, item)
        begun.message = message
        begun.at = message.index
        begun.content_index = len(message.content)
        begun.place = {
            "output_index": message.index,
            "item_id": message.id,
            "content_index": begun.content_index,
        }
        content = output.content_part(part, "")
        message.content.append(content)
        message.growing += 1
        self._say("response.content_part.added", **begun.place, part=content)

    def _grow(self, begun: _Part, text: str) -> None:
        if not text:
            return
        begun.pieces.append(text)
        match begun.part:
            case Text():
                self._say("response.output_text.delta", **begun.place, delta=text, logprobs=[])
            case Refusal():
                self._say("response.refusal.delta", **begun.place, delta=text)
            case Thinking():
                self._open_thought(begun)
                if not begun.summed:
                    begun.summed = True
                    empty = {"type": "summary_text", "text": ""}
                    self._say("response.reasoning_summary_part.added", **begun.place, **_SUMMARY, part=empty)
                self._say("response.reasoning_summary_text.delta", **begun.place, **_SUMMARY, delta=text)
            case ToolCall() as call:
                self._open_call(begun, call)
                self._call_delta(begun, call, text)

    def _call_delta(self, begun: _Part, call: ToolCall, text: str) -> None:
        kind = self._frame.known(call.name).kind
        if kind == "tool_search" and not call.custom:
            # Its arguments are an object and come whole.
            return
        if begun.free is not None:
            text = begun.free.feed(text)
        if text:
            self._say(f"response.{_stem(begun, call)}.delta", **begun.place, delta=text)

    def _open_thought(self, begun: _Part) -> None:
        if begun.at is None:
            at = self._add()
            self._open(begun, at, self._frame.reasoning(at, "", None))

    def _open_call(self, begun: _Part, call: ToolCall) -> None:
        if begun.at is None:
            at = self._add()
            self._open(begun, at, self._frame.call(at, call, "", done=False))

    def _open(self, begun: _Part, at: int, item: dict[str, Any]) -> None:
        begun.at = at
        begun.place = {"output_index": at, "item_id": item["id"]}
        self._added(at, item)

    def _seal(self, begun: _Part, sealed: str, maker: FormatName) -> None:
        if isinstance(begun.part, ToolCall):
            at = self._add()
            state = seal.Sealed(maker=maker, sealed=sealed, id=begun.part.id)
            item = self._frame.reasoning(at, "", seal.seal(state))
            self._added(at, item)
            self._done(at, item)
        elif isinstance(begun.part, Thinking):
            self._open_thought(begun)
            text = "".join(begun.pieces)
            begun.sealed = sealed if maker == NAME else output.carried(begun.part, sealed, maker, text)

    def _end(self, begun: _Part) -> None:
        text = "".join(begun.pieces)
        match begun.part:
            case Text() | Refusal() as part:
                self._end_text(begun, part, text)
            case Thinking():
                if begun.at is not None:
                    self._end_thought(begun, begun.at, text)
            case ToolCall() as call:
                self._open_call(begun, call)
                self._end_call(begun, call, text)

    def _end_text(self, begun: _Part, part: Text | Refusal, text: str) -> None:
        message = begun.message
        if message is None:
            return
        place = begun.place
        if isinstance(part, Refusal):
            self._say("response.refusal.done", **place, refusal=text)
        else:
            self._say("response.output_text.done", **place, text=text, logprobs=[])
        content = message.content[begun.content_index] = output.content_part(part, text)
        self._say("response.content_part.done", **place, part=content)
        message.growing -= 1
        if message is not self._message and not message.growing:
            self._done(message.index, self._frame.message(message.index, message.content, done=True))

    def _close_message(self) -> None:
        """No further text belongs to the message; one that still grows is done when its last part is."""
        message, self._message = self._message, None
        if message is not None and not message.growing:
            self._done(message.index, self._frame.message(message.index, message.content, done=True))

    def _end_thought(self, begun: _Part, at: int, text: str) -> None:
        if begun.summed:
            place = {**begun.place, **_SUMMARY}
            self._say("response.reasoning_summary_text.done", **place, text=text)
            whole = {"type": "summary_text", "text": text}
            self._say("response.reasoning_summary_part.done", **place, part=whole)
        sealed = begun.sealed
        if sealed is None and isinstance(begun.part, Thinking) and begun.part.maker is not None:
            sealed = output.sealed(replace(begun.part, text=text))
        self._done(at, self._frame.reasoning(at, text, sealed))

    def _end_call(self, begun: _Part, call: ToolCall, arguments: str) -> None:
        at = begun.at or 0
        item = self._frame.call(at, call, arguments)
        if item["type"] != "tool_search_call":
            field = "input" if item["type"] == "custom_tool_call" else "arguments"
            text = item[field]
            stem = _stem(begun, call)
            sent = arguments if begun.free is None else begun.free.text
            if text.startswith(sent) and text != sent:
                self._say(f"response.{stem}.delta", **begun.place, delta=text[len(sent) :])
            self._say(f"response.{stem}.done", **begun.place, **{field: text}, name=item["name"])
        self._done(at, item)

    def _finish(self, event: Finished) -> None:
        for index in list(self._parts):
            self._end(self._parts.pop(index))
        self._close_message()
        items = [self._items[at] for at in sorted(self._items)]
        response = self._frame.response(items, stop=event.stop, usage=event.usage or self._usage)
        self._say(f"response.{response['status']}", response=response)


def _stem(begun: _Part, call: ToolCall) -> str:
    """What the events of a call's content are called."""
    custom = call.custom or begun.free is not None
    return "custom_tool_call_input" if custom else "function_call_arguments"
