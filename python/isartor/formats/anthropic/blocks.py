"""The blocks of a message's content, written for a provider; `content` reads them."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final

from msgspec import DecodeError
from msgspec.json import decode

from isartor.formats.anthropic.content import ABSENT, BLOCK, ENABLED, PLAIN
from isartor.formats.canonical import Audio, Document, Image, Opaque, Refusal, Text, Thinking, ToolCall, ToolResult
from isartor.formats.reading import restore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isartor.formats.canonical import Media, Part
    from isartor.formats.losses import Losses

# Hints that stand for a member of the same name.
_QUIET: Final = ("caller", "citations")
_NO_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")
_MARKER: Final = "cache_control"
_MIMES: Final = {"image/jpg": "image/jpeg"}
_TEXTS: Final = ("text/", "application/json", "application/xml", "application/yaml", "application/x-yaml")


class Blocks:
    """Writes the blocks of a request for a provider."""

    def __init__(self, losses: Losses, *, own: bool) -> None:
        """`own`: the request was read from this format, and everything goes back to where it was."""
        self._losses = losses
        self._own = own

    def all(self, parts: Sequence[Part]) -> list[dict[str, Any]]:
        """Every block that there is to write."""
        return [block for part in parts if (block := self.one(part)) is not None]

    def one(self, part: Part) -> dict[str, Any] | None:
        """One block; `None` for what says nothing or is dropped."""
        if isinstance(part, Opaque):
            return self._opaque(part)
        written = part.extra.get(BLOCK) if self._own else None
        return written if written is not None else self._finish(self._write(part), part.extra)

    def _write(self, part: Part) -> dict[str, Any] | None:
        written: dict[str, Any] | None = None
        match part:
            case Text() | Refusal():
                written = self._text(part.text)
            case Image():
                written = self._image(part)
            case Document():
                written = self._document(part)
            case ToolCall():
                written = self._call(part)
            case ToolResult():
                written = self._result(part)
            case Thinking():
                written = self._thinking(part)
            case Audio():
                self._losses.without("audio")
        return written

    def _finish(self, written: dict[str, Any] | None, extra: Mapping[str, Any]) -> dict[str, Any] | None:
        if not self._own:
            self._losses.extras("part", keep_marker(extra, written))
        elif written is not None:
            restore(written, {name: value for name, value in extra.items() if name != ENABLED})
            for name in _QUIET:
                if "~" + name in extra:
                    written[name] = extra["~" + name]
        return written

    def _opaque(self, part: Opaque) -> dict[str, Any] | None:
        if part.origin == "anthropic" and isinstance(part.value, dict):
            return part.value
        self._losses.without(part.kind)
        return None

    def _text(self, text: str) -> dict[str, Any] | None:
        # The API refuses a text without a visible character.
        return {"type": "text", "text": text} if self._own or text.strip() else None

    def _image(self, part: Image) -> dict[str, Any] | None:
        if part.detail not in {None, "auto"}:
            self._losses.without("detail")
        source = self._source(part.media, "image", "image/png")
        return None if source is None else {"type": "image", "source": source}

    def _source(self, media: Media, what: str, mime: str) -> dict[str, Any] | None:
        """Bytes or an address. Only the client's own provider can read an address of another kind, or its files."""
        if media.data is not None:
            mime = media.mime or mime
            return {"type": "base64", "media_type": _MIMES.get(mime, mime), "data": media.data}
        if media.url is not None and (self._own or media.url.startswith(("http://", "https://"))):
            return {"type": "url", "url": media.url}
        if self._own and media.file is not None:
            return {"type": "file", "file_id": media.file}
        self._losses.without(what)
        return None

    def _document(self, part: Document) -> dict[str, Any] | None:
        source = self._content(part)
        if source is None:
            return None
        written: dict[str, Any] = {"type": "document", "source": source}
        if part.name is not None:
            written["title"] = part.name
        return written

    def _content(self, part: Document) -> dict[str, Any] | None:
        mime = part.media.mime or ""
        text = part.text
        if self._own and "~content" in part.extra:
            return {"type": "content", "content": part.extra["~content"]}
        if text is None and part.media.data is not None and not self._own:
            text = _decoded(part.media.data) if mime.startswith(_TEXTS) else None
            if text is None and mime not in {"", "application/pdf"}:
                self._losses.without("document")
                return None
        if text is not None:
            return {"type": "text", "media_type": "text/plain", "data": text}
        return self._source(part.media, "document", "application/pdf")

    def _call(self, part: ToolCall) -> dict[str, Any]:
        if part.sealed is not None:
            self._losses.without("thinking")
        made = {"input": part.arguments} if part.custom else arguments(part.arguments)
        return {"type": "tool_use", "id": self._id(part.id), "name": part.name, "input": made}

    def _result(self, part: ToolResult) -> dict[str, Any]:
        written: dict[str, Any] = {"type": "tool_result", "tool_use_id": self._id(part.id)}
        blocks = self.all(part.parts)
        if self._own:
            if PLAIN in part.extra:
                written["content"] = blocks[0]["text"]
            elif ABSENT not in part.extra:
                written["content"] = blocks
            if part.failed or "~is_error" in part.extra:
                written["is_error"] = part.failed
            return written
        if part.failed:
            # The API wants text with an error, and nothing but text.
            written["is_error"] = all(block["type"] == "text" for block in blocks)
            if not blocks or not written["is_error"]:
                blocks.insert(0, {"type": "text", "text": "Error"})
        if blocks:
            only = blocks[0].keys() == {"type", "text"} and len(blocks) == 1
            written["content"] = blocks[0]["text"] if only else blocks
        return written

    def _thinking(self, part: Thinking) -> dict[str, Any] | None:
        if part.maker != "anthropic":
            self._losses.without("thinking")
            return None
        if part.redacted:
            return {"type": "redacted_thinking", "data": part.sealed}
        written: dict[str, Any] = {"type": "thinking", "thinking": part.text}
        if part.sealed is not None:
            written["signature"] = part.sealed
        elif not self._own:
            # Without its signature the API does not take it.
            return None
        return written

    def _id(self, name: str) -> str:
        """Call and result change alike, so that they still belong together."""
        return name if self._own else _NO_ID.sub("_", name) or "_"


def keep_marker(extra: Mapping[str, Any], written: dict[str, Any] | None) -> dict[str, Any]:
    """Keep `cache_control`, which clients of other formats that know about Claude send as well; gives the rest."""
    rest = dict(extra)
    if written is not None and written.get("type") != "thinking" and isinstance(rest.get(_MARKER), dict):
        written[_MARKER] = rest.pop(_MARKER)
    return rest


def arguments(text: str) -> dict[str, Any]:
    """A call's arguments as the object that they must be here."""
    try:
        made = decode(text) if text.strip() else {}
    except (DecodeError, UnicodeDecodeError, RecursionError):
        made = None
    # A model's broken JSON stands in the history of a conversation that goes on: shown as it is, it does no harm.
    return made if isinstance(made, dict) else {"arguments": text}


def _decoded(data: str) -> str | None:
    try:
        return b64decode(data).decode()
    except (ValueError, UnicodeDecodeError):
        return None
