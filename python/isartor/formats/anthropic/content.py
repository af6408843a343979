"""The blocks of a message's content, read; `blocks` writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isartor.formats import seal
from isartor.formats.base import encode
from isartor.formats.canonical import (
    Document,
    Image,
    Media,
    Opaque,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from isartor.formats.reading import Members

if TYPE_CHECKING:
    from collections.abc import Callable

    from isartor.formats.canonical import Part

PLAIN: Final = "~plain"
"""Hint: the content was a string."""
ABSENT: Final = "~absent"
"""Hint: there was no content."""
BLOCK: Final = "~block"
"""Hint: the whole block, where the canonical part is no more than what it says to a model."""
ENABLED: Final = "citations.enabled"
"""Stands for `citations` that are asked for: they change the answer."""


def read_all(value: Any, given: Members, *, upstream: bool = False) -> tuple[list[Part], dict[str, Any]]:
    """The parts of `content`, whose value was taken from `given` already, and the hint that tells its layout."""
    if value is None:
        return [], {ABSENT: True}
    if isinstance(value, str):
        return [Text(text=value)], {PLAIN: True}
    if not isinstance(value, list):
        raise given.wrong(name="content", what="a string or an array")
    path = given.at("content")
    return [read(each, f"{path}[{at}]", upstream=upstream) for at, each in enumerate(value)], {}


def read(value: Any, path: str, *, upstream: bool = False) -> Part:
    """One block. A kind that is not known here is `Opaque`."""
    given = Members(value, path, upstream=upstream)
    kind = given.needed("type")
    if kind in {"thinking", "redacted_thinking"}:
        return _read_thinking(given, kind, upstream=upstream)
    reader = _READERS.get(kind)
    part = None if reader is None else reader(given, value)
    return Opaque(origin="anthropic", kind=kind, value=value) if part is None else part


def _read_text(given: Members, _: Any) -> Part:
    return Text(text=given.needed("text"), extra=given.rest())


def _read_image(given: Members, _: Any) -> Part | None:
    source = given.inner("source")
    if source is None:
        raise given.wrong(name="source", what="an object")
    media = _read_media(source, source.needed("type"))
    # A source with more in it than is known here is left as it is.
    return None if media is None or source.rest() else Image(media=media, extra=given.rest())


def _read_media(source: Members, kind: str) -> Media | None:
    match kind:
        case "base64":
            return Media(mime=source.needed("media_type"), data=source.needed("data"))
        case "url":
            return Media(url=source.needed("url"))
        case "file":
            return Media(file=source.needed("file_id"))
    return None


def _read_document(given: Members, _: Any) -> Part | None:
    source = given.inner("source")
    if source is None:
        raise given.wrong(name="source", what="an object")
    kind = source.needed("type")
    text: str | None = None
    extra: dict[str, Any] = {}
    if kind == "text":
        media: Media | None = Media(mime=source.needed("media_type"))
        text = source.needed("data")
    elif kind == "content":
        said = source.any("content")
        media = Media(mime="text/plain")
        text = _joined(said)
        if text is None:
            return None
        extra["~content"] = said
    else:
        media = _read_media(source, kind)
    if media is None or source.rest():
        return None
    _citations(given, extra)
    return Document(media=media, text=text, name=given.text("title"), extra=extra | given.rest())


def _joined(said: Any) -> str | None:
    """The text of blocks of text; `None` if there is anything else among them."""
    if isinstance(said, str):
        return said
    if not isinstance(said, list) or not all(isinstance(each, dict) and each.get("type") == "text" for each in said):
        return None
    return "\n".join(str(each.get("text", "")) for each in said)


def _citations(given: Members, extra: dict[str, Any]) -> None:
    """Whether the model is to cite: asked for, it changes the answer; not asked for, it is only layout."""
    citations = given.table("citations")
    if citations is not None:
        extra["~citations"] = citations
        if citations.get("enabled"):
            extra[ENABLED] = True


def _read_search_result(given: Members, value: Any) -> Part:
    """To a model it is a text with a title and a source."""
    extra: dict[str, Any] = {BLOCK: value}
    _citations(given, extra)
    text = _joined(given.any("content"))
    if text is None:
        raise given.wrong(name="content", what="an array of text blocks")
    head = f"{given.needed('title')}\nSource: {given.needed('source')}"
    return Text(text=f"{head}\n\n{text}", extra=extra | given.rest())


def _read_tool_reference(given: Members, value: Any) -> Part:
    """What a search for tools found. Other formats have every tool at hand from the start."""
    return Text(text=f"The tool {given.needed('tool_name')} is available.", extra={BLOCK: value} | given.rest())


def _read_tool_use(given: Members, _: Any) -> Part:
    call = ToolCall(id=given.needed("id"), name=given.needed("name"), extra={})
    made = given.any("input")
    if not isinstance(made, dict):
        raise given.wrong(name="input", what="an object")
    call.arguments = encode(made).decode()
    caller = given.any("caller")
    if caller is not None:
        # Only a call that the model made itself is one that another model could have made.
        call.extra["~caller" if caller == {"type": "direct"} else "caller"] = caller
    call.extra |= given.rest()
    return call


def _read_tool_result(given: Members, _: Any) -> Part:
    call = given.needed("tool_use_id")
    parts, extra = read_all(given.any("content"), given)
    failed = given.flag("is_error")
    if failed is False:
        extra["~is_error"] = False
    return ToolResult(id=call, parts=parts, failed=failed is True, extra=extra | given.rest())


def _read_thinking(given: Members, kind: str, *, upstream: bool) -> Part:
    redacted = kind == "redacted_thinking"
    text = "" if redacted else given.needed("thinking")
    sealed = given.text("data" if redacted else "signature")
    # What a provider signed is its own; what a client brings may be another provider's, packed by us.
    state = None if upstream else seal.unseal(sealed)
    if state is None:
        return Thinking(text=text, sealed=sealed, maker="anthropic", redacted=redacted, extra=given.rest())
    return Thinking(
        text=text or state.text,
        sealed=state.sealed or None,
        maker=state.maker,
        redacted=state.redacted,
        id=state.id or None,
        extra=given.rest(),
    )


_READERS: Final[dict[str, Callable[[Members, Any], Part | None]]] = {
    "text": _read_text,
    "image": _read_image,
    "document": _read_document,
    "search_result": _read_search_result,
    "tool_reference": _read_tool_reference,
    "tool_use": _read_tool_use,
    "tool_result": _read_tool_result,
}
