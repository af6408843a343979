"""The `generationConfig` of a request, in both directions; for what a thinking budget becomes see `thinking`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isartor.formats.canonical import Output, Reasoning
from isartor.formats.gemini.fields import keep, put_back
from isartor.formats.gemini.schema import convert

if TYPE_CHECKING:
    from isartor.formats.canonical import Prompt
    from isartor.formats.gemini.fields import Fields
    from isartor.formats.losses import Losses

NAME: Final = "generationConfig"

_NUMBERS: Final = (
    ("temperature", "temperature"),
    ("top_p", "topP"),
    ("presence_penalty", "presencePenalty"),
    ("frequency_penalty", "frequencyPenalty"),
)
_WHOLES: Final = (("max_tokens", "maxOutputTokens"), ("seed", "seed"))
_JSON: Final = "application/json"
_TEXT: Final = "text/plain"
_SCHEMAS: Final = ("responseJsonSchema", "responseSchema")
# What these say when they say no more than is so anyway.
_USUAL: Final[tuple[tuple[str, Any], ...]] = (("candidateCount", 1), ("responseModalities", ["TEXT"]))


def read(given: Fields | None, prompt: Prompt) -> None:
    """Put into `prompt` what `generationConfig` says."""
    if given is None:
        return
    extra = prompt.extra
    for name, own in _NUMBERS:
        setattr(prompt, name, given.number(own))
    for name, own in _WHOLES:
        setattr(prompt, name, given.whole(own))
    top_k = given.number("topK")
    if top_k is not None:
        # A float in Vertex AI's form.
        prompt.top_k = int(top_k)
        if not isinstance(top_k, int):
            extra["~topK"] = top_k
    stop = given.items("stopSequences")
    if stop is not None:
        if not all(isinstance(each, str) for each in stop):
            raise given.wrong(name="stopSequences", what="an array of strings")
        prompt.stop = stop
    prompt.output = _output(given, extra)
    prompt.reasoning = _reasoning(given.inner("thinkingConfig"))
    usual = {name: given.any(name) for name, value in _USUAL if given.shown(name) == value}
    keep(extra, NAME, given)
    if usual:
        extra["~usual"] = usual


def _output(given: Fields, extra: dict[str, Any]) -> Output | None:
    mime = given.text("responseMimeType")
    hints: dict[str, Any] = {"~mime": mime}
    schema = None
    for name in _SCHEMAS:
        value = given.table(name)
        if value is not None:
            schema = convert(value)
            hints |= {"~in": name, "~schema": value}
            break
    if mime is None and schema is None:
        return None
    if mime not in {None, _JSON, _TEXT}:
        # `text/x.enum`: one of the schema's words and nothing around it.
        extra[f"{NAME}.responseMimeType"] = mime
        hints["~mime"] = None
    if schema is not None:
        return Output(kind="schema", schema=schema, extra=hints)
    return Output(kind="json" if mime == _JSON else "text", extra=hints)


def _reasoning(given: Fields | None) -> Reasoning | None:
    if given is None:
        return None
    found = Reasoning(show=given.flag("includeThoughts"), extra={})
    budget = given.whole("thinkingBudget")
    level = given.text("thinkingLevel")
    if budget is not None:
        # -1 lets the model decide how much.
        found.enabled = budget != 0
        found.budget_tokens = budget if budget >= 0 else None
        if budget < 0:
            found.extra["~budget"] = budget
    if level is not None:
        found.extra["~level"] = level
        if level.upper() != "THINKING_LEVEL_UNSPECIFIED":
            found.effort = level.lower()
            found.enabled = True
    found.extra |= given.rest()
    return found


# -- the other direction


def write_own(prompt: Prompt) -> dict[str, Any]:
    """The `generationConfig` as it was, but for what `put_back` puts into it."""
    config = _shared(prompt)
    if "~topK" in prompt.extra:
        config["topK"] = prompt.extra["~topK"]
    if prompt.output is not None:
        hints = prompt.output.extra
        if hints.get("~mime") is not None:
            config["responseMimeType"] = hints["~mime"]
        if "~in" in hints:
            config[hints["~in"]] = hints["~schema"]
    if prompt.reasoning is not None:
        config["thinkingConfig"] = _own_reasoning(prompt.reasoning)
    config |= prompt.extra.get("~usual", {})
    return config


def _own_reasoning(reasoning: Reasoning) -> dict[str, Any]:
    extra = reasoning.extra
    written: dict[str, Any] = {}
    if reasoning.show is not None:
        written["includeThoughts"] = reasoning.show
    budget = extra.get("~budget", reasoning.budget_tokens)
    if budget is not None:
        written["thinkingBudget"] = budget
    if "~level" in extra:
        written["thinkingLevel"] = extra["~level"]
    return put_back(written, extra)


def _shared(prompt: Prompt) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for name, own in (*_NUMBERS, *_WHOLES, ("top_k", "topK"), ("stop", "stopSequences")):
        value = getattr(prompt, name)
        if value is not None:
            config[own] = value
    return config


def write(prompt: Prompt, losses: Losses) -> dict[str, Any]:
    """The `generationConfig` for another format's request; `thinking` adds its own."""
    config = _shared(prompt)
    output = prompt.output
    if output is None:
        return config
    losses.extras("output", output.extra)
    for name, value in (
        ("schema_name", output.name),
        ("schema_description", output.description),
        ("schema_strict", output.strict),
    ):
        if value:
            losses.without(name)
    # Nothing for plain text: that it is said hinders tool calls.
    if output.kind != "text":
        config["responseMimeType"] = _JSON
    if output.kind == "schema" and output.schema is not None:
        config["responseJsonSchema"] = output.schema
    return config
