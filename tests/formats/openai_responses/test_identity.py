"""A request that is read and written again is the same JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .helpers import FORMAT, recorded, written

RECORDED = recorded()

text = st.text(max_size=8)
word = st.sampled_from(["a", "shell", "mcp__x__y"])
status = st.fixed_dictionaries({}, optional={"id": st.none() | text, "status": st.sampled_from(["completed", None])})
unknown = st.fixed_dictionaries({}, optional={"phase": st.none() | text, "x_new": st.none() | st.integers() | text})
data_url = st.sampled_from(
    ["data:image/png;base64,AAAA", "data:,a%20b", "https://x/y.png", "data:image/png;a=b;base64,"]
)


def merged(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda each: {key: value for one in each for key, value in one.items()})


def fixed(kind: str | None = None, optional: Any = None, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    named = {} if kind is None else {"type": st.just(kind)}
    return merged(st.fixed_dictionaries({**named, **fields}, optional=optional or {}), status, unknown)


content = st.lists(
    st.one_of(
        fixed("input_text", text=text),
        fixed("output_text", text=text, optional={"annotations": st.just([])}),
        fixed("refusal", refusal=text),
        fixed("input_image", image_url=data_url, optional={"detail": st.sampled_from(["auto", None])}),
        fixed("input_image", file_id=text),
        fixed("input_file", file_data=data_url | st.just("QUFB"), optional={"filename": text}),
        fixed("input_file", file_url=text),
        fixed("input_file", file_id=text),
        fixed("input_audio", input_audio=st.just({"data": "AA", "format": "mp3"})),
        fixed("input_hologram", depth=st.integers()),
    ),
    max_size=3,
)
function = fixed(
    "function",
    name=word,
    optional={"description": text, "strict": st.none() | st.booleans(), "parameters": st.just({})},
)
custom = fixed(
    "custom",
    name=word,
    optional={
        "description": text,
        "format": st.sampled_from([{"type": "text"}, {"type": "grammar", "syntax": "lark", "definition": "start: x"}]),
    },
)
tool = st.one_of(
    function,
    custom,
    fixed("namespace", name=word, description=text, tools=st.lists(function | custom, max_size=3)),
    fixed("tool_search", execution=st.sampled_from(["client", "server"])),
    fixed("web_search", optional={"external_web_access": st.booleans()}),
    fixed("mcp", server_label=text),
)
item = st.one_of(
    fixed("message", role=st.sampled_from(["user", "system", "developer", "assistant"]), content=content | text),
    fixed(None, role=st.sampled_from(["user", "assistant"]), content=content | text),
    fixed("message", role=st.just("assistant"), content=st.none()),
    fixed("function_call", name=word, arguments=text, call_id=word, optional={"namespace": st.none() | word}),
    fixed("custom_tool_call", name=word, input=text, call_id=word),
    fixed("function_call_output", call_id=word, output=content | text),
    fixed("custom_tool_call_output", call_id=word, output=content | text),
    fixed("tool_search_call", call_id=st.none() | word, arguments=st.just({"query": "x"}), execution=st.just("client")),
    fixed("tool_search_output", call_id=word, tools=st.lists(function, max_size=2), execution=st.just("client")),
    fixed(
        "reasoning",
        summary=st.lists(st.fixed_dictionaries({"type": st.just("summary_text"), "text": text}), max_size=2),
        optional={"encrypted_content": st.none() | text, "content": st.none()},
    ),
    fixed("additional_tools", role=st.just("developer"), tools=st.lists(tool, max_size=2)),
    fixed("web_search_call", action=st.just({"type": "search"})),
    fixed("item_reference"),
)
choice = st.one_of(
    st.sampled_from(["auto", "none", "required", None]),
    st.just({"type": "function", "name": "shell"}),
    st.just({"type": "custom", "name": "shell", "x": 1}),
    st.just({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "a"}]}),
    st.just({"type": "allowed_tools", "mode": "required", "tools": [{"type": "mcp", "server_label": "a"}]}),
    st.just({"type": "web_search"}),
)
reasoning = st.none() | st.fixed_dictionaries(
    {}, optional={"effort": st.sampled_from(["high", None]), "summary": st.sampled_from(["auto", None]), "mode": text}
)
form = st.sampled_from(
    [
        None,
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True},
        {"type": "json_schema", "name": "n", "schema": {}, "description": "d", "strict": None},
    ]
)
request = merged(
    st.fixed_dictionaries(
        {"model": st.just("m")},
        optional={
            "input": text | st.lists(item, max_size=6),
            "instructions": st.none() | text,
            "tools": st.none() | st.lists(tool, max_size=4),
            "tool_choice": choice,
            "reasoning": reasoning,
            "text": st.none()
            | st.fixed_dictionaries({}, optional={"format": form, "verbosity": st.sampled_from(["low", None])}),
            "stream": st.none() | st.booleans(),
            "include": st.none()
            | st.lists(st.sampled_from(["reasoning.encrypted_content", "message.output_text.logprobs"])),
            "truncation": st.sampled_from(["auto", "disabled", None]),
            "top_logprobs": st.sampled_from([0, 3, None]),
            "max_output_tokens": st.none() | st.integers(1, 99),
            "temperature": st.none() | st.floats(0, 2),
            "metadata": st.none() | st.just({"a": "b"}),
            "store": st.booleans(),
            "user": st.none() | text,
            "parallel_tool_calls": st.none() | st.booleans(),
            "previous_response_id": st.none() | text,
        },
    ),
    unknown,
)


@pytest.mark.parametrize("name", RECORDED)
def test_recorded(name: str) -> None:
    """Every request that a real client sent is written as it was."""
    body = RECORDED[name]
    prompt = FORMAT.read_request(json.dumps(body).encode(), model=body["model"], stream=bool(body.get("stream")))
    assert written(prompt) == body


@given(request)
@settings(max_examples=300, deadline=None)
def test_any(body: Any) -> None:
    """So is any other that has the API's form, fields that nobody has heard of included."""
    prompt = FORMAT.read_request(json.dumps(body).encode(), model="m", stream=bool(body.get("stream")))
    assert written(prompt) == body
