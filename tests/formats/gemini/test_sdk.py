"""The official SDK as the client: what it makes of replies and streams, and what it sends back of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from google import genai
from google.genai import errors, types

from isartor.formats.canonical import (
    Began,
    Event,
    Finished,
    PartBegan,
    PartEnded,
    PartGrew,
    PartSealed,
    Prompt,
    Reply,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)
from isartor.formats.gemini import Gemini

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GEMINI = Gemini()
USED = Usage(input=5, output=9, reasoning=4, cached=2)
THOUGHT = Thinking(text="hm so", sealed="SIG==", maker="anthropic")
FIRST = ToolCall(id="toolu_1", name="add", arguments='{"a":1,"b":2}')
SECOND = ToolCall(id="toolu_2", name="add", arguments='{"a":2,"b":3}')


def call_stream() -> list[Event]:
    """A thought and two calls that grow at once, as Anthropic's and OpenAI's streams have them."""
    return [
        Began("r1", "claude"),
        PartBegan(0, Thinking(maker="anthropic")),
        PartGrew(0, "hm "),
        PartGrew(0, "so"),
        PartSealed(0, "SIG==", "anthropic"),
        PartEnded(0),
        PartBegan(1, ToolCall(id="toolu_1", name="add", arguments="")),
        PartGrew(1, '{"a":1,'),
        PartBegan(2, ToolCall(id="toolu_2", name="add", arguments="")),
        PartGrew(2, '{"a":2,"b":3}'),
        PartGrew(1, '"b":2}'),
        PartEnded(1),
        PartEnded(2),
        Finished("tool_calls", usage=USED),
    ]


def text_stream() -> list[Event]:
    return [
        Began("r2", "claude"),
        PartBegan(0, Text(text="")),
        PartGrew(0, "Hel"),
        PartGrew(0, "lo"),
        PartEnded(0),
        Finished("end", usage=USED),
    ]


class Provider:
    """Answers through the format: two calls if there are tools, and a text when it has their results."""

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []
        self.fails = False

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        streams = "streamGenerateContent" in str(request.url)
        prompt = GEMINI.read_request(request.content, model="claude", stream=streams)
        self.prompts.append(prompt)
        done = any(isinstance(part, ToolResult) for turn in prompt.turns for part in turn.parts)
        calls = bool(prompt.tools) and not done
        if streams:
            writer = GEMINI.stream_writer(prompt)
            body = b"".join(writer.write(event) for event in (call_stream() if calls else text_stream()))
            if self.fails:
                body = GEMINI.stream_error(503, "broken", code="c")
            return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)
        if self.fails:
            return httpx2.Response(429, content=GEMINI.error(429, "slow down", code="c"))
        parts: Any = [THOUGHT, FIRST, SECOND] if calls else [Text(text="Hello")]
        reply = Reply(id="r", model="claude", parts=parts, stop="tool_calls" if calls else "end", usage=USED)
        return httpx2.Response(
            200, headers={"content-type": "application/json"}, content=GEMINI.write_reply(reply, prompt)
        )


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def client(provider: Provider) -> Iterator[genai.Client]:
    with httpx2.Client(transport=httpx2.MockTransport(provider.answer)) as http:
        options = types.HttpOptions(base_url="http://gateway.test", httpx_client=http)
        with genai.Client(api_key="k", http_options=options) as made:
            yield made


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def config(**more: Any) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        tools=[add], thinking_config=types.ThinkingConfig(thinking_budget=100, **more), system_instruction="be brief"
    )


def say(chat: Any) -> str:
    return chat.send_message("add").text


def say_streaming(chat: Any) -> str:
    return "".join(chunk.text or "" for chunk in chat.send_message_stream("add"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ask", [say, say_streaming])
@pytest.mark.parametrize("show", [True, False])
def test_a_chat_with_tools(client: genai.Client, provider: Provider, ask: Callable[[Any], str], show: bool) -> None:
    """The SDK runs the tools and sends everything back: each thought once, its state whole, one turn of the model."""
    chat = client.chats.create(model="gemini-2.5-flash", config=config(include_thoughts=show))
    assert ask(chat) == "Hello"
    chat.send_message("again")
    turns = [turn for turn in provider.prompts[-1].turns if turn.role != "system"]
    assert [turn.role for turn in turns] == ["user", "assistant", "tool", "assistant", "user"]
    thought, first, second = turns[1].parts
    assert thought == THOUGHT
    assert [(part.id, part.arguments, part.sealed) for part in (first, second)] == [
        ("toolu_1", FIRST.arguments, None),
        ("toolu_2", SECOND.arguments, None),
    ]
    assert [(part.id, part.name, part.parts[0].text) for part in turns[2].parts] == [
        ("toolu_1", "add", '{"result":3}'),
        ("toolu_2", "add", '{"result":5}'),
    ]
    assert [part.text for part in turns[3].parts] == ["Hello"]


def test_a_reply(client: genai.Client) -> None:
    """Text, thoughts, calls, reason and usage are where the SDK looks for them."""
    off = types.AutomaticFunctionCallingConfig(disable=True)
    wanted = types.GenerateContentConfig(
        tools=[add], automatic_function_calling=off, thinking_config=types.ThinkingConfig(include_thoughts=True)
    )
    reply = client.models.generate_content(model="gemini-2.5-flash", contents="add", config=wanted)
    assert [(call.id, call.name, call.args) for call in reply.function_calls or ()] == [
        ("toolu_1", "add", {"a": 1, "b": 2}),
        ("toolu_2", "add", {"a": 2, "b": 3}),
    ]
    candidate = (reply.candidates or [])[0]
    assert candidate.content is not None
    assert [part.text for part in candidate.content.parts or () if part.thought] == ["hm so"]
    assert candidate.finish_reason is types.FinishReason.STOP
    assert (reply.response_id, reply.model_version) == ("r", "claude")
    used = reply.usage_metadata
    assert used is not None
    assert (used.prompt_token_count, used.candidates_token_count, used.thoughts_token_count) == (5, 5, 4)
    assert (used.cached_content_token_count, used.total_token_count) == (2, 14)


def test_a_stream(client: genai.Client) -> None:
    """Every event has its text at once; the last one has the reason and the usage."""
    chunks = list(client.models.generate_content_stream(model="gemini-2.5-flash", contents="hi"))
    assert [chunk.text for chunk in chunks] == ["Hel", "lo", ""]
    assert [bool(chunk.usage_metadata) for chunk in chunks] == [False, False, True]
    assert {chunk.response_id for chunk in chunks} == {"r2"}
    assert (chunks[-1].candidates or [])[0].finish_reason is types.FinishReason.STOP


def test_errors(client: genai.Client, provider: Provider) -> None:
    """Its own exceptions, also inside a stream."""
    provider.fails = True
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model="gemini-2.5-flash", contents="hi")
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    with pytest.raises(errors.ServerError):
        list(client.models.generate_content_stream(model="gemini-2.5-flash", contents="hi"))


@pytest.mark.filterwarnings("ignore")
def test_what_the_sdk_sends(client: genai.Client, provider: Provider) -> None:
    """Bytes, addresses, schemas and settings are read as they are meant."""
    contents = [
        types.Part.from_bytes(data=b"\xff\xef\xbe", mime_type="image/png"),
        types.Part.from_uri(file_uri="https://example.org/a.pdf", mime_type="application/pdf"),
        types.Part.from_text(text="what?"),
    ]
    wanted = types.GenerateContentConfig(
        max_output_tokens=9,
        stop_sequences=["x"],
        top_k=3,
        seed=7,
        response_mime_type="application/json",
        response_schema={"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
        tool_config=types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(
                mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=["add"]
            )
        ),
        safety_settings=[types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_NONE")],
    )
    client.models.generate_content(model="gemini-2.5-flash", contents=contents, config=wanted)
    (prompt,) = provider.prompts
    image, document, text = prompt.turns[0].parts
    assert (image.media.data, document.media.url, text.text) == ("/+++", "https://example.org/a.pdf", "what?")
    assert (prompt.max_tokens, prompt.stop, prompt.top_k, prompt.seed) == (9, ["x"], 3, 7)
    assert prompt.output is not None
    assert prompt.output.schema == {"type": "object", "properties": {"a": {"type": "string"}}}
    assert prompt.tool_choice is not None
    assert (prompt.tool_choice.mode, prompt.tool_choice.names) == ("required", ["add"])
