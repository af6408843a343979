"""The parts of a message's content and of a tool's output, read and written."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from isartor.formats.canonical import Audio, Document, Image, Media, Opaque, Refusal, Text
from isartor.formats.openai_responses.layout import NAME, put_back
from isartor.formats.reading import Members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from isartor.formats.canonical import Part
    from isartor.formats.losses import Losses

_TYPE: Final = "~type"
_URL: Final = "~url"
_DATA_URL: Final = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),(.*)", re.DOTALL)
_PDF: Final = "application/pdf"


def read(values: Iterable[Any], path: str, *, upstream: bool = False) -> list[Part]:
    """The parts of a list."""
    return [_read(value, f"{path}[{at}]", upstream=upstream) for at, value in enumerate(values)]


def _read(value: Any, path: str, *, upstream: bool) -> Part:
    given = Members(value, path, upstream=upstream)
    kind = given.needed("type")
    reader = _READERS.get(kind)
    if reader is None:
        return Opaque(origin=NAME, kind=kind, value=value)
    part = reader(given)
    part.extra = {**part.extra, _TYPE: kind, **given.rest()}
    return part


def _read_text(given: Members) -> Text:
    return Text(text=given.needed("text"))


def _read_refusal(given: Members) -> Refusal:
    return Refusal(text=given.needed("refusal"))


def _read_image(given: Members) -> Image:
    extra: dict[str, Any] = {}
    url = given.text("image_url")
    media = Media(file=given.needed("file_id")) if url is None else _read_url(url, extra)
    return Image(media=media, detail=given.text("detail"), extra=extra)


def _read_file(given: Members) -> Document:
    extra: dict[str, Any] = {}
    name = given.text("filename")
    data = given.text("file_data")
    if data is not None:
        media = _read_url(data, extra) if data.startswith("data:") else Media(mime=_guess(name), data=data)
        if not data.startswith("data:"):
            extra[_URL] = data
    else:
        url = given.text("file_url")
        media = Media(url=url) if url is not None else Media(file=given.needed("file_id"))
    return Document(media=media, name=name, extra=extra)


def _read_audio(given: Members) -> Audio:
    inner = given.inner("input_audio")
    if inner is None:
        raise given.wrong(name="input_audio", what="an object")
    kind = inner.needed("format")
    mime = "audio/mpeg" if kind == "mp3" else f"audio/{kind}"
    return Audio(media=Media(mime=mime, data=inner.needed("data")), extra={"~format": kind})


_READERS: Final[dict[str, Callable[[Members], Text | Refusal | Image | Audio | Document]]] = {
    "input_text": _read_text,
    "output_text": _read_text,
    "text": _read_text,
    "refusal": _read_refusal,
    "input_image": _read_image,
    "input_file": _read_file,
    "input_audio": _read_audio,
}


def _guess(name: str | None) -> str | None:
    return _PDF if name is None or name.lower().endswith(".pdf") else None


def _read_url(url: str, extra: dict[str, Any]) -> Media:
    """An address, or the bytes in a `data:` one; `~url` keeps it as it was if it cannot be made again from those."""
    found = _DATA_URL.fullmatch(url)
    if found is None:
        return Media(url=url)
    mime, parameters, data = found.groups()
    if not parameters.endswith(";base64"):
        data = b64encode(unquote_to_bytes(data)).decode()
    media = Media(mime=mime or None, data=data)
    if _url(media) != url:
        extra[_URL] = url
    return media


def _url(media: Media) -> str:
    if media.url is not None:
        return media.url
    return f"data:{media.mime or 'application/octet-stream'};base64,{media.data}"


# -- write


def write_own(part: Part) -> Any:
    """A part of this format, as it was."""
    match part:
        case Opaque():
            return part.value
        case Text():
            written: dict[str, Any] = {"text": part.text}
        case Refusal():
            written = {"refusal": part.text}
        case Image():
            written = {**_own_media(part.media, part.extra, "image_url", "image_url"), "detail": part.detail}
        case Document():
            written = {**_own_media(part.media, part.extra, "file_url", "file_data"), "filename": part.name}
        case Audio():
            written = {"input_audio": {"data": part.media.data, "format": part.extra["~format"]}}
        case _:
            # A thought, a call or a result is an item, never a part of one.
            written = {}
    said = {name: value for name, value in written.items() if value is not None}
    return put_back({"type": part.extra[_TYPE], **said}, part.extra)


def _own_media(media: Media, extra: Mapping[str, Any], address: str, data: str) -> dict[str, Any]:
    if media.file is not None:
        return {"file_id": media.file}
    if media.url is not None:
        return {address: media.url}
    return {data: extra.get(_URL) or _url(media)}


def write(part: Part, losses: Losses, *, said: bool = False) -> dict[str, Any] | None:
    """A part of another format's request, or nothing if it was dropped. `said`: by the assistant."""
    if isinstance(part, Opaque):
        losses.without(part.kind)
        return None
    losses.extras("part", part.extra)
    match part:
        case Text() | Document(text=str()):
            return _text(_titled(part), said=said)
        case Refusal():
            return {"type": "refusal", "refusal": part.text} if said else _text(part.text)
        case Image() | Document() if part.media.file is not None:
            losses.refuse(losses.called(_word(part)), "a file that only the client's own provider keeps")
        case Image() if not said:
            return {"type": "input_image", "image_url": _url(part.media), "detail": part.detail or "auto"}
        case Document() if not said:
            return _document(part, losses)
        case _:
            losses.without(_word(part))
    return None


def _word(part: Part) -> str:
    return type(part).__name__.lower()


def _text(text: str, *, said: bool = False) -> dict[str, Any] | None:
    return {"type": "output_text" if said else "input_text", "text": text} if text else None


def _document(part: Document, losses: Losses) -> dict[str, Any] | None:
    media = part.media
    if media.url is not None:
        return {"type": "input_file", "file_url": media.url}
    if (media.mime or "").startswith("text/"):
        try:
            text = b64decode(media.data or "").decode("utf-8", "replace")
        except ValueError:
            losses.refuse(losses.called("document"), "its data is not base64")
        return _text(_titled(Document(media=media, name=part.name, text=text)))
    name = part.name or ("document.pdf" if media.mime in {None, _PDF} else "document")
    return {"type": "input_file", "filename": name, "file_data": _url(Media(mime=media.mime or _PDF, data=media.data))}


def _titled(part: Text | Document) -> str:
    """A text; that of a document under its name."""
    name = part.name if isinstance(part, Document) else None
    return f"{name}\n\n{part.text}" if name else part.text or ""
