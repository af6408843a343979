"""A request that is read and written again in this format is the JSON that was sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isartor.formats.gemini import Gemini

GEMINI = Gemini()
CLIENTS = Path(__file__).parents[2] / "data" / "clients"
RECORDED = sorted(
    path.name for path in CLIENTS.glob("*.json") if "enerateContent" in json.loads(path.read_text())["path"]
)


def again(body: Any) -> Any:
    prompt = GEMINI.read_request(json.dumps(body).encode(), model="gemini-2.5-flash", stream=True)
    written, dropped = GEMINI.write_request(prompt)
    assert dropped == []
    return json.loads(written)


def test_there_are_recorded_requests() -> None:
    """Gemini CLI, opencode and the SDK."""
    assert len(RECORDED) >= 10


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_requests(name: str) -> None:
    """Nothing of what real clients send is lost."""
    body = json.loads((CLIENTS / name).read_text())["body"]
    assert again(body) == body


CALL = {"functionCall": {"name": "f", "args": {"b": 1, "a": [None, 1.5, {"x_y": True}]}, "id": "1"}}
RESULT = {"functionResponse": {"name": "f", "response": {"output": "done"}, "id": "1"}}
PNG = "iVBORw0KGgo="

BODIES: dict[str, Any] = {
    "snake case": {
        "contents": [{"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": PNG}}]}],
        "system_instruction": {"parts": [{"text": "be brief"}]},
        "generation_config": {
            "max_output_tokens": 5,
            "stop_sequences": ["x"],
            "response_mime_type": "application/json",
            "response_schema": {"type": "OBJECT", "properties": {"a_b": {"type": "STRING", "nullable": True}}},
            "thinking_config": {"thinking_budget": -1, "include_thoughts": False},
            "response_modalities": ["TEXT"],
        },
        "tools": [{"function_declarations": [{"name": "f", "parameters": {"type": "OBJECT", "any_of": []}}]}],
        "tool_config": {"function_calling_config": {"mode": "any", "allowed_function_names": ["f"]}},
        "safety_settings": [{"category": "c", "threshold": "t"}],
        "cached_content": "cachedContents/1",
    },
    "one value in place of a list": {
        "contents": {"parts": {"text": "hi"}},
        "systemInstruction": {"parts": {"text": "be brief"}},
        "tools": {"functionDeclarations": {"name": "f"}},
        "generationConfig": {"stopSequences": "x"},
    },
    "nulls": {
        "contents": [{"role": None, "parts": [{"text": "hi", "thought": None}]}],
        "tools": None,
        "toolConfig": None,
        "generationConfig": None,
        "systemInstruction": None,
    },
    "nulls inside": {
        "contents": [{"parts": None, "role": "user"}],
        "generationConfig": {"temperature": None, "thinkingConfig": None, "responseSchema": None},
        "toolConfig": {"functionCallingConfig": None, "retrievalConfig": {"languageCode": "de"}},
    },
    "empty": {"contents": [], "tools": [], "toolConfig": {}, "generationConfig": {}},
    "empty contents": {"contents": [{}, {"role": "model"}, {"parts": []}, {"role": "model", "parts": []}]},
    "tools of the provider": {
        "contents": [{"parts": [{"text": "hi"}]}],
        "tools": [
            {"googleSearch": {}},
            {"functionDeclarations": [], "codeExecution": {}},
            {},
            {"functionDeclarations": [{"name": "f", "behavior": "BLOCKING"}, {"name": "g", "description": None}]},
            {"url_context": {}},
        ],
    },
    "a whole conversation": {
        "contents": [
            {"role": "user", "parts": [{"text": "a"}, {"text": ""}, {"text": "b", "thought": False}]},
            {
                "role": "model",
                "parts": [
                    {"text": "hm", "thought": True},
                    {"text": "so", "thought": True, "thoughtSignature": "c2ln"},
                    {"text": "one "},
                    {"text": "two", "thoughtSignature": "c2ln"},
                    {"text": "", "thoughtSignature": "c2ln"},
                    {**CALL, "thoughtSignature": "skip_thought_signature_validator"},
                    {"functionCall": {"name": "g"}, "thought_signature": "c2ln"},
                ],
            },
            {
                "role": "user",
                "parts": [
                    RESULT,
                    {
                        "functionResponse": {
                            "name": "g",
                            "response": {"error": "no"},
                            "willContinue": False,
                            "parts": [
                                {"inlineData": {"mimeType": "image/png", "data": PNG}},
                                {"fileData": {"fileUri": "gs://a/b"}},
                            ],
                        }
                    },
                ],
            },
            {"role": "model", "parts": [{"executableCode": {"code": "1", "language": "PYTHON"}}, {}]},
            {"role": "function", "parts": [{"functionResponse": {"name": "f"}}]},
            {
                "role": "user",
                "parts": [
                    {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}, "videoMetadata": {"fps": 1}},
                    {"fileData": {"mimeType": "application/pdf", "fileUri": "https://example.org/a.pdf"}},
                    {"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}},
                    {"inlineData": {"mimeType": "audio/wav", "data": "_-8"}, "mediaResolution": {"level": "LOW"}},
                    {"inlineData": {"mimeType": "application/pdf", "data": "QQ==", "displayName": "a.pdf"}},
                    {"somethingNew": {"a": 1}, "thoughtSignature": "c2ln"},
                ],
            },
        ],
        "labels": {"a": "b"},
        "somethingNew": [1],
    },
    "each event of a stream as a content": {
        "contents": [
            {"role": "model", "parts": [{"text": "Hel"}]},
            {"role": "model", "parts": [{"text": "lo"}]},
            {"role": "model", "parts": [{"text": " you"}, {"text": ""}, CALL]},
            {"role": "model", "parts": [{"text": ""}]},
            {"role": "model", "parts": [{"text": "!"}], "somethingNew": 1},
        ]
    },
    "output forms": {
        "contents": [{"parts": [{"text": "hi"}]}],
        "generationConfig": {
            "responseMimeType": "text/x.enum",
            "responseSchema": {"type": "STRING", "enum": ["a"]},
            "candidateCount": 1,
            "topK": 40.0,
            "thinkingConfig": {"thinkingLevel": "low", "new": 1},
        },
    },
    "more than one candidate": {"contents": [], "generationConfig": {"candidateCount": 2, "responseLogprobs": True}},
}


@pytest.mark.parametrize("name", BODIES)
def test_made_requests(name: str) -> None:
    """What the API allows beside what clients send."""
    assert again(BODIES[name]) == BODIES[name]


SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)
OBJECTS = st.dictionaries(st.text(max_size=6), JSON, max_size=3)
SIGNED = st.sampled_from([{}, {"thoughtSignature": "c2ln"}, {"thoughtSignature": "skip_thought_signature_validator"}])
NAMES = st.sampled_from(["f", "g"])
IDS = st.sampled_from([{}, {"id": "1"}, {"id": "2"}])


def joined(*each: Any) -> Any:
    return st.tuples(*each).map(lambda found: {name: value for one in found for name, value in one.items()})


PARTS = st.one_of(
    joined(st.text(max_size=5).map(lambda text: {"text": text}), SIGNED),
    joined(st.text(max_size=5).map(lambda text: {"text": text, "thought": True}), SIGNED),
    joined(
        joined(NAMES.map(lambda name: {"name": name}), OBJECTS.map(lambda args: {"args": args}), IDS).map(
            lambda call: {"functionCall": call}
        ),
        SIGNED,
    ),
    joined(
        NAMES.map(lambda name: {"name": name}),
        st.one_of(OBJECTS, st.text(max_size=5).map(lambda text: {"output": text})).map(lambda said: {"response": said}),
        IDS,
    ).map(lambda result: {"functionResponse": result}),
    st.sampled_from(
        [
            {"inlineData": {"mimeType": "image/png", "data": PNG}},
            {"inlineData": {"mimeType": "image/png", "data": "_w"}},
            {"fileData": {"mimeType": "image/png", "fileUri": "https://example.org/a"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
        ]
    ),
)
CONTENTS = st.fixed_dictionaries(
    {"parts": st.lists(PARTS, max_size=5)}, optional={"role": st.sampled_from(["user", "model", "function"])}
)


@given(st.lists(CONTENTS, max_size=6))
@settings(max_examples=150, deadline=None)
def test_any_conversation(contents: Any) -> None:
    """Whatever parts there are, in whatever order."""
    body = {"contents": contents}
    assert again(body) == body
