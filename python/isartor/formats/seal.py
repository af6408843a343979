"""Carries a provider's opaque state (signatures, encrypted reasoning) through a client that speaks another format.

The client sends back what it was given, as its format asks it to; only the provider that made the state can read it. It
travels as text `isartor1.<base64url of JSON>` in whatever place the client's format has for such things. Nothing in it
is secret to the client, and nothing in it is trusted: a forged one is refused by the provider that it names.
"""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from typing import Final

import msgspec

from isartor._native import holds
from isartor.formats.canonical import FormatName  # noqa: TC001 # msgspec reads the annotations at run time

_MARK: Final = "isartor1."
# As it is, or in Base64 where a format takes nothing else.
_IN_BODIES: Final = (_MARK.encode(), b64encode(_MARK.encode()))


class Sealed(msgspec.Struct, frozen=True, omit_defaults=True):
    """State of one thinking part or tool call. `maker`: whose provider made it; `id`: of the item, where it has one."""

    maker: FormatName
    sealed: str
    text: str = ""
    id: str = ""
    redacted: bool = False


def seal(state: Sealed) -> str:
    """`state` as text that a client carries along."""
    return _MARK + urlsafe_b64encode(msgspec.json.encode(state)).decode().rstrip("=")


def carried(body: bytes) -> bool:
    """Whether a body may have sealed state in it."""
    return holds(body, *_IN_BODIES)


def unseal(text: str | None) -> Sealed | None:
    """The state in `text`; `None` if it is not ours or was spoilt: then it is the client's own provider's."""
    if text is None or not text.startswith(_MARK):
        return None
    packed = text[len(_MARK) :]
    try:
        return msgspec.json.decode(urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), type=Sealed)
    except (ValueError, msgspec.DecodeError, RecursionError):
        return None
