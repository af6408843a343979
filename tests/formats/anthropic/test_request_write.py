"""Requests of other formats are written as Anthropic's API takes them."""

from __future__ import annotations

from typing import Any

import pytest

from isartor.errors import RequestError
from isartor.formats import seal
from isartor.formats.canonical import (
    Audio,
    Document,
    Image,
    Media,
    Opaque,
    Output,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)

from .checks import FORMAT, prompt, read, write

OLD = "claude-sonnet-4-5"
MIDDLE = "claude-sonnet-4-6"
NEW = "claude-opus-5-5"
OTHER = "kimi-k2"


def turn(role: Any, *parts: Any) -> Turn:
    return Turn(role=role, parts=[Text(text=each) if isinstance(each, str) else each for each in parts])


USER = turn("user", "hi")
TOOL = Tool(name="t", description="d", schema={"type": "object", "properties": {}})


def asking(*turns: Turn, **fields: Any) -> Prompt:
    return prompt(turns=list(turns or [USER]), **fields)


def call(name: str = "c", **fields: Any) -> ToolCall:
    return ToolCall(**{"id": name, "name": "t"} | fields)


def result(name: str = "c", *parts: Any, **fields: Any) -> ToolResult:
    return ToolResult(id=name, parts=[Text(text=each) if isinstance(each, str) else each for each in parts], **fields)


def messages(*turns: Turn, **fields: Any) -> list[Any]:
    return [(each["role"], each["content"]) for each in write(asking(*turns, **fields))["messages"]]


def texts(*said: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text} for text in said]


# -- turns


def test_system_first() -> None:
    """System and developer turns at the start are the system text."""
    written = write(asking(turn("system", "a"), USER))
    assert (written["system"], written["messages"]) == ("a", [{"role": "user", "content": "hi"}])
    written = write(asking(turn("system", "a"), turn("developer", "b"), USER))
    assert written["system"] == texts("a", "b")


def test_system_later_new_model() -> None:
    """Later ones are messages of their own, after the user's turn and before the model's, as the API wants them."""
    found = messages(
        USER,
        turn("developer", "one"),
        turn("user", "more"),
        turn("system", "two"),
        turn("assistant", "ok"),
        turn("system", "three"),
        turn("user", "x"),
        model=NEW,
    )
    assert found == [
        ("user", texts("hi", "more")),
        ("system", texts("one", "two")),
        ("assistant", "ok"),
        ("user", "x"),
        ("system", "three"),
    ]


def test_system_without_a_user_turn() -> None:
    """Where there is no turn of the user for it to follow, it is one."""
    found = messages(USER, turn("assistant", "ok"), turn("system", "three"), model=NEW)
    assert found[-1] == ("user", "<system-reminder>\nthree\n</system-reminder>")


@pytest.mark.parametrize("model", [OLD, OTHER])
def test_system_later_old_model(model: str) -> None:
    """A model that does not know them reads them at their place in the user's turn."""
    found = messages(USER, turn("system", "one"), turn("user", "more"), model=model)
    assert found == [("user", texts("hi", "<system-reminder>\none\n</system-reminder>", "more"))]


def test_alternation() -> None:
    """Turns of one side in a row are one message, results of tools first."""
    found = messages(
        USER,
        turn("assistant", Text(text="a"), call("c1")),
        turn("assistant", call("c2", arguments='{"x": 1}')),
        turn("user", "while you wait"),
        turn("tool", result("c1", "one")),
        turn("tool", result("c2", "two", failed=True)),
        turn("user", "and?"),
    )
    assert found[1] == (
        "assistant",
        [
            {"type": "text", "text": "a"},
            {"type": "tool_use", "id": "c1", "name": "t", "input": {}},
            {"type": "tool_use", "id": "c2", "name": "t", "input": {"x": 1}},
        ],
    )
    assert found[2] == (
        "user",
        [
            {"type": "tool_result", "tool_use_id": "c1", "content": "one"},
            {"type": "tool_result", "tool_use_id": "c2", "content": "two", "is_error": True},
            *texts("while you wait", "and?"),
        ],
    )


def test_first_message_is_the_users() -> None:
    """A conversation that the model begins, or that is system text alone, gets the user's message that it needs."""
    assert [role for role, _ in messages(turn("assistant", "hello"), USER)] == ["user", "assistant", "user"]
    written = write(asking(turn("system", "Say hi.")))
    assert "system" not in written
    assert written["messages"] == [{"role": "user", "content": "Say hi."}]


def test_last_message_is_not_the_models() -> None:
    """A conversation that ends with the model's turn is answered, not gone on with in the middle."""
    assert [role for role, _ in messages(USER, turn("assistant", "hello"))] == ["user", "assistant", "user"]


def test_empty_texts() -> None:
    """Texts that the API refuses because there is nothing in them are left out."""
    assert messages(turn("user", "hi", " \n"), turn("assistant", ""), turn("user", "x")) == [("user", texts("hi", "x"))]


def test_cache_markers() -> None:
    """Clients of other formats mark what to cache, too: the markers stay."""
    marker = {"cache_control": {"type": "ephemeral"}}
    tool = Tool(name="t", extra=dict(marker))
    asked = asking(turn("system", Text(text="s", extra=dict(marker))), turn("user", Text(text="u")), tools=[tool])
    written = write(asked)
    assert written["system"] == [{"type": "text", "text": "s", **marker}]
    assert written["tools"][0]["cache_control"] == marker["cache_control"]
    assert FORMAT.write_request(asked)[1] == []


def test_names() -> None:
    """A speaker's name has no place, and is reported."""
    asked = asking(Turn(role="user", name="bob", parts=[Text(text="hi")]))
    assert FORMAT.write_request(asked)[1] == ["messages[].name"]


# -- parts


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            Image(media=Media(mime="image/jpg", data="aGk="), detail="auto"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "aGk="}},
        ),
        (
            Image(media=Media(url="https://x.example/a")),
            {"type": "image", "source": {"type": "url", "url": "https://x.example/a"}},
        ),
        (
            Document(media=Media(mime="application/pdf", data="aGk="), name="a.pdf"),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
                "title": "a.pdf",
            },
        ),
        (
            Document(media=Media(mime="text/markdown", data="aGk=")),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}},
        ),
        (
            Document(media=Media(mime="text/plain"), text="hi"),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}},
        ),
        (Refusal(text="no"), {"type": "text", "text": "no"}),
    ],
)
def test_part(part: Any, block: dict[str, Any]) -> None:
    """Every part in Anthropic's words."""
    assert messages(turn("user", part, "x")) == [("user", [block, *texts("x")])]


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (Audio(media=Media(mime="audio/wav", data="aGk=")), "messages[].content[].input_audio"),
        (Image(media=Media(file="file_1")), "messages[].content[].image_url"),
        (Image(media=Media(url="gs://x/y")), "messages[].content[].image_url"),
        (Document(media=Media(file="file_1")), "messages[].content[].file"),
        (Document(media=Media(mime="application/zip", data="aGk=")), "messages[].content[].file"),
        (Opaque(origin="openai_chat", kind="later", value={}), "later"),
    ],
)
def test_refused_part(part: Any, param: str) -> None:
    """What cannot be said is refused with the field in the client's own words."""
    with pytest.raises(RequestError) as raised:
        write(asking(turn("user", part)))
    assert (raised.value.status, raised.value.param) == (400, param)


def test_result_with_picture() -> None:
    """A result of a tool may show a picture."""
    picture = Image(media=Media(mime="image/png", data="aGk="))
    found = messages(USER, turn("assistant", call()), turn("tool", result("c", "see", picture)))
    content = found[2][1][0]["content"]
    assert [block["type"] for block in content] == ["text", "image"]


def test_failed_result() -> None:
    """An error has text and nothing but text, as the API wants it; a picture of one is said to be one in words."""
    picture = Image(media=Media(mime="image/png", data="aGk="))

    def written(*parts: Any) -> dict[str, Any]:
        turns = (USER, turn("assistant", call()), turn("tool", result("c", *parts, failed=True)))
        block: dict[str, Any] = messages(*turns)[2][1][0]
        return block

    assert (written()["content"], written()["is_error"]) == ("Error", True)
    assert (written("no")["content"], written("no")["is_error"]) == ("no", True)
    shown = written(picture)
    assert [block["type"] for block in shown["content"]] == ["text", "image"]
    assert shown["is_error"] is False


def test_identifiers() -> None:
    """Ids with characters that the API refuses change alike in call and result."""
    found = messages(USER, turn("assistant", call("a.b|c")), turn("tool", result("a.b|c")))
    assert found[1][1][0]["id"] == found[2][1][0]["tool_use_id"] == "a_b_c"


@pytest.mark.parametrize(
    ("arguments", "made"), [("", {}), ("{}", {}), ("[1]", {"arguments": "[1]"}), ("{", {"arguments": "{"})]
)
def test_arguments(arguments: str, made: dict[str, Any]) -> None:
    """Arguments are an object, also where a model broke its JSON."""
    found = messages(USER, turn("assistant", call(arguments=arguments)))
    assert found[1][1][0]["input"] == made


def test_free_text_tool() -> None:
    """A tool that takes free text is one with a single string, and its calls are calls of that."""
    asked = asking(USER, turn("assistant", call(custom=True, arguments="ls")), tools=[Tool(name="t", custom=True)])
    written = write(asked)
    assert written["tools"][0]["input_schema"]["required"] == ["input"]
    assert written["messages"][1]["content"][0]["input"] == {"input": "ls"}


@pytest.mark.parametrize("maker", ["openai_chat", "openai_responses", "gemini"])
def test_thoughts_of_others(maker: Any) -> None:
    """Only Anthropic's own thoughts go back to it."""
    own = Thinking(text="hm", sealed="s", maker="anthropic")
    hidden = Thinking(sealed="d", maker="anthropic", redacted=True)
    said = turn("assistant", Thinking(text="x", sealed="y", maker=maker), own, hidden, "ok")
    asked = asking(USER, said)
    written, dropped = FORMAT.write_request(asked)
    assert b'"signature":"s"' in written
    assert b'"data":"d"' in written
    assert b'"y"' not in written
    assert dropped == ["messages[].reasoning_content"]


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
