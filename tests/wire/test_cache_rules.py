"""Standard cache controls over the wire, the cache's own endpoints, and stale answers when the provider fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.stub import Stub
from tests.wire.ask import ANSWERING, ENDPOINTS, PROVIDER_OF, is_error, layer, post, said
from tests.wire.gateway import Gateway

GatewayOf = Callable[[str], Gateway]
MakeGateway = Callable[..., Gateway]
Fresh = Callable[..., str]


def control(value: str) -> dict[str, str]:
    """Return a Cache-Control header."""
    return {"cache-control": value}


@pytest.mark.parametrize("endpoint", ANSWERING)
@pytest.mark.parametrize("stream", [False, True])
def test_no_store(
    endpoint: str, stream: bool, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """`no-store`: neither answered from the cache nor put into it."""
    url, prompt = gateway_of(endpoint).url, fresh()
    layers = [layer(post(http, url, endpoint, prompt, stream=stream, headers=control("no-store"))) for _ in "ab"]
    assert layers == ["l3", "l3"]
    assert layer(post(http, url, endpoint, prompt, stream=stream)) == "l3"
    assert len(stub.calls(prompt)) == 3


@pytest.mark.parametrize("value", ["no-cache", "No-Cache", "max-age=0", 'foo, no-cache="x"', "max-age=0, bar"])
def test_no_cache_asks_again_and_replaces(value: str, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """`no-cache` goes to the provider, and its answer takes the old one's place."""
    url, prompt = gateway_of("chat").url, fresh()
    first = post(http, url, "chat", prompt)
    second = post(http, url, "chat", prompt, headers=control(value))
    third = post(http, url, "chat", prompt)
    assert [layer(reply) for reply in (first, second, third)] == ["l3", "l3", "l1a"]
    assert said("chat", third) == said("chat", second) != said("chat", first)


def test_pragma_no_cache(gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """Without Cache-Control the old `Pragma: no-cache` means the same (RFC 9111, 5.4)."""
    url, prompt = gateway_of("chat").url, fresh()
    post(http, url, "chat", prompt)
    assert layer(post(http, url, "chat", prompt, headers={"pragma": "no-cache"})) in {"l3", "l1a"}


def test_max_age(gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """An entry within `max-age` answers."""
    url, prompt = gateway_of("chat").url, fresh()
    post(http, url, "chat", prompt)
    assert layer(post(http, url, "chat", prompt, headers=control("max-age=3600"))) == "l1a"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_only_if_cached(endpoint: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """`only-if-cached`: 504 in the client's shape on a miss, and the entry on a hit."""
    url, prompt = gateway_of(endpoint).url, fresh()
    miss = post(http, url, endpoint, prompt, headers=control("only-if-cached"))
    assert miss.status_code == 504
    assert is_error(endpoint, miss.json(), 504)
    assert stub.calls(prompt) == []
    post(http, url, endpoint, prompt)
    assert layer(post(http, url, endpoint, prompt, headers=control("only-if-cached"))) == "l1a"


@pytest.mark.parametrize(
    "value", ["max-age=abc", "max-age=-1", "max-age=99999999999999999999", ",,,", "=", '"', "max-age"]
)
def test_odd_cache_controls_do_no_harm(value: str, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """A malformed Cache-Control never costs the answer."""
    reply = post(http, gateway_of("chat").url, "chat", fresh(), headers=control(value))
    assert reply.status_code == 200


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_reply_headers(endpoint: str, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """Replies say where they come from: layer, deflected, provider, request id, key, age and RFC 9211 status."""
    url, prompt = gateway_of(endpoint).url, fresh()
    miss, hit = (post(http, url, endpoint, prompt) for _ in "ab")
    assert miss.headers["x-isartor-deflected"] == "false"
    assert hit.headers["x-isartor-deflected"] == "true"
    assert miss.headers["x-isartor-provider"] == PROVIDER_OF[endpoint]
    assert miss.headers["x-request-id"]
    assert hit.headers["x-request-id"]
    assert hit.headers["x-request-id"] != miss.headers["x-request-id"]
    assert miss.headers["x-isartor-cache-key"] == hit.headers["x-isartor-cache-key"]
    assert len(hit.headers["x-isartor-cache-key"]) >= 32
    assert int(hit.headers["age"]) >= 0
    assert "age" not in miss.headers
    parts = [part.strip() for part in hit.headers["cache-status"].split(";")]
    assert parts[0] == "isartor"
    assert "hit" in parts
    ttl = [part for part in parts if part.startswith("ttl=")]
    assert 0 <= int(ttl[0][4:]) <= 300
    missed = [part.strip() for part in miss.headers["cache-status"].split(";")]
    assert missed[0] == "isartor"
    assert any(part.startswith("fwd=") for part in missed)


def test_lookup_and_store(gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """The cache's own endpoints: 204 on a miss, stored, then found; with another session it is a miss."""
    url, prompt = gateway_of("chat").url + "/api/v1/cache/", fresh()
    assert http.post(url + "lookup", json={"prompt": prompt}).status_code == 204
    stored = http.post(url + "store", json={"prompt": prompt, "response": "Paris ü"})
    assert stored.status_code == 200
    assert stored.json()["stored"] is True
    found = http.post(url + "lookup", json={"prompt": prompt})
    assert found.status_code == 200
    assert layer(found) == "l1a"
    assert found.headers["x-isartor-deflected"] == "true"
    assert found.json()["message"] == "Paris ü"
    other = http.post(url + "lookup", json={"prompt": prompt}, headers={"x-isartor-session-id": "s"})
    assert other.status_code == 204


def test_invalidate_a_prompt(gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """What was stored by prompt can be dropped by prompt."""
    url, prompt = gateway_of("chat").url + "/api/v1/cache/", fresh()
    http.post(url + "store", json={"prompt": prompt, "response": "x"})
    assert http.post(url + "invalidate", json={"prompt": prompt}).status_code == 200
    assert http.post(url + "lookup", json={"prompt": prompt}).status_code == 204


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_invalidate_a_key(endpoint: str, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """An entry can be dropped by the key that its replies carry."""
    url, prompt = gateway_of(endpoint).url, fresh()
    key = post(http, url, endpoint, prompt).headers["x-isartor-cache-key"]
    other = fresh()
    post(http, url, endpoint, other)
    assert http.post(url + "/api/v1/cache/invalidate", json={"key": key}).status_code == 200
    assert layer(post(http, url, endpoint, other)) == "l1a"
    assert layer(post(http, url, endpoint, prompt)) == "l3"


def test_invalidate_all(make_gateway: MakeGateway, http: httpx.Client, fresh: Fresh) -> None:
    """The whole cache can be dropped, and only when that is said."""
    url, prompt = make_gateway().url, fresh()
    post(http, url, "chat", prompt)
    assert http.post(url + "/api/v1/cache/invalidate", json={}).status_code == 400
    assert layer(post(http, url, "chat", prompt)) == "l1a"
    assert http.post(url + "/api/v1/cache/invalidate", json={"all": True}).status_code == 200
    assert layer(post(http, url, "chat", prompt)) == "l3"


@pytest.mark.parametrize("name", ["lookup", "store", "invalidate"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"prompt":1}', b'{"prompt":""}', b"\xff"])
def test_cache_endpoints_refuse_nonsense(name: str, content: bytes, gateway_of: GatewayOf, http: httpx.Client) -> None:
    """Nonsense is a 400 with an error."""
    reply = http.post(gateway_of("chat").url + "/api/v1/cache/" + name, content=content)
    assert reply.status_code == 400
    assert "error" in reply.json()


@pytest.mark.parametrize(("name", "limit"), [("lookup", 64), ("store", 256)])
def test_cache_endpoints_have_small_limits(name: str, limit: int, gateway_of: GatewayOf, http: httpx.Client) -> None:
    """Their bodies are limited to 64 and 256 KiB; a longer one is not read, and the client hears that it ends there."""
    long = {"prompt": "x" * limit * 1024, "response": "y"}
    reply = http.post(gateway_of("chat").url + "/api/v1/cache/" + name, json=long)
    assert reply.status_code == 413
    assert reply.headers["connection"] == "close"


def expire(http: httpx.Client, url: str, endpoint: str, prompt: str) -> None:
    """Ask, from the cache only, until the entry has run out."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if post(http, url, endpoint, prompt, headers=control("only-if-cached")).status_code == 504:
            return
    msg = "the entry never expired"
    raise AssertionError(msg)


@pytest.fixture(scope="module")
def short_lived(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Gateway]]:
    """Gateways whose entries live for one second and may answer for an hour when the provider fails."""
    from tests.conftest import settings_for

    more = {"cache_ttl_secs": "1", "stale_if_error_secs": "3600"}
    gateways = {
        name: Gateway(tmp_path_factory.mktemp("short"), settings_for(name, stub) | more).start()
        for name in ("openai", "anthropic", "gemini")
    }
    yield gateways
    for gateway in gateways.values():
        gateway.stop()


FAULTS = ("status=500", "status=529", "close", "garbage_http", "status=429,retry_after=1")


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_stale_if_error(
    endpoint: str, short_lived: dict[str, Gateway], stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """When the provider fails, an expired entry answers, marked stale; when it recovers, it is asked again."""
    url = short_lived[PROVIDER_OF[endpoint]].url
    cases = [(fresh(), fault, stream) for fault in FAULTS for stream in (False, True)]
    firsts = [post(http, url, endpoint, prompt, stream=not stream) for prompt, _, stream in cases]
    expire(http, url, endpoint, cases[-1][0])
    for (prompt, fault, stream), first in zip(cases, firsts, strict=True):
        stub.fault(fault, match=prompt)
        stale = post(http, url, endpoint, prompt, stream=stream)
        assert stale.status_code == 200, (fault, stream, stale.text)
        assert said(endpoint, stale) == said(endpoint, first)
        assert "stale" in stale.headers["cache-status"]
        assert int(stale.headers["age"]) >= 1
        assert layer(post(http, url, endpoint, prompt, stream=stream)) == "l3"


def test_a_client_error_is_never_covered_up(
    short_lived: dict[str, Gateway], stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """A provider's 400, or its 401 for the gateway's key, is no failure of the provider: no stale answer hides it."""
    url, prompt = short_lived["openai"].url, fresh()
    post(http, url, "chat", prompt)
    expire(http, url, "chat", prompt)
    for status, told in ((400, 400), (401, 502), (404, 404)):
        stub.fault(f"status={status}", match=prompt)
        assert post(http, url, "chat", prompt).status_code == told


def test_an_expired_entry_is_asked_again(
    short_lived: dict[str, Gateway], stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """After its TTL an entry no longer answers."""
    url, prompt = short_lived["openai"].url, fresh()
    first = post(http, url, "chat", prompt)
    expire(http, url, "chat", prompt)
    second = post(http, url, "chat", prompt)
    assert layer(second) == "l3"
    assert said("chat", first) != said("chat", second)
    assert len(stub.calls(prompt)) == 2


def test_the_cache_is_bounded_by_count(make_gateway: MakeGateway, http: httpx.Client, fresh: Fresh) -> None:
    """With room for ten entries, at most about ten of a hundred are still there."""
    url, prompts = make_gateway(cache_max_capacity="10").url, [fresh() for _ in range(100)]
    for prompt in prompts:
        post(http, url, "chat", prompt)
    kept = [post(http, url, "chat", prompt, headers=control("only-if-cached")).status_code == 200 for prompt in prompts]
    assert 1 <= sum(kept) <= 12


def test_the_cache_is_bounded_by_bytes(make_gateway: MakeGateway, http: httpx.Client, fresh: Fresh) -> None:
    """With room for a megabyte, a hundred entries of 100 KB are not all kept."""
    url = make_gateway(cache_max_bytes="1048576").url
    prompts = [fresh("[[chunks=10]][[size=10000]]") for _ in range(100)]
    for prompt in prompts:
        post(http, url, "chat", prompt)
    kept = [post(http, url, "chat", prompt, headers=control("only-if-cached")).status_code == 200 for prompt in prompts]
    assert sum(kept) <= 12


def test_cache_mode_semantic_has_no_exact_cache(make_gateway: MakeGateway, http: httpx.Client, fresh: Fresh) -> None:
    """`cache_mode = "semantic"` leaves the exact cache out."""
    url, prompt = make_gateway(cache_mode="semantic").url, fresh()
    assert [layer(post(http, url, "chat", prompt)) for _ in "ab"] == ["l3", "l3"]
