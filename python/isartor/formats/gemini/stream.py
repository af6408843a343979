"""Streams of `streamGenerateContent`, read and written: each event is a reply with the next pieces of its parts.

A call always comes whole. There is no event that ends a stream; the last one has a `finishReason`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from isartor.errors import UpstreamError
from isartor.formats.base import encode, sse
from isartor.formats.canonical import (
    Began,
    Failed,
    Finished,
    PartBegan,
    PartEnded,
    PartGrew,
    PartSealed,
    Text,
    Thinking,
    ToolCall,
)
from isartor.formats.gemini import errors, fields, reply

if TYPE_CHECKING:
    from isartor.formats.canonical import Event, FormatName, Part, Prompt, Stop, Usage
    from isartor.formats.gemini.fields import Fields

Json = dict[str, Any]


class Reader:
    """Reads one provider's stream."""

    def __init__(self) -> None:
        """Begin before the first event."""
        self._id = ""
        self._count = 0
        # The part that still grows, and whether it is a thought.
        self._open: int | None = None
        self._thinks = False
        self._said = False
        # Signatures of a text that may still grow.
        self._held: list[str] = []
        self._called = False
        self._stop: Stop | None = None
        self._told = False
        self._usage: Usage | None = None

    def read(self, event: str | None, data: bytes) -> list[Event]:
        """One event; see `StreamReader`."""
        del event
        given = fields.body(data, upstream=True)
        error = given.table("error")
        if error is not None:
            return [errors.failed(error, 502)]
        events: list[Event] = []
        usage = reply.read_usage(given.inner("usageMetadata"))
        self._usage = usage or self._usage
        if not self._id:
            self._id = given.text("responseId") or uuid4().hex
            events.append(Began(self._id, given.text("modelVersion") or "", usage))
        candidate = reply.first(given)
        content = None if candidate is None else candidate.inner("content")
        for part in [] if content is None else content.each("parts"):
            self._part(part, events)
        try:
            stop, told = reply.read_stop(candidate, blocked=reply.blocked(given), said=self._said)
        except UpstreamError as spoilt:
            return [*events, Failed(spoilt.status, spoilt.message, spoilt.code)]
        self._stop = stop or self._stop
        self._told = self._told or told
        return events

    def end(self) -> list[Event]:
        """`Finished` if a `finishReason` was there; some models send it with every event, and usage after it."""
        if self._stop is None:
            return []
        events: list[Event] = []
        self._end_part(events)
        stop: Stop = "tool_calls" if self._called and self._stop == "end" else self._stop
        return [*events, Finished(stop, usage=self._usage, told=self._told)]

    def _part(self, given: Fields, events: list[Event]) -> None:
        signature = given.text("thoughtSignature")
        call = given.inner("functionCall")
        if call is not None:
            self._call(reply.read_call(call, f"{self._id}/{self._count}", signature), events)
            return
        text = given.text("text")
        if text is None:
            if given.raw():
                self._unknown(given)
            return
        thinks = bool(given.flag("thought"))
        if text:
            self._grow(text, events, thinks=thinks)
        if signature is None:
            return
        if not thinks:
            self._held.append(signature)
            return
        if self._open is None or not self._thinks:
            self._begin(Thinking(maker="gemini"), events, thinks=True)
        if self._open is not None:
            events.append(PartSealed(self._open, signature, "gemini"))
        self._close(events)

    def _unknown(self, given: Fields) -> None:
        kind = next(iter(given.raw()))
        message = f"The model said something that cannot be passed on in a stream of another format: {kind}."
        raise UpstreamError(message, code="not_translatable")

    def _call(self, call: ToolCall, events: list[Event]) -> None:
        index = self._begin(ToolCall(id=call.id, name=call.name, arguments=""), events, thinks=False)
        if call.sealed is not None:
            # First: clients without a place for it on the call get it before the call.
            events.append(PartSealed(index, call.sealed, "gemini"))
        events.append(PartGrew(index, call.arguments))
        self._close(events)
        self._called = self._said = True

    def _grow(self, text: str, events: list[Event], *, thinks: bool) -> None:
        if self._open is None or self._thinks != thinks:
            self._begin(Thinking(maker="gemini") if thinks else Text(text=""), events, thinks=thinks)
        if self._open is not None:
            events.append(PartGrew(self._open, text))
        self._said = self._said or not thinks

    def _begin(self, part: Text | Thinking | ToolCall, events: list[Event], *, thinks: bool) -> int:
        self._end_part(events)
        index = self._open = self._count
        self._count += 1
        self._thinks = thinks
        events.append(PartBegan(index, part))
        return index

    def _end_part(self, events: list[Event]) -> None:
        """End the open part; each signature of a text becomes a thought of its own after it."""
        self._close(events)
        held, self._held = self._held, []
        for signature in held:
            index, self._count = self._count, self._count + 1
            events.append(PartBegan(index, Thinking(maker="gemini")))
            events.append(PartSealed(index, signature, "gemini"))
            events.append(PartEnded(index))

    def _close(self, events: list[Event]) -> None:
        if self._open is not None:
            events.append(PartEnded(self._open))
            self._open = None


class Writer:
    """Writes one client's stream, as server-sent events."""

    def __init__(self, prompt: Prompt) -> None:
        """`prompt`: the client's request."""
        self._parts = reply.PartWriter(prompt)
        self._model = prompt.model
        self._tail: Json = {}
        self._open: dict[int, _Growing] = {}
        self._malformed = False

    def write(self, event: Event) -> bytes:
        """See `StreamWriter`."""
        match event:
            case PartGrew():
                return self._grew(self._open[event.index], event.text)
            case PartBegan():
                self._open[event.index] = _Growing(event.part)
            case PartSealed():
                self._sealed(self._open[event.index], event)
            case PartEnded():
                return self._ended(self._open.pop(event.index))
            case Began():
                self._tail = {"modelVersion": event.model or self._model, "responseId": event.id}
            case Finished():
                return self._finished(event)
            case Failed():
                pass
        return b""

    def _chunk(self, part: Json) -> bytes:
        content = {"parts": [part], "role": "model"}
        return sse(encode({"candidates": [{"content": content, "index": 0}], **self._tail}))

    def _grew(self, growing: _Growing, text: str) -> bytes:
        part = growing.part
        if isinstance(part, ToolCall):
            growing.pieces.append(text)
            return b""
        if isinstance(part, Thinking):
            if growing.maker != "gemini":
                growing.pieces.append(text)
            # A chunk of its own: what stands beside a thought is overlooked by some clients.
            return self._chunk(self._parts.thought(text)) if self._parts.shows and text else b""
        return self._chunk(self._parts.signed({"text": text})) if text else b""

    def _sealed(self, growing: _Growing, event: PartSealed) -> None:
        if isinstance(growing.part, Thinking):
            growing.maker = event.maker
        elif event.maker != "gemini":
            return
        growing.sealed = event.sealed

    def _ended(self, growing: _Growing) -> bytes:
        part = growing.part
        text = "".join(growing.pieces)
        if isinstance(part, ToolCall):
            sealed = growing.sealed or part.sealed
            call = ToolCall(id=part.id, name=part.name, arguments=text, custom=part.custom, sealed=sealed)
            written = self._parts.call(call)
            if written is not None:
                return self._chunk(written)
            self._malformed = True
        elif isinstance(part, Thinking):
            sealed = growing.sealed or part.sealed
            if growing.maker == "gemini" and sealed is not None:
                return self._chunk({"text": "", "thoughtSignature": sealed})
            self._parts.carry(
                Thinking(text=text, sealed=sealed, maker=growing.maker, redacted=part.redacted, id=part.id)
            )
        return b""

    def _finished(self, event: Finished) -> bytes:
        candidate: Json = {}
        last = self._parts.last()
        if last or event.stop not in _BLOCKED:
            # Without a part in the last chunk, too, the SDK's chats take the whole turn for invalid.
            candidate["content"] = {"parts": last or [{"text": ""}], "role": "model"}
        candidate["finishReason"] = reply.reason(event.stop, malformed=self._malformed)
        candidate["index"] = 0
        body: Json = {"candidates": [candidate]}
        if event.usage is not None:
            body["usageMetadata"] = reply.write_usage(event.usage)
        return sse(encode(body | self._tail))


_BLOCKED: Final = frozenset({"filter", "refusal"})


class _Growing:
    """A part that has not ended."""

    __slots__ = ("maker", "part", "pieces", "sealed")

    def __init__(self, part: Part) -> None:
        self.part = part
        self.maker: FormatName | None = part.maker if isinstance(part, Thinking) else None
        self.pieces: list[str] = []
        self.sealed: str | None = None
