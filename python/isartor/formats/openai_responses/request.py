"""Requests of the Responses API, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isartor.formats import reading
from isartor.formats.base import encode
from isartor.formats.canonical import Output, Prompt, Reasoning, Text, Turn
from isartor.formats.losses import Losses
from isartor.formats.openai_responses import foreign, items, tools
from isartor.formats.openai_responses.layout import NAME, put_back

if TYPE_CHECKING:
    from isartor.formats.reading import Members
    from isartor.ports import Quirk

_FIELDS: Final = "~fields"
_TEXT: Final = "~text"
_BARE: Final = "~bare"
_ENCRYPTED: Final = "reasoning.encrypted_content"
# Without a tool that the provider runs these ask for nothing.
_EMPTY_INCLUDES: Final = frozenset(
    {
        _ENCRYPTED,
        "web_search_call.results",
        "web_search_call.action.sources",
        "file_search_call.results",
        "computer_call_output.output.image_url",
        "code_interpreter_call.outputs",
    }
)
# What a reply repeats of its request.
_ECHOED: Final = (
    "instructions", "max_output_tokens", "max_tool_calls", "metadata", "parallel_tool_calls", "prompt_cache_key",
    "reasoning", "safety_identifier", "store", "temperature", "text", "tool_choice", "tools", "top_p", "truncation",
    "user",
)  # fmt: skip
ECHO: Final = "~echo"
"""Hint in a prompt's `extra`: the fields of the request that the reply repeats."""


def read(body: bytes, *, model: str, stream: bool) -> Prompt:
    """A client's request."""
    given = reading.body(body)
    extra: dict[str, Any] = {ECHO: given.peek(*_ECHOED)}
    given.any("model")
    streamed = given.flag("stream")
    reader = _read_input(given, extra)
    instructions = given.text("instructions")
    turns = reader.turns
    if instructions is not None:
        turns = [Turn(role="system", parts=[Text(text=instructions)], apart=True), *turns]
    choice = tools.read_choice(given)
    offered = given.items("tools")
    aside: list[Any] = []
    kept = None
    if offered is not None:
        kept, aside = tools.set_aside(tools.read(offered, "tools"), choice)
    if aside:
        extra[tools.ASIDE] = aside
    if reader.found:
        kept = [*(kept or ()), *reader.found]
        extra["~untooled"] = offered is None
    prompt = Prompt(
        origin=NAME,
        model=model,
        stream=stream,
        turns=turns,
        tools=kept,
        tool_choice=choice,
        parallel_tool_calls=given.flag("parallel_tool_calls"),
        max_tokens=given.whole("max_output_tokens"),
        temperature=given.number("temperature"),
        top_p=given.number("top_p"),
        reasoning=_read_reasoning(given),
        user=given.text("user"),
        extra=extra,
    )
    _read_text(given, prompt)
    if streamed is not None:
        extra["~stream"] = streamed
    include = given.items("include")
    if include is not None:
        extra["~include"] = include
        if not _EMPTY_INCLUDES.issuperset(each for each in include if isinstance(each, str)):
            extra["include"] = include
    extra |= given.rest()
    # What these values say is so anyway.
    for name, value in (("truncation", "disabled"), ("top_logprobs", 0)):
        if extra.get(name) == value:
            extra.setdefault(_FIELDS, {})[name] = extra.pop(name)
    return prompt


def _read_input(given: Members, extra: dict[str, Any]) -> items.Reader:
    value = given.any("input")
    reader = items.Reader()
    if isinstance(value, str):
        extra[items.STRING] = True
        reader.turns.append(Turn(role="user", parts=[Text(text=value)]))
    elif isinstance(value, list):
        reader.read(value)
        if reader.placed:
            extra[items.PLACED] = reader.placed
    elif value is not None:
        raise given.wrong(name="input", what="a string or an array")
    else:
        extra[_BARE] = True
    return reader


def _read_reasoning(given: Members) -> Reasoning | None:
    inner = given.inner("reasoning")
    if inner is None:
        return None
    effort = inner.text("effort")
    summary = inner.text("summary")
    return Reasoning(
        enabled=None if effort is None else effort != "none",
        effort=effort,
        show=True if summary is not None else None,
        extra={"~summary": summary, **inner.rest()},
    )


def _read_text(given: Members, prompt: Prompt) -> None:
    inner = given.inner("text")
    if inner is None:
        return
    prompt.verbosity = inner.text("verbosity")
    form = inner.inner("format")
    if form is not None:
        prompt.output = _read_format(form)
    rest = inner.rest()
    prompt.extra[_TEXT] = rest
    prompt.extra |= {f"text.{name}": value for name, value in rest.items() if not name.startswith("~")}


def _read_format(form: Members) -> Output:
    kind = form.needed("type")
    if kind == "text":
        return Output(kind="text", extra=form.rest())
    if kind == "json_object":
        return Output(kind="json", extra=form.rest())
    if kind != "json_schema":
        raise form.wrong(name="type", what="text, json_object or json_schema")
    return Output(
        kind="schema",
        name=form.needed("name"),
        description=form.text("description"),
        schema=form.table("schema"),
        strict=form.flag("strict"),
        extra=form.rest(),
    )


# -- write


def write(prompt: Prompt, quirks: frozenset[Quirk] = frozenset()) -> tuple[bytes, list[str]]:
    """The request for a provider."""
    del quirks  # they are those of chat providers
    if prompt.origin == NAME:
        return encode(_write_own(prompt)), []
    losses = Losses(prompt, NAME)
    return encode(foreign.write(prompt, losses)), losses.fields


def _write_own(prompt: Prompt) -> dict[str, Any]:
    """The body that the prompt was read from."""
    extra = prompt.extra
    written: dict[str, Any] = {"model": prompt.model, **_own_input(prompt), **foreign.common(prompt)}
    if prompt.tools is not None and not extra.get("~untooled"):
        written["tools"] = tools.write_own(prompt.tools, extra.get(tools.ASIDE, ()))
    if prompt.tool_choice is not None:
        written["tool_choice"] = tools.write_choice(prompt.tool_choice, prompt, Losses(prompt, NAME))
    if prompt.max_tokens is not None:
        written["max_output_tokens"] = prompt.max_tokens
    if prompt.reasoning is not None:
        written["reasoning"] = _own_reasoning(prompt.reasoning)
    if _TEXT in extra:
        written["text"] = put_back(foreign.write_text(prompt), extra[_TEXT])
    for hint in ("~stream", "~include"):
        if hint in extra:
            written[hint.removeprefix("~")] = extra[hint]
    written |= extra.get(_FIELDS, {})
    hidden = {tools.ASIDE, "include"}
    return put_back(
        written, {name: value for name, value in extra.items() if name not in hidden and not name.startswith("text.")}
    )


def _own_input(prompt: Prompt) -> dict[str, Any]:
    """`instructions` and `input`."""
    written: dict[str, Any] = {}
    turns = prompt.turns
    if turns and turns[0].apart:
        written["instructions"] = _only_text(turns[0])
        turns = turns[1:]
    if prompt.extra.get(items.STRING):
        written["input"] = _only_text(turns[0])
    elif not prompt.extra.get(_BARE):
        listed = [item for turn in turns for item in items.write_own(turn)]
        for at, value in prompt.extra.get(items.PLACED, ()):
            listed.insert(at, value)
        written["input"] = listed
    return written


def _only_text(turn: Turn) -> str:
    return "".join(part.text for part in turn.parts if isinstance(part, Text))


def _own_reasoning(reasoning: Reasoning) -> dict[str, Any]:
    written: dict[str, Any] = {}
    if reasoning.effort is not None:
        written["effort"] = reasoning.effort
    if reasoning.extra["~summary"] is not None:
        written["summary"] = reasoning.extra["~summary"]
    return put_back(written, reasoning.extra)
