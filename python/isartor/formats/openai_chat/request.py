"""Requests of the chat completions API, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isartor.formats import reading, seal
from isartor.formats.base import encode
from isartor.formats.canonical import (
    Audio,
    Document,
    Image,
    Media,
    Opaque,
    Output,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from isartor.formats.losses import Losses
from isartor.formats.openai_chat import message
from isartor.formats.reading import Members, restore

if TYPE_CHECKING:
    from isartor.formats.canonical import Part, Quirk, Role

_ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool"})
_EFFORTS: Final = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
# From Anthropic's and Gemini's budgets to the nearest word.
_BUDGETS: Final = ((1024, "minimal"), (4096, "low"), (16384, "medium"))


def read(body: bytes, *, model: str, stream: bool) -> Prompt:
    """A client's request."""
    given = reading.body(body)
    given.any("model")
    given.any("stream")
    turns = [_turn(each) for each in given.each("messages")]
    _name_results(turns)
    extra: dict[str, Any] = {}
    options = given.inner("stream_options")
    include_usage = False
    if options is not None:
        include_usage = bool(options.flag("include_usage"))
        extra["~stream_options"] = options.rest()
    prompt = Prompt(
        origin="openai_chat",
        model=model,
        stream=stream,
        turns=turns,
        include_usage=include_usage,
        tools=_tools(given),
        tool_choice=_choice(given),
        parallel_tool_calls=given.flag("parallel_tool_calls"),
        temperature=given.number("temperature"),
        top_p=given.number("top_p"),
        top_k=given.whole("top_k"),
        seed=given.whole("seed"),
        presence_penalty=given.number("presence_penalty"),
        frequency_penalty=given.number("frequency_penalty"),
        output=_output(given),
        verbosity=given.text("verbosity"),
        user=given.text("user"),
    )
    for name in ("max_tokens", "max_completion_tokens"):
        most = given.whole(name)
        if most is not None:
            prompt.max_tokens = most
            extra["~max"] = [*extra.get("~max", ()), name]
    effort = given.text("reasoning_effort")
    if effort is not None:
        prompt.reasoning = Reasoning(enabled=effort != "none", effort=effort)
    stop = given.any("stop")
    if isinstance(stop, str):
        extra["~stop"] = True
        prompt.stop = [stop]
    elif isinstance(stop, list) and all(isinstance(each, str) for each in stop):
        prompt.stop = stop
    elif stop is not None:
        raise given.wrong("stop", "a string or an array of strings")
    count = given.whole("n")
    if count is not None:
        extra["~n" if count == 1 else "n"] = count
    prompt.extra = extra | given.rest()
    return prompt


def _turn(given: Members) -> Turn:
    role: Any = given.needed("role")
    if role not in _ROLES:
        raise given.wrong("role", "system, developer, user, assistant or tool")
    if role == "tool":
        call = given.needed("tool_call_id")
        parts, plain = message.read_content(given)
        turn = Turn(role="tool", parts=[ToolResult(id=call, parts=parts, extra=_hint(plain=plain))])
    else:
        parts, plain = message.read_content(given)
        if role == "assistant":
            parts = message.read_assistant(given, parts)
        turn = Turn(role=role, parts=parts, name=given.text("name"), extra=_hint(plain=plain))
    turn.extra |= given.rest()
    return turn


def _hint(*, plain: bool) -> dict[str, Any]:
    return {"~plain": True} if plain else {}


def _name_results(turns: list[Turn]) -> None:
    """Gemini wants the tool's name with its result, which stands only in the call."""
    names = {part.id: part.name for turn in turns for part in turn.parts if isinstance(part, ToolCall)}
    for turn in turns:
        for part in turn.parts:
            if isinstance(part, ToolResult):
                part.name = names.get(part.id)


def _tools(given: Members) -> list[Tool] | None:
    if given.items("tools") is None:
        return None
    raise NotImplementedError


def _choice(given: Members) -> ToolChoice | None:
    value = given.any("tool_choice")
    if value is None:
        return None
    if isinstance(value, str):
        if value in {"auto", "none", "required"}:
            return ToolChoice(mode=value)  # type: ignore[arg-type] # one of the three words
        raise given.wrong("tool_choice", "auto, none, required or an object")
    named = Members(value, "tool_choice")
    kind = named.needed("type")
    inner = named.inner(kind) if kind in {"function", "custom"} else None
    if inner is None:
        # `allowed_tools` and whatever else there will be.
        return ToolChoice(mode="auto", extra={"value": value})
    extra = {} if kind == "function" else {"~custom": True}
    return ToolChoice(mode="required", names=[inner.needed("name")], extra=extra)


def _output(given: Members) -> Output | None:
    value = given.inner("response_format")
    if value is None:
        return None
    kind = value.needed("type")
    if kind == "text":
        return Output(kind="text", extra=value.rest())
    if kind == "json_object":
        return Output(kind="json", extra=value.rest())
    schema = value.inner("json_schema")
    if kind != "json_schema" or schema is None:
        raise value.wrong("type", "text, json_object or json_schema with a json_schema")
    return Output(
        kind="schema",
        name=schema.needed("name"),
        description=schema.text("description"),
        schema=schema.table("schema"),
        strict=schema.flag("strict"),
        extra=schema.rest(),
    )
