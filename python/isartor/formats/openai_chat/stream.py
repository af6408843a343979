"""Streams of the chat completions API, read and written. `Writer` is at the end.

The API numbers tool calls and leaves texts and thoughts to their members, so a part begins when its member comes and
ends when another's does. The stream is over at `[DONE]`; a provider that forgets it has said `finish_reason`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.errors import UpstreamError
from isartor.formats.canonical import (
    Began,
    Failed,
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
from isartor.formats.openai_chat import calls, content, errors, reply, thoughts
from isartor.formats.openai_chat.stream_writer import Writer
from isartor.formats.reading import Members

if TYPE_CHECKING:
    from isartor.formats.canonical import Event, Part, Usage

__all__ = ["Reader", "Writer"]

_DONE: Final = b"[DONE]"
_GROWING: Final = ("text", "summary")
"""Members of a reasoning detail that come in pieces."""
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


class _Call:
    """A tool call that is being made."""

    __slots__ = ("_last", "custom", "ended", "id", "index", "key", "name", "pieces", "sealed", "signature")

    def __init__(self, key: int | None) -> None:
        self.key = key
        self.id = ""
        self.name = ""
        self.pieces: list[str] = []
        """Of its arguments, which are joined only where they are needed: there may be very many."""
        self.custom = False
        self.signature: str | None = None
        self.sealed = False
        self.index: int | None = None
        self.ended = False
        self._last = ""

    def add(self, piece: str) -> None:
        """More of its arguments."""
        self.pieces.append(piece)
        self._last = piece.rstrip()[-1:] or self._last

    def whole(self) -> bool:
        """Whether its arguments are complete; read only if they end like that."""
        return self._last == "}" and calls.whole("".join(self.pieces))


class _Detail:
    """A reasoning detail that may still grow."""

    __slots__ = ("_texts", "members")

    def __init__(self, piece: dict[str, Any]) -> None:
        self.members = dict(piece)
        self._texts = {name: [piece[name]] for name in _GROWING if isinstance(piece.get(name), str)}

    def add(self, piece: dict[str, Any]) -> None:
        """More of it."""
        for name in _GROWING:
            if isinstance(piece.get(name), str):
                self._texts.setdefault(name, []).append(piece[name])
                self.members.setdefault(name, "")  # its place among the others
        self.members |= {name: value for name, value in piece.items() if name not in _GROWING and value}

    def whole(self) -> dict[str, Any]:
        """All that has come of it."""
        return self.members | {name: "".join(pieces) for name, pieces in self._texts.items()}


class Reader:
    """Reads one stream; `isartor.formats.canonical.StreamReader`."""

    def __init__(self) -> None:
        """Begin at its start."""
        self._events: list[Event] = []
        self._began = False
        self._over = False
        self._parts = 0
        # The open text, thought or refusal: its class and its index.
        self._kind: type[Part] | None = None
        self._open = 0
        self._calls: list[_Call] = []
        self._details: list[_Detail] = []
        self._member: str | None = None
        self._usage: Usage | None = None
        self._word: str | None = None
        self._matched: object = None
        self._refused = False

    def read(self, event: str | None, data: bytes) -> list[Event]:
        """One event: a chunk, an error, or the end."""
        if self._over:
            return []
        if data.strip() == _DONE:
            return self._finish()
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            message = "The provider's stream has an event that is not JSON."
            raise UpstreamError(message, code="upstream_invalid_reply") from None
        if not isinstance(chunk, dict):
            message = "The provider's stream has an event that is no object."
            raise UpstreamError(message, code="upstream_invalid_reply")
        error = chunk.get("error") or (chunk if event == "error" else None)
        if error:
            self._over = True
            return [errors.inside(error)]
        self._chunk(chunk)
        found, self._events = self._events, []
        return found

    def end(self) -> list[Event]:
        """The body has ended."""
        return self._finish() if self._word is not None and not self._over else []

    def _finish(self) -> list[Event]:
        self._over = True
        if not self._began:
            message = "The provider's stream has ended without a reply."
            raise UpstreamError(message, code="upstream_invalid_reply", retryable=True)
        self._close()
        for call in self._calls:
            if not call.ended:
                self._end_call(call)
        seen: list[Part] = [ToolCall(id="", name="")] if self._calls else []
        if self._refused:
            seen.append(Refusal(text=""))
        matched = self._matched if isinstance(self._matched, str) else None
        if self._word == "error":
            self._events.append(Failed(502, "it ended with finish_reason error", "upstream_error"))
        else:
            self._events.append(
                Finished(reply.stop(self._word, seen, matched), matched, self._usage, told=self._word is not None)
            )
        found, self._events = self._events, []
        return found

    def _begin(self, chunk: dict[str, Any]) -> None:
        if not self._began:
            self._began = True
            name, model = chunk.get("id"), chunk.get("model")
            self._events.append(
                Began(
                    name if isinstance(name, str) and name else reply.new_id(),
                    model if isinstance(model, str) else "",
                )
            )

    def _chunk(self, chunk: dict[str, Any]) -> None:
        own = chunk.get("x_groq")
        tokens = reply.usage(chunk.get("usage") or (own.get("usage") if isinstance(own, dict) else None))
        self._usage = tokens or self._usage
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        # Azure begins with a chunk about its filter, which has neither choice nor id.
        if not isinstance(choice, dict) or choice.get("index") not in (None, 0):
            return
        self._begin(chunk)
        # A few send the whole message where the delta belongs.
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            self._delta(delta)
        word = choice.get("finish_reason")
        if isinstance(word, str) and word:
            self._word = word
            self._matched = choice.get("stop_reason")
        error = choice.get("error")
        if error:
            self._over = True
            self._events.append(errors.inside(error))

    def _delta(self, delta: dict[str, Any]) -> None:
        thought = thoughts.text_of(delta)
        details = thoughts.details_of(delta)
        if thought or details:
            self._member = self._member or thoughts.member_of(delta)
            self._grow(Thinking, thought)
            self._thought(details)
        said = delta.get("content")
        if isinstance(said, str):
            self._grow(Text, said)
        elif isinstance(said, list):
            parts, _ = content.read(Members({"content": said}, "delta", upstream=True), upstream=True)
            for part in thoughts.split(parts):
                if isinstance(part, Text | Thinking):
                    self._grow(type(part), part.text)
        refusal = delta.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._refused = True
            self._grow(Refusal, refusal)
        made = delta.get("tool_calls")
        for each in made if isinstance(made, list) else ():
            if isinstance(each, dict):
                self._call(each)

    def _grow(self, kind: type[Text | Thinking | Refusal], text: str) -> None:
        if not text and kind is not Thinking:
            return
        if self._kind is not kind:
            self._close()
            self._kind = kind
            self._open = self._next()
            empty: Part = Thinking(maker="openai_chat") if kind is Thinking else kind(text="")
            self._events.append(PartBegan(self._open, empty))
        if text:
            self._events.append(PartGrew(self._open, text))

    def _thought(self, details: list[dict[str, Any]]) -> None:
        for each in details:
            last = self._details[-1] if self._details else None
            if last is not None and _goes_on(last.members, each):
                last.add(each)
            else:
                self._details.append(_Detail(each))

    def _next(self) -> int:
        self._parts += 1
        return self._parts - 1

    def _close(self) -> None:
        """End the open text, thought or refusal."""
        if self._kind is None:
            return
        if self._kind is Thinking:
            sealed = thoughts.sealing(self._member, [each.whole() for each in self._details])
            if sealed is not None:
                self._events.append(PartSealed(self._open, sealed, "openai_chat"))
            self._details = []
        self._events.append(PartEnded(self._open))
        self._kind = None

    def _call(self, piece: dict[str, Any]) -> None:
        self._close()
        call = self._which(piece)
        kind = "custom" if isinstance(piece.get("custom"), dict) else "function"
        inner = piece.get(kind)
        inner = inner if isinstance(inner, dict) else {}
        name = inner.get("name")
        if isinstance(name, str) and name and not call.name:
            call.name = name
        more = inner.get("input" if kind == "custom" else "arguments")
        if more is not None and not isinstance(more, str):
            more = _encode(more).decode()
        extra = piece.get("extra_content")
        google = extra.get("google") if isinstance(extra, dict) else None
        signature = google.get("thought_signature") if isinstance(google, dict) else None
        if isinstance(signature, str):
            call.signature = signature
        call.custom = call.custom or kind == "custom"
        if more:
            call.add(more)
            if call.ended:
                message = "The provider's stream goes on with a tool call that was complete."
                raise UpstreamError(message, code="upstream_invalid_reply")
            if call.index is not None:
                self._events.append(PartGrew(call.index, more))
        if call.index is None and call.name:
            self._begin_call(call)

    def _which(self, piece: dict[str, Any]) -> _Call:
        """The call that a piece is of: by its number, else by its id, else the last one."""
        key = piece.get("index")
        key = key if isinstance(key, int) else None
        name = piece.get("id")
        name = name if isinstance(name, str) else ""
        last = self._calls[-1] if self._calls else None
        if key is not None:
            # Some number all calls 0: another id makes another call.
            for call in reversed(self._calls):
                if call.key == key and not (name and call.id and name != call.id):
                    return self._same(call, name)
        elif name:
            for call in self._calls:
                if call.id == name:
                    return self._same(call, name)
        elif last is not None and not _starts(piece, last):
            return self._same(last, name)
        if last is not None and not last.ended and last.whole():
            # Calls come one after another; whoever cannot show two at once need not wait for the end of all.
            self._end_call(last)
        call = _Call(key)
        call.id = name
        self._calls.append(call)
        return call

    @staticmethod
    def _same(call: _Call, name: str) -> _Call:
        call.id = call.id or name
        return call

    def _begin_call(self, call: _Call) -> None:
        call.index = self._next()
        call.id = call.id or reply.new_call()
        part = ToolCall(id=call.id, name=call.name, arguments="", custom=call.custom)
        self._events.append(PartBegan(call.index, part))
        self._seal(call)
        if call.pieces:
            self._events.append(PartGrew(call.index, "".join(call.pieces)))

    def _seal(self, call: _Call) -> None:
        """The signature comes with the call's first piece; only if it does not it is told at the end."""
        if call.signature is not None and not call.sealed and call.index is not None:
            call.sealed = True
            self._events.append(PartSealed(call.index, call.signature, "gemini"))

    def _end_call(self, call: _Call) -> None:
        call.ended = True
        if call.index is None:
            message = "The provider's stream has a tool call without a name."
            raise UpstreamError(message, code="upstream_invalid_reply")
        if not call.pieces and not call.custom:
            self._events.append(PartGrew(call.index, "{}"))
        self._seal(call)
        self._events.append(PartEnded(call.index))


def _starts(piece: dict[str, Any], last: _Call) -> bool:
    """Whether a piece with neither number nor id begins a call: it names a function, and the last one is complete."""
    function = piece.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    return bool(name) and (last.ended or name != last.name or last.whole())


def _goes_on(last: dict[str, Any], piece: dict[str, Any]) -> bool:
    """Whether a reasoning detail is more of the last one."""
    return (
        last.get("type") == piece.get("type")
        and last.get("index") == piece.get("index")
        and last.get("type") != "reasoning.encrypted"
        and not last.get("signature")
    )
