"""The parts of a message's content, read and written."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from mimetypes import guess_type
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from isartor.formats.canonical import Audio, Document, Image, Media, Opaque, Refusal, Text
from isartor.formats.openai_chat.layout import keep, put_back
from isartor.formats.reading import Members

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isartor.formats.canonical import Part
    from isartor.formats.losses import Losses

CONTENT: Final = "~content"
"""Hint in a turn's or a tool result's `extra`: whether the content was `text` (one string) or a `list`."""

_DATA_URL: Final = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),(.*)", re.DOTALL)
_FORMATS: Final = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_MIMES: Final = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}


def read(given: Members, *, upstream: bool = False) -> tuple[list[Part], dict[str, Any]]:
    """The content of a message and the hint that tells its layout. An empty string is no part."""
    value = given.any("content")
    if value is None:
        return [], {}
    if isinstance(value, str):
        return ([Text(text=value)] if value else []), {CONTENT: "text"}
    if not isinstance(value, list):
        raise given.wrong(name="content", what="a string or an array")
    path = given.at("content")
    parts = [_read_part(each, f"{path}[{at}]", upstream=upstream) for at, each in enumerate(value)]
    return parts, {CONTENT: "list"}


def _read_part(value: Any, path: str, *, upstream: bool) -> Part:
    given = Members(value, path, upstream=upstream)
    kind = given.needed("type")
    reader = _READERS.get(kind)
    if reader is None:
        return Opaque(origin="openai_chat", kind=kind, value=value)
    part = reader(given)
    part.extra |= given.rest()
    return part


def _read_text(given: Members) -> Text:
    return Text(text=given.needed("text"), extra={})


def _read_refusal(given: Members) -> Refusal:
    return Refusal(text=given.needed("refusal"), extra={})


def _read_image(given: Members) -> Image:
    value = given.any("image_url")
    extra: dict[str, Any] = {}
    # Some clients give the address itself where the object with it belongs.
    if isinstance(value, str):
        extra["~bare"] = True
        value = {"url": value}
    inner = given.of("image_url", value)
    media = _read_url(inner.needed("url"), extra)
    image = Image(media=media, detail=inner.text("detail"), extra=extra)
    keep(extra, "image_url", inner)
    return image


def _read_audio(given: Members) -> Audio:
    inner = given.of("input_audio", given.any("input_audio"))
    kind = inner.needed("format")
    mime = _FORMATS.get(kind, f"audio/{kind}")
    audio = Audio(media=Media(mime=mime, data=inner.needed("data")), extra={"~format": kind})
    keep(audio.extra, "input_audio", inner)
    return audio


def _read_file(given: Members) -> Document:
    inner = given.of("file", given.any("file"))
    extra: dict[str, Any] = {}
    data = inner.text("file_data")
    file = inner.text("file_id")
    name = inner.text("filename")
    if data is not None:
        if data.startswith("data:"):
            media = _read_url(data, extra)
        else:
            extra["~url"] = data
            media = Media(data=data)
        if media.mime is None and name is not None:
            media.mime = guess_type(name)[0]
        if file is not None:
            extra["file"] = {"file_id": file}
    elif file is not None:
        media = Media(file=file)
    else:
        raise inner.wrong(name="file_data", what="a string")
    document = Document(media=media, name=name, extra=extra)
    keep(extra, "file", inner)
    return document


_READERS: Final[dict[str, Callable[[Members], Text | Refusal | Image | Audio | Document]]] = {
    "text": _read_text,
    "refusal": _read_refusal,
    "image_url": _read_image,
    "input_audio": _read_audio,
    "file": _read_file,
}


def _read_url(url: str, extra: dict[str, Any]) -> Media:
    """An address, or the bytes in a `data:` one; `~url` keeps it as it was if it cannot be made again from those."""
    found = _DATA_URL.fullmatch(url)
    if found is None:
        return Media(url=url)
    mime, parameters, data = found.groups()
    if not parameters.endswith(";base64"):
        data = b64encode(unquote_to_bytes(data)).decode()
    media = Media(mime=mime or None, data=data)
    if address(media) != url:
        extra["~url"] = url
    return media


def address(media: Media) -> str:
    """Where the bytes are: an address, or one that holds them."""
    if media.url is not None:
        return media.url
    return f"data:{media.mime or 'application/octet-stream'};base64,{media.data}"


# -- the other direction


def write(parts: Sequence[Part], losses: Losses, *, own: bool) -> list[dict[str, Any]]:
    """The content parts of a user's message, each as its object. `own`: they were read from this format."""
    return [write_one(part, losses, own=own) for part in parts]


def write_one(part: Part, losses: Losses, *, own: bool) -> dict[str, Any]:
    """One content part as its object."""
    match part:
        case Text():
            written: dict[str, Any] = {"type": "text", "text": part.text}
        case Opaque():
            return opaque(part, losses)
        case Refusal():
            written = {"type": "refusal", "refusal": part.text}
        case Image():
            written = {"type": "image_url", "image_url": _write_image(part, losses, own=own)}
        case Audio():
            written = {"type": "input_audio", "input_audio": _write_audio(part, losses)}
        case Document():
            file = _write_file(part, losses, own=own)
            written = {"type": "text", "text": file} if isinstance(file, str) else {"type": "file", "file": file}
        case _:
            # A thought, a call or a result among a user's parts: no format's reader puts it there.
            losses.refuse("messages[].content[]")
    if own:
        return put_back(written, part.extra)
    if part.extra:
        losses.extras("part", part.extra)
    return written


def opaque(part: Opaque, losses: Losses) -> dict[str, Any]:
    """A part of this format as it was; another format's is refused or dropped as its table says."""
    if part.origin == "openai_chat" and isinstance(part.value, dict):
        return part.value
    losses.without(part.kind)
    # Dropped: an empty text stands for it, which says nothing to any model.
    return {"type": "text", "text": ""}


def _write_image(part: Image, losses: Losses, *, own: bool) -> Any:
    if part.media.file is not None:
        losses.without("image")
    url = part.extra.get("~url") or address(part.media)
    if part.extra.get("~bare"):
        return url
    if part.detail is None:
        return {"url": url}
    # The Responses API knows one more.
    return {"url": url, "detail": "high" if part.detail == "original" and not own else part.detail}


def _write_audio(part: Audio, losses: Losses) -> dict[str, Any]:
    kind = part.extra.get("~format") or _MIMES.get(part.media.mime or "")
    if kind is None or part.media.data is None:
        losses.without("audio")
    return {"data": part.media.data, "format": kind}


def _write_file(part: Document, losses: Losses, *, own: bool) -> dict[str, Any] | str:
    """The `file` object, or the text of a document that is nothing but text."""
    media = part.media
    written: dict[str, Any] = {}
    if media.file is not None:
        if not own:
            losses.without("document")
        written["file_id"] = media.file
    elif part.text is not None:
        return titled(part.name, part.text)
    elif media.data is None:
        # An address: this API fetches pictures, not documents.
        losses.without("document")
    elif not own and (media.mime or "").startswith("text/"):
        try:
            text = b64decode(media.data).decode("utf-8", "replace")
        except ValueError:
            losses.refuse(losses.called("document"), "its data is not base64")
        return titled(part.name, text)
    else:
        written["file_data"] = part.extra.get("~url") or address(media)
        if part.name is None and not own:
            written["filename"] = "document.pdf" if media.mime == "application/pdf" else "document"
    if part.name is not None:
        written["filename"] = part.name
    return written


def titled(name: str | None, text: str) -> str:
    """A document's text as part of a message, under its name."""
    return text if not name else f"{name}\n\n{text}"


def texts(parts: Sequence[Part]) -> list[str]:
    """The texts among `parts`."""
    return [part.text for part in parts if isinstance(part, Text)]
