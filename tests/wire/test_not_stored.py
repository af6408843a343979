"""What must never be stored: replies that are broken, filtered, that acted or looked outside, and stateful requests."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.stub import Stub
from tests.wire.ask import ANSWERING, ended, layer, post
from tests.wire.gateway import Gateway

GatewayOf = Callable[[str], Gateway]
Fresh = Callable[..., str]

FILTERED = {
    "chat": ["content_filter"],
    "completions": ["content_filter"],
    "responses": ["content_filter", "failed", "max_output_tokens"],
    "messages": ["refusal", "pause_turn"],
    "generate": ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "MALFORMED_FUNCTION_CALL", "OTHER"],
}
OUTSIDE = {
    "chat": ["web_search", "annotations", "mcp"],
    "responses": ["web_search", "annotations", "code_execution", "mcp"],
    "messages": ["web_search", "code_execution", "mcp"],
    "generate": ["web_search", "code_execution"],
}
BROKEN_STREAM = (
    "cut=0",
    "cut=2",
    "cut_clean=0",
    "cut_clean=3",
    "error_event=0",
    "error_event=2",
    "garbage_sse",
    "empty",
    "html",
)
BROKEN_JSON = ("half_json", "half_json_clean", "garbage_json", "empty", "html", "error_body")


def ask_twice(http: httpx.Client, url: str, endpoint: str, prompt: str, *, stream: bool, **more: object) -> list[str]:
    """Ask twice; a transport error is as good as an answer here."""
    layers = []
    for _ in "ab":
        try:
            layers.append(layer(post(http, url, endpoint, prompt, stream=stream, **more)))
        except httpx.TransportError:
            layers.append("cut")
    return layers


@pytest.mark.parametrize("endpoint", ANSWERING)
@pytest.mark.parametrize("fault", BROKEN_STREAM)
def test_broken_streams(
    endpoint: str, fault: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """A stream without its terminal event, or with an error in it, is not stored."""
    prompt = fresh(f"[[{fault}]]")
    assert "l1a" not in ask_twice(http, gateway_of(endpoint).url, endpoint, prompt, stream=True)
    assert len(stub.calls(prompt)) == 2


@pytest.mark.parametrize("endpoint", ANSWERING)
@pytest.mark.parametrize("fault", BROKEN_JSON)
def test_broken_json(
    endpoint: str, fault: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """A body that is cut, no JSON, or an error in a 200 is not stored."""
    prompt = fresh(f"[[{fault}]]")
    assert "l1a" not in ask_twice(http, gateway_of(endpoint).url, endpoint, prompt, stream=False)
    assert len(stub.calls(prompt)) == 2


@pytest.mark.parametrize(("endpoint", "reason"), [(name, one) for name, some in FILTERED.items() for one in some])
@pytest.mark.parametrize("stream", [False, True])
def test_filtered(
    endpoint: str,
    reason: str,
    stream: bool,
    gateway_of: GatewayOf,
    stub: Stub,
    http: httpx.Client,
    fresh: Fresh,
) -> None:
    """A reply that a filter or a failure ended is passed on and not stored."""
    prompt = fresh(f"[[finish={reason}]]")
    assert ask_twice(http, gateway_of(endpoint).url, endpoint, prompt, stream=stream) == ["l3", "l3"]
    assert len(stub.calls(prompt)) == 2


@pytest.mark.parametrize(("endpoint", "act"), [(name, one) for name, some in OUTSIDE.items() for one in some])
@pytest.mark.parametrize("stream", [False, True])
def test_acted_or_looked_outside(
    endpoint: str, act: str, stream: bool, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """A reply with a web search, executed code or MCP items in it is passed on and not stored."""
    prompt = fresh(f"[[{act}]]")
    assert ask_twice(http, gateway_of(endpoint).url, endpoint, prompt, stream=stream) == ["l3", "l3"]
    assert len(stub.calls(prompt)) == 2


@pytest.mark.parametrize("more", [{"conversation": "conv_1"}, {"conversation": {"id": "conv_1"}}, {"background": True}])
@pytest.mark.parametrize("stream", [False, True])
def test_stateful_responses(
    more: dict[str, object], stream: bool, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """Responses that live in a conversation or in the background are neither stored nor shared."""
    prompt = fresh()
    assert ask_twice(http, gateway_of("responses").url, "responses", prompt, stream=stream, **more) == [
        "l3",
        "l3",
    ]
    assert len(stub.calls(prompt)) == 2


@pytest.mark.parametrize("endpoint", ANSWERING)
@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_errors(
    endpoint: str, status: int, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """Nothing but a 2xx is stored."""
    prompt, url = fresh(), gateway_of(endpoint).url
    stub.fault(f"status={status}", match=prompt)
    assert post(http, url, endpoint, prompt).status_code == status
    assert layer(post(http, url, endpoint, prompt)) == "l3"


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_a_stream_is_never_answered_with_json(
    endpoint: str, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh
) -> None:
    """A provider that answers a stream with JSON: the client gets a stream, or an error before the first byte."""
    reply = post(http, gateway_of(endpoint).url, endpoint, fresh("[[json]]"), stream=True)
    if reply.status_code == 200:
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert ended(endpoint, reply.content)
    else:
        assert reply.status_code == 502


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_json_is_never_answered_with_a_stream(
    endpoint: str, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh
) -> None:
    """A provider that answers JSON with a stream: the client gets JSON, or an error."""
    reply = post(http, gateway_of(endpoint).url, endpoint, fresh("[[stream]]"))
    assert reply.headers["content-type"].startswith("application/json")
    assert reply.status_code in {200, 502}
    reply.json()


@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_over_the_entry_limit(
    stream: bool, make_gateway: Callable[..., Gateway], stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """A reply larger than an entry may be passes through whole and is not stored."""
    prompt = fresh("[[chunks=20]][[size=10000]]")
    url = make_gateway(cache_max_entry_bytes="65536").url
    replies = [post(http, url, "chat", prompt, stream=stream) for _ in "ab"]
    assert [layer(reply) for reply in replies] == ["l3", "l3"]
    assert min(len(reply.content) for reply in replies) > 200_000
    assert len(stub.calls(prompt)) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_a_compressed_reply(stream: bool, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """A provider that compresses is read, stored and passed on all the same."""
    prompt = fresh("[[gzip]]")
    replies = [post(http, gateway_of("chat").url, "chat", prompt, stream=stream) for _ in "ab"]
    assert [layer(reply) for reply in replies] == ["l3", "l1a"]
