"""Every SDK against a provider of every format when things go wrong: refusals, broken streams, what cannot be said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.stub import Stub
from tests.wire import sdk
from tests.wire.ask import body, is_error, layer, path, post
from tests.wire.gateway import Gateway
from tests.wire.talk import CLIENTS, OPERATIONS, WIRES
from tests.wire.test_matrix_text import matrix, streamed
from tests.wire.test_sdk_errors import EXPECTED, SERVER_ERRORS, STREAM_ERRORS, status_of

GatewayOf = Callable[[str], Gateway]
Fresh = Callable[..., str]

# Statuses that only some APIs have are known to all clients by their hundred.
_STATUSES = (400, 404, 413, 422, 429, 500, 503, 529)
_GARBAGE = ("garbage_json", "garbage_sse", "html", "empty")


@streamed
@matrix
@pytest.mark.parametrize("status", _STATUSES)
def test_refusals(client: str, wire: str, status: int, stream: bool, gateway_of: GatewayOf, fresh: Fresh) -> None:
    """What a provider of another format refuses is the SDK's own exception, with the status and the provider's words."""
    ask = sdk.asker(client, stream=stream)
    kinds = EXPECTED[ask.provider]
    family = SERVER_ERRORS[ask.provider] if status >= 500 else kinds[400].__mro__[1]
    kind: Any = kinds.get(status, family)
    with pytest.raises(kind) as caught:
        ask(gateway_of(wire).url, fresh(f"[[status={status}]]"))
    assert status_of(caught.value) == status
    assert f"stub error {status}" in str(caught.value)


@matrix
@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_is_not_there(client: str, wire: str, stream: bool, gateway_of: GatewayOf, fresh: Fresh) -> None:
    """The provider's 404 for a model is the SDK's NotFound."""
    ask = sdk.asker(client, stream=stream)
    with pytest.raises(EXPECTED[ask.provider][404]):
        ask(gateway_of(wire).url, fresh(), model="no-such-model")


@streamed
@matrix
def test_when_to_come_back(
    client: str, wire: str, stream: bool, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh
) -> None:
    """A 429 keeps the provider's `retry-after`."""
    prompt = fresh("[[status=429]][[retry_after=7]]")
    reply = post(http, gateway_of(wire).url, client, prompt, stream=stream)
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "7")
    assert is_error(client, reply.json(), 429)


@matrix
@pytest.mark.parametrize("fault", ["error_event=0", "error_event=2", "cut=0", "cut=2", "cut_clean=0", "cut_clean=2"])
def test_broken_streams(
    client: str, wire: str, fault: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """A stream that the provider breaks off, or ends with an error, raises in the SDK, and nothing of it is kept."""
    ask = sdk.asker(client, stream=True)
    url, prompt = gateway_of(wire).url, fresh(f"[[{fault}]]")
    with pytest.raises(STREAM_ERRORS[ask.provider]):
        ask(url, prompt)
    assert layer(post(http, url, client, prompt, stream=True)) != "l1a"


@matrix
@pytest.mark.parametrize(
    ("fault", "stream"),
    [("half_json", False)] + [(fault, stream) for fault in _GARBAGE for stream in (False, True)],
)
def test_garbage(
    client: str, wire: str, fault: str, stream: bool, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh
) -> None:
    """What is no reply of the provider's format is a 502 in the client's shape: nothing has been sent by then."""
    reply = post(http, gateway_of(wire).url, client, fresh(f"[[{fault}]]"), stream=stream)
    assert reply.status_code == 502, reply.text
    assert is_error(client, reply.json(), 502)


@matrix
@pytest.mark.parametrize("stream", [False, True])
def test_the_other_form(
    client: str, wire: str, stream: bool, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh
) -> None:
    """A provider that answers a stream with JSON, or the reverse, is understood or refused, never passed on."""
    words = "[[json]]" if stream else "[[stream]]"
    reply = post(http, gateway_of(wire).url, client, fresh(words), stream=stream)
    assert reply.status_code in {200, 502}
    if reply.status_code == 200:
        kind = "text/event-stream" if stream else "application/json"
        assert reply.headers["content-type"].startswith(kind)


_REFUSED: dict[str, list[tuple[dict[str, Any], str]]] = {
    "chat": [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}, "modalities"),
        ({"web_search_options": {"search_context_size": "low"}}, "web_search_options"),
        ({"a_field_of_next_year": 1}, "a_field_of_next_year"),
        ({"functions": [{"name": "f", "parameters": {}}]}, "functions"),
    ],
    "responses": [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}, "tools[].file_search"),
    ],
    "messages": [
        ({"mcp_servers": [{"type": "url", "url": "https://example.org", "name": "x"}]}, "mcp_servers"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "web_search_20250305"),
        ({"container": "container_1"}, "container"),
    ],
    "generate": [
        ({"cachedContent": "cachedContents/1"}, "cachedContent"),
        ({"tools": [{"googleSearch": {}}]}, "googleSearch"),
        ({"generationConfig": {"candidateCount": 2}}, "generationConfig.candidateCount"),
        ({"generationConfig": {"responseModalities": ["AUDIO"]}}, "generationConfig.responseModalities"),
    ],
}


@pytest.mark.parametrize(
    ("client", "wire", "more", "field"),
    [
        (client, wire, more, field)
        for client in CLIENTS
        for wire in WIRES
        if client != OPERATIONS[wire]
        for more, field in _REFUSED[client]
    ],
)
def test_what_cannot_be_said(
    client: str,
    wire: str,
    more: dict[str, Any],
    field: str,
    gateway_of: GatewayOf,
    stub: Stub,
    http: httpx.Client,
    fresh: Fresh,
) -> None:
    """What changes the answer and has no word at the provider is a 400 that names the client's field; nothing is sent."""
    prompt = fresh()
    reply = http.post(gateway_of(wire).url + path(client), json=body(client, prompt) | more)
    assert reply.status_code == 400, reply.text
    assert is_error(client, reply.json(), 400)
    assert field in reply.json()["error"]["message"]
    assert stub.calls(prompt) == []


_DROPPED: dict[str, tuple[dict[str, Any], str]] = {
    "chat": ({"metadata": {"a": "b"}, "session_id": "s", "n": 1}, "session_id"),
    "responses": ({"truncation": "auto", "client_metadata": {"a": "b"}, "top_logprobs": 0}, "client_metadata"),
    "messages": ({"cache_control": {"type": "ephemeral"}, "service_tier": "auto"}, "cache_control"),
    "generate": (
        {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]},
        "safetySettings",
    ),
}


@matrix
def test_what_is_left_out_is_told(
    client: str, wire: str, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh
) -> None:
    """What the table lets go is named in a header; a request that lost nothing has none."""
    more, field = _DROPPED[client]
    url = gateway_of(wire).url
    reply = post(http, url, client, fresh(), **more)
    assert reply.status_code == 200, reply.text
    assert field in reply.headers["x-isartor-dropped"].split(", ")
    assert "x-isartor-dropped" not in post(http, url, client, fresh()).headers
