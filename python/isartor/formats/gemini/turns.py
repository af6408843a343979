"""Turns of another format's request, written as `systemInstruction` and `contents`.

Gemini wants the answers to all calls of one turn together in the next one, right after it, and knows no system texts
between the turns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import DecodeError
from msgspec.json import decode

from isartor.formats.canonical import (
    Audio,
    Document,
    Image,
    Opaque,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from isartor.formats.gemini import media, signatures, thinking
from isartor.formats.gemini.tools import INPUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isartor.formats.canonical import Part, Prompt, Turn
    from isartor.formats.losses import Losses

_SYSTEM: Final = frozenset({"system", "developer"})
# What may stand inside a tool's result since Gemini 3.
_SHOWN: Final = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"})

Json = dict[str, Any]


def write(prompt: Prompt, losses: Losses) -> tuple[list[Json], list[Json]]:
    """The parts of the system instruction, and the contents."""
    writer = _Writer(prompt, losses)
    said = list(prompt.turns)
    system: list[Json] = []
    # Something has to be said besides it.
    while len(said) > 1 and said[0].role in _SYSTEM:
        system += writer.parts(said.pop(0))
    for turn in said:
        writer.turn(turn)
    return system, writer.contents


class _Writer:
    def __init__(self, prompt: Prompt, losses: Losses) -> None:
        self.contents: list[Json] = []
        self._losses = losses
        self._new = thinking.has_levels(prompt.model)
        self._only_system = all(turn.role in _SYSTEM for turn in prompt.turns)
        self._names = {part.id: part.name for turn in prompt.turns for part in turn.parts if isinstance(part, ToolCall)}
        # For each call the content that it is in, and for that the content with the results.
        self._calls: dict[str, Json] = {}
        self._answers: dict[int, Json] = {}
        self._nothing: Json = {}

    def turn(self, turn: Turn) -> None:
        """Add what one turn says."""
        results = [part for part in turn.parts if isinstance(part, ToolResult)]
        if results:
            self._results(results)
        if turn.role == "assistant":
            parts = self.parts(turn)
            if parts:
                self._model(parts)
            return
        parts = self.parts(turn)
        if turn.role in _SYSTEM and not self._only_system:
            parts = _marked(parts)
        if parts:
            self.contents.append({"role": "user", "parts": parts})

    def parts(self, turn: Turn) -> list[Json]:
        """Everything that a turn says but the results."""
        self._losses.extras("turn", turn.extra)
        if turn.name is not None:
            self._losses.without("turn_name")
        return [each for part in turn.parts if not isinstance(part, ToolResult) for each in self._part(part)]

    def _model(self, parts: list[Json]) -> None:
        """More of the model's turn. Gemini 3 wants a signature on its first call, even if another model made it."""
        if self.contents and self.contents[-1]["role"] == "model":
            self.contents[-1]["parts"] += parts
        else:
            self.contents.append({"role": "model", "parts": parts})
        calls = [part for part in self.contents[-1]["parts"] if "functionCall" in part]
        if calls and self._new:
            calls[0].setdefault("thoughtSignature", signatures.SKIP)
        for call in calls:
            self._calls[call["functionCall"]["id"]] = self.contents[-1]

    def _part(self, part: Part) -> list[Json]:
        if isinstance(part, Opaque):
            if part.origin == "gemini" and isinstance(part.value, dict):
                return [part.value]
            self._losses.without(part.kind)
            return []
        self._losses.extras("part", part.extra)
        match part:
            case Text() | Refusal():
                # An empty text is an error here.
                written = [{"text": part.text}] if part.text else []
            case Thinking():
                written = self._thought(part)
            case ToolCall():
                written = [_call(part)]
            case Image() | Document() | Audio():
                written = self._medium(part)
            case _:
                written = []
        return written

    def _thought(self, part: Thinking) -> list[Json]:
        if part.maker != "gemini":
            self._losses.without("thinking")
            return []
        if not part.text and not part.sealed:
            return []
        written: Json = {"text": part.text, "thought": True} if part.text else {"text": ""}
        if part.sealed:
            written["thoughtSignature"] = part.sealed
        return [written]

    def _medium(self, part: Image | Document | Audio) -> list[Json]:
        if isinstance(part, Image) and part.detail not in {None, "auto"}:
            self._losses.without("detail")
        named: list[Json] = []
        if isinstance(part, Document):
            if part.text is not None:
                return [{"text": f"{part.name}\n\n{part.text}" if part.name else part.text}]
            if part.name:
                # The API takes no name with a file, and people refer to files by it.
                named = [{"text": part.name}]
        found = part.media
        if found.file is not None:
            self._losses.refuse(
                self._losses.called(type(part).__name__.lower()), "a file that the client's own provider keeps"
            )
        if found.data is not None:
            mime = found.mime or media.sniff(found.data) or _default(part)
            return [*named, {"inlineData": {"mimeType": mime, "data": found.data}}]
        uri = found.url or ""
        return [*named, {"fileData": {"mimeType": found.mime or media.guess(uri) or _default(part), "fileUri": uri}}]

    def _results(self, results: Sequence[ToolResult]) -> None:
        """The results of all calls together, and after them what of them cannot stand inside."""
        for result in results:
            beside: list[Json] = []
            written = self._result(result, beside)
            parts = self._answer(result.id)["parts"]
            parts += [written, *beside]
            parts.sort(key=lambda part: "functionResponse" not in part)

    def _answer(self, call: str) -> Json:
        """The content for the result of a call: right after that of the call, whatever was said since."""
        asked = self._calls.get(call, self.contents[-1] if self.contents else self._nothing)
        if id(asked) not in self._answers:
            at = next((at for at, content in enumerate(self.contents, 1) if content is asked), 0)
            self._answers[id(asked)] = {"role": "user", "parts": []}
            self.contents.insert(at, self._answers[id(asked)])
        return self._answers[id(asked)]

    def _result(self, result: ToolResult, beside: list[Json]) -> Json:
        self._losses.extras("part", result.extra)
        texts: list[str] = []
        inside: list[Json] = []
        for part in result.parts:
            for each in self._part(part):
                if "text" in each:
                    texts.append(each["text"])
                elif self._new and each.get("inlineData", {}).get("mimeType") in _SHOWN:
                    inside.append(each)
                else:
                    beside.append(each)
        name = result.name or self._names.get(result.id) or "tool"
        word = "error" if result.failed else "output"
        response: Json = {"id": result.id, "name": name, "response": {word: "\n".join(texts)}}
        if inside:
            response["parts"] = inside
        return {"functionResponse": response}


def _marked(parts: list[Json]) -> list[Json]:
    """A system text between the turns: the user says it here, so it is told apart."""
    return [{"text": f"<system>\n{each['text']}\n</system>"} if "text" in each else each for each in parts]


def _default(part: Image | Document | Audio) -> str:
    if isinstance(part, Image):
        return "image/jpeg"
    return "audio/wav" if isinstance(part, Audio) else "application/pdf"


def _call(call: ToolCall) -> Json:
    written: Json = {"functionCall": {"id": call.id, "name": call.name, "args": arguments(call)}}
    if call.sealed is not None:
        written["thoughtSignature"] = call.sealed
    return written


def arguments(call: ToolCall) -> Json:
    """The arguments as an object; text that is none as the one member that stands for it."""
    if call.custom:
        return {INPUT: call.arguments}
    found = parsed(call.arguments)
    return {INPUT: call.arguments} if found is None else found


def parsed(text: str) -> Json | None:
    """The object in `text`, empty if there is no text; `None` if it is no object."""
    if not text.strip():
        return {}
    try:
        found = decode(text.encode())
    except (DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
