"""The pages for operators."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from isartor.config import Config, Secret
from isartor.config.upstream import FallbackProvider, GatewayKey, ProviderKey
from isartor.ports import Headers, Ping
from isartor.providers.health import Asked
from isartor.server import operations
from isartor.server.app import App
from isartor.wiring import Gateway
from tests.server.fakes import FakeProto, FakeScope

PAGES = [path for method, path in operations.ROUTES if method == "GET"]


def made(**settings: Any) -> App:
    return App(Gateway(msgspec.structs.replace(Config(), enable_usage=False, **settings)))


def call(app: App, method: str, target: str, headers: Headers | None = None, body: bytes = b"") -> FakeProto:
    proto = FakeProto(body)
    lines = [*(headers or []), ("content-length", str(len(body)))]
    asyncio.run(app.__rsgi__(FakeScope(method, target, lines), proto))
    return proto


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_json(path: str) -> None:
    """Of status 200."""
    reply = call(made(), "GET", path)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert isinstance(reply.json, dict)


KEYS = (GatewayKey(key=Secret("first"), label="ops"), GatewayKey(key=Secret("second"), label="dev"))


@pytest.mark.parametrize(
    ("settings", "operator", "tenant"),
    [
        ({"gateway_api_key": Secret("single"), "gateway_keys": KEYS}, "single", "first"),
        ({"gateway_keys": KEYS}, "first", "second"),
    ],
)
def test_they_are_for_the_operators_key_alone(settings: Any, operator: str, tenant: str) -> None:
    """What all tenants do is not for each of them to see; other pages are."""
    app = made(**settings)
    for method, path in operations.ROUTES:
        assert call(app, method, path, [("x-api-key", tenant)]).status == 403, path
        assert call(app, method, path, [("x-api-key", "neither")]).status == 401, path
    for path in PAGES:
        assert call(app, "GET", path, [("x-api-key", operator)]).status == 200, path
    assert call(app, "GET", "/v1/models", [("x-api-key", tenant)]).status == 200


@pytest.mark.parametrize(
    "path", ["/debug/stats/prompts", "/debug/stats/agents", "/debug/stats/semantic", "/metrics", *PAGES]
)
def test_a_tenants_key_sees_no_figures_of_others(path: str) -> None:
    """It gets 403, and is told which key is asked for. Without gateway keys, or with one for all, there are no others."""
    app = made(gateway_api_key=Secret("single"), gateway_keys=KEYS)
    refused = call(app, "GET", path, [("x-api-key", "second")])
    assert (refused.status, refused.json["error"]) == (403, "forbidden")
    assert "gateway_api_key" in refused.json["message"]
    assert call(app, "GET", path, [("x-api-key", "single")]).status == 200
    assert call(made(gateway_api_key=Secret("single")), "GET", path, [("x-api-key", "single")]).status == 200
    assert call(made(), "GET", path).status == 200


def test_no_page_shows_a_secret() -> None:
    """Neither of providers nor of the gateway; of the providers' keys the ends show."""
    app = made(
        gateway_api_key=Secret("gateway-secret-value"),
        external_llm_url="https://llm.example/v1?key=query-secret",
        provider_keys=(ProviderKey(key=Secret("sk-1234567890abcdef"), label="one"),),
        fallback_providers=(FallbackProvider(provider="groq", api_key=Secret("gsk-1234567890abcdef")),),
    )
    for path in PAGES:
        body = call(app, "GET", path, [("x-api-key", "gateway-secret-value")]).body.decode()
        assert "secret" not in body, path
        assert "1234567890" not in body, path
    rows = call(app, "GET", "/debug/providers", [("x-api-key", "gateway-secret-value")]).json["providers"]
    assert [row["name"] for row in rows] == ["openai", "groq"]
    assert rows[0]["keys"][0]["masked_key"] == "sk-1…cdef"
    assert (rows[0]["config_url"], rows[1]["config_index"]) == ("https://llm.example/v1", 0)


def test_the_overview_has_the_members_of_the_reference() -> None:
    """Each of them."""
    page = call(made(), "GET", "/api/admin/overview").json
    assert set(page) == {
        "version",
        "provider",
        "model",
        "uptime_secs",
        "total_requests",
        "total_deflected",
        "deflection_rate",
        "total_tokens",
        "estimated_cost_usd",
        "estimated_saved_cost_usd",
        "l1a_entries",
        "l1b_entries",
        "request_logging_enabled",
        "slm_router_enabled",
        "offline_mode",
        "quota_warnings",
    }


def test_a_provider_is_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    """The body says which; what came of it is the reply."""
    app = made()
    asked: list[Asked] = []

    async def test(one: Asked) -> Ping:
        asked.append(one)
        return Ping(reachable=True, status_code=401, latency_ms=1.5, error="the key was refused (status 401)")

    monkeypatch.setattr(app._gateway.watch, "test", test)
    body = {"url": "http://x", "provider": "custom", "api_key": "k"}
    reply = call(app, "POST", "/api/admin/providers/test", [], json.dumps(body).encode())
    error = "the key was refused (status 401)"
    assert reply.json == {"reachable": True, "latency_ms": 1.5, "status_code": 401, "error": error}
    assert call(app, "POST", "/api/admin/providers/test").status == 200
    assert asked == [Asked(**body), Asked()]


@pytest.mark.parametrize("body", [b"[]", b"no", b'{"url":5}', b'{"keys":[]}', b"[" * 15_000, b'{"provider":"opnai"}'])
def test_bad_tests_are_400s(body: bytes) -> None:
    """With what is wrong."""
    reply = call(made(), "POST", "/api/admin/providers/test", [], body)
    assert reply.status == 400
    assert reply.json["message"]
    assert call(made(), "POST", "/api/admin/providers/test", [], b"x" * 17_000).status == 413


def test_faults_are_in_health(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong without stopping anything."""
    app = made()
    assert call(app, "GET", "/health").json["faults"] == []
    monkeypatch.setattr(app._gateway.usage, "faults", lambda: ["usage.jsonl cannot be written: No space left"])
    assert call(app, "GET", "/health").json["faults"] == ["usage.jsonl cannot be written: No space left"]
