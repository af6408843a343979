"""The demo provider speaks every endpoint as the official SDKs expect it, and never pretends."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any, Literal

import pytest
from google.genai import types as genai_types

from isartor.errors import RequestError, UpstreamError
from isartor.providers.base import Call
from isartor.providers.registry import build
from tests.formats.served import Prepared, served
from tests.formats.test_sdks import MESSAGES, anthropic_client, genai_client, openai_client

from .upstream import call, running, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openai import OpenAI

SAYS_SO = re.compile("demo provider; no model was asked.*“hi”")
ROUTES = {
    "/chat/completions": "chat",
    "/completions": "completions",
    "/embeddings": "embeddings",
    "/responses": "responses",
    "/messages": "messages",
    "/count_tokens": "count_tokens",
    ":generateContent": "generate",
    ":streamGenerateContent": "stream_generate",
    ":countTokens": "gemini_count",
}


def answer(target: str, body: bytes) -> Prepared:
    """Return what the gateway would do for this route, with nothing between."""
    path, _, query = target.partition("?")
    endpoint = next(endpoint for end, endpoint in ROUTES.items() if path.endswith(end))
    stream = endpoint == "stream_generate" or json.loads(body).get("stream") is True

    async def ask() -> Prepared:
        provider = build(settings("demo"))
        made = Call(endpoint=endpoint, model="m", stream=stream, body=body, query=query)
        response = await provider.call(made)
        return Prepared(response.status, dict(response.headers)["content-type"], await response.read_all(1 << 20))

    return asyncio.run(ask())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Return the demo provider behind HTTP."""
    with served(answer) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[OpenAI]:
    """OpenAI's SDK on the demo provider."""
    with openai_client(url) as made:
        yield made


def test_chat(client: OpenAI) -> None:
    """Chat completions."""
    reply = client.chat.completions.create(model="gpt-x", messages=MESSAGES)
    assert SAYS_SO.search(reply.choices[0].message.content or "")
    assert (reply.choices[0].finish_reason, reply.model) == ("stop", "isartor-demo")
    assert reply.usage is not None
    assert reply.usage.prompt_tokens == 1


@pytest.mark.parametrize("wanted", [False, True])
def test_chat_stream(client: OpenAI, wanted: bool) -> None:
    """Chat completions as a stream, with usage if asked for."""
    stream = client.chat.completions.create(
        model="gpt-x", messages=MESSAGES, stream=True, stream_options={"include_usage": wanted}
    )
    chunks = list(stream)
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert SAYS_SO.search("".join(choice.delta.content or "" for choice in choices))
    assert choices[0].delta.role == "assistant"
    assert [choice.finish_reason for choice in choices][-2:] == [None, "stop"]
    assert (chunks[-1].usage is not None) is wanted


def test_completions(client: OpenAI) -> None:
    """Completions, both ways."""
    whole = client.completions.create(model="gpt-x", prompt="hi").choices[0]
    assert SAYS_SO.search(whole.text)
    chunks = list(client.completions.create(model="gpt-x", prompt="hi", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.text
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings(client: OpenAI, encoding: Literal["float", "base64"]) -> None:
    """Equal texts give equal unit vectors of the wanted length, other texts others."""
    reply = client.embeddings.create(model="e", input=["a b", "c", "a b"], dimensions=16, encoding_format=encoding)
    first, second, third = (item.embedding for item in reply.data)
    assert reply.model == "isartor-demo"
    assert reply.usage.prompt_tokens == 5
    if encoding == "float":
        assert len(first) == 16
        assert sum(value * value for value in first) == pytest.approx(1)
    assert first == third
    assert first != second


def test_embeddings_of_the_sdk_default(client: OpenAI) -> None:
    """The SDK's own choice of encoding is decoded to floats."""
    (item,) = client.embeddings.create(model="e", input="a").data
    assert len(item.embedding) == 1536
    assert all(isinstance(value, float) for value in item.embedding)


def test_responses(client: OpenAI) -> None:
    """Responses."""
    reply = client.responses.create(model="gpt-x", input="hi")
    assert SAYS_SO.search(reply.output_text)
    assert (reply.status, reply.model) == ("completed", "isartor-demo")


def test_responses_stream(client: OpenAI) -> None:
    """Responses as a stream, by the SDK's helper that holds the events to each other."""
    with client.responses.stream(model="gpt-x", input="hi") as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert SAYS_SO.search(final.output_text)
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    assert "response.output_item.done" in [event.type for event in events]


def test_messages(url: str) -> None:
    """Messages, both ways, and the token count."""
    with anthropic_client(url) as client:
        reply = client.messages.create(model="claude-x", max_tokens=9, messages=MESSAGES)
        assert SAYS_SO.search(getattr(reply.content[0], "text", ""))
        assert (reply.stop_reason, reply.model) == ("end_turn", "isartor-demo")
        with client.messages.stream(model="claude-x", max_tokens=9, messages=MESSAGES) as stream:
            final = stream.get_final_message()
        assert getattr(final.content[0], "text", "") == getattr(reply.content[0], "text", "")
        assert final.usage == reply.usage
        assert client.messages.count_tokens(model="claude-x", messages=MESSAGES).input_tokens == 1


def test_gemini(url: str) -> None:
    """Generate, both ways, and the token count."""
    with genai_client(url) as client:
        reply = client.models.generate_content(model="gemini-x", contents="hi")
        assert SAYS_SO.search(reply.text or "")
        assert reply.model_version == "isartor-demo"
        chunks = list(client.models.generate_content_stream(model="gemini-x", contents="hi"))
        assert "".join(chunk.text or "" for chunk in chunks) == reply.text
        assert chunks[-1].candidates is not None
        assert chunks[-1].candidates[0].finish_reason is genai_types.FinishReason.STOP
        assert client.models.count_tokens(model="gemini-x", contents="hi").total_tokens == 1


def test_gemini_array() -> None:
    """Without `alt=sse` the stream is one JSON array."""
    body = json.dumps({"contents": [{"parts": [{"text": "hi"}]}]}).encode()
    reply = answer("/v1beta/models/m:streamGenerateContent", body)
    assert reply.content_type == "application/json"
    pieces = json.loads(reply.body)
    assert SAYS_SO.search("".join(piece["candidates"][0]["content"]["parts"][0]["text"] for piece in pieces))


@pytest.mark.parametrize(
    ("body", "question"),
    [
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, "a"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}]},
            "a",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": "a"},
                    {"role": "user", "content": [{"type": "tool_result", "content": "x"}]},
                ]
            },
            "a",
        ),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "a"}]}]}, "a"),
        ({"generateContentRequest": {"contents": [{"parts": [{"text": "a"}]}]}}, "a"),
        ({"prompt": ["x", "a"]}, "a"),
        ({"messages": [{"role": "user", "content": "w " * 200}]}, ("w " * 60)[:119] + "…"),
        ({"messages": [1, None, {"role": "user"}]}, ""),
        ({}, ""),
    ],
)
@running
async def test_question(body: dict[str, Any], question: str) -> None:
    """The last user turn's text is quoted, shortened, whatever the surface."""
    provider = build(settings("demo"))
    response = await provider.call(call("chat", body=json.dumps(body).encode()))
    content = json.loads(await response.read_all(1 << 20))["choices"][0]["message"]["content"]
    assert f"“{question}”" in content


@pytest.mark.parametrize(
    ("endpoint", "body", "param"),
    [
        ("chat", b"", None),
        ("chat", b"[]", None),
        ("embeddings", b'{"input":"a","dimensions":0}', "dimensions"),
        ("embeddings", b'{"input":"a","dimensions":100000}', "dimensions"),
        ("embeddings", b'{"input":[' + b'"a",' * 2048 + b'"a"]}', "input"),
    ],
)
@running
async def test_bad_request(endpoint: str, body: bytes, param: str | None) -> None:
    """What cannot be answered is the client's error and names the field."""
    with pytest.raises(RequestError) as caught:
        await build(settings("demo")).call(call(endpoint, body=body))
    assert caught.value.param == param


@running
async def test_reply_can_be_bounded_and_closed() -> None:
    """The reply keeps the promises of any other."""
    provider = build(settings("demo"))
    with pytest.raises(UpstreamError):
        await (await provider.call(call("chat"))).read_all(10)
    response = await provider.call(call("chat", stream=True))
    assert await response.read()
    await response.close()
    assert await response.read() is None
    await provider.close()


def test_status() -> None:
    """`/health` shows that it is the demo."""
    assert build(settings("demo")).status()["state"] == "demo"
