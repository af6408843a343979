"""Tools, the names that they have elsewhere, and the choice among them.

Three kinds of the client's own tools have no equal in other formats and become plain functions there, under a name that
is translated back in the reply: the functions of a namespace (`joined`), tools that take free text (`custom`), and the
search for further tools that the client does itself (`tool_search`). Tools that the provider runs are opaque.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from isartor.formats.canonical import Opaque, Tool, ToolChoice
from isartor.formats.openai_responses.layout import NAME, put_back
from isartor.formats.reading import Members
from isartor.formats.schemas import closed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from isartor.formats.canonical import Prompt
    from isartor.formats.losses import Losses

FOUND: Final = "~found"
"""Hint in a tool's `extra`: it stands in an item of the input, not among the request's tools."""
ASIDE: Final = "tools[].web_search"
"""Field of a prompt's `extra`: searches of the web that may be left out, each with its place among the tools."""
SEARCH: Final = "tool_search"

_TYPE: Final = "~type"
_NAMESPACE: Final = "~namespace"
_ORIGINAL: Final = "~name"
_DESCRIPTION: Final = "~description"
_FORMAT: Final = "~format"
# The most that the functions of all providers may be called.
_LONGEST: Final = 64
_EMPTY: Final = {"type": "object", "properties": {}}

Kind = Literal["function", "custom", "tool_search"]


class Known(msgspec.Struct, frozen=True):
    """What the client calls a tool."""

    kind: Kind
    name: str
    namespace: str | None = None


def joined(namespace: str | None, name: str) -> str:
    """The name that a namespace's function has where there are no namespaces."""
    if namespace is None or namespace == name:
        # A function outside all namespaces may be called with its own name as one.
        return name
    full = namespace + ("" if namespace.endswith("__") else "__") + name
    if len(full) <= _LONGEST:
        return full
    digest = sha256(full.encode()).hexdigest()[:8]
    return f"{full[: _LONGEST - len(digest) - 1]}_{digest}"


def known(prompt: Prompt) -> dict[str, Known]:
    """The tools of a client's request that are more than plain functions, by the names that the provider was given."""
    found = {}
    for tool in prompt.tools or ():
        kind: Kind = "custom" if tool.custom else tool.extra.get(_TYPE, "function")
        namespace = tool.extra.get(_NAMESPACE)
        if kind != "function" or namespace is not None:
            name = tool.extra.get(_ORIGINAL, tool.name)
            found[tool.name] = Known(kind, name, None if namespace is None else namespace.get("name"))
    return found


# -- read


def read(values: Iterable[Any], path: str) -> list[Tool]:
    """Tools as they stand in a request or in an item, those of namespaces one by one."""
    tools: list[Tool] = []
    for at, value in enumerate(values):
        given = Members(value, f"{path}[{at}]")
        match given.needed("type"):
            case "namespace" if value.get("tools"):
                tools += _read_namespace(given)
            case "function" | "custom" as kind:
                tools.append(_read_function(given, kind))
            case "tool_search" if value.get("execution") == "client":
                tools.append(_read_search(given))
            case kind:
                tools.append(Tool(name=kind, opaque=Opaque(origin=NAME, kind=kind, value=value)))
    return tools


def set_aside(tools: list[Tool], choice: ToolChoice | None) -> tuple[list[Tool], list[Any]]:
    """Take out the searches of the web that an agent (Codex) always offers beside tools of its own.

    They are known by `external_web_access`. A search that is all there is, or that has to be made, stays: without it
    the answer would be another one.
    """
    own = any(tool.opaque is None for tool in tools)
    if not own or (choice is not None and "type" in choice.extra):
        return tools, []
    kept = []
    aside = []
    at = -1
    header = None
    for tool in tools:
        namespace = tool.extra.get(_NAMESPACE)
        if namespace is None or namespace is not header:
            at += 1
        header = namespace
        if tool.name == "web_search" and tool.opaque is not None and "external_web_access" in tool.opaque.value:
            aside.append([at, tool.opaque.value])
        else:
            kept.append(tool)
    return kept, aside


def _read_function(given: Members, kind: str) -> Tool:
    tool = Tool(
        name=given.needed("name"),
        description=given.text("description"),
        schema=given.table("parameters"),
        strict=given.flag("strict"),
        custom=kind == "custom",
        extra={},
    )
    form = given.table("format") if tool.custom else None
    if form is not None:
        tool.extra[_FORMAT] = form
        if form.get("type") == "grammar":
            # Where no grammar can be enforced the model has to know it at least.
            tool.extra[_DESCRIPTION] = tool.description
            rule = f"The input follows this {form.get('syntax', '')} grammar:\n{form.get('definition', '')}"
            tool.description = f"{tool.description}\n\n{rule}" if tool.description else rule
    tool.extra |= given.rest()
    return tool


def _read_search(given: Members) -> Tool:
    return Tool(
        name=SEARCH,
        description=given.text("description"),
        schema=given.table("parameters"),
        extra={_TYPE: SEARCH, "~execution": given.text("execution"), **given.rest()},
    )


def _read_namespace(given: Members) -> list[Tool]:
    path = given.at("tools")
    values = given.items("tools") or []
    name = given.needed("name")
    header: dict[str, Any] = {"type": "namespace", "name": name}
    description = given.text("description")
    if description is not None:
        header["description"] = description
    put_back(header, given.rest())
    tools = read(values, path)
    for tool in tools:
        tool.extra[_NAMESPACE] = header
        if tool.opaque is None:
            tool.extra[_ORIGINAL] = tool.name
            tool.name = joined(name, tool.name)
    if description and tools[0].opaque is None:
        # What the namespace says of itself goes with its first function; saying it with each would cost tokens.
        tools[0].extra.setdefault(_DESCRIPTION, tools[0].description)
        tools[0].description = f"[{name}: {description}]\n\n{tools[0].description or ''}".rstrip()
    return tools


def read_choice(given: Members) -> ToolChoice | None:
    """`tool_choice`: a word, one tool, or a list of the allowed ones."""
    value = given.any("tool_choice")
    if value is None:
        return None
    if isinstance(value, str):
        if value in {"auto", "none", "required"}:
            return ToolChoice(mode=value)  # type: ignore[arg-type] # one of the three words
        raise given.wrong(name="tool_choice", what="auto, none, required or an object")
    inner = Members(value, "tool_choice")
    kind = inner.needed("type")
    if kind in {"function", "custom"}:
        name = joined(value.get("namespace"), inner.needed("name"))
        inner.any("namespace")
        return ToolChoice(mode="required", names=[name], extra={"~value": value, **inner.rest()})
    if kind == "allowed_tools":
        mode = "required" if inner.text("mode") == "required" else "auto"
        tools = inner.each("tools")
        if all(tool.text("type") in {"function", "custom"} for tool in tools):
            names = [joined(tool.text("namespace"), tool.needed("name")) for tool in tools]
            return ToolChoice(mode=mode, names=names, extra={"~value": value, **inner.rest()})  # type: ignore[arg-type]
    return ToolChoice(mode="required", extra={"~value": value, "type": kind})


# -- write


def write_own(tools: Iterable[Tool], aside: Iterable[Sequence[Any]] = ()) -> list[Any]:
    """The tools of a request of this format, as they were."""
    written: list[Any] = []
    header: dict[str, Any] | None = None
    for tool in tools:
        if tool.extra.get(FOUND):
            continue
        namespace = tool.extra.get(_NAMESPACE)
        one = tool.opaque.value if tool.opaque is not None else _write_own(tool)
        if namespace is None:
            written.append(one)
        elif namespace is header:
            written[-1]["tools"].append(one)
        else:
            written.append({**namespace, "tools": [one]})
        header = namespace
    for at, value in aside:
        written.insert(at, value)
    return written


def _write_own(tool: Tool) -> dict[str, Any]:
    written: dict[str, Any] = {"type": tool.extra.get(_TYPE, "custom" if tool.custom else "function")}
    if written["type"] == SEARCH:
        written["execution"] = tool.extra["~execution"]
    else:
        written["name"] = tool.extra.get(_ORIGINAL, tool.name)
    fields = {
        "description": tool.extra.get(_DESCRIPTION, tool.description),
        "parameters": tool.schema,
        "strict": tool.strict,
        "format": tool.extra.get(_FORMAT),
    }
    written |= {name: value for name, value in fields.items() if value is not None}
    return put_back(written, tool.extra)


def write(tools: Iterable[Tool], losses: Losses) -> list[dict[str, Any]]:
    """The tools of another format's request. `strict` is said always: without it this API would change the schema."""
    written: list[dict[str, Any]] = []
    for tool in tools:
        if tool.opaque is not None:
            losses.refuse_tool(tool.opaque.kind)
            continue
        one: dict[str, Any] = {"type": "custom" if tool.custom else "function", "name": tool.name}
        if tool.description:
            one["description"] = tool.description
        if not tool.custom:
            # An object has to list its properties, be it that there are none.
            one["parameters"] = {**_EMPTY, **(tool.schema or {})}
            one["strict"] = bool(tool.strict) and strictly(tool.schema, losses, "strict")
        losses.extras("tool", tool.extra)
        written.append(one)
    return written


def strictly(schema: Any, losses: Losses, name: str) -> bool:
    """Whether `strict` can be said of a schema: the API refuses one that leaves anything open or optional."""
    if closed(schema):
        return True
    losses.without(name)
    return False


def write_choice(choice: ToolChoice, prompt: Prompt, losses: Losses) -> Any:
    """`tool_choice` of any request."""
    if prompt.origin == NAME:
        return choice.extra.get("~value", choice.mode)
    losses.extras("choice", choice.extra)
    if not choice.names or choice.mode == "none":
        return choice.mode
    customs = {tool.name for tool in prompt.tools or () if tool.custom}
    tools = [{"type": "custom" if name in customs else "function", "name": name} for name in choice.names]
    if len(tools) == 1 and choice.mode == "required":
        return tools[0]
    return {"type": "allowed_tools", "mode": choice.mode, "tools": tools}
