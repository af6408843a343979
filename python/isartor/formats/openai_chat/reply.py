"""Replies of the chat completions API, read and written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from isartor.errors import UpstreamError
from isartor.formats import reading
from isartor.formats.base import encode
from isartor.formats.canonical import Image, Refusal, Reply, Text, Thinking, ToolCall, Usage
from isartor.formats.openai_chat import calls, content, errors, thoughts
from isartor.formats.reading import Members

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isartor.formats.canonical import Part, Prompt, Stop

_STOPS: Final[Mapping[str, Stop]] = {
    "stop": "end",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "filter",
    # Words of providers that are not OpenAI.
    "max_tokens": "length",
    "model_length": "length",
    "tool_use": "tool_calls",
    "safety": "filter",
    "refusal": "refusal",
    "stop_sequence": "stop_sequence",
}
_NUMBERS: Final = (int, float)
_WORDS: Final[Mapping[Stop, str]] = {
    "end": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "stop_sequence": "stop",
    "filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
}


def read(body: bytes) -> Reply:
    """A provider's reply. A choice after the first is never asked for in translation."""
    given = reading.body(body, upstream=True)
    error = given.any("error")
    if error:
        raise failed(error)
    choices = given.each("choices")
    if not choices:
        raise given.wrong(name="choices", what="an array with a choice")
    choice = choices[0]
    error = choice.any("error")
    if error:
        raise failed(error)
    message = choice.inner("message")
    if message is None:
        raise choice.wrong(name="message", what="an object")
    parts = _parts(message)
    created = given.number("created")
    word = choice.any("finish_reason")
    matched = choice.any("stop_reason")
    return Reply(
        id=given.text("id") or new_id(),
        model=given.text("model") or "",
        parts=parts,
        stop=stop(word if isinstance(word, str) else None, parts, matched),
        stop_sequence=matched if isinstance(matched, str) else None,
        usage=usage(given.any("usage")),
        created=None if created is None else int(created),
        told=isinstance(word, str),
    )


def _parts(given: Members) -> list[Part]:
    found, _ = content.read(given, upstream=True)
    parts = thoughts.split(found)
    if given.has_any(thoughts.MEMBERS):
        parts = thoughts.read(given.peek(*thoughts.MEMBERS)) + parts
    refusal = given.text("refusal")
    if refusal:
        parts.append(Refusal(text=refusal))
    images = given.any("images")
    if images:
        # Models that draw, through OpenRouter and those who have followed it.
        drawn, _ = content.read(Members({"content": images}, given.at("images"), upstream=True), upstream=True)
        parts += [part for part in drawn if isinstance(part, Image)]
    for at, each in enumerate(given.items("tool_calls") or ()):
        call = calls.read(Members(each, f"{given.at('tool_calls')}[{at}]", upstream=True))
        call.id = call.id or new_call()
        call.arguments = call.arguments or ("" if call.custom else "{}")
        call.extra = {}
        parts.append(call)
    return parts


def failed(error: Any) -> UpstreamError:
    """The error in a reply whose status says that there is none."""
    told = errors.inside(error)
    message = f"The provider reported an error inside its reply: {told.message}"
    return UpstreamError(message, status=told.status, code=told.code, retryable=told.status >= 500)


def stop(word: str | None, parts: Sequence[Part], matched: object = None) -> Stop:
    """Why a reply ended. Several providers say `stop` after tool calls, or nothing."""
    found = _STOPS.get((word or "stop").lower(), "end")
    if found != "end":
        return found
    kinds = {*map(type, parts)}
    if ToolCall in kinds:
        return "tool_calls"
    if Refusal in kinds:
        return "refusal"
    return "stop_sequence" if isinstance(matched, str) and matched else "end"


def word(why: Stop, *, refused: bool, called: bool) -> str:
    """`finish_reason`. A refusal that is said in `refusal` is a normal end to OpenAI; an end with calls is none."""
    if why == "end" and called:
        return "tool_calls"
    return "stop" if why == "refusal" and refused else _WORDS[why]


def usage(value: Any) -> Usage | None:
    """Tokens, wherever the many providers of this format say them."""
    if not isinstance(value, dict):
        return None
    said = _counts(value)
    asked = _counts(inner) if (inner := value.get("prompt_tokens_details")) else {}
    made = _counts(inner) if (inner := value.get("completion_tokens_details")) else {}
    whole = said.get("prompt_tokens", 0)
    output = said.get("completion_tokens", 0)
    reasoning = made.get("reasoning_tokens") or said.get("reasoning_tokens", 0)
    if reasoning and said.get("total_tokens", 0) == whole + output + reasoning:
        # xAI counts them apart.
        output += reasoning
    return Usage(
        input=whole,
        output=output,
        cached=asked.get("cached_tokens")
        or said.get("prompt_cache_hit_tokens")
        or said.get("cached_tokens")
        or said.get("cache_read_input_tokens", 0),
        cache_write=asked.get("cache_write_tokens") or said.get("cache_creation_input_tokens", 0),
        reasoning=reasoning,
    )


def _counts(said: Any) -> dict[str, int]:
    """The members that are counts; what is no object has none."""
    if not isinstance(said, dict):
        return {}
    return {name: int(count) for name, count in said.items() if isinstance(count, _NUMBERS) and count > 0}


# -- the other direction


def write(reply: Reply, prompt: Prompt) -> bytes:
    """The reply for the client."""
    refusals = [part.text for part in reply.parts if isinstance(part, Refusal)]
    said = [part.text for part in reply.parts if isinstance(part, Text)]
    known = customs(prompt)
    made = [calls.write(part, customs=known) for part in reply.parts if isinstance(part, ToolCall)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(said) if said or not (made or refusals) else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    thought = [part for part in reply.parts if isinstance(part, Thinking)]
    message |= thoughts.write(thought, show=shows(prompt))
    drawn = [image(part) for part in reply.parts if isinstance(part, Image)]
    if drawn:
        message["images"] = drawn
    if made:
        message["tool_calls"] = made
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": word(reply.stop, refused=bool(refusals), called=bool(made)),
    }
    body: dict[str, Any] = {
        "id": reply.id or new_id(),
        "object": "chat.completion",
        "created": reply.created if reply.created is not None else int(time.time()),
        "model": reply.model or prompt.model,
        "choices": [choice],
    }
    if reply.usage is not None:
        body["usage"] = written_usage(reply.usage)
    return encode(body)


def written_usage(tokens: Usage) -> dict[str, Any]:
    """The member `usage`."""
    asked = {"cached_tokens": tokens.cached}
    if tokens.cache_write:
        asked["cache_write_tokens"] = tokens.cache_write
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": asked,
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    }


def image(part: Image) -> dict[str, Any]:
    """A picture that the model has made."""
    return {"type": "image_url", "image_url": {"url": content.address(part.media)}}


def shows(prompt: Prompt) -> bool:
    """Whether the client wants to see thoughts; the state of those it does not see travels all the same."""
    return prompt.reasoning is None or prompt.reasoning.show is not False


def customs(prompt: Prompt) -> frozenset[str]:
    """Names of the client's tools that take free text: providers were given functions for them."""
    return frozenset(tool.name for tool in prompt.tools or () if tool.custom)


def new_id() -> str:
    """Id for a reply that came without one."""
    return f"chatcmpl-{uuid4().hex}"


def new_call() -> str:
    """Id for a call that came without one."""
    return f"call_{uuid4().hex[:24]}"
