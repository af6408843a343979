"""What goes to the provider and what comes back: bytes, paths, headers."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from tests.stub import Stub
from tests.wire.ask import ENDPOINTS, PROVIDER_OF, body, path, post
from tests.wire.gateway import UPSTREAM_KEY, Gateway
from tests.wire.raw import head, wire

GatewayOf = Callable[[str], Gateway]
MakeGateway = Callable[..., Gateway]
Fresh = Callable[..., str]
FORWARDED = {
    "anthropic-beta": "a-2025,b-2026",
    "anthropic-version": "2023-06-01",
    "openai-beta": "responses=v1",
    "openai-organization": "org-1",
    "openai-project": "proj-1",
    "user-agent": "my-tool/1.0",
    "x-stainless-lang": "python",
    "originator": "codex_exec",
}
KEPT_BACK = {
    "cookie": "secret=1",
    "x-forwarded-for": "10.0.0.1",
    "forwarded": "for=10.0.0.1",
    "x-isartor-session-id": "s",
    "proxy-authorization": "Basic eDp5",
    "te": "trailers",
    "connection": "keep-alive, x-hop",
    "x-hop": "1",
    "authorization": "Bearer client-key",
    "x-api-key": "client-key",
    "x-goog-api-key": "client-key",
    "api-key": "client-key",
    "referer": "http://127.0.0.1/page",
}


def odd(endpoint: str, prompt: str, *, stream: bool) -> bytes:
    """Return a body written as no library would write it: spaces, escapes, large numbers, repeated meaning."""
    text = json.dumps(body(endpoint, prompt, stream=stream), indent=1, ensure_ascii=True)
    return (
        text.replace("{", "{ \t", 1).encode()[:-2]
        + b',\r\n "x_big":12345678901234567890.50e+3, "\\u0041":"\\ud83d\\ude42 \xc3\xbc\\/" }\n'
    )


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("stream", [False, True])
def test_the_body_is_sent_byte_for_byte(
    endpoint: str, stream: bool, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """The provider gets the very bytes of the client's body."""
    prompt = fresh()
    content = odd(endpoint, prompt, stream=stream)
    url = gateway_of(endpoint).url + path(endpoint, stream=stream)
    reply = http.post(url, content=content, headers={"content-type": "application/json"})
    assert reply.status_code == 200, reply.text
    (call,) = stub.calls(prompt)
    assert call.body == content


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_reply_comes_back_byte_for_byte(endpoint: str, gateway_of: GatewayOf, stub: Stub, fresh: Fresh) -> None:
    """The client gets the very bytes of the provider's body, on a miss and on a hit, JSON and stream."""
    with httpx.Client(timeout=30, trust_env=False) as http:
        for stream in (False, True):
            if stream and endpoint in {"embeddings", "count_tokens", "gemini_count"}:
                continue
            prompt = fresh()
            miss, hit = (post(http, gateway_of(endpoint).url, endpoint, prompt, stream=stream) for _ in "ab")
            assert miss.content == hit.content
            (call,) = stub.calls(prompt)
            assert call.tag.encode() in miss.content or endpoint in {
                "embeddings",
                "count_tokens",
                "gemini_count",
            }


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_request_headers(endpoint: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """Headers that matter to the provider go along; credentials, hop-by-hop ones and our own do not."""
    prompt = fresh()
    reply = post(http, gateway_of(endpoint).url, endpoint, prompt, headers={**FORWARDED, **KEPT_BACK})
    assert reply.status_code == 200, reply.text
    (call,) = stub.calls(prompt)
    sent = {name.lower(): value for name, value in call.headers}
    wanted = {
        name: value
        for name, value in FORWARDED.items()
        if name.split("-")[0] not in {"openai", "anthropic"} or name.startswith(PROVIDER_OF[endpoint])
    }
    assert {name: sent.get(name) for name in wanted} == wanted
    own = {"openai": "authorization", "anthropic": "x-api-key", "gemini": "x-goog-api-key"}[PROVIDER_OF[endpoint]]
    assert UPSTREAM_KEY in sent.pop(own)
    assert not (KEPT_BACK.keys() - {"connection"}) & sent.keys()
    assert "client-key" not in str(call.headers)
    assert "x-hop" not in sent.get("connection", "")
    assert sent["host"] == f"127.0.0.1:{stub.port}"


def test_anthropic_version_is_there_if_the_client_sent_none(
    gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """A client without `anthropic-version` gets a default, one with its own keeps it."""
    for given, expected in ((None, "2023-06-01"), ("2026-10-21", "2026-10-21")):
        prompt = fresh()
        post(
            http,
            gateway_of("messages").url,
            "messages",
            prompt,
            headers={"anthropic-version": given} if given else None,
        )
        assert stub.calls(prompt)[0].header("anthropic-version") == expected


def test_query_goes_along(gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """`?beta=true` reaches the provider."""
    prompt = fresh()
    http.post(gateway_of("messages").url + "/v1/messages?beta=true", json=body("messages", prompt))
    assert stub.calls(prompt)[0].target == "/v1/messages?beta=true"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_response_headers(endpoint: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """Rate limits and request ids come back; cookies and transport headers of the provider do not."""
    prompt = fresh()
    miss, hit = (post(http, gateway_of(endpoint).url, endpoint, prompt) for _ in "ab")
    limits = {
        "openai": "x-ratelimit-remaining-requests",
        "anthropic": "anthropic-ratelimit-requests-remaining",
    }
    name = limits.get(PROVIDER_OF[endpoint])
    if name:
        assert miss.headers[name]
        assert name not in hit.headers, "a limit of then says nothing about now"
    if PROVIDER_OF[endpoint] == "anthropic":
        assert miss.headers["request-id"].startswith("req_")
    for reply in (miss, hit):
        assert not {"set-cookie", "strict-transport-security", "alt-svc"} & reply.headers.keys()


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/", "/v1/chat/completions"])
def test_the_provider_address_may_be_written_in_three_ways(
    tail: str, make_gateway: MakeGateway, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """Base, base with `/v1`, and full path all mean the same provider, for every endpoint of it."""
    gateway = make_gateway(external_llm_url=stub.url + tail)
    for endpoint in ("chat", "completions", "responses", "embeddings"):
        prompt = fresh()
        assert post(http, gateway.url, endpoint, prompt).status_code == 200
        assert [call.target for call in stub.calls(prompt)] == [path(endpoint)]


def test_another_prefix_is_kept(make_gateway: MakeGateway, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """An OpenAI-compatible provider under a path of its own is called there."""
    gateway = make_gateway(external_llm_url=stub.url + "/openai/v1")
    prompt = fresh()
    assert post(http, gateway.url, "chat", prompt).status_code == 200
    assert [call.target for call in stub.calls(prompt)] == ["/openai/v1/chat/completions"]


def test_gemini_stream_as_a_json_array(gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """Without `alt=sse` Gemini streams a JSON array: passed on, stored, replayed, and served as SSE as well."""
    url, prompt = gateway_of("generate").url, fresh()
    array = path("generate", stream=True, sse=False)
    first, second = (http.post(url + array, json=body("generate", prompt)) for _ in "ab")
    sse = post(http, url, "generate", prompt, stream=True)
    whole = post(http, url, "generate", prompt)
    assert [reply.headers["x-isartor-layer"] for reply in (first, second, sse, whole)] == [
        "l3",
        "l1a",
        "l1a",
        "l1a",
    ]
    texts = [
        "".join(part.get("text", "") for value in reply.json() for part in value["candidates"][0]["content"]["parts"])
        for reply in (first, second)
    ]
    assert texts[0] == texts[1] == whole.json()["candidates"][0]["content"]["parts"][0]["text"]
    assert sse.headers["content-type"].startswith("text/event-stream")


def test_both_spellings_of_the_gemini_path(gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """`/v1/models/…` and `/v1beta/models/…` are the same surface; each goes upstream as it was asked."""
    url, prompt = gateway_of("generate").url, fresh()
    replies = [
        http.post(f"{url}/{version}/models/gemini-2.5-flash:generateContent", json=body("generate", prompt))
        for version in ("v1beta", "v1")
    ]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert stub.calls(prompt)[0].path.startswith("/v1beta/")


def test_demo_needs_no_provider(make_gateway: MakeGateway, http: httpx.Client, fresh: Fresh) -> None:
    """`--demo` answers every surface, says in every answer that it is a demo, and in `/health`."""
    gateway = make_gateway(arguments=("--demo",), llm_provider=None, external_llm_url=None, external_llm_api_key=None)
    assert http.get(gateway.url + "/health").json()["demo_mode"] is True
    for endpoint in ENDPOINTS:
        reply = post(http, gateway.url, endpoint, fresh())
        assert reply.status_code == 200, (endpoint, reply.text)
        if endpoint not in {"embeddings", "count_tokens", "gemini_count"}:
            assert "demo" in reply.text.lower()


ODD_MODELS = (
    ("..%2f..%2fadmin", "..%2F..%2Fadmin"),
    ("a%3Fb%23c", "a%3Fb%23c"),
    ("a%20b", "a%20b"),
    ("%0d%0aX%3Ay", "%0D%0AX%3Ay"),
    ("tunedModels%2Fx", "tunedModels%2Fx"),
    ("m%3AcountTokens", "m%3AcountTokens"),
)


@pytest.mark.parametrize(("given", "sent"), ODD_MODELS)
def test_a_model_in_a_path_stays_in_its_place(
    given: str, sent: str, gateway_of: GatewayOf, stub: Stub, fresh: Fresh
) -> None:
    """A model's name with slashes, marks or line ends in it cannot reach another path, query or header upstream."""
    url, prompt = gateway_of("generate").url, fresh()
    content = json.dumps(body("generate", prompt)).encode()
    with wire(url) as connection:
        target = f"/v1beta/models/{given}:generateContent"
        connection.send(head("POST", target, url, f"Content-Length: {len(content)}") + content)
        assert connection.reply()[0] == 200
    assert [call.target for call in stub.calls(prompt)] == [f"/v1beta/models/{sent}:generateContent"]
