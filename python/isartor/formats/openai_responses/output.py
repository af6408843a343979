"""What replies and streams for this format's clients have in common: response objects and output items."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.formats import seal
from isartor.formats.canonical import Refusal, Text
from isartor.formats.openai_responses import tools
from isartor.formats.openai_responses.layout import NAME
from isartor.formats.openai_responses.request import ECHO

if TYPE_CHECKING:
    from isartor.formats.canonical import FormatName, Prompt, Stop, Thinking, ToolCall, Usage

_DEFAULTS: Final[dict[str, Any]] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": False,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
}
_INCOMPLETE: Final[dict[Stop, str]] = {"length": "max_output_tokens", "filter": "content_filter"}
_ID_PREFIX: Final = "resp_"
_INPUT: Final = "input"
_decode: Final = msgspec.json.Decoder().decode


class Frame:
    """One response: its identity, what it repeats of the request, and items with ids of their own."""

    def __init__(self, prompt: Prompt, name: str, model: str, created: int) -> None:
        """`name`: the provider's id of the reply; it may be of any form or empty."""
        base = "".join(letter for letter in name.removeprefix(_ID_PREFIX) if letter.isalnum() or letter in "_-")
        self._base = base or f"{time.time_ns():x}"
        self._known = tools.known(prompt)
        self._head: dict[str, Any] = {
            "id": _ID_PREFIX + self._base,
            "object": "response",
            "created_at": created,
            "model": model or prompt.model,
            "background": False,
            **_DEFAULTS,
            **{field: value for field, value in prompt.extra.get(ECHO, {}).items() if value is not None},
        }
        # Nothing is kept here, whatever was asked for.
        self._head["store"] = False

    def response(
        self, output: list[dict[str, Any]], *, stop: Stop | None = None, usage: Usage | None = None
    ) -> dict[str, Any]:
        """The response object; without `stop` it is one in progress."""
        status = "in_progress" if stop is None else "completed"
        details = None
        if stop in _INCOMPLETE:
            status, details = "incomplete", {"reason": _INCOMPLETE[stop]}
        elif stop == "refusal" and not _refused(output):
            # The provider stopped without a word of the model for it.
            status, details = "incomplete", {"reason": "content_filter"}
        whole = {
            **self._head,
            "status": status,
            "error": None,
            "incomplete_details": details,
            "output": output,
            "usage": None if usage is None else _usage(usage),
        }
        if status == "completed":
            whole["completed_at"] = int(time.time())
        return whole

    def known(self, name: str) -> tools.Known:
        """What the client calls the tool that the provider knows as `name`."""
        return self._known.get(name) or tools.Known("function", name)

    def message(self, index: int, content: list[dict[str, Any]], *, done: bool) -> dict[str, Any]:
        """A message; `index`: its place in the output."""
        return {
            "id": f"msg_{self._base}_{index}",
            "type": "message",
            "status": _status(done=done),
            "role": "assistant",
            "content": content,
        }

    def reasoning(self, index: int, text: str, sealed: str | None) -> dict[str, Any]:
        """Thoughts; `sealed` as the client is to carry it."""
        item: dict[str, Any] = {
            "id": f"rs_{self._base}_{index}",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": text}] if text else [],
        }
        if sealed is not None:
            item["encrypted_content"] = sealed
        return item

    def call(self, index: int, call: ToolCall, arguments: str, *, done: bool = True) -> dict[str, Any]:
        """A call as an item of the kind that the client's tool is of. `arguments`: as the provider gave them."""
        tool = self.known(call.name)
        # Not every provider names its calls, and results are told apart by nothing else.
        identity = call.id or f"call_{self._base}_{index}"
        named: dict[str, Any] = {"name": tool.name}
        if tool.namespace is not None:
            named["namespace"] = tool.namespace
        if tool.kind == "tool_search":
            return {
                "id": f"tsc_{self._base}_{index}",
                "type": "tool_search_call",
                "status": _status(done=done),
                "call_id": identity,
                "execution": "client",
                "arguments": _object(arguments),
            }
        if call.custom or tool.kind == "custom":
            text = arguments if call.custom else unwrapped(arguments)
            return {
                "id": f"ctc_{self._base}_{index}",
                "type": "custom_tool_call",
                "status": _status(done=done),
                "call_id": identity,
                **named,
                "input": text,
            }
        return {
            "id": f"fc_{self._base}_{index}",
            "type": "function_call",
            "status": _status(done=done),
            "call_id": identity,
            **named,
            # A call without arguments has an empty object here.
            "arguments": (arguments or "{}") if done else arguments,
        }


def content_part(part: Text | Refusal, text: str) -> dict[str, Any]:
    """A part of a message."""
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def sealed(thought: Thinking) -> str | None:
    """What a client carries of a thought: this format's own state as it is, another's in a seal.

    A thought without state is sealed, too: some providers want its text back, and nothing else tells whose it is.
    """
    if thought.maker is None or thought.maker == NAME:
        return thought.sealed
    return carried(thought, thought.sealed or "", thought.maker, thought.text)


def carried(thought: Thinking, state: str, maker: FormatName, text: str) -> str:
    """Another format's state with its text, since what a client shows of it is not always the whole."""
    return seal.seal(seal.Sealed(maker=maker, sealed=state, text=text, id=thought.id or "", redacted=thought.redacted))


def signer(call: ToolCall) -> FormatName:
    """Whose signature a call has; only Gemini signs calls."""
    del call
    return "gemini"


def unwrapped(arguments: str) -> str:
    """The free text in a function's arguments; the arguments themselves if the model did not keep to the form."""
    try:
        value = _decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return arguments
    text = value.get(_INPUT) if isinstance(value, dict) else None
    return text if isinstance(text, str) else arguments


def _object(arguments: str) -> Any:
    try:
        return _decode(arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        return {"query": arguments}


def _status(*, done: bool) -> str:
    return "completed" if done else "in_progress"


def _refused(output: list[dict[str, Any]]) -> bool:
    return any(part["type"] == "refusal" for item in output if item["type"] == "message" for part in item["content"])


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }
