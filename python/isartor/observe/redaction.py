"""What may be shown of a request and its reply: credentials are replaced wherever they are recognised.

By the name of a header, of a query parameter, or of a member of a body at any depth, also inside a JSON text that is
the value of another member; and by their looks, as in log lines. A body that is no JSON, such as a stream or one that
is cut off, is searched as text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

import msgspec

from isartor.observe.logs import MASK, redact

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADERS: Final = frozenset({"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie", "set-cookie"})
"""Headers whose value is never shown, beside those whose name says what they carry."""
MEMBERS: Final = frozenset(
    {
        "access_token",
        "api-key",
        "api_key",
        "apikey",
        "authorization",
        "authorization_token",
        "client_secret",
        "external_llm_api_key",
        "gateway_api_key",
        "password",
        "provider_keys",
        "proxy-authorization",
        "refresh_token",
        "token",
        "x-api-key",
        "x-goog-api-key",
    }
)
"""Members of a body whose value is never shown, in lower case."""

_HEADER: Final = re.compile(
    r"authorization|api[-_]?key|cookie|secret|credential|password|assertion|jwt|(?:^|[-_])token$|(?:^|[-_])auth$"
)
_PARAMETERS: Final = MEMBERS | {"key", "auth", "secret"}
_NAMES: Final = "|".join(sorted((re.escape(name) for name in MEMBERS), key=len, reverse=True))
# A name, and the beginning of its value: in quotes that the strings around it may have escaped, again and again.
_MEMBER: Final = re.compile(
    rf'(?P<slashes>\\{{0,15}})"(?:{_NAMES})(?P=slashes)"\s*:\s*(?P<begins>(?P=slashes)"|[\[{{])', re.IGNORECASE
)
_MARK: Final = re.compile(r'(?<!\\)(?P<slashes>\\*)"|[\[{\]}]')


def headers(lines: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Header lines by name, in lower case; a repeated one joined."""
    shown: dict[str, str] = {}
    for line, text in lines:
        name = line.lower()
        value = MASK if name in HEADERS or _HEADER.search(name) else redact(text)
        shown[name] = f"{shown[name]}, {value}" if name in shown else value
    return shown


def target(path: str, query: str) -> str:
    """Path and query; the values of parameters that carry a credential are not shown."""
    if not query:
        return path
    shown = []
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        shown.append(f"{name}{equals}{MASK if unquote_plus(name).lower() in _PARAMETERS else redact(value)}")
    return f"{path}?{'&'.join(shown)}"


def body(content: bytes, *, whole: bool) -> str:
    """A body as text. `whole`: it is all there, and is read as JSON if it is."""
    if whole:
        try:
            return redact(msgspec.json.encode(_members(msgspec.json.decode(content))).decode())
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
    return text(content.decode(errors="replace"))


def text(found: str) -> str:
    """A text in which members of JSON may stand. A value that does not end is taken to go on to the text's end."""
    return redact(_searched(found))


def _searched(found: str) -> str:
    pieces = []
    position = 0
    while (member := _MEMBER.search(found, position)) is not None:
        slashes = len(member["slashes"])
        quote = member["slashes"] + '"'
        end = _end(found, member.start("begins"), slashes)
        pieces += [found[position : member.start("begins")], quote, MASK, quote]
        position = end
    pieces.append(found[position:])
    return "".join(pieces)


def _end(found: str, start: int, slashes: int) -> int:
    """Where the value ends that begins at `start`, in JSON whose quotes have so many backslashes in front.

    A quote inside a string has twice as many and one more, and each backslash of the string itself adds as many as both
    together. With fewer, it is the end of a string around the JSON.
    """
    depth, inside = 0, False
    for mark in _MARK.finditer(found, start):
        if mark["slashes"] is None:
            if not inside:
                depth += 1 if mark[0] in "[{" else -1
        else:
            more = len(mark["slashes"]) - slashes
            if more < 0:
                return mark.start()
            if more % (2 * slashes + 2) == 0:
                inside = not inside
        if depth <= 0 and not inside:
            return mark.end()
    return len(found)


def _members(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: MASK if name.lower() in MEMBERS and inner is not None else _members(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_members(inner) for inner in value]
    if isinstance(value, str) and '"' in value:
        return _searched(value)
    return value
