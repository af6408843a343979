"""Tools and the choice among them, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isartor.formats.anthropic.blocks import keep_marker
from isartor.formats.canonical import Opaque, Tool, ToolChoice
from isartor.formats.reading import Members, restore

if TYPE_CHECKING:
    from isartor.formats.canonical import Prompt
    from isartor.formats.losses import Losses

_FREE_TEXT: Final = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
_MODES: Final = {"auto": "auto", "any": "required", "tool": "required", "none": "none"}
_PARALLEL: Final = "disable_parallel_tool_use"


def read(given: Members) -> list[Tool] | None:
    """The tools. One that Anthropic runs or defines itself is known by its name alone."""
    values = given.items("tools")
    if values is None:
        return None
    path = given.at("tools")
    return [_read_tool(value, f"{path}[{at}]") for at, value in enumerate(values)]


def _read_tool(value: Any, path: str) -> Tool:
    given = Members(value, path)
    kind = given.text("type")
    if kind not in {None, "custom"}:
        name = given.text("name") or given.text("mcp_server_name") or str(kind)
        return Tool(name=name, opaque=Opaque(origin="anthropic", kind=str(kind), value=value))
    tool = Tool(
        name=given.needed("name"),
        description=given.text("description"),
        schema=given.table("input_schema"),
        strict=given.flag("strict"),
        extra={} if kind is None else {"~type": kind},
    )
    callers = given.items("allowed_callers")
    if callers is not None:
        tool.extra["~allowed_callers" if callers == ["direct"] else "allowed_callers"] = callers
    tool.extra |= given.rest()
    return tool


def read_choice(given: Members) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether several tools may be called at once."""
    value = given.inner("tool_choice")
    if value is None:
        return None, None
    kind = value.needed("type")
    if kind not in _MODES:
        raise value.wrong(name="type", what="auto, any, tool or none")
    single = value.flag(_PARALLEL)
    choice = ToolChoice(mode=_MODES[kind])  # type: ignore[arg-type] # the table's words are the modes
    if kind == "tool":
        choice.names = [value.needed("name")]
    choice.extra = value.rest()
    return choice, None if single is None else not single


def write(prompt: Prompt, losses: Losses, written: dict[str, Any], *, own: bool) -> None:
    """Add `tools` and `tool_choice` to `written`. `own`: the request was read from this format."""
    choice = prompt.tool_choice
    if prompt.tools is not None and (own or prompt.tools):
        # A list of several names has no word here: the others are left out instead.
        only = set(choice.names) if choice is not None and len(choice.names) > 1 else None
        if choice is not None and choice.mode == "auto" and choice.names and not own:
            only = set(choice.names)
        tools = [tool for tool in prompt.tools if only is None or tool.name in only]
        written["tools"] = [made for tool in tools if (made := _write_tool(tool, losses, own=own)) is not None]
    if not own and not written.get("tools"):
        written.pop("tools", None)
        return
    if choice is not None:
        written["tool_choice"] = _write_choice(choice, losses, own=own)
    parallel = prompt.parallel_tool_calls
    if parallel is None or (not own and (parallel or (choice is not None and choice.mode == "none"))):
        return
    written.setdefault("tool_choice", {"type": "auto"})[_PARALLEL] = not parallel


def _write_choice(choice: ToolChoice, losses: Losses, *, own: bool) -> dict[str, Any]:
    match choice.mode:
        case "required":
            made: dict[str, Any] = {"type": "any"}
            if len(choice.names) == 1:
                made = {"type": "tool", "name": choice.names[0]}
        case mode:
            made = {"type": mode}
    if own:
        return restore(made, choice.extra)
    losses.extras("choice", choice.extra)
    return made


def _write_tool(tool: Tool, losses: Losses, *, own: bool) -> dict[str, Any] | None:
    if tool.opaque is not None:
        if tool.opaque.origin == "anthropic" and isinstance(tool.opaque.value, dict):
            return tool.opaque.value
        losses.refuse_tool(tool.opaque.kind)
        return None
    made: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        made["description"] = tool.description
    if own:
        return _put_back(made, tool)
    if tool.strict:
        # There is such a thing, but it takes part of JSON Schema only and few tools at a time: a call would fail.
        losses.without("strict")
    losses.extras("tool", keep_marker(tool.extra, made))
    schema = _FREE_TEXT if tool.custom else tool.schema or {"properties": {}}
    made["input_schema"] = {"type": "object"} | schema
    return made


def _put_back(made: dict[str, Any], tool: Tool) -> dict[str, Any]:
    if tool.schema is not None:
        made["input_schema"] = tool.schema
    if tool.strict is not None:
        made["strict"] = tool.strict
    for name in ("type", "allowed_callers"):
        if "~" + name in tool.extra:
            made[name] = tool.extra["~" + name]
    return restore(made, tool.extra)
