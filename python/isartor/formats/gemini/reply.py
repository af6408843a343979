"""Replies of `generateContent`, read and written."""

from __future__ import annotations

from hashlib import blake2s
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from isartor.errors import UpstreamError
from isartor.formats.base import encode
from isartor.formats.canonical import Opaque, Refusal, Reply, Text, Thinking, ToolCall, Usage
from isartor.formats.gemini import errors, fields, media, signatures, turns

if TYPE_CHECKING:
    from isartor.formats.canonical import Part, Prompt, Stop
    from isartor.formats.gemini.fields import Fields
    from isartor.formats.seal import Sealed

Json = dict[str, Any]

_STOPS: Final[dict[str, Stop]] = {
    "STOP": "end",
    "MAX_TOKENS": "length",
    "SAFETY": "filter",
    "RECITATION": "filter",
    "LANGUAGE": "filter",
    "BLOCKLIST": "filter",
    "PROHIBITED_CONTENT": "filter",
    "SPII": "filter",
    "IMAGE_SAFETY": "filter",
    "IMAGE_PROHIBITED_CONTENT": "filter",
    "IMAGE_RECITATION": "filter",
    "MODEL_ARMOR": "filter",
    "ESCALATION": "filter",
}
_SPOILT: Final = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "NO_IMAGE",
        "IMAGE_OTHER",
        "PUP_LIMITED_DISABLED",
    }
)
"""Ends of a reply that no client can use; no other format has a word for them."""
_REASONS: Final[dict[Stop, str]] = {
    "end": "STOP",
    "stop_sequence": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "filter": "SAFETY",
    "refusal": "SAFETY",
    "pause": "OTHER",
}
MALFORMED: Final = "MALFORMED_FUNCTION_CALL"


def read(body: bytes) -> Reply:
    """A provider's reply."""
    given = fields.body(body, upstream=True)
    fault(given)
    given.any("createTime")
    head = given.text("responseId") or uuid4().hex
    model = given.text("modelVersion") or ""
    usage = read_usage(given.inner("usageMetadata"))
    candidate = first(given)
    parts: list[Part] = []
    content = None if candidate is None else candidate.inner("content")
    for each in [] if content is None else content.each("parts"):
        parts += _part(each, f"{head}/{len(parts)}")
    stop, told = read_stop(candidate, blocked=blocked(given), said=bool(parts))
    if stop == "end" and any(isinstance(part, ToolCall) for part in parts):
        stop = "tool_calls"
    return Reply(id=head, model=model, parts=_joined(parts), stop=stop or "end", usage=usage, told=told)


def fault(given: Fields) -> None:
    """Raise what a reply with an `error` in place of an answer says."""
    error = given.table("error")
    if error is not None:
        said = errors.failed(error, 502)
        message = f"The provider reported an error: {said.message}"
        raise UpstreamError(message, status=said.status, code=said.code)


def first(given: Fields) -> Fields | None:
    """The candidate that counts: nobody could ask for more than one."""
    candidates = given.each("candidates")
    return next((each for each in candidates if not each.whole("index")), None)


def blocked(given: Fields) -> bool:
    """Whether the prompt was refused, so that there is no answer at all."""
    feedback = given.inner("promptFeedback")
    return feedback is not None and feedback.text("blockReason") is not None


def read_stop(candidate: Fields | None, *, blocked: bool, said: bool) -> tuple[Stop | None, bool]:
    """Why the reply ended, `None` if it has not, and whether a known word said so. Raises if it is of no use."""
    reason = None if candidate is None else candidate.text("finishReason")
    if blocked and candidate is None:
        return "filter", True
    if reason is None:
        return None, False
    stop = _STOPS.get(reason)
    if stop is None and (reason in _SPOILT or not said):
        detail = None if candidate is None else candidate.text("finishMessage")
        message = f"The model's reply is of no use: {reason}{': ' + detail if detail else ''}"
        raise UpstreamError(message, code=reason.lower(), retryable=True)
    return stop or "end", stop is not None


def _part(given: Fields, name: str) -> list[Part]:
    signature = given.text("thoughtSignature")
    call = given.inner("functionCall")
    if call is not None:
        return [read_call(call, name, signature)]
    text = given.text("text")
    if text is not None:
        if given.flag("thought"):
            return [Thinking(text=text, sealed=signature, maker="gemini")]
        parts: list[Part] = [Text(text=text)] if text else []
        return parts if signature is None else [*parts, Thinking(sealed=signature, maker="gemini")]
    found = media.read(given)
    if found is not None:
        return [found]
    kind = next(iter(given.raw()), None)
    return [] if kind is None else [Opaque(origin="gemini", kind=kind, value=given.raw())]


def read_call(given: Fields, place: str, signature: str | None) -> ToolCall:
    """A call. One without an id gets one that says where it stood, `place`, so that no two are the same."""
    name = given.needed("name")
    found = given.text("id") or "call_" + blake2s(f"{place}/{name}".encode(), digest_size=12).hexdigest()
    arguments = encode(given.table("args") or {}).decode()
    return ToolCall(id=found, name=name, arguments=arguments, sealed=signature)


def _joined(parts: list[Part]) -> list[Part]:
    """Without cuts inside one text or one thought; the signature of a text stands after all of it."""
    joined: list[Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        before = joined[-2] if len(joined) > 1 else None
        if isinstance(part, Text) and isinstance(before, Text) and isinstance(last, Thinking) and not last.text:
            joined[-2] = Text(text=before.text + part.text)
        elif isinstance(part, Text) and isinstance(last, Text):
            joined[-1] = Text(text=last.text + part.text)
        elif isinstance(part, Thinking) and isinstance(last, Thinking) and last.sealed is None and part.text:
            joined[-1] = Thinking(text=last.text + part.text, sealed=part.sealed, maker="gemini")
        else:
            joined.append(part)
    return joined


def read_usage(given: Fields | None) -> Usage | None:
    """The tokens. Thoughts, and what tools of the provider said to the model, are counted apart here."""
    if given is None:
        return None
    prompt, tool, answer, thoughts, cached = (
        given.whole(name) or 0
        for name in (
            "promptTokenCount",
            "toolUsePromptTokenCount",
            "candidatesTokenCount",
            "thoughtsTokenCount",
            "cachedContentTokenCount",
        )
    )
    return Usage(input=prompt + tool, output=answer + thoughts, cached=cached, reasoning=thoughts)


# -- the other direction


def write(reply: Reply, prompt: Prompt) -> bytes:
    """The reply for the client whose request was `prompt`."""
    maker = PartWriter(prompt)
    parts: list[Json] = []
    malformed = False
    for part in reply.parts:
        written = maker.whole(part)
        malformed = malformed or written is None
        parts += written or ()
    parts += maker.last()
    candidate: Json = {}
    if parts or reply.stop not in {"filter", "refusal"}:
        candidate["content"] = {"parts": parts or [{"text": ""}], "role": "model"}
    candidate["finishReason"] = reason(reply.stop, malformed=malformed)
    candidate["index"] = 0
    body: Json = {"candidates": [candidate]}
    if reply.usage is not None:
        body["usageMetadata"] = write_usage(reply.usage)
    return encode(body | {"modelVersion": reply.model or prompt.model, "responseId": reply.id})


def reason(stop: Stop, *, malformed: bool) -> str:
    """The `finishReason`. `malformed`: the model made a call whose arguments are no JSON."""
    return MALFORMED if malformed and stop != "length" else _REASONS[stop]


def write_usage(usage: Usage) -> Json:
    """The `usageMetadata`."""
    written = {
        "promptTokenCount": usage.input,
        "candidatesTokenCount": max(usage.output - usage.reasoning, 0),
        "totalTokenCount": usage.input + usage.output,
    }
    if usage.cached:
        written["cachedContentTokenCount"] = usage.cached
    if usage.reasoning:
        written["thoughtsTokenCount"] = usage.reasoning
    return written


class PartWriter:
    """Writes the parts of a reply; keeps other providers' state for the next part that a client sends back."""

    def __init__(self, prompt: Prompt) -> None:
        """`prompt` tells whether the client wants to see thoughts; Gemini's default is that it does not."""
        self.shows = prompt.reasoning is not None and prompt.reasoning.show is True
        self._seals: list[Sealed] = []

    def carry(self, thought: Thinking) -> None:
        """Keep the state of a thought of another provider."""
        state = signatures.sealed(thought)
        if state is not None:
            self._seals.append(state)

    def signed(self, part: Json) -> Json:
        """`part` with the state that was kept, if it has no signature of its own."""
        if self._seals and "thoughtSignature" not in part:
            part["thoughtSignature"] = signatures.pack(self._seals)
            self._seals = []
        return part

    def last(self) -> list[Json]:
        """What carries the state that no part came for."""
        return [self.signed({"text": ""})] if self._seals else []

    def call(self, part: ToolCall) -> Json | None:
        """A call; `None` if the model did not manage to write arguments that are an object."""
        args = turns.arguments(part) if part.custom else turns.parsed(part.arguments)
        if args is None:
            return None
        written: Json = {"functionCall": {"id": part.id, "name": part.name, "args": args}}
        if part.sealed is not None:
            written["thoughtSignature"] = part.sealed
        return self.signed(written)

    def thought(self, text: str) -> Json:
        """A visible piece of a thought."""
        return {"text": text, "thought": True}

    def whole(self, part: Part) -> list[Json] | None:
        """A complete part; `None` for a call that is malformed."""
        match part:
            case Text() | Refusal():
                return [self.signed({"text": part.text})] if part.text else []
            case Thinking():
                return self._thinking(part)
            case ToolCall():
                written = self.call(part)
                return None if written is None else [written]
            case Opaque():
                return [part.value] if part.origin == "gemini" else []
            case _:
                return media.shown(part)

    def _thinking(self, part: Thinking) -> list[Json]:
        if part.maker == "gemini" and part.sealed is not None:
            if not (part.text and self.shows):
                return [_bare(part.sealed)]
            return [self.thought(part.text) | {"thoughtSignature": part.sealed}]
        self.carry(part)
        return [self.thought(part.text)] if part.text and self.shows else []


def _bare(signature: str) -> Json:
    return {"text": "", "thoughtSignature": signature}
