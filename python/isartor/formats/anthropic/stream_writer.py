"""Streams of the messages API, written; `stream` reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.formats.anthropic import reply
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

if TYPE_CHECKING:
    from isartor.formats.canonical import Event, FormatName, Part, Prompt, Usage


class _Outgoing(msgspec.Struct):
    """A part on its way to the client."""

    part: Part
    texts: list[str] = []
    """What cannot be sent yet, because another block is open."""
    sealed: str | None = None
    maker: FormatName | None = None
    hidden: list[str] = []
    """Pieces of a thought that is not shown."""
    ended: bool = False
    shown: bool = False
    """Whether there is a block of it already."""
    signed: bool = False
    """Whether a call's signature has been sent."""


class Writer:
    """Writes one client's stream: blocks one after the other, numbered in the order in which they are sent.

    A block begins with the first thing there is to say in it. Texts and thoughts can go on in a second block if another
    part speaks in between; a call cannot, so that what comes while one is open waits for its end.
    """

    def __init__(self, prompt: Prompt) -> None:
        self._model = prompt.model
        self._show = reply.shows(prompt)
        self._parts: dict[int, _Outgoing] = {}
        self._open: int | None = None
        self._blocks = 0
        self._held: list[dict[str, Any]] = []
        self._calls = False
        self._usage: Usage | None = None

    def write(self, event: Event) -> bytes:
        """See `isartor.formats.canonical.StreamWriter`."""
        written = b""
        match event:
            case PartGrew():
                written = self._grew(event)
            case Began():
                self._usage = event.usage
                message = reply.head(event.id, event.model or self._model, event.usage)
                written = _event("message_start", {"message": message})
            case PartBegan():
                self._parts[event.index] = _Outgoing(part=event.part)
            case PartSealed():
                self._sealed(event)
            case PartEnded():
                written = self._ended(event.index)
            case Finished():
                written = self._finished(event)
        return written

    def _grew(self, event: PartGrew) -> bytes:
        out = self._parts[event.index]
        if not event.text:
            return b""
        if self._open == event.index:
            return self._delta(out, event.text)
        if self._holds():
            out.texts.append(event.text)
            return b""
        return self._close() + self._start(event.index) + self._delta(out, event.text)

    def _sealed(self, event: PartSealed) -> None:
        out = self._parts[event.index]
        out.sealed, out.maker = event.sealed, event.maker

    def _ended(self, index: int) -> bytes:
        self._parts[index].ended = True
        if self._open is not None and self._open != index and self._holds():
            return b""
        return self._settle(index) + self._catch_up()

    def _finished(self, event: Finished) -> bytes:
        for out in self._parts.values():
            out.ended = True
        written = b"" if self._open is None else self._settle(self._open)
        written += self._catch_up()
        delta = reply.ending(event.stop, event.stop_sequence, calls=self._calls)
        usage = reply.tokens(event.usage or self._usage)
        return written + _event("message_delta", {"delta": delta, "usage": usage}) + _event("message_stop", {})

    def _holds(self) -> bool:
        """Whether a call is open, which must not be interrupted."""
        return self._open is not None and isinstance(self._parts[self._open].part, ToolCall)

    def _catch_up(self) -> bytes:
        """Send what waited, in the order in which the parts began, until a call is open again."""
        written = b""
        for index in list(self._parts):
            if self._holds():
                break
            out = self._parts[index]
            if out.texts:
                texts, out.texts = out.texts, []
                written += self._close() + self._start(index)
                written += b"".join([self._delta(out, text) for text in texts])
            if out.ended:
                written += self._settle(index)
        return written

    def _settle(self, index: int) -> bytes:
        """End a part whose turn it is: close its block, and send what has had none."""
        written = self._close() if self._open == index else b""
        out = self._parts.pop(index)
        late = self._unsent(out)
        if not late:
            return written
        written += self._close()
        if self._blocks and isinstance(out.part, Thinking):
            # Not as the last block: clients take the answer from that one, and the API refuses a thought there.
            self._held += late
            return written
        return written + self._whole(late)

    def _unsent(self, out: _Outgoing) -> list[dict[str, Any]]:
        """Blocks for a part that had nothing to say, or whose seal came after its block had begun or was closed."""
        part = out.part
        if isinstance(part, ToolCall):
            return [*self._call_seal(out), *([] if out.shown else [_call(part)])]
        if isinstance(part, Thinking):
            return reply.thought(_thought(part, out), show=True)
        return []

    def _whole(self, blocks: list[dict[str, Any]]) -> bytes:
        written = b""
        for block in blocks:
            self._calls = self._calls or block["type"] == "tool_use"
            signed = block.pop("signature", None)
            written += self._block_start(block if signed is None else block | {"signature": ""})
            if signed:
                written += self._block_delta({"type": "signature_delta", "signature": signed})
            written += self._block_stop()
        return written

    def _start(self, index: int) -> bytes:
        """Begin the block of a part that has something to say."""
        out = self._parts[index]
        out.shown = True
        self._open = index
        match out.part:
            case ToolCall():
                self._calls = True
                before = self._whole(self._call_seal(out))
                return before + self._block_start(_call(out.part))
            case Thinking():
                return self._block_start({"type": "thinking", "thinking": "", "signature": ""})
        return self._block_start({"type": "text", "text": ""})

    def _delta(self, out: _Outgoing, text: str) -> bytes:
        match out.part:
            case ToolCall():
                return self._block_delta({"type": "input_json_delta", "partial_json": text})
            case Thinking() if not self._show:
                out.hidden.append(text)
                # The client hears that something goes on.
                return _PING
            case Thinking():
                return self._block_delta({"type": "thinking_delta", "thinking": text})
            case Text() | Refusal():
                return self._block_delta({"type": "text_delta", "text": text})
        return b""

    def _close(self) -> bytes:
        """End the open block; a thought gets its signature first."""
        if self._open is None:
            return b""
        out = self._parts[self._open]
        self._open = None
        written = b""
        if isinstance(out.part, Thinking):
            signed = reply.signature(_thought(out.part, out), "".join(out.hidden))
            # Once: what a thought says later is another block.
            out.sealed, out.hidden = None, []
            out.part = _unsealed(out.part)
            written = self._block_delta({"type": "signature_delta", "signature": signed}) if signed else b""
        return written + self._block_stop()

    def _call_seal(self, out: _Outgoing) -> list[dict[str, Any]]:
        """A block with the call's signature, once; before the call if the signature is there in time."""
        part = out.part
        assert isinstance(part, ToolCall)
        sealed = out.sealed or part.sealed
        if sealed is None or out.signed:
            return []
        out.signed = True
        return reply.thought(Thinking(sealed=sealed, maker=out.maker or "gemini", id=part.id), show=True)

    def _block_start(self, block: dict[str, Any]) -> bytes:
        held, self._held = self._held, []
        before = self._whole(held)
        written = before + _event("content_block_start", {"index": self._blocks, "content_block": block})
        return written if self._blocks else written + _PING

    def _block_delta(self, delta: dict[str, Any]) -> bytes:
        return _event("content_block_delta", {"index": self._blocks, "delta": delta})

    def _block_stop(self) -> bytes:
        written = _event("content_block_stop", {"index": self._blocks})
        self._blocks += 1
        return written


def _call(part: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": part.id, "name": part.name, "input": {}}


def _thought(part: Thinking, out: _Outgoing) -> Thinking:
    """The part with the seal that came after it."""
    return Thinking(sealed=out.sealed or part.sealed, maker=out.maker or part.maker, redacted=part.redacted, id=part.id)


def _unsealed(part: Thinking) -> Thinking:
    return Thinking(maker=part.maker, redacted=part.redacted, id=part.id)


def _event(kind: str, said: dict[str, Any]) -> bytes:
    return sse(encode({"type": kind, **said}), kind)


_PING: Final = _event("ping", {})
