"""Replies of providers are read, and replies for clients are what the official SDK takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from isartor.errors import UpstreamError
from isartor.formats.canonical import Image, Media, Reasoning, Refusal, Reply, Text, Thinking, Tool, ToolCall, Usage
from tests.formats.openai_chat.making import CHAT, prompt, user


def reply(message: dict[str, Any] | None = None, finish: str | None = "stop", **fields: Any) -> Reply:
    """What is read from a provider's reply."""
    body: dict[str, Any] = {"id": "c", "model": "m", "created": 5, "choices": []}
    if message is not None:
        body["choices"] = [{"index": 0, "message": {"role": "assistant"} | message, "finish_reason": finish}]
    return CHAT.read_reply(json.dumps(body | fields).encode())


def given(answer: Reply, **fields: Any) -> dict[str, Any]:
    """What a client is given, which has to be what the SDK knows."""
    body = json.loads(CHAT.write_reply(answer, prompt(user(), origin="openai_chat", **fields)))
    ChatCompletion.model_validate(body, strict=True)
    return body


def test_text() -> None:
    """A plain answer."""
    assert reply({"content": "hi"}) == Reply(id="c", model="m", created=5, parts=[Text(text="hi")], stop="end")


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ({"content": None}, []),
        ({"content": [{"type": "text", "text": "a"}]}, [Text(text="a")]),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "a"},
                ]
            },
            [Thinking(text="hm", maker="openai_chat"), Text(text="a")],
        ),
        ({"content": "a", "reasoning_content": "hm"}, [Thinking(text="hm", maker="openai_chat"), Text(text="a")]),
        (
            {"content": "a", "reasoning": "hm"},
            [Thinking(text="hm", maker="openai_chat", sealed='{"member":"reasoning"}'), Text(text="a")],
        ),
        ({"content": "a", "reasoning": None, "reasoning_details": None}, [Text(text="a")]),
        ({"content": None, "refusal": "no"}, [Refusal(text="no")]),
        (
            {"tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            [ToolCall(id="1", name="f", arguments="{}")],
        ),
        (
            {"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": {"a": 1}}, "index": 0}]},
            [ToolCall(id="1", name="f", arguments='{"a":1}')],
        ),
        (
            {"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": ""}}]},
            [ToolCall(id="1", name="f", arguments="{}")],
        ),
        (
            {
                "tool_calls": [
                    {
                        "id": "1",
                        "function": {"name": "f", "arguments": "{}"},
                        "extra_content": {"google": {"thought_signature": "s"}},
                    }
                ]
            },
            [ToolCall(id="1", name="f", arguments="{}", sealed="s")],
        ),
    ],
)
def test_messages(message: dict[str, Any], parts: list[Any]) -> None:
    """What providers put into a message."""
    assert reply(message).parts == parts


def test_a_call_without_an_id_gets_one() -> None:
    """The client has to name it in its answer."""
    (call,) = reply({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}).parts
    assert isinstance(call, ToolCall)
    assert call.id.startswith("call_")


CALLS = {"tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}


@pytest.mark.parametrize(
    ("finish", "message", "stop"),
    [
        ("stop", {"content": "a"}, "end"),
        (None, {"content": "a"}, "end"),
        ("eos", {"content": "a"}, "end"),
        ("length", {"content": "a"}, "length"),
        ("MAX_TOKENS", {"content": "a"}, "length"),
        ("model_length", {"content": "a"}, "length"),
        ("tool_calls", CALLS, "tool_calls"),
        ("stop", CALLS, "tool_calls"),
        (None, CALLS, "tool_calls"),
        ("length", CALLS, "length"),
        ("content_filter", {"content": ""}, "filter"),
        ("stop", {"refusal": "no"}, "refusal"),
    ],
)
def test_stops(finish: str | None, message: dict[str, Any], stop: str) -> None:
    """Why a reply ended, in the words of many providers."""
    assert reply(message, finish).stop == stop


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}, Usage(input=9, output=4)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "prompt_tokens_details": {"cached_tokens": 3},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            Usage(input=9, output=4, cached=3, reasoning=2),
        ),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "total_tokens": 15,
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            Usage(input=9, output=6, reasoning=2),
        ),
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 1}, Usage(input=9, cached=8)),
        ({"prompt_tokens": 9, "cached_tokens": 2, "prompt_tokens_details": None}, Usage(input=9, cached=2)),
        ({"prompt_tokens": None, "completion_tokens": "4"}, Usage()),
    ],
)
def test_usage(usage: dict[str, Any], tokens: Usage) -> None:
    """Tokens, wherever a provider says them; xAI counts the reasoning apart."""
    assert reply({"content": "a"}, usage=usage).usage == tokens


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 502),
        (b"[]", 502),
        (b"{}", 502),
        (b'{"choices":[]}', 502),
        (b'{"choices":[{"message":3}]}', 502),
        (b'{"choices":[{"message":{"content":7}}]}', 502),
        (b'{"error":{"message":"slow down","code":429}}', 429),
        (b'{"error":{"message":"slow down","type":"rate_limit_error"}}', 429),
        (b'{"error":"no"}', 502),
        (b'{"choices":[{"error":{"message":"overloaded","code":503}}]}', 503),
    ],
)
def test_garbage(body: bytes, status: int) -> None:
    """A reply of another shape, or an error inside one, is the provider's fault."""
    with pytest.raises(UpstreamError) as caught:
        CHAT.read_reply(body)
    assert caught.value.status == status


PNG = Image(media=Media(mime="image/png", data="AAAA"))


def test_pictures() -> None:
    """Models that draw."""
    answer = Reply(id="a", model="m", created=7, parts=[Text(text="here"), PNG], stop="end")
    body = given(answer)
    url = {"url": "data:image/png;base64,AAAA"}
    assert body["choices"][0]["message"]["images"] == [{"type": "image_url", "image_url": url}]
    assert CHAT.read_reply(json.dumps(body).encode()) == answer


def test_hidden_thoughts() -> None:
    """A client that does not want to see them still carries their state."""
    thought = Thinking(text="hm", maker="anthropic", sealed="sig")
    answer = Reply(id="a", model="m", created=7, parts=[thought, Text(text="hi")], stop="end")
    body = given(answer, reasoning=Reasoning(show=False))
    assert "reasoning_content" not in body["choices"][0]["message"]
    assert CHAT.read_reply(json.dumps(body).encode()) == answer


FULL = Reply(
    id="chatcmpl-1",
    model="m",
    created=7,
    parts=[
        Thinking(text="hm", maker="openai_chat", sealed='{"member":"reasoning"}'),
        Text(text="hi"),
        ToolCall(id="1", name="f", arguments='{"a":1}'),
        ToolCall(id="2", name="g", arguments="{}", sealed="sig"),
    ],
    stop="tool_calls",
    usage=Usage(input=9, output=4, cached=3, cache_write=1, reasoning=2),
)


@pytest.mark.parametrize(
    "answer",
    [
        FULL,
        Reply(id="a", model="m", created=7, parts=[], stop="end"),
        Reply(id="a", model="m", created=7, parts=[Refusal(text="no")], stop="refusal"),
        Reply(id="a", model="m", created=7, parts=[Text(text="hi")], stop="length"),
        Reply(id="a", model="m", created=7, parts=[Text(text="hi")], stop="filter"),
        Reply(
            id="a",
            model="m",
            created=7,
            parts=[
                Thinking(text="hm", maker="anthropic", sealed="sig"),
                Thinking(maker="anthropic", sealed="red", redacted=True),
                Thinking(text="so", maker="openai_responses", sealed="enc", id="rs_1"),
                Text(text="hi"),
            ],
            stop="end",
        ),
    ],
)
def test_there_and_back(answer: Reply) -> None:
    """What a client is given says all that the reply did."""
    assert CHAT.read_reply(json.dumps(given(answer)).encode()) == answer


@pytest.mark.parametrize(
    ("stop", "word"),
    [("pause", "stop"), ("stop_sequence", "stop"), ("refusal", "content_filter"), ("tool_calls", "tool_calls")],
)
def test_words(stop: Any, word: str) -> None:
    """Reasons that the API does not know become the nearest."""
    assert given(Reply(id="a", model="m", parts=[], stop=stop))["choices"][0]["finish_reason"] == word


def test_an_end_with_calls() -> None:
    """Agents go by the reason, whatever a provider has said."""
    answer = Reply(id="a", model="m", parts=[ToolCall(id="1", name="f")], stop="end")
    assert given(answer)["choices"][0]["finish_reason"] == "tool_calls"


def test_members() -> None:
    """Nothing is missing that the API always gives, and the id and time are made if a provider gave none."""
    body = given(Reply(id="", model="", parts=[Text(text="a"), Text(text="b")], stop="end", usage=Usage(input=1)))
    assert body["id"].startswith("chatcmpl-")
    assert body["model"] == "gpt-5.4"
    assert body["choices"][0]["message"] == {"role": "assistant", "content": "ab", "refusal": None}
    assert body["usage"]["total_tokens"] == 1


def test_custom_tools_get_their_text() -> None:
    """The provider was given a function with the member `input`, the client's tool takes text."""
    tools = [Tool(name="patch", custom=True), Tool(name="f")]
    calls = [
        ToolCall(id="1", name="patch", arguments='{"input": "*** Begin"}'),
        ToolCall(id="2", name="patch", arguments="*** Begin"),
        ToolCall(id="3", name="f", arguments='{"input": "x"}'),
    ]
    body = given(Reply(id="a", model="m", parts=[*calls], stop="tool_calls"), tools=tools)
    made = body["choices"][0]["message"]["tool_calls"]
    assert [call["type"] for call in made] == ["custom", "custom", "function"]
    assert [call["custom"]["input"] for call in made[:2]] == ["*** Begin"] * 2
