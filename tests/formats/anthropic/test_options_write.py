"""What requests of other formats set is written as Anthropic's API, and the model asked, takes it."""

from __future__ import annotations

from typing import Any

import pytest

from isartor.errors import RequestError
from isartor.formats import seal
from isartor.formats.canonical import (
    Opaque,
    Output,
    Reasoning,
    Thinking,
    Tool,
    ToolChoice,
)

from .checks import (
    FORMAT,
    MIDDLE,
    NEW,
    OLD,
    OTHER,
    TOOL,
    USER,
    asking,
    call,
    read,
    result,
    turn,
    write,
)

# -- options


@pytest.mark.parametrize(
    ("model", "most"),
    [("claude-3-haiku-20240307", 4096), ("claude-3-5-sonnet-20241022", 8192), (OLD, 32_000), (OTHER, 8192)],
)
def test_default_length(model: str, most: int) -> None:
    """The API wants a limit: without the client's it is one that the model takes."""
    assert write(asking(model=model))["max_tokens"] == most
    assert write(asking(model=model, max_tokens=5))["max_tokens"] == 5


def test_length_within_limit() -> None:
    """A client that asks for more than the model has is given what it has, in place of the API's refusal."""
    assert write(asking(model=OLD, max_tokens=128_000))["max_tokens"] == 64_000
    assert write(asking(model=OTHER, max_tokens=128_000))["max_tokens"] == 128_000


ON = Reasoning(enabled=True, effort="high")


@pytest.mark.parametrize(
    ("model", "asked", "found"),
    [
        (NEW, None, (None, None)),
        (NEW, Reasoning(effort="low"), ({"type": "adaptive"}, "low")),
        (NEW, Reasoning(effort="minimal"), ({"type": "adaptive"}, "low")),
        (NEW, Reasoning(effort="xhigh", show=True), ({"type": "adaptive", "display": "summarized"}, "xhigh")),
        (MIDDLE, Reasoning(effort="xhigh"), ({"type": "adaptive"}, "high")),
        (NEW, Reasoning(enabled=True, budget_tokens=9000), ({"type": "adaptive"}, "medium")),
        (NEW, Reasoning(enabled=True), ({"type": "adaptive"}, None)),
        (NEW, Reasoning(), (None, None)),
        (NEW, Reasoning(enabled=False), (None, "low")),
        ("claude-opus-5", Reasoning(effort="none"), ({"type": "disabled"}, None)),
        ("claude-haiku-5-5", Reasoning(enabled=False), ({"type": "disabled"}, None)),
        ("claude-sonnet-5-5", Reasoning(enabled=False), ({"type": "between_tools"}, None)),
        ("claude-fable-5-1", Reasoning(enabled=False), (None, "low")),
        (OLD, Reasoning(effort="low"), ({"type": "enabled", "budget_tokens": 4096}, None)),
        (OLD, Reasoning(enabled=True, budget_tokens=5000), ({"type": "enabled", "budget_tokens": 5000}, None)),
        (OLD, Reasoning(enabled=True, budget_tokens=1), ({"type": "enabled", "budget_tokens": 1024}, None)),
        (OTHER, ON, ({"type": "enabled", "budget_tokens": 24_576}, None)),
        ("claude-3-5-sonnet-20241022", ON, (None, None)),
    ],
)
def test_reasoning(model: str, asked: Reasoning | None, found: tuple[Any, Any]) -> None:
    """Effort and budget become what the model takes."""
    written = write(asking(model=model, reasoning=asked))
    assert (written.get("thinking"), written.get("output_config", {}).get("effort")) == found
    budget = written.get("thinking", {}).get("budget_tokens", 0)
    assert written["max_tokens"] > budget


def test_budget_within_limit() -> None:
    """A budget leaves room for the answer, and where there is none the model does not think."""
    assert write(asking(reasoning=ON, max_tokens=4000))["thinking"]["budget_tokens"] == 2000
    written, dropped = FORMAT.write_request(asking(reasoning=ON, max_tokens=1500))
    assert b"thinking" not in written
    assert dropped == ["reasoning_effort"]


@pytest.mark.parametrize(("thought", "thinks"), [(True, True), (False, False)])
def test_budget_after_calls(thought: bool, thinks: bool) -> None:
    """With a budget the API wants the thoughts before the last calls; without them it is not asked to think."""
    before = [Thinking(text="hm", sealed="s", maker="anthropic")] if thought else []
    turns = (USER, turn("assistant", *before, call()), turn("tool", result("c", "ok")))
    assert ("thinking" in write(asking(*turns, reasoning=ON))) is thinks
    assert "thinking" in write(asking(*turns, reasoning=ON, model=NEW))
    assert "thinking" in write(asking(*turns, turn("user", "go on"), reasoning=ON))


def test_forced_call_before_thinking() -> None:
    """The API does not think where a call is forced: the call is what counts."""
    written, dropped = FORMAT.write_request(
        asking(reasoning=ON, tools=[TOOL], tool_choice=ToolChoice(mode="required"), model=NEW)
    )
    assert b"thinking" not in written
    assert dropped == ["reasoning_effort"]
    silent = asking(tools=[TOOL], tool_choice=ToolChoice(mode="required", names=["t"]), model="claude-sonnet-5")
    assert write(silent)["thinking"] == {"type": "disabled"}


def test_own_request_with_thoughts_of_others() -> None:
    """A conversation that another provider took part in goes on without its thoughts, in the client's own format too."""
    signature = seal.seal(seal.Sealed(maker="openai_responses", sealed="E"))
    thought = {"type": "thinking", "thinking": "hm", "signature": signature}
    use = {"type": "tool_use", "id": "t", "name": "n", "input": {}}
    answer = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "ok"}]}
    body = {
        "model": OLD,
        "messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": [thought, use]}, answer],
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    }
    asked = read(body)
    assert FORMAT.write_request(asked)[1] == ["messages[].content[].thinking", "thinking"]
    written = write(asked)
    assert "thinking" not in written
    assert written["messages"][1]["content"] == [use]


@pytest.mark.parametrize(
    ("model", "fields", "kept", "dropped"),
    [
        (OLD, {"temperature": 0.2}, {"temperature": 0.2}, []),
        (OLD, {"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2}, ["top_p"]),
        (OTHER, {"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2, "top_p": 0.9}, []),
        (OLD, {"temperature": 1.5}, {}, ["temperature"]),
        (OLD, {"temperature": 1, "top_p": 1.0}, {}, []),
        (OLD, {"top_k": 5}, {"top_k": 5}, []),
        (OLD, {"temperature": 0.2, "top_k": 5, "reasoning": ON}, {}, ["temperature", "top_k"]),
        (OLD, {"top_p": 0.95, "reasoning": ON}, {"top_p": 0.95}, []),
        (OLD, {"top_p": 0.9, "reasoning": ON}, {}, ["top_p"]),
        (NEW, {"temperature": 0.2, "top_p": 0.9}, {}, ["temperature", "top_p"]),
        (NEW, {"seed": 0, "presence_penalty": 0, "frequency_penalty": 0.5}, {}, ["seed", "frequency_penalty"]),
        (NEW, {"verbosity": "low"}, {}, ["verbosity"]),
    ],
)
def test_sampling(model: str, fields: dict[str, Any], kept: dict[str, Any], dropped: list[str]) -> None:
    """What the model takes is kept; the rest is reported, unless it says nothing."""
    asked = asking(model=model, **fields)
    assert FORMAT.write_request(asked)[1] == dropped
    written = write(asked)
    assert {name: written[name] for name in ("temperature", "top_p", "top_k") if name in written} == kept


def test_plain_options() -> None:
    """Stop sequences, user and streaming in Anthropic's words."""
    written = write(asking(stop=["a"], user="u", stream=True))
    assert written["stop_sequences"] == ["a"]
    assert written["metadata"] == {"user_id": "u"}
    assert written["stream"] is True
    assert set(write(asking())) == {"model", "max_tokens", "messages"}


def test_schema() -> None:
    """A schema for the answer is closed, as the API wants it."""
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "array", "items": {"type": "object", "properties": {}}},
            "properties": {"enum": ["x"]},
        },
        "$defs": {"n": {"type": ["object", "null"], "additionalProperties": True}},
    }
    written = write(asking(output=Output(kind="schema", name="n", schema=schema, strict=True)))
    form = written["output_config"]["format"]
    assert form["type"] == "json_schema"
    found = form["schema"]
    assert found["additionalProperties"] is False
    assert found["properties"]["a"]["items"]["additionalProperties"] is False
    assert found["properties"]["properties"] == {"enum": ["x"]}
    assert found["$defs"]["n"]["additionalProperties"] is True


def test_json_without_schema() -> None:
    """JSON of no particular schema is what the model is told to answer."""
    assert "JSON" in write(asking(output=Output(kind="json")))["system"]
    assert "system" not in write(asking(output=Output(kind="text")))


# -- tools


def test_tools() -> None:
    """Tools have a schema in any case; hints that would make calls fail are reported."""
    asked = asking(tools=[TOOL, Tool(name="bare", strict=True), Tool(name="open", schema={"properties": {}})])
    written, dropped = FORMAT.write_request(asked)
    assert dropped == ["tools[].function.strict"]
    assert [tool["input_schema"]["type"] for tool in write(asked)["tools"]] == ["object"] * 3
    assert b'"strict"' not in written


@pytest.mark.parametrize(
    ("choice", "parallel", "found"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="auto"), None, {"type": "auto"}),
        (ToolChoice(mode="required"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="required", names=["t"]), None, {"type": "tool", "name": "t"}),
        (ToolChoice(mode="none"), False, {"type": "none"}),
    ],
)
def test_choice(choice: ToolChoice | None, parallel: bool | None, found: Any) -> None:
    """Every choice, and one call at a time."""
    assert write(asking(tools=[TOOL], tool_choice=choice, parallel_tool_calls=parallel)).get("tool_choice") == found


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_choice_among_some(mode: Any) -> None:
    """A choice among some of the tools leaves the others out."""
    tools = [Tool(name=name) for name in "abc"]
    written = write(asking(tools=tools, tool_choice=ToolChoice(mode=mode, names=["a", "c"])))
    assert [tool["name"] for tool in written["tools"]] == ["a", "c"]
    assert written["tool_choice"]["type"] == {"auto": "auto", "required": "any"}[mode]


def test_choice_without_tools() -> None:
    """Without tools there is no choice to write: the API refuses one."""
    written = write(asking(tools=[], tool_choice=ToolChoice(mode="auto"), parallel_tool_calls=False))
    assert "tools" not in written
    assert "tool_choice" not in written


def test_tools_of_another_provider() -> None:
    """A tool that another provider runs is refused by the name that the client gave it."""
    tool = Tool(name="image_generation", opaque=Opaque(origin="openai_responses", kind="image_generation", value={}))
    with pytest.raises(RequestError) as raised:
        write(asking(tools=[tool], origin="openai_responses"))
    assert raised.value.param is not None
    assert "image_generation" in raised.value.param


def test_fields_of_another_format() -> None:
    """What only the client's format knows is reported or refused, and never sent."""
    written, dropped = FORMAT.write_request(asking(extra={"store": True, "~hint": 1, "logit_bias": {}}))
    assert (dropped, b"store" in written) == (["store"], False)
    with pytest.raises(RequestError) as raised:
        write(asking(extra={"logprobs": True}))
    assert raised.value.param == "logprobs"
