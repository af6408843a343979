"""What a client's request means, and what other formats' requests become."""

from __future__ import annotations

import json
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
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from isartor.formats.gemini import Gemini, signatures
from isartor.formats.losses import Losses

GEMINI = Gemini()
HI = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


def read(body: Any) -> Prompt:
    return GEMINI.read_request(json.dumps(body).encode(), model="gemini-3-flash", stream=False)


def contents(*parts: Any, role: str = "user") -> Any:
    return {"contents": [{"role": role, "parts": list(parts)}]}


def prompt(*turns: Turn, model: str = "gemini-3-flash-preview", origin: Any = "openai_chat", **more: Any) -> Prompt:
    return Prompt(origin=origin, model=model, turns=list(turns), **more)


def user(*parts: Any) -> Turn:
    return Turn(role="user", parts=list(parts))


def assistant(*parts: Any) -> Turn:
    return Turn(role="assistant", parts=list(parts))


def write(given: Prompt) -> tuple[Any, list[str]]:
    body, dropped = GEMINI.write_request(given)
    return json.loads(body), dropped


# -- reading


def test_old_calls_get_stable_ids() -> None:
    """Without ids results belong to the first open call of their name, and the ids stay when the history grows."""
    said = [
        {"role": "model", "parts": [{"functionCall": {"name": name}} for name in ("f", "g", "f")]},
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": name, "response": {"n": at}}} for at, name in enumerate(("f", "f", "g"))
            ],
        },
        {"role": "model", "parts": [{"functionCall": {"name": "f"}}]},
    ]
    short = [part.id for turn in read({"contents": said[:2]}).turns for part in turn.parts]
    long = [part.id for turn in read({"contents": said}).turns for part in turn.parts]
    assert short == ["call_1", "call_2", "call_3", "call_1", "call_3", "call_2"]
    assert long == [*short, "call_4"]


def test_given_ids_are_kept() -> None:
    """A result with an id is of that call; one without is of the open one, even if that has an id."""
    said = [
        {"role": "model", "parts": [{"functionCall": {"name": "f", "id": each}} for each in ("a", "b")]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": "f", "id": "b"}}, {"functionResponse": {"name": "f"}}],
        },
    ]
    assert [part.id for part in read({"contents": said}).turns[1].parts] == ["b", "a"]


@pytest.mark.parametrize(
    ("response", "text", "failed"),
    [
        ({"output": "done"}, "done", False),
        ({"result": "done"}, "done", False),
        ({"error": "no"}, "no", True),
        ({"output": {"a": 1}}, '{"output":{"a":1}}', False),
        ({"error": {"a": 1}}, '{"error":{"a":1}}', True),
        ({"output": "done", "error": None}, '{"output":"done","error":null}', False),
        ({}, "{}", False),
    ],
)
def test_results(response: Any, text: str, failed: bool) -> None:
    """`output` and `error` are the API's convention; any other object is its own text."""
    part = read(contents({"functionResponse": {"name": "f", "response": response}})).turns[0].parts[0]
    assert isinstance(part, ToolResult)
    assert (part.parts[0].text, part.failed, part.name) == (text, failed, "f")


def test_media() -> None:
    """By its type a medium is a picture, a document or a recording; the alphabet of the base64 is the usual one."""
    parts = (
        read(
            contents(
                {"inlineData": {"mimeType": "image/png", "data": "_-8"}},
                {"inlineData": {"mimeType": "application/pdf", "data": "QQ==", "displayName": "a.pdf"}},
                {"fileData": {"mimeType": "image/png", "fileUri": "https://example.org/a"}},
                {
                    "fileData": {
                        "mimeType": "application/pdf",
                        "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/1",
                    }
                },
                {"inlineData": {"mimeType": "audio/wav", "data": "QQ=="}},
                {"inlineData": {"mimeType": "video/mp4", "data": "QQ=="}},
            )
        )
        .turns[0]
        .parts
    )
    assert [type(part) for part in parts] == [Image, Document, Image, Document, Audio, Opaque]
    assert parts[0].media.data == "/+8="
    assert parts[1].name == "a.pdf"
    assert parts[2].media.url == "https://example.org/a"
    assert parts[3].media.file is not None


def test_schemas_become_json_schemas() -> None:
    """Types in lower case, nullable as a type, counts as numbers, order as that of the properties."""
    schema = {
        "type": "OBJECT",
        "properties": {
            "b": {"type": "STRING", "nullable": True},
            "type": {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": "1"},
        },
        "propertyOrdering": ["type", "b"],
        "any_of": [{"type": "NULL"}],
    }
    tool = read({**HI, "tools": [{"functionDeclarations": [{"name": "f", "parameters": schema}]}]}).tools[0]
    assert tool.schema == {
        "type": "object",
        "properties": {
            "type": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
            "b": {"type": ["string", "null"]},
        },
        "anyOf": [{"type": "null"}],
    }
    assert list(tool.schema["properties"]) == ["type", "b"]


@pytest.mark.parametrize(
    ("config", "enabled", "effort", "budget", "show"),
    [
        ({"thinkingBudget": 0}, False, None, 0, None),
        ({"thinkingBudget": -1, "includeThoughts": True}, True, None, None, True),
        ({"thinkingBudget": 100}, True, None, 100, None),
        ({"thinkingLevel": "HIGH"}, True, "high", None, None),
        ({"includeThoughts": True}, None, None, None, True),
    ],
)
def test_thinking(config: Any, enabled: Any, effort: Any, budget: Any, show: Any) -> None:
    """Budget and level are canonical; -1 leaves the amount to the model."""
    found = read({**HI, "generationConfig": {"thinkingConfig": config}}).reasoning
    assert (found.enabled, found.effort, found.budget_tokens, found.show) == (enabled, effort, budget, show)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "contents"),
        ({"contents": [1]}, "contents[0]"),
        ({"contents": [{"role": "system", "parts": []}]}, "contents[0].role"),
        ({"contents": [{"parts": [{"functionCall": {}}]}]}, "contents[0].parts[0].functionCall.name"),
        ({**HI, "generationConfig": {"stopSequences": [1]}}, "generationConfig.stopSequences"),
        ({**HI, "toolConfig": {"functionCallingConfig": {"mode": "x"}}}, "toolConfig.functionCallingConfig.mode"),
    ],
)
def test_wrong_types_name_the_field(body: Any, param: str) -> None:
    """A 400 names the field."""
    with pytest.raises(RequestError) as caught:
        read(body)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"cachedContent": "cachedContents/1"}, "cachedContent"),
        ({"generationConfig": {"candidateCount": 2}}, "generationConfig.candidateCount"),
        ({"generationConfig": {"responseModalities": ["IMAGE"]}}, "generationConfig.responseModalities"),
        ({"generationConfig": {"responseLogprobs": True}}, "generationConfig.responseLogprobs"),
        ({"generationConfig": {"responseMimeType": "text/x.enum"}}, "generationConfig.responseMimeType"),
        ({"toolConfig": {"retrievalConfig": {"languageCode": "de"}}}, "toolConfig.retrievalConfig"),
    ],
)
def test_what_changes_the_answer_is_refused(more: Any, field: str) -> None:
    """Other formats refuse what they cannot say, by the client's own name of it."""
    found = read({**HI, **more})
    with pytest.raises(RequestError) as caught:
        Losses(found, "openai_chat").extras("prompt", found.extra)
    assert caught.value.param == field


def test_what_does_not_change_it_is_dropped() -> None:
    """Bookkeeping and hints go, and the client is told; what says nothing is not even told."""
    found = read(
        {
            **HI,
            "labels": {"a": "b"},
            "safetySettings": [{}],
            "generationConfig": {"candidateCount": 1, "responseModalities": ["TEXT"], "responseLogprobs": False},
        }
    )
    losses = Losses(found, "anthropic")
    losses.extras("prompt", found.extra)
    assert losses.fields == ["labels", "safetySettings"]


# -- thoughts of other providers


def test_another_providers_thoughts_come_back_on_what_follows() -> None:
    """Clients throw thoughts away; the state that stands on a call or a text is unpacked into thoughts before it."""
    states = [
        seal.Sealed(maker="anthropic", sealed="sig", text="hm"),
        seal.Sealed(maker="anthropic", sealed="data", redacted=True),
    ]
    packed = signatures.pack(states)
    for part in ({"functionCall": {"name": "f"}}, {"text": "so"}):
        # As the SDK sends it back.
        signature = packed.replace("+", "-").replace("/", "_").rstrip("=")
        body = contents({"text": "hm", "thought": True}, {**part, "thoughtSignature": signature}, role="model")
        found = read(body).turns[0].parts
        assert found[:2] == [
            Thinking(text="hm", sealed="sig", maker="anthropic"),
            Thinking(sealed="data", maker="anthropic", redacted=True),
        ]
        assert len(found) == 3
        assert getattr(found[2], "sealed", None) is None
        assert "thoughtSignature" not in found[2].extra


def test_another_providers_thoughts_do_not_reach_gemini() -> None:
    """If Gemini answers the next request, it is not shown what it cannot read."""
    packed = signatures.pack([seal.Sealed(maker="anthropic", sealed="sig", text="hm")])
    body, dropped = write(read(contents({"functionCall": {"name": "f"}, "thoughtSignature": packed}, role="model")))
    assert body == contents({"functionCall": {"name": "f"}}, role="model")
    assert dropped == ["contents[].parts[].thought"]


def test_a_spoilt_seal_is_nobodys() -> None:
    """What a client made of it is dropped."""
    found = read(contents({"text": "a", "thoughtSignature": signatures.MARK + "!!"}, role="model")).turns[0].parts
    assert found == [Text(text="a")]


def test_the_mark_is_that_of_a_seal() -> None:
    """Whoever looks for state of other providers in a body finds it by the mark."""
    assert signatures.pack([seal.Sealed(maker="anthropic", sealed="x")]).startswith(signatures.MARK)


# -- writing for a provider


def test_system_texts() -> None:
    """Those before the conversation are the instruction, later ones stay where they are and are told apart."""
    body, _ = write(
        prompt(
            Turn(role="system", parts=[Text(text="a")], apart=True),
            Turn(role="developer", parts=[Text(text="b")]),
            user(Text(text="hi"), Text(text="")),
            Turn(role="system", parts=[Text(text="c")]),
            user(Text(text="there")),
        )
    )
    assert body["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}]}
    assert [part["text"] for each in body["contents"] for part in each["parts"]] == [
        "hi",
        "<system>\nc\n</system>",
        "there",
    ]


def test_a_system_text_alone_is_said_by_the_user() -> None:
    """A request needs contents."""
    body, _ = write(prompt(Turn(role="system", parts=[Text(text="a")])))
    assert body == contents({"text": "a"})


def test_calls_and_results() -> None:
    """All calls of a turn are one content and all their results the next; pictures inside or beside by the model."""
    turns = [
        user(Text(text="go")),
        assistant(Text(text="ok"), ToolCall(id="1", name="f", arguments='{"a":1}')),
        assistant(ToolCall(id="2", name="g", arguments="raw", custom=True)),
        Turn(
            role="tool",
            parts=[ToolResult(id="1", parts=[Text(text="x"), Image(media=Media(mime="image/png", data="QQ=="))])],
        ),
        Turn(role="user", parts=[ToolResult(id="2", parts=[Text(text="y")], failed=True), Text(text="and?")]),
    ]
    new, _ = write(prompt(*turns))
    old, _ = write(prompt(*turns, model="gemini-2.5-pro"))
    call = {"functionCall": {"id": "1", "name": "f", "args": {"a": 1}}}
    other = {"functionCall": {"id": "2", "name": "g", "args": {"input": "raw"}}}
    picture = {"inlineData": {"mimeType": "image/png", "data": "QQ=="}}
    first = {"functionResponse": {"id": "1", "name": "f", "response": {"output": "x"}}}
    second = {"functionResponse": {"id": "2", "name": "g", "response": {"error": "y"}}}
    assert old["contents"][1:] == [
        {"role": "model", "parts": [{"text": "ok"}, call, other]},
        {"role": "user", "parts": [first, second, picture]},
        {"role": "user", "parts": [{"text": "and?"}]},
    ]
    first["functionResponse"]["parts"] = [picture]
    call["thoughtSignature"] = signatures.SKIP
    assert new["contents"][1:] == [
        {"role": "model", "parts": [{"text": "ok"}, call, other]},
        {"role": "user", "parts": [first, second]},
        {"role": "user", "parts": [{"text": "and?"}]},
    ]


def test_results_follow_their_calls_at_once() -> None:
    """Whatever a client puts between them."""
    body, _ = write(
        prompt(
            user(Text(text="go")),
            assistant(ToolCall(id="1", name="f"), ToolCall(id="2", name="f")),
            Turn(role="tool", parts=[ToolResult(id="1", parts=[Text(text="x")])]),
            Turn(role="system", parts=[Text(text="note")]),
            Turn(role="tool", parts=[ToolResult(id="2", parts=[Text(text="y")])]),
            assistant(ToolCall(id="3", name="f")),
            Turn(role="tool", parts=[ToolResult(id="3", parts=[])]),
        )
    )
    shape = [(each["role"], [next(iter(part)) for part in each["parts"]]) for each in body["contents"]]
    assert shape == [
        ("user", ["text"]),
        ("model", ["functionCall", "functionCall"]),
        ("user", ["functionResponse", "functionResponse"]),
        ("user", ["text"]),
        ("model", ["functionCall"]),
        ("user", ["functionResponse"]),
    ]


def test_geminis_own_state_goes_back() -> None:
    """Signatures that travelled through another client stand where they came from."""
    body, dropped = write(
        prompt(
            assistant(
                Thinking(text="hm", sealed="c2ln", maker="gemini"),
                Text(text="a"),
                Thinking(sealed="c2ln", maker="gemini"),
                ToolCall(id="1", name="f", sealed="Zm9v"),
            ),
        )
    )
    assert dropped == []
    assert body["contents"][0]["parts"] == [
        {"text": "hm", "thought": True, "thoughtSignature": "c2ln"},
        {"text": "a"},
        {"text": "", "thoughtSignature": "c2ln"},
        {"functionCall": {"id": "1", "name": "f", "args": {}}, "thoughtSignature": "Zm9v"},
    ]


def test_others_thoughts_are_dropped() -> None:
    """By the client's name of them."""
    _, dropped = write(prompt(user(Text(text="hi")), assistant(Thinking(text="hm", maker="openai_chat"))))
    assert dropped == ["messages[].reasoning_content"]


def test_media_for_a_provider() -> None:
    """Bytes and addresses go with a type; texts are texts; the name of a file is said."""
    parts = [
        Image(media=Media(data="iVBORw0KGgo=")),
        Image(media=Media(url="https://example.org/a.webp?x")),
        Document(media=Media(mime="application/pdf", data="QQ=="), name="a.pdf"),
        Document(media=Media(), text="long", name="b.txt"),
        Audio(media=Media(mime="audio/mpeg", data="QQ==")),
    ]
    body, _ = write(prompt(user(*parts)))
    assert body["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
        {"fileData": {"mimeType": "image/webp", "fileUri": "https://example.org/a.webp?x"}},
        {"text": "a.pdf"},
        {"inlineData": {"mimeType": "application/pdf", "data": "QQ=="}},
        {"text": "b.txt\n\nlong"},
        {"inlineData": {"mimeType": "audio/mpeg", "data": "QQ=="}},
    ]


def test_a_kept_file_is_refused() -> None:
    """No other provider has it."""
    with pytest.raises(RequestError):
        write(prompt(user(Document(media=Media(file="file-1")))))


def test_tools_and_choice() -> None:
    """Schemas go as JSON Schema; a tool that takes free text as a function with one member."""
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}}
    tools = [Tool(name="f", description="runs", schema=schema), Tool(name="p", custom=True), Tool(name="e")]
    body, _ = write(
        prompt(
            user(Text(text="hi")),
            tools=tools,
            tool_choice=ToolChoice(mode="required", names=["f"]),
            parallel_tool_calls=True,
        )
    )
    first, second, third = body["tools"][0]["functionDeclarations"]
    assert first == {"name": "f", "description": "runs", "parametersJsonSchema": schema}
    assert second["parametersJsonSchema"]["required"] == ["input"]
    assert third == {"name": "e"}
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice(mode="auto"), {"mode": "AUTO"}),
        (ToolChoice(mode="none"), {"mode": "NONE"}),
        (ToolChoice(mode="required"), {"mode": "ANY"}),
        (ToolChoice(mode="auto", names=["f"]), {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}),
    ],
)
def test_choices(choice: ToolChoice, config: Any) -> None:
    """Each has its mode."""
    body, _ = write(prompt(user(Text(text="hi")), tools=[Tool(name="f")], tool_choice=choice))
    assert body["toolConfig"] == {"functionCallingConfig": config}


def test_sampling_and_output() -> None:
    """Every number has its place."""
    schema = {"type": "object"}
    body, dropped = write(
        prompt(
            user(Text(text="hi")),
            max_tokens=9,
            temperature=0.5,
            top_p=0.25,
            top_k=3,
            seed=7,
            stop=["x"],
            presence_penalty=0.1,
            frequency_penalty=0.2,
            output=Output(kind="schema", name="n", schema=schema, strict=True),
        )
    )
    assert body["generationConfig"] == {
        "maxOutputTokens": 9,
        "temperature": 0.5,
        "topP": 0.25,
        "topK": 3,
        "seed": 7,
        "stopSequences": ["x"],
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "responseMimeType": "application/json",
        "responseJsonSchema": schema,
    }
    assert dropped == ["response_format.json_schema.name", "response_format.json_schema.strict"]


@pytest.mark.parametrize(
    ("model", "reasoning", "config"),
    [
        ("gemini-3-flash-preview", Reasoning(effort="minimal", enabled=True), {"thinkingLevel": "MINIMAL"}),
        ("gemini-3-pro-preview", Reasoning(effort="medium", enabled=True), {"thinkingLevel": "HIGH"}),
        ("gemini-3.1-pro", Reasoning(effort="medium", enabled=True), {"thinkingLevel": "MEDIUM"}),
        ("gemini-3.1-pro", Reasoning(enabled=False), {"thinkingLevel": "LOW"}),
        ("gemini-3-flash", Reasoning(enabled=True, budget_tokens=4000), {"thinkingLevel": "LOW"}),
        ("gemini-flash-latest", Reasoning(effort="xhigh", enabled=True), {"thinkingLevel": "HIGH"}),
        ("gemini-3-flash", Reasoning(enabled=True), None),
        ("gemini-2.5-flash", Reasoning(enabled=True, show=True), {"thinkingBudget": -1, "includeThoughts": True}),
        ("gemini-2.5-flash", Reasoning(enabled=True, budget_tokens=31999), {"thinkingBudget": 24576}),
        ("gemini-2.5-flash", Reasoning(enabled=False, effort="none"), {"thinkingBudget": 0}),
        ("gemini-2.5-pro", Reasoning(enabled=False, effort="none"), {"thinkingBudget": 128}),
        ("gemini-2.5-flash-lite", Reasoning(enabled=True, budget_tokens=100), {"thinkingBudget": 512}),
        ("gemini-2.5-pro", Reasoning(show=True), {"includeThoughts": True}),
        ("gemini-2.0-flash", Reasoning(enabled=False), None),
    ],
)
def test_reasoning(model: str, reasoning: Reasoning, config: Any) -> None:
    """A level, a budget in the model's range, or nothing."""
    body, _ = write(prompt(user(Text(text="hi")), model=model, reasoning=reasoning))
    assert body.get("generationConfig", {}).get("thinkingConfig") == config


def test_anthropics_clients_are_shown_thoughts() -> None:
    """They expect them when they turn thinking on."""
    given = prompt(user(Text(text="hi")), origin="anthropic", reasoning=Reasoning(enabled=True, budget_tokens=9000))
    body, _ = write(given)
    assert body["generationConfig"]["thinkingConfig"]["includeThoughts"] is True


def test_a_model_that_does_not_think() -> None:
    """The wish is dropped, and the client is told."""
    given = prompt(user(Text(text="hi")), model="gemini-2.0-flash", reasoning=Reasoning(enabled=True, effort="high"))
    assert write(given)[1] == ["reasoning_effort"]
