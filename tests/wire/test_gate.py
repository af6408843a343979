"""L0: keys, origins, hosts, methods, routes and sizes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.stub import Stub
from tests.wire.ask import ENDPOINTS, PROVIDER_OF, body, is_error, layer, path, post
from tests.wire.gateway import Gateway
from tests.wire.raw import head, wire

GatewayOf = Callable[[str], Gateway]
MakeGateway = Callable[..., Gateway]
Fresh = Callable[..., str]
KEY = "open-sesame-123"


@pytest.fixture(scope="module")
def locked(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Gateway]]:
    """Gateways with a key, one per provider."""
    from tests.conftest import settings_for

    gateways = {
        name: Gateway(tmp_path_factory.mktemp("locked"), settings_for(name, stub) | {"gateway_api_key": KEY}).start()
        for name in ("openai", "anthropic", "gemini")
    }
    yield gateways
    for gateway in gateways.values():
        gateway.stop()
        assert KEY not in gateway.log


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "lines", [(), ("X-API-Key: wrong",), ("Authorization: Bearer wrong",), ("Authorization: Basic eDp5",)]
)
def test_a_wrong_key_is_refused_before_the_body(
    endpoint: str, lines: tuple[str, ...], locked: dict[str, Gateway]
) -> None:
    """Without the key the answer is 401 in the client's shape, although no byte of the body was sent."""
    url = locked[PROVIDER_OF[endpoint]].url
    with wire(url) as connection:
        connection.send(head("POST", path(endpoint), url, "Content-Length: 1000000", *lines))
        status, _, content = connection.reply()
    assert status == 401
    assert is_error(endpoint, json.loads(content), 401)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "headers",
    [{"x-api-key": KEY}, {"authorization": f"Bearer {KEY}"}, {"authorization": f"bearer {KEY}"}],
    ids=["x-api-key", "bearer", "lower-case bearer"],
)
def test_the_right_key_opens(
    endpoint: str,
    headers: dict[str, str],
    locked: dict[str, Gateway],
    stub: Stub,
    http: httpx.Client,
    fresh: Fresh,
) -> None:
    """The key opens every surface by either header, and is not sent to the provider."""
    prompt = fresh()
    assert layer(post(http, locked[PROVIDER_OF[endpoint]].url, endpoint, prompt, headers=headers)) == "l3"
    (call,) = stub.calls(prompt)
    assert KEY not in str(call.headers) + call.target


@pytest.mark.parametrize("version", ["v1beta", "v1"])
def test_gemini_keys(version: str, locked: dict[str, Gateway], stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """On Gemini paths the key may come as `x-goog-api-key` or `?key=`, which the provider never sees."""
    url = f"{locked['gemini'].url}/{version}/models/gemini-2.5-flash:generateContent"
    for query, headers in (
        (f"?key={KEY}", {}),
        ("", {"x-goog-api-key": KEY}),
    ):
        prompt = fresh()
        reply = http.post(url + query, json=body("generate", prompt), headers=headers)
        assert reply.status_code == 200, reply.text
        (call,) = stub.calls(prompt)
        assert KEY not in call.target + str(call.headers)
    assert http.post(url + "?key=wrong", json=body("generate", "x")).status_code == 401


@pytest.mark.parametrize(
    "target", ["/v1/chat/completions", "/v1/messages", "/api/chat", "/v1/responses", "/debug/stats/prompts"]
)
def test_a_key_in_the_query_is_for_gemini_alone(target: str, locked: dict[str, Gateway], http: httpx.Client) -> None:
    """Anywhere else `?key=` does not open."""
    url = f"{locked['openai'].url}{target}?key={KEY}"
    assert http.request("GET" if "models" in target or "debug" in target else "POST", url).status_code == 401


@pytest.mark.parametrize(
    "target", ["/v1/models", "/debug/stats/prompts", "/debug/stats/agents", "/v1beta/models", "/nowhere"]
)
def test_every_route_needs_the_key(target: str, locked: dict[str, Gateway], http: httpx.Client) -> None:
    """Lists, statistics and even unknown routes are behind the key."""
    assert http.get(locked["openai"].url + target).status_code == 401


@pytest.mark.parametrize(("method", "target"), [("HEAD", "/"), ("GET", "/health"), ("GET", "/healthz")])
def test_three_routes_are_open(method: str, target: str, locked: dict[str, Gateway], http: httpx.Client) -> None:
    """`HEAD /`, `/health` and `/healthz` are the constant list of what needs no key."""
    assert http.request(method, locked["openai"].url + target).status_code == 200


def test_health_tells_no_secrets(locked: dict[str, Gateway], http: httpx.Client) -> None:
    """`/health` has the documented fields and neither key."""
    reply = http.get(locked["openai"].url + "/health")
    fields = {
        "status",
        "version",
        "layers",
        "uptime_seconds",
        "demo_mode",
        "prompt_total_requests",
        "prompt_total_deflected_requests",
    }
    assert fields <= reply.json().keys()
    assert {"l1a", "l1b", "l2", "l3"} <= reply.json()["layers"].keys()
    assert KEY not in reply.text
    assert "sk-upstream" not in reply.text


def test_statistics(gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """The two statistics count a miss and a hit and name the tool, without the prompt's text."""
    url, prompt = gateway_of("chat").url, fresh()
    for _ in "ab":
        post(http, url, "chat", prompt, headers={"user-agent": "aider/1.0"})
    prompts = http.get(url + "/debug/stats/prompts?limit=5").json()
    assert {
        "total_prompts",
        "total_deflected_prompts",
        "by_layer",
        "by_surface",
        "by_client",
        "by_tool",
    } <= prompts.keys()
    assert len(prompts["recent"]) <= 5
    assert prompt not in str(prompts)
    agent = http.get(url + "/debug/stats/agents").json()["agents"]["aider"]
    assert (agent["requests"], agent["l1a_hits"], agent["cache_misses"]) == (2, 1, 1)


BROWSER = (
    ("Origin: https://evil.example",),
    ("Origin: null",),
    ("Sec-Fetch-Site: cross-site",),
    ("Sec-Fetch-Site: same-site", "Origin: http://localhost:9999"),
    ("Host: evil.example",),
    ("Host: evil.example:8080",),
    ("Host: 127.0.0.1.evil.example",),
)


@pytest.mark.parametrize("lines", BROWSER, ids=lambda lines: lines[0])
@pytest.mark.parametrize("endpoint", ["chat", "messages", "generate"])
def test_foreign_pages_are_refused(lines: tuple[str, ...], endpoint: str, gateway_of: GatewayOf, stub: Stub) -> None:
    """A request that a foreign web page makes, or one for a foreign host name, is a 403 in the client's shape."""
    url, content = gateway_of(endpoint).url, json.dumps(body(endpoint, "foreign page")).encode()
    with wire(url) as connection:
        connection.send(head("POST", path(endpoint), url, f"Content-Length: {len(content)}", *lines) + content)
        status, _, reply = connection.reply()
    assert status == 403
    assert is_error(endpoint, json.loads(reply), 403)
    assert stub.calls("foreign page") == []


@pytest.mark.parametrize(
    "lines", [("Sec-Fetch-Site: none",), ("Sec-Fetch-Site: same-origin",), ("Sec-Fetch-Mode: cors",)]
)
def test_own_requests_are_not_refused(lines: tuple[str, ...], gateway_of: GatewayOf) -> None:
    """A browser's own address bar, our own pages and fetch in a runtime are no foreign page."""
    url = gateway_of("chat").url
    with wire(url) as connection:
        connection.send(head("GET", "/v1/models", url, *lines))
        assert connection.reply()[0] == 200


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_loopback_names_are_hosts(name: str, gateway_of: GatewayOf) -> None:
    """Every name of the loopback is a right Host, with and without the port."""
    gateway = gateway_of("chat")
    for host in (name, f"{name}:{gateway.port}"):
        with wire(gateway.url) as connection:
            connection.send(head("GET", "/healthz", gateway.url, f"Host: {host}"))
            assert connection.reply()[0] == 200


def test_own_origin_and_listed_ones(make_gateway: MakeGateway, http: httpx.Client) -> None:
    """The gateway's own origin and those in `allowed_origins` may call; the same for `allowed_hosts`."""
    gateway = make_gateway(allowed_origins='["https://app.example"]', allowed_hosts='["gw.internal"]')
    for origin, status in ((gateway.url, 200), ("https://app.example", 200), ("https://other.example", 403)):
        assert http.get(gateway.url + "/v1/models", headers={"origin": origin}).status_code == status
    for host, status in (("gw.internal", 200), ("gw.internal:8080", 200), ("other.internal", 403)):
        assert http.get(gateway.url + "/v1/models", headers={"host": host}).status_code == status


METHODS = (
    ("GET", "/v1/chat/completions", {"POST"}),
    ("DELETE", "/v1/messages", {"POST"}),
    ("PUT", "/v1/embeddings", {"POST"}),
    ("GET", "/v1beta/models/gemini-2.5-flash:generateContent", {"POST"}),
    ("GET", "/api/chat", {"POST"}),
    ("GET", "/api/v1/cache/lookup", {"POST"}),
    ("POST", "/v1/models", {"GET"}),
    ("POST", "/health", {"GET"}),
    ("DELETE", "/debug/stats/prompts", {"GET"}),
)


@pytest.mark.parametrize(("method", "target", "allowed"), METHODS)
def test_wrong_method(method: str, target: str, allowed: set[str], gateway_of: GatewayOf, http: httpx.Client) -> None:
    """A wrong method is a 405 that lists the right ones, as JSON."""
    reply = http.request(method, gateway_of("chat").url + target)
    assert reply.status_code == 405
    assert allowed <= {one.strip() for one in reply.headers["allow"].split(",")}
    assert reply.json()["error"]


@pytest.mark.parametrize(
    "target",
    [
        "/nowhere",
        "/v1/nowhere",
        "/v1/chat/completions/",
        "/v1/chat",
        "//v1/models",
        "/v1beta/x",
        "/v1beta/models/m:doSomething",
        "/%2e%2e/etc/passwd",
        "/v1/models/a/b:c",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_route(method: str, target: str, gateway_of: GatewayOf) -> None:
    """An unknown route is a 404 with a JSON error."""
    url = gateway_of("chat").url
    with wire(url) as connection:
        connection.send(head(method, target, url, "Content-Length: 0"))
        status, headers, content = connection.reply()
    assert status == 404
    assert headers["content-type"].startswith("application/json")
    assert json.loads(content)["error"]


@pytest.mark.parametrize("target", ["/", "/api/hello"])
def test_probes_of_clients(target: str, gateway_of: GatewayOf, http: httpx.Client) -> None:
    """`HEAD /` and `HEAD /api/hello` are 200 without a body."""
    reply = http.head(gateway_of("messages").url + target)
    assert (reply.status_code, reply.content) == (200, b"")


def test_a_websocket_try_gets_426(gateway_of: GatewayOf) -> None:
    """A WebSocket try on `GET /v1/responses` is told to upgrade its ways: 426, and the connection stays usable."""
    url = gateway_of("responses").url
    lines = (
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: 8Jrm/xktYOR4mVCcDY2IbA==",
    )
    with wire(url) as connection:
        connection.send(head("GET", "/v1/responses", url, *lines))
        status, _, content = connection.reply()
    assert status == 426
    assert is_error("responses", json.loads(content))


@pytest.fixture(scope="module")
def small(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Gateway]]:
    """Gateways that take bodies of at most 100,000 bytes."""
    from tests.conftest import settings_for

    gateways = {
        name: Gateway(tmp_path_factory.mktemp("small"), settings_for(name, stub) | {"max_body_bytes": "100000"}).start()
        for name in ("openai", "anthropic", "gemini")
    }
    yield gateways
    for gateway in gateways.values():
        gateway.stop()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_too_large_by_its_own_word(endpoint: str, small: dict[str, Gateway]) -> None:
    """A content-length over the limit is a 413 in the client's shape before a byte of the body."""
    url = small[PROVIDER_OF[endpoint]].url
    with wire(url) as connection:
        connection.send(head("POST", path(endpoint), url, "Content-Length: 100001"))
        status, _, content = connection.reply()
    assert status == 413
    assert is_error(endpoint, json.loads(content), 413)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_too_large_in_chunks(endpoint: str, small: dict[str, Gateway]) -> None:
    """A chunked body without an end is a 413 as soon as it passes the limit."""
    url = small[PROVIDER_OF[endpoint]].url
    chunk = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
    with wire(url) as connection:
        connection.send(head("POST", path(endpoint), url, "Transfer-Encoding: chunked"))
        for _ in range(13):
            connection.send(chunk)
        status, _, content = connection.reply()
    assert status == 413
    assert is_error(endpoint, json.loads(content), 413)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_just_within_the_limit(endpoint: str, small: dict[str, Gateway], http: httpx.Client, fresh: Fresh) -> None:
    """A body of exactly the limit passes."""
    given = json.dumps(body(endpoint, fresh())).encode()
    content = given + b" " * (100_000 - len(given))
    reply = http.post(small[PROVIDER_OF[endpoint]].url + path(endpoint), content=content)
    assert reply.status_code == 200


BAD_BODIES: tuple[tuple[str, bytes], ...] = (
    ("empty", b""),
    ("no JSON", b"{not json"),
    ("cut", b'{"model": "m", "mess'),
    ("two values", b"{} {}"),
    ("an array", b"[]"),
    ("a number", b"1"),
    ("null", b"null"),
    ("an empty object", b"{}"),
    ("invalid UTF-8", b'{"model": "\xff\xfe"}'),
    ("deep", b'{"model":"m","messages":' + b"[" * 200 + b"]" * 200 + b"}"),
    ("very deep", b"[" * 200_000),
    ("NaN", b'{"model": "m", "temperature": NaN}'),
)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(("name", "content"), BAD_BODIES, ids=[name for name, _ in BAD_BODIES])
def test_bad_bodies(endpoint: str, name: str, content: bytes, gateway_of: GatewayOf, http: httpx.Client) -> None:
    """What is no request at all is a 400 in the client's shape."""
    reply = http.post(
        gateway_of(endpoint).url + path(endpoint),
        content=content,
        headers={"content-type": "application/json"},
    )
    if (endpoint, name) == ("responses", "an empty object"):
        assert reply.status_code in {200, 400}, "a stored prompt may be all there is: the provider decides"
        return
    assert reply.status_code == 400, name
    assert is_error(endpoint, reply.json(), 400)


WRONG_TYPES: tuple[tuple[str, dict[str, object], str], ...] = (
    ("chat", {"messages": []}, "messages"),
    ("chat", {"messages": "hello"}, "messages"),
    ("chat", {"messages": [1]}, "messages[0]"),
    ("chat", {"messages": [{"role": 3, "content": "x"}]}, "messages[0].role"),
    ("chat", {"model": 3}, "model"),
    ("chat", {"stream": "yes"}, "stream"),
    ("messages", {"messages": []}, "messages"),
    ("messages", {"messages": None}, "messages"),
    ("messages", {"model": []}, "model"),
    ("responses", {"input": 3}, "input"),
    ("embeddings", {"input": None}, "input"),
    ("generate", {"contents": []}, "contents"),
    ("generate", {"contents": [7]}, "contents[0]"),
)


@pytest.mark.parametrize(("endpoint", "more", "where"), WRONG_TYPES)
def test_wrong_types_name_the_path(
    endpoint: str, more: dict[str, object], where: str, gateway_of: GatewayOf, http: httpx.Client
) -> None:
    """A field of the wrong type, or an empty list of turns, is a 400 that names the field."""
    reply = http.post(gateway_of(endpoint).url + path(endpoint), json=body(endpoint, "x") | more)
    assert reply.status_code == 400
    assert is_error(endpoint, reply.json(), 400)
    assert where in reply.text


def test_keep_alive_after_an_error(gateway_of: GatewayOf) -> None:
    """An error does not cost the connection when the body was read."""
    url = gateway_of("chat").url
    with wire(url) as connection:
        for content in (b"{", json.dumps(body("chat", "keep alive")).encode(), b"["):
            connection.send(head("POST", path("chat"), url, f"Content-Length: {len(content)}") + content)
            status, _, _ = connection.reply()
            assert status == (200 if len(content) > 1 else 400)
