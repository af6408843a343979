"""A provider's stream of the Responses API, read event by event.

Servers other than OpenAI's leave events out: an item may come whole at its end, a text without deltas, or everything in
the last event. So every event that repeats what came before fills in what was missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.errors import UpstreamError
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
from isartor.formats.openai_responses import errors, reply
from isartor.formats.openai_responses.layout import NAME
from isartor.formats.reading import Members

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isartor.formats.canonical import Event, Part

_decode: Final = msgspec.json.Decoder().decode
# Where a part that is a whole item stands beside the parts of messages.
_WHOLE: Final = -1


class _Open(msgspec.Struct):
    """A part that has begun: its number, and how much of it is known."""

    index: int
    length: int = 0
    summary: int = 0
    kind: str = ""
    ended: bool = False


class Reader:
    """See `isartor.formats.canonical.StreamReader`."""

    def __init__(self) -> None:
        """Begin at the start of a stream."""
        self._began = False
        self._over = False
        self._parts: dict[tuple[int, int], _Open] = {}
        self._kinds: list[Part] = []

    def read(self, event: str | None, data: bytes) -> list[Event]:
        """See `isartor.formats.canonical.StreamReader`."""
        if self._over or data == b"[DONE]":
            return []
        try:
            value = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            value = None
        if not isinstance(value, dict):
            message = "The provider's stream holds an event that is not a JSON object."
            raise UpstreamError(message, code="upstream_invalid_reply")
        kind = value.get("type") or event
        error = value.get("error")
        if kind == "error" or (isinstance(error, dict) and not str(kind).startswith("response.")):
            self._over = True
            return [errors.told(error if isinstance(error, dict) else value)]
        handler = _HANDLERS.get(str(kind))
        if handler is None:
            # What a tool of the provider's own is doing, citations, and whatever else there will be.
            return []
        found: list[Event] = []
        try:
            handler(self, value, found)
        except (TypeError, ValueError, AttributeError, KeyError):
            message = f"The provider's stream cannot be read: {kind} is not of the form that the API has."
            raise UpstreamError(message, code="upstream_invalid_reply") from None
        return found

    def end(self) -> list[Event]:
        """Nothing: a stream that did not say `response.completed` was cut."""
        return []

    # -- the events

    def _created(self, value: Mapping[str, Any], found: list[Event]) -> None:
        if not self._began:
            self._began = True
            response = value.get("response") or {}
            found.append(Began(str(response.get("id") or ""), str(response.get("model") or "")))

    def _item_added(self, value: Mapping[str, Any], found: list[Event]) -> None:
        item = value.get("item") or {}
        self._whole_part(_at(value), item, found)

    def _part_added(self, value: Mapping[str, Any], found: list[Event]) -> None:
        part = value.get("part") or {}
        kind = part.get("type")
        if kind in {"output_text", "refusal"}:
            self._inner_part(value, kind, found)

    def _text_delta(self, value: Mapping[str, Any], found: list[Event]) -> None:
        self._grow(self._inner_part(value, "output_text", found), value["delta"], found)

    def _text_done(self, value: Mapping[str, Any], found: list[Event]) -> None:
        self._fill(self._inner_part(value, "output_text", found), value.get("text"), found)

    def _refusal_delta(self, value: Mapping[str, Any], found: list[Event]) -> None:
        self._grow(self._inner_part(value, "refusal", found), value["delta"], found)

    def _refusal_done(self, value: Mapping[str, Any], found: list[Event]) -> None:
        self._fill(self._inner_part(value, "refusal", found), value.get("refusal"), found)

    def _part_done(self, value: Mapping[str, Any], found: list[Event]) -> None:
        part = value.get("part") or {}
        kind = part.get("type")
        if kind in {"output_text", "refusal"}:
            opened = self._inner_part(value, kind, found)
            self._fill(opened, part.get("refusal" if kind == "refusal" else "text"), found)
            self._end(opened, found)

    def _arguments_delta(self, value: Mapping[str, Any], found: list[Event]) -> None:
        opened = self._parts.get((_at(value), _WHOLE))
        if opened is not None:
            self._grow(opened, value["delta"], found)

    def _arguments_done(self, value: Mapping[str, Any], found: list[Event]) -> None:
        opened = self._parts.get((_at(value), _WHOLE))
        if opened is not None:
            text = value.get("arguments")
            self._fill(opened, value.get("input") if text is None else text, found)

    def _summary_delta(self, value: Mapping[str, Any], found: list[Event]) -> None:
        self._think(value, "summary", int(value.get("summary_index") or 0), found)

    def _thought_delta(self, value: Mapping[str, Any], found: list[Event]) -> None:
        self._think(value, "content", 0, found)

    def _think(self, value: Mapping[str, Any], kind: str, summary: int, found: list[Event]) -> None:
        opened = self._whole_part(_at(value), {"type": "reasoning", "id": value.get("item_id")}, found)
        # A provider that shows its thoughts in full may sum them up, too: one of both is enough.
        if opened is None or (opened.kind and opened.kind != kind):
            return
        opened.kind = kind
        if summary != opened.summary:
            opened.summary = summary
            if opened.length:
                self._grow(opened, "\n\n", found)
        self._grow(opened, value["delta"], found)

    def _item_done(self, value: Mapping[str, Any], found: list[Event]) -> None:
        self._complete(_at(value), value.get("item") or {}, found)

    def _completed(self, value: Mapping[str, Any], found: list[Event]) -> None:
        self._created(value, found)
        response = Members(value.get("response"), "response", upstream=True)
        for at, item in enumerate(response.items("output") or []):
            self._complete(at, item, found)
        for opened in self._parts.values():
            self._end(opened, found)
        reason = response.table("incomplete_details")
        # The event's own name decides: not every server changes the status in the object.
        status = "incomplete" if value.get("type") == "response.incomplete" else response.text("status")
        stop = reply.stop_of(status, reason, self._kinds)
        found.append(Finished(stop, usage=reply.read_usage(response.inner("usage"))))
        self._over = True

    def _failed(self, value: Mapping[str, Any], found: list[Event]) -> None:
        response = value.get("response") or {}
        self._over = True
        found.append(errors.told(response.get("error") or {"code": response.get("status")}))

    # -- the parts

    def _inner_part(self, value: Mapping[str, Any], kind: str, found: list[Event]) -> _Open:
        """The part of a message that an event speaks of; it begins if it is new."""
        key = (_at(value), int(value.get("content_index") or 0))
        opened = self._parts.get(key)
        return opened or self._begin(key, Refusal(text="") if kind == "refusal" else Text(text=""), found)

    def _whole_part(self, at: int, item: Mapping[str, Any], found: list[Event]) -> _Open | None:
        """The part that a thought or a call is; `None` for other items."""
        opened = self._parts.get((at, _WHOLE))
        if opened is not None:
            return opened
        match item.get("type"):
            case "reasoning":
                name = item.get("id")
                part: Part = Thinking(maker=NAME, id=None if name is None else str(name))
            case "function_call" | "custom_tool_call" as kind:
                name = str(item.get("call_id") or item.get("id") or "")
                part = ToolCall(id=name, name=str(item["name"]), arguments="", custom=kind == "custom_tool_call")
            case _:
                return None
        return self._begin((at, _WHOLE), part, found)

    def _begin(self, key: tuple[int, int], part: Part, found: list[Event]) -> _Open:
        if not self._began:
            self._began = True
            found.append(Began("", ""))
        opened = self._parts[key] = _Open(index=len(self._kinds))
        self._kinds.append(part)
        found.append(PartBegan(opened.index, part))
        return opened

    def _grow(self, opened: _Open, text: Any, found: list[Event]) -> None:
        if text and not opened.ended:
            if not isinstance(text, str):
                raise TypeError
            opened.length += len(text)
            found.append(PartGrew(opened.index, text))

    def _fill(self, opened: _Open, text: Any, found: list[Event]) -> None:
        """The whole text is known: say what no delta said."""
        if text and not opened.ended and len(text) > opened.length:
            self._grow(opened, text[opened.length :], found)

    def _end(self, opened: _Open, found: list[Event]) -> None:
        if not opened.ended:
            opened.ended = True
            found.append(PartEnded(opened.index))

    def _complete(self, at: int, item: Mapping[str, Any], found: list[Event]) -> None:
        """An item is complete: what of it was not streamed is made up for."""
        if item.get("type") == "message":
            for index, part in enumerate(item.get("content") or []):
                self._part_done({"output_index": at, "content_index": index, "part": part}, found)
            for key, inner in self._parts.items():
                if key[0] == at:
                    self._end(inner, found)
            return
        opened = self._whole_part(at, item, found)
        if opened is None or opened.ended:
            return
        if item.get("type") == "reasoning":
            self._complete_thought(opened, item, found)
        else:
            self._fill(opened, item.get("arguments") or item.get("input"), found)
        self._end(opened, found)

    def _complete_thought(self, opened: _Open, item: Mapping[str, Any], found: list[Event]) -> None:
        for thought in reply.read_item({**item, "type": "reasoning"}, "item"):
            if isinstance(thought, Thinking):
                if not opened.length:
                    self._grow(opened, thought.text, found)
                if thought.sealed is not None:
                    found.append(PartSealed(opened.index, thought.sealed, NAME))


_HANDLERS: Final[dict[str, Callable[[Reader, Mapping[str, Any], list[Event]], None]]] = {
    "response.created": Reader._created,  # noqa: SLF001 # its own table
    "response.in_progress": Reader._created,  # noqa: SLF001
    "response.queued": Reader._created,  # noqa: SLF001
    "response.output_item.added": Reader._item_added,  # noqa: SLF001
    "response.content_part.added": Reader._part_added,  # noqa: SLF001
    "response.output_text.delta": Reader._text_delta,  # noqa: SLF001
    "response.output_text.done": Reader._text_done,  # noqa: SLF001
    "response.refusal.delta": Reader._refusal_delta,  # noqa: SLF001
    "response.refusal.done": Reader._refusal_done,  # noqa: SLF001
    "response.content_part.done": Reader._part_done,  # noqa: SLF001
    "response.function_call_arguments.delta": Reader._arguments_delta,  # noqa: SLF001
    "response.function_call_arguments.done": Reader._arguments_done,  # noqa: SLF001
    "response.custom_tool_call_input.delta": Reader._arguments_delta,  # noqa: SLF001
    "response.custom_tool_call_input.done": Reader._arguments_done,  # noqa: SLF001
    "response.reasoning_summary_text.delta": Reader._summary_delta,  # noqa: SLF001
    "response.reasoning_text.delta": Reader._thought_delta,  # noqa: SLF001
    "response.output_item.done": Reader._item_done,  # noqa: SLF001
    "response.completed": Reader._completed,  # noqa: SLF001
    "response.incomplete": Reader._completed,  # noqa: SLF001
    "response.failed": Reader._failed,  # noqa: SLF001
    "response.cancelled": Reader._failed,  # noqa: SLF001
}


def _at(value: Mapping[str, Any]) -> int:
    return int(value.get("output_index") or 0)
