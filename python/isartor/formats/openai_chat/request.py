"""Requests of the chat completions API, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isartor.formats import reading
from isartor.formats.base import encode
from isartor.formats.canonical import Prompt
from isartor.formats.losses import Losses
from isartor.formats.openai_chat import abilities, message, tools
from isartor.formats.reading import restore

if TYPE_CHECKING:
    from isartor.formats.canonical import Output
    from isartor.formats.reading import Members
    from isartor.ports import Quirk

_LIMITS: Final = ("max_tokens", "max_completion_tokens")
_SAME: Final = ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty")
# The longest that OpenAI takes; other clients put whole objects there.
_LONGEST_USER: Final = 64


def read(body: bytes, *, model: str, stream: bool) -> Prompt:
    """A client's request."""
    given = reading.body(body)
    extra: dict[str, Any] = {}
    for name in ("model", "stream"):
        _remember(extra, name, given.any(name))
    options = given.inner("stream_options")
    include_usage = None if options is None else options.flag("include_usage")
    if options is not None:
        extra["~stream_options"] = restore(
            {} if include_usage is None else {"include_usage": include_usage}, options.rest()
        )
    messages = given.each("messages")
    prompt = Prompt(
        origin="openai_chat",
        model=model,
        stream=stream,
        turns=message.read(messages),
        include_usage=bool(include_usage),
        tools=tools.read(given),
        tool_choice=tools.read_choice(given),
        parallel_tool_calls=given.flag("parallel_tool_calls"),
        temperature=given.number("temperature"),
        top_p=given.number("top_p"),
        top_k=given.whole("top_k"),
        seed=given.whole("seed"),
        presence_penalty=given.number("presence_penalty"),
        frequency_penalty=given.number("frequency_penalty"),
        output=tools.read_output(given),
        verbosity=given.text("verbosity"),
        user=given.text("user"),
        stop=_stop(given, extra),
        extra=extra,
    )
    limits = {name: most for name in _LIMITS if (most := given.whole(name)) is not None}
    if limits:
        extra["~limits"] = limits
        prompt.max_tokens = min(limits.values())
    prompt.reasoning = abilities.read(given, extra)
    _harmless(given, extra)
    extra |= given.rest()
    return prompt


def _remember(extra: dict[str, Any], name: str, value: Any) -> None:
    if value is not None:
        extra["~" + name] = value


def _stop(given: Members, extra: dict[str, Any]) -> list[str] | None:
    value = given.any("stop")
    if value is None:
        return None
    if isinstance(value, str):
        extra["~stop"] = "text"
        return [value]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    raise given.wrong(name="stop", what="a string or an array of strings")


def _harmless(given: Members, extra: dict[str, Any]) -> None:
    """Fields that other formats need not say, because they ask for what is so anyway."""
    for name, usual in (("n", 1), ("modalities", ["text"]), ("top_logprobs", 0)):
        value = given.any(name)
        if value is not None:
            extra[("~" if value == usual else "") + name] = value


def write(prompt: Prompt, quirks: frozenset[Quirk] = frozenset()) -> tuple[bytes, list[str]]:
    """The body for a provider, and the client's fields that were dropped."""
    losses = Losses(prompt, "openai_chat")
    body = _own(prompt, losses) if prompt.origin == "openai_chat" else _foreign(prompt, losses, quirks)
    return encode(body), losses.fields


def _own(prompt: Prompt, losses: Losses) -> dict[str, Any]:
    """What was read, as it was."""
    extra = prompt.extra
    body: dict[str, Any] = {"model": prompt.model} if prompt.model or "~model" in extra else {}
    body["messages"] = message.write(prompt, losses, frozenset())
    if prompt.stream or "~stream" in extra:
        body["stream"] = prompt.stream
    if "~stream_options" in extra:
        body["stream_options"] = extra["~stream_options"]
    if prompt.tools is not None:
        body["tools"] = tools.write(prompt.tools, losses, own=True)
    if prompt.tool_choice is not None:
        body["tool_choice"] = tools.write_choice(prompt.tool_choice, losses, own=True)
    if prompt.output is not None:
        body["response_format"] = tools.write_output(prompt.output, losses, own=True)
    if prompt.stop is not None:
        body["stop"] = prompt.stop[0] if extra.get("~stop") == "text" else prompt.stop
    body |= extra.get("~limits", {})
    for name in (*_SAME, "top_k", "parallel_tool_calls", "verbosity", "user"):
        _put(body, name, getattr(prompt, name))
    for name in ("n", "modalities", "top_logprobs", "reasoning_effort", "reasoning", "thinking"):
        _put(body, name, extra.get("~" + name))
    return restore(body, extra)


def _foreign(prompt: Prompt, losses: Losses, quirks: frozenset[Quirk]) -> dict[str, Any]:
    """What another format asks for, as far as it can be said here."""
    losses.extras("prompt", prompt.extra)
    messages = message.write(prompt, losses, quirks)
    body: dict[str, Any] = {"model": prompt.model, "messages": messages}
    if prompt.stream:
        body["stream"] = True
        if "no_stream_options" not in quirks:
            body["stream_options"] = {"include_usage": True}
    if prompt.tools:
        _tools(body, prompt, losses, quirks)
    if prompt.output is not None:
        _output(body, prompt.output, losses, quirks)
    if prompt.reasoning is not None:
        _put(body, "reasoning_effort", abilities.effort(prompt, prompt.reasoning, losses))
    if prompt.max_tokens is not None:
        limit = _LIMITS["max_completion_tokens" in quirks]
        body[limit] = abilities.longest(prompt.model, prompt.max_tokens)
    _options(body, prompt, losses)
    return body


def _options(body: dict[str, Any], prompt: Prompt, losses: Losses) -> None:
    """What is a plain value."""
    if prompt.stop:
        body["stop"] = prompt.stop
    for name in _SAME:
        value = getattr(prompt, name)
        if value is not None:
            body[name] = value
    if prompt.top_k is not None:
        losses.without("top_k")
    if prompt.verbosity is not None:
        if abilities.verbose(prompt.model):
            body["verbosity"] = prompt.verbosity
        else:
            losses.without("verbosity")
    if prompt.user is not None:
        if len(prompt.user) <= _LONGEST_USER:
            body["user"] = prompt.user
        else:
            losses.without("user")


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    if value is not None:
        body[name] = value


def _tools(body: dict[str, Any], prompt: Prompt, losses: Losses, quirks: frozenset[Quirk]) -> None:
    choice = prompt.tool_choice
    offered = tools.write(tools.chosen(prompt.tools or [], choice), losses, own=False)
    if not offered:
        # Both fields below are refused without tools.
        return
    body["tools"] = offered
    if choice is not None:
        body["tool_choice"] = tools.write_choice(choice, losses, own=False)
    if prompt.parallel_tool_calls is not None:
        if "no_parallel" not in quirks:
            body["parallel_tool_calls"] = prompt.parallel_tool_calls
        elif not prompt.parallel_tool_calls:
            losses.without("parallel_tool_calls")


def _output(body: dict[str, Any], output: Output, losses: Losses, quirks: frozenset[Quirk]) -> None:
    if output.kind == "text":
        return
    written = tools.write_output(output, losses, own=False)
    if output.kind == "json" or "no_json_schema" in quirks:
        written = {"type": "json_object"}
        # Without the word in a message this mode is refused, since models then write blanks for ever.
        if output.kind == "schema" or b"json" not in encode(body["messages"]).lower():
            body["messages"] = [{"role": "system", "content": tools.in_words(output)}, *body["messages"]]
    body["response_format"] = written
