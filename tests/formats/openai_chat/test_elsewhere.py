"""What clients of this format ask for reaches providers of the others, and the other way round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from isartor.errors import RequestError
from isartor.formats.anthropic import Anthropic
from isartor.formats.gemini import Gemini
from isartor.formats.openai_responses import OpenAIResponses
from tests.formats.openai_chat.making import CHAT, read

OTHERS: list[Any] = [Anthropic(), Gemini(), OpenAIResponses()]
PATHS = {
    "/v1/messages": "anthropic",
    "/v1/messages?beta=true": "anthropic",
    "/v1/responses": "openai_responses",
    "/v1/chat/completions": "openai_chat",
}
CLIENTS = Path(__file__).parents[2] / "data" / "clients"
RECORDED = [
    (path.stem, record, PATHS.get(record["path"], "gemini" if "enerateContent" in record["path"] else ""))
    for path in sorted(CLIENTS.glob("*.json"))
    if (record := json.loads(path.read_text()))["method"] == "POST"
]


@pytest.mark.parametrize("target", OTHERS, ids=lambda target: target.name)
@pytest.mark.parametrize(
    "body", [pytest.param(record["body"], id=name) for name, record, kind in RECORDED if kind == "openai_chat"]
)
def test_recorded_requests_go_anywhere(body: dict[str, Any], target: Any) -> None:
    """No agent is refused because its provider is another one; what is dropped is a matter of depth alone."""
    _, dropped = target.write_request(read(body))
    assert set(dropped) <= {"reasoning_effort"}


@pytest.mark.parametrize("model", ["gpt-5.4", "gpt-4o-mini", "llama-3.3-70b"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [pytest.param(kind, record["body"], id=name) for name, record, kind in RECORDED if kind in PATHS.values()],
)
def test_agents_of_other_formats(kind: str, body: dict[str, Any], model: str) -> None:
    """Claude Code, Codex and the others reach a provider of this format, with all that they have said."""
    source = next((each for each in OTHERS if each.name == kind), CHAT)
    prompt = source.read_request(json.dumps(body).encode(), model=model, stream=True)
    raw, _ = CHAT.write_request(prompt)
    written = json.loads(raw)
    assert written["messages"]
    assert all(message["role"] in {"system", "user", "assistant", "tool"} for message in written["messages"])
    calls = {call["id"] for message in written["messages"] for call in message.get("tool_calls") or ()}
    assert calls >= {message["tool_call_id"] for message in written["messages"] if message["role"] == "tool"}


@pytest.mark.parametrize("target", OTHERS, ids=lambda target: target.name)
@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"function_call": "auto"}, "function_call"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "alloy", "format": "wav"}}, "audio"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"web_search_options": {"search_context_size": "low"}}, "web_search_options"),
        ({"never_heard_of": 1}, "never_heard_of"),
        (
            {"messages": [{"role": "assistant", "content": "a", "function_call": {"name": "f"}}]},
            "messages[].function_call",
        ),
        ({"messages": [{"role": "assistant", "content": "a", "audio": {"id": "1"}}]}, "messages[].audio"),
    ],
)
def test_refused(fields: dict[str, Any], param: str, target: Any) -> None:
    """What changes the answer is never dropped: the client is told which field it is."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]} | fields
    with pytest.raises(RequestError) as caught:
        target.write_request(read(body))
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize("target", OTHERS, ids=lambda target: target.name)
@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1, "modalities": ["text"], "logprobs": False, "store": False, "top_logprobs": 0},
        {"metadata": {"a": "b"}, "user": "u", "service_tier": "auto", "prompt_cache_key": "k", "seed": 1},
        {"presence_penalty": 0.5, "frequency_penalty": 0.5, "temperature": 0.2, "top_p": 0.9, "top_k": 4, "min_p": 0.1},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}},
        {"reasoning_effort": "high", "verbosity": "low", "max_completion_tokens": 20_000},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "x"}}]}]},
        {"messages": [{"role": "user", "name": "ada", "content": "a"}]},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "annotations": []}]},
        {"tools": [{"type": "custom", "custom": {"name": "patch", "description": "d"}}], "tool_choice": "required"},
    ],
)
def test_allowed(fields: dict[str, Any], target: Any) -> None:
    """What does not change what is asked for goes through, or is dropped by the table."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]} | fields
    target.write_request(read(body))
