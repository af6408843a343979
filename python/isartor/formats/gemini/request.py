"""Requests of `generateContent` and `streamGenerateContent`, read and written.

The model and whether it streams stand in the path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isartor.formats.base import encode
from isartor.formats.canonical import Prompt
from isartor.formats.gemini import config, contents, fields, thinking, tools, turns
from isartor.formats.gemini.fields import put_back
from isartor.formats.losses import Losses

if TYPE_CHECKING:
    from isartor.ports import Quirk


def read(body: bytes, *, model: str, stream: bool) -> Prompt:
    """A client's request."""
    given = fields.body(body)
    extra: dict[str, Any] = {}
    named = given.any("model")
    if named is not None:
        extra["~model"] = named
    system = given.inner("systemInstruction")
    if given.shown("contents") is None:
        raise given.wrong(name="contents", what="an array")
    prompt = Prompt(
        origin="gemini",
        model=model,
        stream=stream,
        turns=[
            *([] if system is None else [contents.read_system(system)]),
            *contents.read(given.each("contents")),
        ],
        extra=extra,
    )
    prompt.tools = tools.read(given, extra)
    choice = given.inner("toolConfig")
    prompt.tool_choice = tools.read_choice(choice)
    tools.keep_config(choice, extra)
    config.read(given.inner(config.NAME), prompt)
    extra |= given.rest()
    return prompt


def write(prompt: Prompt, quirks: frozenset[Quirk] = frozenset()) -> tuple[bytes, list[str]]:
    """The body for a provider, and the client's fields that were dropped."""
    del quirks
    losses = Losses(prompt, "gemini")
    written = _own(prompt, losses) if prompt.origin == "gemini" else _foreign(prompt, losses)
    return encode(written), losses.fields


def _own(prompt: Prompt, losses: Losses) -> dict[str, Any]:
    """What was read, as it was."""
    extra = prompt.extra
    body: dict[str, Any] = {}
    said = prompt.turns
    if said and said[0].apart:
        body["systemInstruction"] = contents.write(said[0], losses)[0]
        said = said[1:]
    body["contents"] = [content for turn in said for content in contents.write(turn, losses)]
    if prompt.tools is not None:
        body["tools"] = tools.write_own(prompt.tools, extra.get(tools.LAYOUT, ()))
    if "~toolConfig" in extra:
        choice = prompt.tool_choice
        body["toolConfig"] = {} if choice is None else {"functionCallingConfig": tools.write_own_choice(choice)}
    if "~" + config.NAME in extra:
        body[config.NAME] = config.write_own(prompt)
    if "~model" in extra:
        body["model"] = extra["~model"]
    return put_back(body, extra)


def _foreign(prompt: Prompt, losses: Losses) -> dict[str, Any]:
    """Another format's request."""
    losses.extras("prompt", prompt.extra)
    system, said = turns.write(prompt, losses)
    body: dict[str, Any] = {"contents": said}
    if system:
        body["systemInstruction"] = {"parts": system}
    declared = tools.write(prompt.tools or (), losses)
    if declared:
        body["tools"] = declared
        if prompt.tool_choice is not None:
            body["toolConfig"] = tools.write_choice(prompt.tool_choice, losses)
    if prompt.parallel_tool_calls is False and declared:
        losses.without("parallel_tool_calls")
    if prompt.verbosity is not None:
        losses.without("verbosity")
    if prompt.user is not None:
        losses.without("user")
    generation = config.write(prompt, losses)
    thought = thinking.write(prompt, losses)
    if thought:
        generation["thinkingConfig"] = thought
    if generation:
        body[config.NAME] = generation
    return body
