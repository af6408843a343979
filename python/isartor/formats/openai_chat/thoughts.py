"""What models thought, in the members that providers and gateways of this format have agreed on.

The API itself has none. DeepSeek's `reasoning_content` is the most common, Groq, Cerebras and OpenRouter say
`reasoning`, and OpenRouter adds `reasoning_details`, which carry signatures. A thought of this format keeps in
`sealed`, as JSON, what of these is not plain `reasoning_content`, so that it goes back as it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.formats import seal
from isartor.formats.canonical import Opaque, Text, Thinking

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from isartor.formats.canonical import FormatName, Part

MEMBERS: Final = ("reasoning_content", "reasoning", "reasoning_details")
_ENCRYPTED: Final = "reasoning.encrypted"
_encode: Final = msgspec.json.Encoder().encode


def text_of(said: Mapping[str, Any]) -> str:
    """The text of a thought, or of a piece of one."""
    for name in ("reasoning_content", "reasoning"):
        text = said.get(name)
        if isinstance(text, str) and text:
            return text
    details = said.get("reasoning_details")
    if not isinstance(details, list):
        return ""
    return "".join(
        str(detail.get("text") or detail.get("summary") or "") for detail in details if isinstance(detail, dict)
    )


def member_of(said: Mapping[str, Any]) -> str | None:
    """The member that a provider says its thoughts in, if it is not `reasoning_content`."""
    plain = said.get("reasoning_content")
    return "reasoning" if isinstance(said.get("reasoning"), str) and not isinstance(plain, str) else None


def details_of(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The objects among its `reasoning_details`."""
    given = said.get("reasoning_details")
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def read(said: Mapping[str, Any]) -> list[Part]:
    """The thoughts of one message: those that came through us as whoever made them left them, or the provider's own."""
    details = details_of(said)
    ours: list[Part] = [thought for detail in details if (thought := unsealed(detail)) is not None]
    if ours:
        # The text beside them says the same once more.
        return ours
    text = text_of(said)
    sealed = sealing(member_of(said), details)
    return [Thinking(text=text, sealed=sealed, maker="openai_chat")] if text or details else []


def unsealed(detail: Mapping[str, Any]) -> Thinking | None:
    """The thought of another format's provider that was given to the client in `detail`."""
    data = detail.get("data")
    state = seal.unseal(data) if isinstance(data, str) else None
    if state is None:
        return None
    return Thinking(
        text=state.text,
        sealed=state.sealed or None,
        maker=state.maker,
        redacted=state.redacted,
        id=state.id or None,
    )


def sealing(member: str | None, details: Sequence[Mapping[str, Any]]) -> str | None:
    """`sealed` of a thought that this format's provider gave."""
    kept: dict[str, Any] = {}
    if member is not None:
        kept["member"] = member
    if details:
        kept["details"] = details
    return _encode(kept).decode() if kept else None


def write(thoughts: Iterable[Thinking], *, show: bool = True) -> dict[str, Any]:
    """The members that carry `thoughts`, for a provider (only its own) or for a client. `show`: also their text."""
    texts: list[str] = []
    details: list[dict[str, Any]] = []
    member = "reasoning_content"
    for thought in thoughts:
        texts.append(thought.text)
        name, own = written_details(thought)
        member = name or member
        details += own
    text = "".join(texts)
    written: dict[str, Any] = {member: text} if text and show else {}
    if details:
        written["reasoning_details"] = details
    return written


def written_details(thought: Thinking) -> tuple[str | None, list[dict[str, Any]]]:
    """The member for a thought's text (`None`: the usual one) and its `reasoning_details`."""
    if thought.sealed is None:
        return None, []
    if thought.maker is not None and thought.maker != "openai_chat":
        return None, [{"type": _ENCRYPTED, "data": sealed(thought, thought.maker)}]
    try:
        kept = msgspec.json.decode(thought.sealed)
    except msgspec.DecodeError:
        return None, []
    # A client can forge this; what comes out is no more than it could have written itself.
    if not isinstance(kept, dict):
        return None, []
    details = kept.get("details")
    return (
        "reasoning" if kept.get("member") == "reasoning" else None,
        [each for each in details if isinstance(each, dict)] if isinstance(details, list) else [],
    )


def sealed(thought: Thinking, maker: FormatName) -> str:
    """Another provider's state, packed with its text, because a client may send the text back changed or not at all."""
    return seal.seal(
        seal.Sealed(
            maker=maker,
            sealed=thought.sealed or "",
            text=thought.text,
            id=thought.id or "",
            redacted=thought.redacted,
        )
    )


def split(parts: Sequence[Part]) -> list[Part]:
    """Mistral gives its thoughts as parts of the content, `{"type": "thinking", "thinking": [texts]}`."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, Opaque) and part.kind == "thinking":
            inner = part.value.get("thinking")
            pieces = inner if isinstance(inner, list) else [{"text": inner}]
            text = "".join(str(piece.get("text") or "") for piece in pieces if isinstance(piece, dict))
            if text:
                found.append(Thinking(text=text, maker="openai_chat"))
        elif not isinstance(part, Text) or part.text:
            found.append(part)
    return found
