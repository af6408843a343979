"""Streams for the clients of the chat completions API, chunk by chunk as the official SDK expects them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from isartor.formats.base import encode, sse
from isartor.formats.canonical import (
    Began,
    Finished,
    Image,
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
from isartor.formats.openai_chat import calls, reply, thoughts

if TYPE_CHECKING:
    from isartor.formats.canonical import Event, Part, Prompt, Usage

_DONE: Final = b"data: [DONE]\n\n"


class Writer:
    """Writes one stream; `isartor.formats.canonical.StreamWriter`."""

    def __init__(self, prompt: Prompt) -> None:
        """Only a client that asked for it gets the chunk with the usage."""
        self._include_usage = prompt.include_usage
        self._model = prompt.model
        self._customs = reply.customs(prompt)
        self._shows = reply.shows(prompt)
        self._base: dict[str, Any] = {}
        self._open: dict[int, Part] = {}
        self._calls: dict[int, int] = {}
        self._texts: dict[int, FreeText] = {}
        self._pieces: dict[int, list[str]] = {}
        """What has come of thoughts, and of calls whose free text is inside JSON: needed whole at their end."""
        self._details = 0
        self._images = 0
        self._refused = False
        self._usage: Usage | None = None

    def write(self, event: Event) -> bytes:  # noqa: PLR0911 # one for each kind of event
        """The chunks for `event`."""
        match event:
            case Began():
                return self._begin(event)
            case PartBegan():
                return self._part(event.index, event.part)
            case PartGrew():
                return self._grow(event.index, event.text)
            case PartSealed():
                return self._seal(event)
            case PartEnded():
                return self._end(event.index)
            case Finished():
                return self._finish(event)
            case _:
                return b""

    def _begin(self, event: Began) -> bytes:
        self._usage = event.usage
        self._base = {
            "id": event.id or reply.new_id(),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": event.model or self._model,
        }
        return self._delta({"role": "assistant", "content": "", "refusal": None})

    def _chunk(self, choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> bytes:
        chunk = self._base | {"choices": choices}
        if self._include_usage:
            # The others have it as null: that is how clients know that it will come.
            chunk["usage"] = usage
        return sse(encode(chunk))

    def _delta(self, delta: dict[str, Any], word: str | None = None) -> bytes:
        return self._chunk([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": word}])

    def _part(self, index: int, part: Part) -> bytes:
        if isinstance(part, Thinking):
            # A copy: its text is collected beside it, since the seal at its end holds it.
            self._pieces[index] = []
            self._open[index] = Thinking(
                text="", sealed=part.sealed, maker=part.maker, redacted=part.redacted, id=part.id
            )
            return self._grow(index, part.text) if part.text else b""
        if isinstance(part, Image):
            self._open[index] = part
            self._images += 1
            return self._delta({"images": [{"index": self._images - 1} | reply.image(part)]})
        if not isinstance(part, ToolCall):
            self._open[index] = part
            self._refused = self._refused or isinstance(part, Refusal)
            text = part.text if isinstance(part, Text | Refusal) else ""
            return self._grow(index, text) if text else b""
        number = self._calls[index] = len(self._calls)
        call = ToolCall(id=part.id, name=part.name, arguments="", custom=part.custom, sealed=part.sealed)
        self._open[index] = call
        if _custom(call, self._customs) and not call.custom:
            self._texts[index] = FreeText()
            self._pieces[index] = []
        begun = {"index": number} | calls.write(call, customs=self._customs)
        text = part.arguments if part.arguments != "{}" else ""
        return self._delta({"tool_calls": [begun]}) + (self._grow(index, text) if text else b"")

    def _grow(self, index: int, text: str) -> bytes:
        part = self._open[index]
        match part:
            case Text():
                return self._delta({"content": text})
            case Refusal():
                return self._delta({"refusal": text})
            case Thinking():
                self._pieces[index].append(text)
                return self._delta({"reasoning_content": text}) if self._shows else b""
            case ToolCall():
                if index in self._texts:
                    # Its free text is inside JSON. What is not of that form is known at the end only.
                    self._pieces[index].append(text)
                    text = self._texts[index].feed(text)
                    return self._call(index, {"custom": {"input": text}}) if text else b""
                return self._call(
                    index, {"custom": {"input": text}} if part.custom else {"function": {"arguments": text}}
                )
            case _:
                return b""

    def _call(self, index: int, more: dict[str, Any]) -> bytes:
        return self._delta({"tool_calls": [{"index": self._calls[index]} | more]})

    def _seal(self, event: PartSealed) -> bytes:
        part = self._open[event.index]
        if isinstance(part, Thinking):
            part.sealed, part.maker = event.sealed, event.maker
        if not isinstance(part, ToolCall):
            return b""
        # The official SDK wants to see the function in every piece.
        empty = {"custom": {"input": ""}} if _custom(part, self._customs) else {"function": {"arguments": ""}}
        return self._call(event.index, empty | calls.signed(event.sealed))

    def _end(self, index: int) -> bytes:
        part = self._open.pop(index)
        whole = "".join(self._pieces.pop(index, ()))
        if isinstance(part, Thinking):
            part.text = whole
            _, own = thoughts.written_details(part)
            # The official SDK adds the elements of any list up by their number.
            details = [each | {"index": at} for at, each in enumerate(own, self._details)]
            self._details += len(details)
            return self._delta({"reasoning_details": details}) if details else b""
        if not isinstance(part, ToolCall) or index not in self._texts:
            return b""
        told = self._texts.pop(index).text
        text = calls.unwrapped(whole)
        rest = text.removeprefix(told) if text.startswith(told) else ""
        return self._call(index, {"custom": {"input": rest}}) if rest else b""

    def _finish(self, event: Finished) -> bytes:
        written = self._delta({}, reply.word(event.stop, refused=self._refused, called=bool(self._calls)))
        usage = event.usage or self._usage
        if self._include_usage and usage is not None:
            written += self._chunk([], reply.written_usage(usage))
        return written + _DONE


def _custom(call: ToolCall, customs: frozenset[str]) -> bool:
    """Whether a call is one of a tool that takes free text."""
    return call.custom or call.name in customs
