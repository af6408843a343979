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
# The name and what follows it: a string, which the end of the text may have cut off, in quotes that a string around it
# may have escaped; or a flat object or list; or the beginning of a deeper one, behind which nothing more is shown. In
# doubt more is taken for the value, never less.
_INSIDE: Final = r'(?:[^\[\]{}"]|"(?:[^"\\]|\\.)*")*'
_IN_TEXT: Final = re.compile(
    rf"""(?P<quote>\\{{0,7}}")(?:{_NAMES})(?P=quote)\s*:\s*
    (?: (?P<open>\\{{0,7}}") .*? (?P<close>(?<!\\)(?P=open)|\Z)
      | (?P<nested>\[{_INSIDE}\]|\{{{_INSIDE}\}}|[\[{{].*) )""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_VALUE: Final = re.compile(r':\s*(?:\\*"|[\[{])')


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
    """A text in which members of JSON may stand."""
    return redact(_IN_TEXT.sub(_masked, found))


def _masked(found: re.Match[str]) -> str:
    start = found[0]
    value = _VALUE.search(start)
    assert value is not None
    if found["nested"] is not None:
        return f'{start[: value.end() - 1]}"{MASK}"'
    return f"{start[: value.end()]}{MASK}{found['close']}"


def _members(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: MASK if name.lower() in MEMBERS and inner is not None else _members(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_members(inner) for inner in value]
    if isinstance(value, str) and '"' in value:
        return _IN_TEXT.sub(_masked, value)
    return value
