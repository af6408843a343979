"""Pictures, documents and recordings in a part, by value (`inlineData`) or by reference (`fileData`)."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from isartor.formats.canonical import Audio, Document, Image, Media
from isartor.formats.gemini.fields import keep

if TYPE_CHECKING:
    from isartor.formats.canonical import Part
    from isartor.formats.gemini.fields import Fields

_URLSAFE: Final = str.maketrans("-_", "+/")
_STANDARD: Final = str.maketrans("+/", "-_")
_VIDEO_HOSTS: Final = frozenset({"youtube.com", "www.youtube.com", "youtu.be", "m.youtube.com"})
_OWN_HOST: Final = "generativelanguage.googleapis.com"
# First characters of the base64 of what has no type told with it.
_MAGIC: Final = (
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
    ("JVBERi", "application/pdf"),
)


def read(given: Fields) -> Image | Document | Audio | None:
    """The medium in a part; `None` (and nothing taken) if it has none that other formats know, as a video."""
    name = "inlineData" if given.has("inlineData") else "fileData"
    raw = given.shown(name)
    if not isinstance(raw, dict):
        return None
    mime = raw.get("mimeType") or raw.get("mime_type")
    uri = raw.get("fileUri") or raw.get("file_uri")
    if not isinstance(mime, str):
        mime = guess(uri) if isinstance(uri, str) else None
    kind = _kind(mime or "")
    if kind is None or (isinstance(uri, str) and _split(uri)[0] in _VIDEO_HOSTS):
        return None
    inner = given.inner(name)
    if inner is None:
        return None
    extra: dict[str, Any] = {}
    told = inner.text("mimeType")
    extra["~told"] = told is not None
    if name == "inlineData":
        found = Media(mime=mime, data=_data(inner.needed("data"), extra))
    else:
        uri = inner.needed("fileUri")
        kept = not uri.startswith(("http://", "https://")) or _split(uri)[0] == _OWN_HOST
        found = Media(mime=mime, file=uri) if kept else Media(mime=mime, url=uri)
    shown = inner.text("displayName") if kind is Document else None
    keep(extra, name, inner)
    if kind is Document:
        return Document(media=found, name=shown, extra=extra)
    return Image(media=found, extra=extra) if kind is Image else Audio(media=found, extra=extra)


def _kind(mime: str) -> type[Image | Document | Audio] | None:
    major = mime.partition("/")[0]
    if major in {"image", "audio"}:
        return Image if major == "image" else Audio
    return Document if major in {"application", "text"} else None


def _data(given: str, extra: dict[str, Any]) -> str:
    """In the alphabet that every other API wants; the SDK sends the one for addresses."""
    data = given
    if "-" in data or "_" in data:
        data = data.translate(_URLSAFE)
        extra["~urlsafe"] = True
    missing = -len(data) % 4
    if missing:
        data += "=" * missing
        extra["~unpadded"] = True
    return data


def guess(uri: str) -> str | None:
    """The type that the name at the end of an address tells."""
    return mimetypes.guess_type(_split(uri)[1])[0]


def _split(uri: str) -> tuple[str, str]:
    """Host and path of an address, empty if it is none."""
    try:
        found = urlsplit(uri)
    except ValueError:
        return "", ""
    return found.hostname or "", found.path


def sniff(data: str) -> str | None:
    """The type that the first bytes tell."""
    return next((mime for start, mime in _MAGIC if data.startswith(start)), None)


def write(part: Part) -> dict[str, Any]:
    """A part as it was."""
    assert isinstance(part, Image | Document | Audio)
    found = part.media
    inner: dict[str, Any] = {"mimeType": found.mime} if part.extra.get("~told") else {}
    if isinstance(part, Document) and part.name is not None:
        inner["displayName"] = part.name
    if found.data is None:
        inner["fileUri"] = found.file or found.url
        return {"fileData": inner}
    data = found.data
    if part.extra.get("~unpadded"):
        data = data.rstrip("=")
    inner["data"] = data.translate(_STANDARD) if part.extra.get("~urlsafe") else data
    return {"inlineData": inner}


def shown(part: Part) -> list[dict[str, Any]]:
    """A medium in a reply; nothing for what no model says."""
    if not isinstance(part, Image | Document | Audio) or part.media.file is not None:
        return []
    found = part.media
    if found.data is not None:
        mime = found.mime or sniff(found.data) or "application/octet-stream"
        return [{"inlineData": {"mimeType": mime, "data": found.data}}]
    mime = found.mime or guess(found.url or "") or "application/octet-stream"
    return [{"fileData": {"mimeType": mime, "fileUri": found.url}}]
