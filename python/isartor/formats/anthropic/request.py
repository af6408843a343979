"""Requests of the messages API, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isartor.formats import reading
from isartor.formats.anthropic import abilities, options, tools, turns
from isartor.formats.base import encode
from isartor.formats.canonical import Output, Prompt, Reasoning
from isartor.formats.losses import Losses
from isartor.formats.reading import restore

if TYPE_CHECKING:
    from isartor.formats.reading import Members
    from isartor.ports import Quirk

_CONFIG: Final = "output_config"
_OLD_FORMAT: Final = "~output_format"
_OBJECTS: Final = frozenset(
    {_CONFIG, "metadata", "tool_choice", "tools", "stop_sequences", "output_format", "thinking"}
)


def read(body: bytes, *, model: str, stream: bool) -> Prompt:
    """A client's request."""
    given = reading.body(body)
    extra: dict[str, Any] = {}
    given.any("model")
    if given.any("stream") is False:
        extra["~stream"] = False
    prompt = Prompt(
        origin="anthropic",
        model=model,
        stream=stream,
        turns=turns.read(given, extra),
        max_tokens=given.whole("max_tokens"),
        temperature=given.number("temperature"),
        top_p=given.number("top_p"),
        top_k=given.whole("top_k"),
    )
    if given.has_any(_OBJECTS):
        _read_objects(given, prompt, extra)
    prompt.extra = extra | given.rest()
    return prompt


def _read_objects(given: Members, prompt: Prompt, extra: dict[str, Any]) -> None:
    """What is no plain value and no message; small requests have none of it."""
    config = given.inner(_CONFIG)
    metadata = given.inner("metadata")
    prompt.tool_choice, prompt.parallel_tool_calls = tools.read_choice(given)
    prompt.tools = tools.read(given)
    prompt.stop = _stop(given)
    prompt.output = _output(given, config, extra)
    prompt.reasoning = _reasoning(given, config)
    if metadata is not None:
        prompt.user = metadata.text("user_id")
        _keep(extra, "metadata", metadata)
    if config is not None:
        _keep(extra, _CONFIG, config)


def _keep(extra: dict[str, Any], name: str, inner: Members) -> None:
    rest = inner.rest()
    extra["~" + name] = {field: value for field, value in rest.items() if field.startswith("~")}
    extra.update({f"{name}.{field}": value for field, value in rest.items() if not field.startswith("~")})


def _stop(given: Members) -> list[str] | None:
    stop = given.items("stop_sequences")
    if stop is not None and not all(isinstance(each, str) for each in stop):
        raise given.wrong(name="stop_sequences", what="an array of strings")
    return stop


def _output(given: Members, config: Members | None, extra: dict[str, Any]) -> Output | None:
    form = None if config is None else config.inner("format")
    if form is None:
        form = given.inner("output_format")
        if form is None:
            return None
        extra[_OLD_FORMAT] = True
    if form.needed("type") != "json_schema":
        raise form.wrong(name="type", what="json_schema")
    return Output(kind="schema", schema=form.table("schema"), extra=form.rest())


def _reasoning(given: Members, config: Members | None) -> Reasoning | None:
    thinking = given.inner("thinking")
    effort = None if config is None else config.text("effort")
    if thinking is None:
        return None if effort is None else Reasoning(effort=effort, extra={})
    kind = thinking.needed("type")
    asked = Reasoning(effort=effort, budget_tokens=thinking.whole("budget_tokens"), extra={"~type": kind})
    asked.enabled = {"enabled": True, "disabled": False}.get(kind)
    display = thinking.text("display")
    if display in {"summarized", "omitted"}:
        asked.show = display == "summarized"
    elif display is not None:
        asked.extra["display"] = display
    asked.extra |= thinking.rest()
    return asked


def write(prompt: Prompt, quirks: frozenset[Quirk] = frozenset()) -> tuple[bytes, list[str]]:
    """The body for a provider, and what was dropped."""
    del quirks
    losses = Losses(prompt, "anthropic")
    written: dict[str, Any] = {"model": prompt.model}
    own = prompt.origin == "anthropic"
    if own:
        _write_own(prompt, losses, written)
    else:
        able = abilities.of(prompt.model)
        losses.extras("prompt", prompt.extra)
        options.Options(prompt, losses, able).write(written)
        turns.Foreign(losses, able).write(prompt, written, options.order(prompt))
    tools.write(prompt, losses, written, own=own)
    if prompt.stream:
        written["stream"] = True
    return encode(written), losses.fields


def _write_own(prompt: Prompt, losses: Losses, written: dict[str, Any]) -> None:
    given = {
        "max_tokens": prompt.max_tokens,
        "temperature": prompt.temperature,
        "top_p": prompt.top_p,
        "top_k": prompt.top_k,
        "stop_sequences": prompt.stop,
        "stream": prompt.extra.get("~stream"),
    }
    written.update({name: value for name, value in given.items() if value is not None})
    turns.write_own(prompt, losses, written)
    inner: dict[str, dict[str, Any]] = {"metadata": {}, _CONFIG: {}}
    if prompt.user is not None:
        inner["metadata"]["user_id"] = prompt.user
    if prompt.reasoning is not None:
        _write_reasoning(prompt.reasoning, written, inner[_CONFIG])
    if prompt.output is not None:
        form = restore({"type": "json_schema", "schema": prompt.output.schema}, prompt.output.extra)
        place, name = (written, "output_format") if _OLD_FORMAT in prompt.extra else (inner[_CONFIG], "format")
        place[name] = form
    _put_back(written, inner, turns.without_own(prompt.extra))
    if losses.fields and written.get("thinking", {}).get("type") == "enabled" and not options.thought_before(prompt):
        # Another provider's thoughts were dropped, and with a budget the API insists on those before the last calls.
        losses.without("reasoning")
        del written["thinking"]


def _put_back(written: dict[str, Any], inner: dict[str, dict[str, Any]], extra: dict[str, Any]) -> None:
    """What had no word elsewhere, to the request and to the objects in it."""
    outer: dict[str, Any] = {}
    for name, value in extra.items():
        place, dot, field = name.partition(".")
        if dot and place in inner:
            inner[place][field] = value
        else:
            outer[name] = value
    for name, made in inner.items():
        if "~" + name in extra:
            written[name] = restore(made, extra["~" + name])
    restore(written, outer)


def _write_reasoning(asked: Reasoning, written: dict[str, Any], config: dict[str, Any]) -> None:
    if asked.effort is not None:
        config["effort"] = asked.effort
    kind = asked.extra.get("~type")
    if kind is None:
        return
    thinking: dict[str, Any] = {"type": kind}
    if asked.budget_tokens is not None:
        thinking["budget_tokens"] = asked.budget_tokens
    if asked.show is not None:
        thinking["display"] = "summarized" if asked.show else "omitted"
    written["thinking"] = restore(thinking, asked.extra)
