"""A request that is read and written again is the one that was sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.openai_chat.making import again

CLIENTS = Path(__file__).parents[2] / "data" / "clients"
RECORDED = [
    record
    for path in sorted(CLIENTS.glob("*.json"))
    if (record := json.loads(path.read_text()))["path"] == "/v1/chat/completions"
]

PARTS: list[dict[str, Any]] = [
    {"type": "text", "text": "t"},
    {"type": "text", "text": "", "cache_control": {"type": "ephemeral"}},
    {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "high", "new": 1}},
    {"type": "image_url", "image_url": {"url": "data:text/plain,a%20b"}},
    {"type": "image_url", "image_url": {"url": "data:;base64,AAAA"}},
    {"type": "image_url", "image_url": "https://example.org/a.png"},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "pcm16"}},
    {"type": "file", "file": {"file_id": "file-1"}},
    {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
    {"type": "file", "file": {"file_data": "AAAA", "filename": "a.pdf"}},
    {"type": "file", "file": {"file_data": "AAAA", "file_id": "file-1", "other": None}},
    {"type": "hologram", "hologram": {"depth": 3}},
]
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "be brief"},
    {"role": "developer", "content": [{"type": "text", "text": "be brief"}], "name": "dev"},
    {"role": "user", "content": ""},
    {"role": "user", "content": []},
    {"role": "user", "content": "hi", "name": "ada", "unheard_of": {"a": [1]}},
    {"role": "user", "content": PARTS},
    {"role": "assistant", "content": None},
    {"role": "assistant"},
    {"role": "assistant", "content": "a", "refusal": None, "annotations": []},
    {"role": "assistant", "content": "", "refusal": "no", "audio": {"id": "audio_1"}},
    {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}]},
    {"role": "assistant", "content": None, "tool_calls": []},
    {"role": "assistant", "content": None, "tool_calls": None},
    {"role": "assistant", "content": None, "tool_calls": [CALL, CALL | {"id": "call_2", "index": 1}]},
    {
        "role": "assistant",
        "tool_calls": [
            {"id": "c", "function": {"name": "f", "arguments": {"a": 1}, "extra": None}},
            {"id": "d", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}},
            CALL | {"extra_content": {"google": {"thought_signature": "sig"}}},
            CALL | {"extra_content": {"google": {"thought_signature": "sig", "more": 1}, "x": 2}},
        ],
    },
    {"role": "assistant", "content": "x", "function_call": {"name": "f", "arguments": "{}"}},
    {"role": "assistant", "content": "x", "reasoning_content": "hm"},
    {
        "role": "assistant",
        "content": "x",
        "reasoning": "hm",
        "reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "s"}],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "done"},
    {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "done"}], "name": "f"},
]
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": "f"}},
    {
        "type": "function",
        "function": {"name": "g", "description": "d", "parameters": {"type": "object"}, "strict": True, "more": 1},
        "cache_control": {"type": "ephemeral"},
    },
    {"type": "function", "function": {"name": "h", "description": None, "parameters": None, "strict": None}},
    {"type": "custom", "custom": {"name": "patch", "description": "p", "format": {"type": "text"}}},
    {
        "type": "custom",
        "custom": {
            "name": "patch",
            "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: A"}},
        },
    },
    {"type": "web_search", "depth": 2},
]
FIELDS: dict[str, list[Any]] = {
    "model": ["m"],
    "stream": [True, False],
    "stream_options": [{"include_usage": True}, {"include_usage": False, "include_obfuscation": False}, {}, None],
    "max_tokens": [5, None],
    "max_completion_tokens": [7],
    "temperature": [0, 0.5, 1],
    "top_p": [0.9],
    "top_k": [40],
    "seed": [0, 1],
    "presence_penalty": [0.5],
    "frequency_penalty": [-1],
    "stop": ["a", ["a", "b"], [], None],
    "n": [1, 2],
    "modalities": [["text"], ["text", "audio"]],
    "audio": [{"voice": "alloy", "format": "wav"}],
    "logprobs": [False, True],
    "top_logprobs": [0, 3],
    "reasoning_effort": ["none", "high", None],
    "reasoning": [{"effort": "high", "exclude": True}, {"enabled": False, "summary": "auto"}, {}, None],
    "thinking": [{"type": "enabled", "budget_tokens": 5, "clear_thinking": False}, {"type": "auto"}],
    "verbosity": ["low"],
    "user": ["u"],
    "metadata": [{"a": "b"}],
    "store": [False],
    "tools": [TOOLS, [], None],
    "tool_choice": [
        "auto",
        "none",
        "required",
        {"type": "function", "function": {"name": "f"}},
        {"type": "custom", "custom": {"name": "patch"}},
        {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
        },
        {"type": "telepathy"},
    ],
    "parallel_tool_calls": [True, False],
    "response_format": [
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True, "x": 1}},
        {"type": "json_schema", "json_schema": {"name": "n", "description": None}, "y": 2},
    ],
    "functions": [[{"name": "f"}]],
    "function_call": ["auto"],
    "unheard_of": [{"a": None}],
}


@pytest.mark.parametrize("record", RECORDED, ids=lambda record: f"{record['client']}-{record['what']}")
def test_recorded(record: dict[str, Any]) -> None:
    """What each client has sent comes out as it went in."""
    assert again(record["body"]) == record["body"]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: json.dumps(message)[:60])
def test_messages(message: dict[str, Any]) -> None:
    """Every kind of message."""
    body = {"model": "m", "messages": [message]}
    assert again(body) == body


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in FIELDS.items() for value in values])
def test_fields(name: str, value: Any) -> None:
    """Every field, also those that nobody has heard of."""
    body = {"model": "m", "messages": [], name: value}
    assert again(body) == body


@given(
    st.lists(st.sampled_from(MESSAGES), max_size=6),
    st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in FIELDS.items()}),
)
def test_together(messages: list[dict[str, Any]], fields: dict[str, Any]) -> None:
    """And any of them together."""
    body = {"model": "m", "messages": messages} | fields
    assert again(body) == body
