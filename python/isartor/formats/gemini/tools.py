"""The tools of a request and the choice between them, in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isartor.formats.canonical import Opaque, Tool, ToolChoice
from isartor.formats.gemini.fields import keep, put_back
from isartor.formats.gemini.schema import convert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isartor.formats.gemini.fields import Fields
    from isartor.formats.losses import Losses

LAYOUT: Final = "~tools"
"""Hint in a prompt's `extra`: for each of `tools` the number of its functions, its other members and its hints."""

INPUT: Final = "input"
"""The one member of a function that stands for a tool that takes free text."""

_SCHEMAS: Final = ("parametersJsonSchema", "parameters")
_MODES: Final = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto", "MODE_UNSPECIFIED": "auto"}
_WORDS: Final = {"auto": "AUTO", "required": "ANY", "none": "NONE"}


def read(given: Fields, extra: dict[str, Any]) -> list[Tool] | None:
    """All functions, and each tool that the provider runs as one that is opaque."""
    if given.shown("tools") is None:
        given.any("tools")
        return None
    found: list[Tool] = []
    layout = []
    for each in given.each("tools"):
        functions = [_function(one) for one in each.each("functionDeclarations")] if _has(each) else None
        found += functions or ()
        rest = each.rest()
        others = {name: value for name, value in rest.items() if not name.startswith("~")}
        found += [
            Tool(name=name, opaque=Opaque(origin="gemini", kind=name, value=value)) for name, value in others.items()
        ]
        hints = {name: value for name, value in rest.items() if name.startswith("~")}
        layout.append((None if functions is None else len(functions), len(others), hints))
    extra[LAYOUT] = layout
    return found


def _has(given: Fields) -> bool:
    return given.shown("functionDeclarations") is not None


def _function(given: Fields) -> Tool:
    tool = Tool(name=given.needed("name"), description=given.text("description"), extra={})
    for name in _SCHEMAS:
        schema = given.table(name)
        if schema is not None:
            tool.schema = convert(schema)
            tool.extra["~in"] = name
            if tool.schema != schema:
                tool.extra["~schema"] = schema
            break
    tool.extra |= given.rest()
    return tool


def read_choice(given: Fields | None) -> ToolChoice | None:
    """The `functionCallingConfig` in `toolConfig`."""
    config = None if given is None else given.inner("functionCallingConfig")
    if config is None:
        return None
    extra: dict[str, Any] = {}
    word = config.text("mode")
    mode: Any = _MODES.get((word or "AUTO").upper())
    if mode is None:
        raise config.wrong(name="mode", what="AUTO, ANY, NONE or VALIDATED")
    extra["~mode"] = word
    if word is not None and word.upper() == "VALIDATED":
        # The calls are checked against their schemas.
        extra["mode"] = word
    names = config.items("allowedFunctionNames")
    if names is None:
        extra["~names"] = False
    return ToolChoice(mode=mode, names=[str(name) for name in names or ()], extra=extra | config.rest())


# -- the other direction


def write_own(tools: Sequence[Tool], layout: Sequence[Any]) -> list[dict[str, Any]]:
    """All tools as they were."""
    left = iter(tools)
    written = []
    for functions, others, hints in layout:
        entry: dict[str, Any] = {}
        if functions is not None:
            entry["functionDeclarations"] = [_own(next(left)) for _ in range(functions)]
        for _ in range(others):
            tool = next(left)
            if tool.opaque is not None:
                entry[tool.opaque.kind] = tool.opaque.value
        written.append(put_back(entry, hints))
    return written


def _own(tool: Tool) -> dict[str, Any]:
    declared: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        declared["description"] = tool.description
    if "~in" in tool.extra:
        declared[tool.extra["~in"]] = tool.extra.get("~schema", tool.schema)
    return put_back(declared, tool.extra)


def write_own_choice(choice: ToolChoice) -> dict[str, Any]:
    """The `functionCallingConfig` as it was."""
    config: dict[str, Any] = {}
    if choice.extra.get("~mode") is not None:
        config["mode"] = choice.extra["~mode"]
    if choice.extra.get("~names", True):
        config["allowedFunctionNames"] = choice.names
    return put_back(config, choice.extra)


def write(tools: Sequence[Tool], losses: Losses) -> list[dict[str, Any]]:
    """Another format's tools: all functions in one declaration."""
    declared = []
    for tool in tools:
        if tool.opaque is not None:
            losses.refuse_tool(tool.opaque.kind)
            continue
        losses.extras("tool", tool.extra)
        if tool.strict:
            losses.without("strict")
        function: dict[str, Any] = {"name": tool.name}
        if tool.description:
            function["description"] = tool.description
        schema = free_text() if tool.custom else tool.schema
        if schema:
            function["parametersJsonSchema"] = schema
        declared.append(function)
    return [{"functionDeclarations": declared}] if declared else []


def free_text() -> dict[str, Any]:
    """The schema of a function that stands for a tool that takes free text."""
    described = {"type": "string", "description": "The whole input of the tool, as plain text."}
    return {"type": "object", "properties": {INPUT: described}, "required": [INPUT], "additionalProperties": False}


def write_choice(choice: ToolChoice, losses: Losses) -> dict[str, Any]:
    """Another format's choice. A list of names is only allowed where a call is asked for or checked."""
    losses.extras("choice", choice.extra)
    mode = "VALIDATED" if choice.mode == "auto" and choice.names else _WORDS[choice.mode]
    config: dict[str, Any] = {"mode": mode}
    if choice.names and choice.mode != "none":
        config["allowedFunctionNames"] = choice.names
    return {"functionCallingConfig": config}


def keep_config(given: Fields | None, extra: dict[str, Any]) -> None:
    """What else `toolConfig` says."""
    if given is not None:
        keep(extra, "toolConfig", given)
