"""What `thoughtSignature` carries.

Gemini's own signatures are bytes in base64, and go to no one but Gemini. Another provider's thoughts travel through a
Gemini client in the same place: `seal`ed, several of them separated by a space, and all that in base64, since the SDK
decodes and encodes it again. They stand on the part that *follows* the thought, because clients throw away thoughts but
keep what was said or called.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Final

from isartor.formats import seal
from isartor.formats.canonical import Thinking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isartor.formats.seal import Sealed

NONE: Final = frozenset({"skip_thought_signature_validator", "context_engineering_is_the_way_to_go"})
"""Stand for a signature that there is not: https://ai.google.dev/gemini-api/docs/thought-signatures."""

SKIP: Final = "skip_thought_signature_validator"

MARK: Final = "aXNhcnRvcjEu"
"""What one of ours begins with."""

_URLSAFE: Final = str.maketrans("-_", "+/")


def pack(seals: Sequence[Sealed]) -> str:
    """Other providers' state as a signature."""
    return b64encode(" ".join(map(seal.seal, seals)).encode()).decode()


def unpack(signature: str) -> list[Sealed] | None:
    """Other providers' state in a signature; `None` if it is Gemini's own."""
    if not signature.startswith(MARK):
        return None
    packed = signature.rstrip("=").translate(_URLSAFE)
    try:
        text = b64decode(packed + "=" * (-len(packed) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return []
    return [state for part in text.split(" ") if (state := seal.unseal(part)) is not None]


def sealed(thought: Thinking) -> Sealed | None:
    """State of a thought that is not Gemini's; `None` if there is nothing that anybody could read again."""
    if thought.maker in {None, "gemini"} or not (thought.sealed or thought.text):
        return None
    return seal.Sealed(
        maker=thought.maker,
        sealed=thought.sealed or "",
        text=thought.text,
        id=thought.id or "",
        redacted=thought.redacted,
    )


def thought(state: Sealed) -> Thinking:
    """The thought whose state it is."""
    return Thinking(
        text=state.text,
        sealed=state.sealed or None,
        maker=state.maker,
        redacted=state.redacted,
        id=state.id or None,
    )
