"""Replies of the Responses API, read and written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from isartor.errors import UpstreamError
from isartor.formats import reading, seal
from isartor.formats.base import encode
from isartor.formats.canonical import Opaque, Refusal, Reply, Text, Thinking, ToolCall, Usage
from isartor.formats.openai_responses import content, errors, items, output
from isartor.formats.openai_responses.layout import NAME, hide
from isartor.formats.reading import Members

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from isartor.formats.canonical import Part, Prompt, Stop

_REASONS: Final[dict[str, Stop]] = {"max_output_tokens": "length", "content_filter": "filter"}


def read(body: bytes) -> Reply:
    """A provider's reply."""
    given = reading.body(body, upstream=True)
    status = given.text("status")
    failure = given.table("error")
    if status == "failed" or failure is not None:
        raise failed(failure)
    parts = read_output(given.items("output") or [])
    reason = given.table("incomplete_details")
    given.any("object")
    created = given.number("created_at")
    return Reply(
        id=given.text("id") or "",
        model=given.text("model") or "",
        parts=parts,
        stop=stop_of(status, reason, parts),
        usage=read_usage(given.inner("usage")),
        created=None if created is None else int(created),
        extra={"~rest": given.rest()},
    )


def failed(failure: dict[str, Any] | None) -> UpstreamError:
    """The error of a reply that says with a status of 200 that it failed."""
    told = errors.told(failure or {})
    return UpstreamError(told.message, status=told.status, code=told.code, retryable=told.status != errors.BAD_REQUEST)


def stop_of(status: str | None, reason: dict[str, Any] | None, parts: Sequence[Part]) -> Stop:
    """Why a reply ended, from its status and what is in it."""
    if status == "incomplete":
        return _REASONS.get(str((reason or {}).get("reason")), "length")
    if any(isinstance(part, ToolCall) for part in parts):
        return "tool_calls"
    return "refusal" if any(isinstance(part, Refusal) for part in parts) else "end"


def read_usage(given: Members | None) -> Usage | None:
    """`usage` of a reply."""
    if given is None:
        return None
    read_in = given.inner("input_tokens_details")
    read_out = given.inner("output_tokens_details")
    return Usage(
        input=given.whole("input_tokens") or 0,
        output=given.whole("output_tokens") or 0,
        cached=(read_in.whole("cached_tokens") or 0) if read_in else 0,
        cache_write=(read_in.whole("cache_write_tokens") or 0) if read_in else 0,
        reasoning=(read_out.whole("reasoning_tokens") or 0) if read_out else 0,
    )


def read_output(values: Iterable[Any]) -> list[Part]:
    """The parts of all output items."""
    return [part for at, value in enumerate(values) for part in read_item(value, f"output[{at}]")]


def read_item(value: Any, path: str) -> list[Part]:
    """The parts of one output item: several for a message, one for all others."""
    given = Members(value, path, upstream=True)
    match given.text("type"):
        case "message":
            return content.read(given.items("content") or [], given.at("content"), upstream=True)
        case "reasoning":
            sealed = given.text("encrypted_content")
            thought = items.thinking(given)
            thought.sealed = sealed
            return [thought]
        case "function_call":
            return [_call(given, given.text("arguments") or "")]
        case "custom_tool_call":
            return [_call(given, given.text("input") or "", custom=True)]
        case kind:
            return [Opaque(origin=NAME, kind=kind or "", value=value)]


def _call(given: Members, arguments: str, *, custom: bool = False) -> ToolCall:
    name = given.needed("name")
    identity = given.text("call_id") or given.text("id") or ""
    return ToolCall(id=identity, name=name, arguments=arguments, custom=custom, extra=hide(given))


# -- write


def write(reply: Reply, prompt: Prompt) -> bytes:
    """The reply for the client whose request was `prompt`."""
    frame = output.Frame(prompt, reply.id, reply.model, reply.created or int(time.time()))
    made: list[dict[str, Any]] = []
    message: dict[str, Any] | None = None
    for part in reply.parts:
        match part:
            case Text() | Refusal():
                if message is None:
                    message = frame.message(len(made), [], done=True)
                    made.append(message)
                message["content"].append(output.content_part(part, part.text))
                continue
            case Thinking():
                if part.text or part.sealed is not None:
                    made.append(frame.reasoning(len(made), part.text, output.sealed(part)))
            case ToolCall():
                if part.sealed is not None:
                    state = seal.Sealed(maker=output.signer(part), sealed=part.sealed, id=part.id)
                    made.append(frame.reasoning(len(made), "", seal.seal(state)))
                made.append(frame.call(len(made), part, part.arguments))
            case _:
                # What another provider did by itself; the text tells what came of it.
                continue
        message = None
    return encode(frame.response(made, stop=reply.stop, usage=reply.usage))
