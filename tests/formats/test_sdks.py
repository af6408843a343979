"""The official SDKs raise their right exception for every error that the gateway writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors as genai_errors
from google.genai import types as genai_types

from isartor.formats import SURFACES
from isartor.providers import demo_replies

from .served import JSON, SSE, Prepared, served

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGES: Any = [{"role": "user", "content": "hi"}]
STATUSES = (400, 401, 403, 404, 405, 413, 429, 500, 501, 502, 503, 504)


def openai_client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)


def anthropic_client(url: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=url, api_key="k", max_retries=0)


def genai_client(url: str) -> genai.Client:
    options = genai_types.HttpOptions(base_url=url, retry_options=genai_types.HttpRetryOptions(attempts=1))
    return genai.Client(api_key="k", http_options=options)


def ask_chat(url: str) -> None:
    with openai_client(url) as client:
        client.chat.completions.create(model="m", messages=MESSAGES)


def stream_chat(url: str) -> None:
    with openai_client(url) as client:
        for _ in client.chat.completions.create(model="m", messages=MESSAGES, stream=True):
            pass


def ask_responses(url: str) -> None:
    with openai_client(url) as client:
        client.responses.create(model="m", input="hi")


def stream_responses(url: str) -> None:
    with openai_client(url) as client:
        for _ in client.responses.create(model="m", input="hi", stream=True):
            pass


def helper_responses(url: str) -> None:
    with openai_client(url) as client, client.responses.stream(model="m", input="hi") as stream:
        stream.get_final_response()


def ask_messages(url: str) -> None:
    with anthropic_client(url) as client:
        client.messages.create(model="m", max_tokens=9, messages=MESSAGES)


def stream_messages(url: str) -> None:
    with anthropic_client(url) as client:
        for _ in client.messages.create(model="m", max_tokens=9, messages=MESSAGES, stream=True):
            pass


def helper_messages(url: str) -> None:
    with (
        anthropic_client(url) as client,
        client.messages.stream(model="m", max_tokens=9, messages=MESSAGES) as stream,
    ):
        stream.get_final_message()


def ask_gemini(url: str) -> None:
    with genai_client(url) as client:
        client.models.generate_content(model="m", contents="hi")


def stream_gemini(url: str) -> None:
    with genai_client(url) as client:
        for _ in client.models.generate_content_stream(model="m", contents="hi"):
            pass


OPENAI_CLASSES: dict[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    429: openai.RateLimitError,
}
ANTHROPIC_CLASSES: dict[int, type[anthropic.APIStatusError]] = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    429: anthropic.RateLimitError,
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(("surface", "ask"), [("openai_chat", ask_chat), ("openai_responses", ask_responses)])
def test_openai_error(surface: str, ask: Callable[[str], None], status: int) -> None:
    """By status, with message, code and param where a program looks for them."""
    body = SURFACES[surface].error(status, "It failed.", code="some_code", param="messages[0]")
    with (
        served(lambda *_: Prepared(status, JSON, body)) as url,
        pytest.raises(OPENAI_CLASSES.get(status, openai.APIStatusError), match="It failed") as caught,
    ):
        ask(url)
    assert (caught.value.code, caught.value.param) == ("some_code", "messages[0]")
    assert isinstance(caught.value, openai.InternalServerError) is (status >= 500)


@pytest.mark.parametrize("status", [*STATUSES, 529])
def test_anthropic_error(status: int) -> None:
    """By status, with the message and the request's id in the body."""
    body = SURFACES["anthropic"].error(status, "It failed.", code="c", param="messages", request_id="req_1")
    with (
        served(lambda *_: Prepared(status, JSON, body)) as url,
        pytest.raises(ANTHROPIC_CLASSES.get(status, anthropic.APIStatusError), match="messages: It failed") as caught,
    ):
        ask_messages(url)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["request_id"] == "req_1"


@pytest.mark.parametrize("status", STATUSES)
def test_gemini_error(status: int) -> None:
    """Client and server errors are told apart, and carry message and status word."""
    body = SURFACES["gemini"].error(status, "It failed.", code="c", param="contents")
    kind = genai_errors.ServerError if status >= 500 else genai_errors.ClientError
    with (
        served(lambda *_: Prepared(status, JSON, body)) as url,
        pytest.raises(kind, match="It failed") as caught,
    ):
        ask_gemini(url)
    assert caught.value.code == status
    assert caught.value.message == "It failed."
    assert caught.value.status


def begun(build: Callable[[demo_replies.Ask], list[bytes]], events: int) -> bytes:
    """Return the first events of a stream."""
    ask = demo_replies.Ask(body={}, answer="one two three four five six", asked_words=1, stream=True, array=False)
    return b"".join(build(ask)[:events])


@pytest.mark.parametrize("events", [0, 1, 3])
@pytest.mark.parametrize(
    ("surface", "build", "ask"),
    [
        ("openai_chat", demo_replies.chat, stream_chat),
        ("openai_responses", demo_replies.responses, stream_responses),
        ("openai_responses", demo_replies.responses, helper_responses),
    ],
)
def test_openai_stream_error(
    surface: str, build: Callable[[demo_replies.Ask], list[bytes]], ask: Callable[[str], None], events: int
) -> None:
    """In mid-stream it is an `APIError` with the message and the code."""
    error = SURFACES[surface].stream_error(502, "It broke.", code="upstream_cut", request_id="r")
    with (
        served(lambda *_: Prepared(200, SSE, begun(build, events) + error)) as url,
        pytest.raises(openai.APIError, match="It broke") as caught,
    ):
        ask(url)
    assert caught.value.code == "upstream_cut"


def test_responses_stream_fails_for_those_who_wait_for_it() -> None:
    """Clients that do not stop at `error` find a `response.failed` with code and message after it."""
    body = SURFACES["openai_responses"].stream_error(429, "Slow down.", code="upstream_cut")
    first, second = body.removesuffix(b"\n\n").split(b"\n\n")
    assert first.startswith(b"event: error\ndata: ")
    assert second.startswith(b"event: response.failed\ndata: ")
    typed = openai.types.responses
    error = typed.ResponseErrorEvent.model_validate_json(first.partition(b"data: ")[2])
    assert (error.type, error.message, error.code) == ("error", "Slow down.", "upstream_cut")
    failed = typed.ResponseFailedEvent.model_validate_json(second.partition(b"data: ")[2])
    assert failed.response.status == "failed"
    assert failed.response.error is not None
    assert (failed.response.error.code, failed.response.error.message) == (
        "rate_limit_exceeded",
        "Slow down.",
    )
    assert failed.sequence_number > error.sequence_number


@pytest.mark.parametrize("events", [0, 2, 5])
@pytest.mark.parametrize("ask", [stream_messages, helper_messages])
def test_anthropic_stream_error(ask: Callable[[str], None], events: int) -> None:
    """In mid-stream it is an `APIStatusError` with the message."""
    error = SURFACES["anthropic"].stream_error(504, "It stalled.", code="upstream_timeout", request_id="r")
    with (
        served(lambda *_: Prepared(200, SSE, begun(demo_replies.messages, events) + error)) as url,
        pytest.raises(anthropic.APIStatusError, match="It stalled") as caught,
    ):
        ask(url)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["type"] == "timeout_error"


@pytest.mark.parametrize("events", [0, 1, 2])
def test_gemini_stream_error(events: int) -> None:
    """In mid-stream it is a `ServerError` with the message and the status word."""
    error = SURFACES["gemini"].stream_error(504, "It stalled.", code="upstream_timeout")
    with (
        served(lambda *_: Prepared(200, SSE, begun(demo_replies.generate, events) + error)) as url,
        pytest.raises(genai_errors.ServerError, match="It stalled") as caught,
    ):
        stream_gemini(url)
    assert caught.value.status == "DEADLINE_EXCEEDED"
