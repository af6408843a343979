"""Tools, the choice among them, and the form of the answer: the fields of a request that are objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.formats.canonical import Opaque, Output, Tool, ToolChoice
from isartor.formats.openai_chat.calls import INPUT
from isartor.formats.openai_chat.layout import keep, put_back
from isartor.formats.reading import Members
from isartor.formats.schemas import closed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isartor.formats.losses import Losses

_KINDS: Final = ("function", "custom")


# Members of a schema whose own members are no keywords.
def read(given: Members) -> list[Tool] | None:
    """The member `tools`."""
    path = given.at("tools")
    listed = given.items("tools")
    if listed is None:
        return None
    return [_read_tool(each, Members(each, f"{path}[{at}]")) for at, each in enumerate(listed)]


def _read_tool(value: Any, given: Members) -> Tool:
    kind = given.needed("type")
    if kind not in _KINDS:
        return Tool(name=kind, opaque=Opaque(origin="openai_chat", kind=kind, value=value))
    inner = Members(given.any(kind), given.at(kind))
    custom = kind == "custom"
    tool = Tool(name=inner.needed("name"), description=inner.text("description"), custom=custom, extra={})
    if custom:
        _read_form(tool, inner)
    else:
        tool.schema = inner.table("parameters")
        tool.strict = inner.flag("strict")
    keep(tool.extra, kind, inner)
    tool.extra |= given.rest()
    return tool


def _read_form(tool: Tool, inner: Members) -> None:
    """The form of the free text. Where no grammar can be enforced the model has to know it at least."""
    form = inner.any("format")
    if form is None:
        return
    tool.extra["~custom"] = {"format": form}
    grammar = form.get("grammar") if isinstance(form, dict) else None
    if isinstance(grammar, dict):
        tool.extra["~description"] = tool.description
        rule = f"The input follows this {grammar.get('syntax', '')} grammar:\n{grammar.get('definition', '')}"
        tool.description = f"{tool.description}\n\n{rule}" if tool.description else rule


def write(tools: Sequence[Tool], losses: Losses, *, own: bool) -> list[dict[str, Any]]:
    """The member `tools`."""
    return [written for tool in tools if (written := _write_tool(tool, losses, own=own)) is not None]


def _write_tool(tool: Tool, losses: Losses, *, own: bool) -> dict[str, Any] | None:
    if tool.opaque is not None:
        if tool.opaque.origin == "openai_chat":
            value: dict[str, Any] = tool.opaque.value
            return value
        losses.refuse_tool(tool.opaque.kind)
        return None
    inner: dict[str, Any] = {"name": tool.name}
    description = tool.extra.get("~description", tool.description) if own else tool.description
    if description is not None:
        inner["description"] = description
    if tool.schema is not None:
        # OpenAI refuses an object that does not list its properties, be it that there are none.
        inner["parameters"] = tool.schema if own else {"type": "object", "properties": {}} | tool.schema
    if tool.strict is not None and (own or _strict(tool.strict, tool.schema, losses, "strict")):
        inner["strict"] = tool.strict
    if own:
        kind = "custom" if tool.custom else "function"
        return put_back({"type": kind, kind: inner}, tool.extra)
    losses.extras("tool", tool.extra)
    if tool.custom:
        # Few providers of this format have tools that take free text, and all have functions: one with one string.
        inner["parameters"] = {
            "type": "object",
            "properties": {INPUT: {"type": "string", "description": "The tool's whole input, as it is."}},
            "required": [INPUT],
            "additionalProperties": False,
        }
    return {"type": "function", "function": inner}


def _strict(wanted: bool, schema: Any, losses: Losses, name: str) -> bool:  # noqa: FBT001 # a field's value
    """Whether `strict` can be said: OpenAI then refuses a schema that leaves anything open or optional."""
    if wanted and not closed(schema):
        losses.without(name)
        return False
    return True


def read_choice(given: Members) -> ToolChoice | None:
    """The member `tool_choice`."""
    value = given.any("tool_choice")
    if value is None:
        return None
    if value in ("auto", "none", "required"):
        return ToolChoice(mode=value)
    if isinstance(value, str):
        raise given.wrong(name="tool_choice", what="auto, none, required or an object")
    named = Members(value, given.at("tool_choice"))
    kind = named.needed("type")
    # What it was: written back as it came, and nothing that another format would lose.
    extra = {"~value": value}
    if kind in _KINDS:
        inner = Members(named.any(kind), named.at(kind))
        return ToolChoice(mode="required", names=[inner.needed("name")], extra=extra)
    if kind != "allowed_tools":
        return ToolChoice(mode="auto", extra=extra | {"type": kind})
    inner = Members(named.any(kind), named.at(kind))
    mode = inner.needed("mode")
    if mode not in {"auto", "required"}:
        raise inner.wrong(name="mode", what="auto or required")
    names = [_allowed(each) for each in inner.each("tools")]
    return ToolChoice(mode="auto" if mode == "auto" else "required", names=names, extra=extra)


def _allowed(given: Members) -> str:
    kind = given.needed("type")
    inner = given.inner(kind) if kind in _KINDS else None
    return kind if inner is None else inner.needed("name")


def write_choice(choice: ToolChoice, losses: Losses, *, own: bool) -> Any:
    """The member `tool_choice`. Of several names only the mode is left: the tools were cut down to them (`chosen`)."""
    if own and "~value" in choice.extra:
        return choice.extra["~value"]
    if not own:
        losses.extras("choice", choice.extra)
    if choice.mode == "required" and len(choice.names) == 1:
        return {"type": "function", "function": {"name": choice.names[0]}}
    return choice.mode


def chosen(tools: Sequence[Tool], choice: ToolChoice | None) -> Sequence[Tool]:
    """The tools that may be called: few providers know a list of allowed ones; not to offer the rest is the same."""
    if choice is None or not choice.names or (choice.mode == "required" and len(choice.names) == 1):
        return tools
    names = set(choice.names)
    return [tool for tool in tools if tool.name in names]


def read_output(given: Members) -> Output | None:
    """The member `response_format`."""
    value = given.inner("response_format")
    if value is None:
        return None
    kind = value.needed("type")
    if kind in {"text", "json_object"}:
        return Output(kind="text" if kind == "text" else "json", extra=value.rest())
    if kind != "json_schema":
        raise value.wrong(name="type", what="text, json_object or json_schema")
    schema = Members(value.any("json_schema"), value.at("json_schema"))
    output = Output(
        kind="schema",
        name=schema.needed("name"),
        description=schema.text("description"),
        schema=schema.table("schema"),
        strict=schema.flag("strict"),
        extra={},
    )
    keep(output.extra, "json_schema", schema)
    output.extra |= value.rest()
    return output


def write_output(output: Output, losses: Losses, *, own: bool) -> dict[str, Any]:
    """The member `response_format`."""
    if output.kind == "schema":
        inner: dict[str, Any] = {"name": output.name or "answer"}
        if output.description is not None:
            inner["description"] = output.description
        if output.schema is not None:
            inner["schema"] = output.schema
        if output.strict is not None and (own or _strict(output.strict, output.schema, losses, "schema_strict")):
            inner["strict"] = output.strict
        written: dict[str, Any] = {"type": "json_schema", "json_schema": inner}
    else:
        written = {"type": "text" if output.kind == "text" else "json_object"}
    if own:
        return put_back(written, output.extra)
    losses.extras("output", output.extra)
    return written


def in_words(output: Output) -> str:
    """What a provider without JSON schemas is told in its place."""
    if output.schema is None:
        return "Answer with JSON and nothing else."
    schema = msgspec.json.encode(output.schema).decode()
    about = f" ({output.description})" if output.description else ""
    return f"Answer with nothing but JSON that is valid against this JSON Schema{about}:\n{schema}"
