"""A request read and written again is the request that was sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .checks import FORMAT, read, recorded

RECORDED = [each for each in recorded() if each["path"].startswith("/v1/messages")]
CACHE = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
PIXEL = {"type": "base64", "media_type": "image/png", "data": "aGk="}

BLOCKS: list[dict[str, Any]] = [
    {"type": "text", "text": "hi"},
    {"type": "text", "text": "", "citations": None},
    {"type": "text", "text": "cited", **CACHE, "citations": [{"type": "char_location", "cited_text": "x"}]},
    {"type": "image", "source": PIXEL},
    {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}, **CACHE},
    {"type": "image", "source": {"type": "file", "file_id": "file_1"}, "transformations": {"a": "b"}},
    {"type": "image", "source": {"type": "later", "where": 1}},
    {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}, "title": "t"},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}, "title": None},
    {"type": "document", "source": {"type": "url", "url": "https://x.example/a.pdf"}, "context": "c"},
    {"type": "document", "source": {"type": "file", "file_id": "file_1"}, "citations": {"enabled": True}},
    {"type": "document", "source": {"type": "content", "content": "plain"}, "citations": {"enabled": False}},
    {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a"}]}},
    {"type": "document", "source": {"type": "content", "content": [{"type": "image", "source": PIXEL}]}},
    {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "a"}], **CACHE},
    {"type": "search_result", "source": "s", "title": "t", "content": [], "citations": {"enabled": True}},
    {"type": "container_upload", "file_id": "file_1"},
    {"type": "something_new", "x": [1, {"y": None}]},
]
RESULTS: list[dict[str, Any]] = [
    {"type": "tool_result", "tool_use_id": "toolu_1"},
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": None, "is_error": None},
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "", "is_error": False, **CACHE},
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": [], "is_error": True},
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "tool_reference", "tool_name": "Bash"}]},
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": BLOCKS[:8], "toolset_name": "browser"},
]
SAID: list[dict[str, Any]] = [
    {"type": "text", "text": "I will."},
    {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
    {"type": "thinking", "thinking": "", "signature": "c2ln"},
    {"type": "thinking", "thinking": "no signature"},
    {"type": "redacted_thinking", "data": "ZGF0YQ=="},
    {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"b": 1.5, "a": {"x": None}}, **CACHE},
    {"type": "tool_use", "id": "toolu_2", "name": "Bash", "input": {}, "caller": {"type": "direct"}},
    {
        "type": "tool_use",
        "id": "toolu_3",
        "name": "B",
        "input": {},
        "caller": {"type": "code_execution", "tool_id": "x"},
    },
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
    {"type": "mcp_tool_use", "id": "m", "name": "n", "server_name": "s", "input": {}},
    {"type": "compaction", "content": "so far", "encrypted_content": "x"},
]
SYSTEM: list[dict[str, Any]] = [
    {"type": "text", "text": "x-anthropic-billing-header: cc_version=2; cc_entrypoint=cli;"},
    {"type": "text", "text": "You are."},
    {"type": "text", "text": "Be.", **CACHE},
]
TOOLS: list[dict[str, Any]] = [
    {"name": "Bash", "input_schema": {"type": "object", "properties": {"b": {}, "a": {}}}},
    {"type": "custom", "name": "Edit", "description": "d", "input_schema": {"type": "object"}, "strict": True, **CACHE},
    {
        "type": None,
        "name": "X",
        "description": None,
        "input_schema": {},
        "eager_input_streaming": True,
        "strict": False,
    },
    {"name": "Y", "input_schema": {}, "defer_loading": True, "allowed_callers": ["direct"], "input_examples": [{}]},
    {"name": "Z", "input_schema": {}, "allowed_callers": ["code_execution_20250825"]},
    {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
    {"type": "mcp_toolset", "mcp_server_name": "s"},
]
OPTIONS: dict[str, list[Any]] = {
    "system": ["You are.", "", [], SYSTEM, SYSTEM[:1], SYSTEM[1:], None],
    "stream": [True, False],
    "max_tokens": [1, 128_000],
    "temperature": [0, 0.5, 1.0, None],
    "top_p": [0.9],
    "top_k": [40, None],
    "stop_sequences": [[], ["x", "y"]],
    "metadata": [{}, {"user_id": "u"}, {"user_id": None}, {"user_id": '{"device_id":"d"}', "more": 1}, None],
    "service_tier": ["auto", "standard_only"],
    "mcp_servers": [[{"type": "url", "url": "https://x", "name": "s"}]],
    "container": ["container_1", None],
    "context_management": [{"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}, None],
    "cache_control": [{"type": "ephemeral"}],
    "thinking": [
        {"type": "adaptive", "display": "omitted"},
        {"type": "adaptive", "display": "updates", "block_binding": {"x": 1}},
        {"type": "enabled", "budget_tokens": 1024, "display": "summarized"},
        {"type": "enabled", "budget_tokens": 4000, "display": None},
        {"type": "disabled"},
        {"type": "between_tools"},
        None,
    ],
    "output_config": [
        {},
        {"effort": "medium"},
        {"effort": None, "format": None},
        {"effort": "max", "format": {"type": "json_schema", "schema": {"type": "object"}, "name": "n"}},
        {"task_budget": {"type": "tokens", "total": 9}},
        None,
    ],
    "output_format": [{"type": "json_schema", "schema": {"type": "object"}}],
    "tools": [[], TOOLS, TOOLS[:1], None],
    "tool_choice": [
        {"type": "auto"},
        {"type": "auto", "disable_parallel_tool_use": True},
        {"type": "any", "disable_parallel_tool_use": False},
        {"type": "tool", "name": "Bash"},
        {"type": "none"},
        None,
    ],
    "speed": ["fast"],
    "unheard_of": [{"a": [1]}, None, 7],
}


def again(body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    written, dropped = FORMAT.write_request(read(body))
    return json.loads(written), dropped


@pytest.mark.parametrize("sent", RECORDED, ids=lambda sent: sent["file"])
def test_recorded(sent: dict[str, Any]) -> None:
    """What Claude Code, Copilot, opencode and the SDK sent comes back as it was."""
    assert again(sent["body"]) == (sent["body"], [])


@pytest.mark.parametrize("block", [*BLOCKS, *RESULTS, *SAID], ids=lambda block: block["type"])
def test_block(block: dict[str, Any]) -> None:
    """Every kind of block comes back as it was."""
    role = "assistant" if block in SAID else "user"
    body = {"model": "m", "messages": [{"role": role, "content": [block]}]}
    assert again(body) == (body, [])


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in OPTIONS.items() for value in values])
def test_option(name: str, value: Any) -> None:
    """Every option comes back as it was."""
    body = {"model": "m", "messages": [], name: value}
    assert again(body) == (body, [])


def contents(blocks: list[dict[str, Any]]) -> st.SearchStrategy[Any]:
    return st.text() | st.lists(st.sampled_from(blocks), max_size=5)


MESSAGE = st.one_of(
    st.fixed_dictionaries({"role": st.just("user"), "content": contents(BLOCKS + RESULTS)}),
    st.fixed_dictionaries({"role": st.just("assistant"), "content": contents(SAID)}),
    st.fixed_dictionaries(
        {"role": st.just("system"), "content": contents(SYSTEM[1:])},
        optional={"output_config": st.just({"effort": "low"}), "clear_at": st.just("never")},
    ),
    st.just({"role": "system", "output_config": {"effort": "low"}}),
)
BODY = st.fixed_dictionaries(
    {"model": st.just("m"), "messages": st.lists(MESSAGE, max_size=6)},
    optional={name: st.sampled_from(values) for name, values in OPTIONS.items() if name != "output_format"},
)


@settings(deadline=None, max_examples=300)
@given(BODY)
def test_any(body: dict[str, Any]) -> None:
    """Whatever the blocks and options together, the request comes back as it was."""
    assert again(body) == (body, [])
