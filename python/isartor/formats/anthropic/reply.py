"""Replies of the messages API, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from isartor.errors import UpstreamError
from isartor.formats import reading, seal
from isartor.formats.anthropic import blocks, content, errors
from isartor.formats.base import encode
from isartor.formats.canonical import Opaque, Refusal, Reply, Text, Thinking, ToolCall, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isartor.formats.canonical import FormatName, Part, Prompt, Stop

_STOPS: Final[Mapping[str, Stop]] = {
    "end_turn": "end",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "compaction": "pause",
    "refusal": "refusal",
}
_REASONS: Final[Mapping[Stop, str]] = {
    "end": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "stop_sequence": "stop_sequence",
    "filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
}
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})


def read(body: bytes) -> Reply:
    """A provider's reply."""
    given = reading.body(body, upstream=True)
    if given.any("type") == "error":
        failed = errors.read(0, body)
        raise UpstreamError(f"The provider sent an error in place of a reply: {failed.message}", code=failed.code)
    parts, _ = content.read_all(given.any("content"), given, upstream=True)
    reason = given.text("stop_reason")
    return Reply(
        id=given.text("id") or "",
        model=given.text("model") or "",
        parts=parts,
        stop=stop_of(reason),
        stop_sequence=given.text("stop_sequence"),
        usage=usage_of(given.table("usage")),
        told=known(reason),
    )


def stop_of(reason: str | None) -> Stop:
    """Why it ended; a reason that is not known is the plain end."""
    return _STOPS.get(reason or "", "end")


def known(reason: object) -> bool:
    """Whether `stop_of` knows this word."""
    return isinstance(reason, str) and reason in _STOPS


def usage_of(said: Any, before: Usage | None = None) -> Usage | None:
    """Tokens. Here those read from and written to the cache are not in `input_tokens`.

    `before`: what the stream said at its start. Later numbers are totals; those that are missing or smaller, because a
    provider does not repeat them, have not changed.
    """
    if not isinstance(said, dict):
        return before
    old = before or Usage()
    cached = _count(said, "cache_read_input_tokens", old.cached)
    cache_write = _count(said, "cache_creation_input_tokens", old.cache_write)
    details = said.get("output_tokens_details")
    return Usage(
        input=_count(said, "input_tokens", old.input - old.cached - old.cache_write) + cached + cache_write,
        output=_count(said, "output_tokens", old.output),
        cached=cached,
        cache_write=cache_write,
        reasoning=_count(details if isinstance(details, dict) else {}, "thinking_tokens", old.reasoning),
    )


def _count(said: Mapping[str, Any], name: str, otherwise: int) -> int:
    value = said.get(name)
    return max(value, otherwise) if isinstance(value, int) else otherwise


def write(reply: Reply, prompt: Prompt) -> bytes:
    """The reply for a client."""
    show = shows(prompt)
    said: list[dict[str, Any]] = []
    for part in reply.parts:
        said += _blocks(part, show=show)
    if not _THOUGHTS.issuperset([block["type"] for block in said]):
        # Not as the last block: clients take the answer from that one, and the API refuses a thought there.
        while said[-1]["type"] in _THOUGHTS and not said[-1].get("thinking"):
            said.pop()
    made = head(reply.id, reply.model or prompt.model, reply.usage)
    made["content"] = said
    made |= ending(reply.stop, reply.stop_sequence, calls=ToolCall in map(type, reply.parts))
    return encode(made)


def head(name: str, model: str, usage: Usage | None) -> dict[str, Any]:
    """A message as it begins: nothing said, and no reason to stop."""
    return {
        "id": identifier(name),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": tokens(usage),
    }


def identifier(name: str) -> str:
    """A message's id as clients know it."""
    if not name:
        return f"msg_{uuid4().hex}"
    return name if name.startswith("msg_") else f"msg_{name}"


def ending(stop: Stop, stop_sequence: str | None, *, calls: bool) -> dict[str, Any]:
    """The members that say why a message ended. `calls`: there are calls in it, whatever the provider said."""
    if calls and stop == "end":
        stop = "tool_calls"
    made: dict[str, Any] = {"stop_reason": _REASONS[stop], "stop_sequence": stop_sequence}
    if stop in {"filter", "refusal"}:
        made["stop_details"] = {"type": "refusal", "category": None, "explanation": None}
    return made


def tokens(usage: Usage | None) -> dict[str, Any]:
    """The `usage` object."""
    used = usage or Usage()
    made: dict[str, Any] = {
        "input_tokens": max(used.input - used.cached - used.cache_write, 0),
        "cache_creation_input_tokens": used.cache_write,
        "cache_read_input_tokens": used.cached,
        "output_tokens": used.output,
    }
    if used.reasoning:
        made["output_tokens_details"] = {"thinking_tokens": used.reasoning}
    return made


def shows(prompt: Prompt) -> bool:
    """Whether the client wants to see thoughts; otherwise they travel unseen."""
    return prompt.reasoning is None or prompt.reasoning.show is not False


def _blocks(part: Part, *, show: bool) -> list[dict[str, Any]]:
    match part:
        case Text() | Refusal():
            return [{"type": "text", "text": part.text}] if part.text else []
        case Thinking():
            return thought(part, show=show)
        case ToolCall():
            call = {
                "type": "tool_use",
                "id": part.id,
                "name": part.name,
                "input": {"input": part.arguments} if part.custom else blocks.arguments(part.arguments),
            }
            return [*call_seal(part), call]
        case Opaque(origin="anthropic"):
            return [part.value]
    return []


def thought(part: Thinking, *, show: bool) -> list[dict[str, Any]]:
    """A thought, signed so that it can come back to whoever had it."""
    if part.redacted:
        data = signature(part, "")
        return [{"type": "redacted_thinking", "data": data}] if part.sealed else []
    if not part.text and part.sealed is None:
        return []
    shown = part.text if show else ""
    hidden = part.text if not show else ""
    return [{"type": "thinking", "thinking": shown, "signature": signature(part, hidden)}]


def signature(part: Thinking, hidden: str) -> str:
    """Anthropic's own signature as it is, another maker's packed; `hidden`: text that is not shown."""
    if part.maker == "anthropic":
        return part.sealed or ""
    return seal.seal(
        seal.Sealed(
            maker=part.maker or "openai_chat",
            sealed=part.sealed or "",
            text=hidden,
            id=part.id or "",
            redacted=part.redacted,
        )
    )


def call_seal(call: ToolCall, maker: FormatName = "gemini") -> list[dict[str, Any]]:
    """A call's own signature, in a thinking block that shows nothing and names the call."""
    if call.sealed is None:
        return []
    return thought(Thinking(sealed=call.sealed, maker=maker, id=call.id), show=True)
