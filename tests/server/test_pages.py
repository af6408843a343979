"""Every route that is no prompt, and the application around them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from isartor.config import Config
from isartor.config.secret import Secret
from isartor.config.upstream import FallbackProvider, GatewayKey
from isartor.ports import Headers
from isartor.server import routes
from isartor.server.app import App
from isartor.wiring import Gateway
from tests.server.fakes import FakeProto, FakeScope

KEY = [("x-api-key", "gateway-secret")]
GETS = (
    "/",
    "/api/hello",
    "/health",
    "/healthz",
    "/debug/stats/prompts",
    "/debug/stats/agents",
    "/debug/stats/semantic",
    "/v1/models",
    "/v1beta/models",
    "/api/v1/cache/entries",
)


def made(**settings: Any) -> App:
    """Make an application with the demo provider."""
    return App(Gateway(msgspec.structs.replace(Config(), **{"demo": True, **settings})))


@pytest.fixture
def app() -> Iterator[App]:
    """Make an open application."""
    yield made()


@pytest.fixture
def locked() -> Iterator[App]:
    """Make an application with a gateway key."""
    yield made(gateway_api_key=Secret("gateway-secret"), model_aliases={"fast": "gpt-4o-mini"})


def call(app: App, method: str, target: str, headers: Headers | None = None, body: Any = b"") -> FakeProto:
    """Send one request and return what was answered, exactly once."""
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    proto = FakeProto(body)
    asyncio.run(app.__rsgi__(FakeScope(method, target, headers or []), proto))
    assert proto.replies == 1
    return proto


@pytest.mark.parametrize("path", GETS)
def test_pages_answer(path: str, app: App) -> None:
    """Each page is JSON of status 200."""
    reply = call(app, "GET", path)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert isinstance(reply.json, dict)


@pytest.mark.parametrize("path", ["/", "/api/hello", "/health", "/healthz"])
def test_head_has_no_body(path: str, app: App) -> None:
    """`HEAD` gets the head and nothing else."""
    reply = call(app, "HEAD", path)
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize(
    "path", [*routes.PROMPTS, *GETS, "/v1beta/models/m:generateContent", "/v1/models/m", "/api/v1/cache/store"]
)
@pytest.mark.parametrize("method", ["PATCH", "DELETE", "OPTIONS", "BREW"])
def test_a_wrong_method_is_a_405_that_names_the_right_ones(path: str, method: str, app: App) -> None:
    """Each route says which methods it takes, in its surface's shape."""
    reply = call(app, method, path)
    assert reply.status == 405
    allowed = set(reply.headers["allow"].split(", "))
    assert allowed <= {"GET", "HEAD", "POST"}
    assert ("POST" in allowed) == (path in routes.PROMPTS or ":" in path or path.endswith("/store"))
    assert reply.json["error"]


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/v1/nothing",
        "/v1beta/nothing",
        "/v1/messages/nothing",
        "/v1beta/models/m:nothing",
        "//",
        "/v1/models/m:x",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_route_is_a_404(path: str, method: str, app: App) -> None:
    """As JSON, in the shape of the surface next to it."""
    reply = call(app, method, path)
    assert (reply.status, reply.headers["content-type"]) == (404, "application/json")
    assert reply.json["error"]


def test_a_websocket_is_told_to_post(app: App) -> None:
    """426 makes Codex fall back at once; without an upgrade the same path is a 405."""
    reply = call(app, "GET", "/v1/responses", [("upgrade", "WebSocket"), ("connection", "Upgrade")])
    assert reply.status == 426
    assert "POST /v1/responses" in reply.json["error"]["message"]
    assert call(app, "GET", "/v1/responses").status == 405


def test_only_the_constant_list_is_open(locked: App) -> None:
    """Everything needs the key but `routes.OPEN`, what does not exist included; with the key all of it answers."""
    everything = [("GET", path) for path in GETS] + [("HEAD", path) for path in GETS[:4]]
    everything += [("POST", path) for path in routes.PROMPTS]
    everything += [
        ("POST", "/v1beta/models/m:generateContent"),
        ("POST", "/api/v1/cache/lookup"),
        ("POST", "/api/v1/cache/report"),
        ("GET", "/metrics"),
        ("GET", "/nothing"),
        ("PUT", "/v1/models"),
    ]
    for method, path in everything:
        without = call(locked, method, path).status
        assert without == (200 if (method, path) in routes.OPEN else 401), (method, path)
        assert call(locked, method, path, KEY).status != 401, (method, path)
        assert call(locked, method, path, [("authorization", "Bearer no")]).status in {200, 401}


def test_googles_keys_open_the_model_pages(locked: App) -> None:
    """`x-goog-api-key` and `?key=` count where Google's SDK asks for models, and nowhere else."""
    google = [("x-goog-api-key", "gateway-secret")]
    for path in ("/v1beta/models", "/v1/models", "/v1beta/models/fast"):
        assert call(locked, "GET", path, google).status == 200
        assert call(locked, "GET", f"{path}?key=gateway-secret").status == 200
    assert call(locked, "GET", "/debug/stats/agents", google).status == 401


def test_foreign_pages_and_hosts_stay_out(app: App) -> None:
    """Also on open routes."""
    for headers in (
        [("origin", "https://evil.example")],
        [("host", "evil.example")],
        [("sec-fetch-site", "cross-site")],
    ):
        for path in ("/health", "/v1/models", "/nothing"):
            assert call(app, "GET", path, headers).status == 403


# -- models


def test_models_have_three_shapes(locked: App) -> None:
    """OpenAI's, Anthropic's for who sends `anthropic-version`, Google's on its own path or for its own SDK."""
    openai = call(locked, "GET", "/v1/models", KEY).json
    anthropic = call(locked, "GET", "/v1/models", [*KEY, ("anthropic-version", "2023-06-01")]).json
    assert openai["object"] == "list"
    assert "has_more" in anthropic
    for path, headers in (
        ("/v1beta/models", KEY),
        ("/v1/models", [*KEY, ("x-goog-api-client", "google-genai-sdk/3.4.0")]),
    ):
        gemini = call(locked, "GET", path, headers).json
        assert {model["name"] for model in gemini["models"]} >= {"models/fast"}
    assert {model["id"] for model in openai["data"]} == {model["id"] for model in anthropic["data"]}
    assert "fast" in {model["id"] for model in openai["data"]}


def test_one_model(locked: App) -> None:
    """A known model has a page in each shape, its name escaped or not; an unknown one is a 404."""
    assert call(locked, "GET", "/v1/models/fast", KEY).json["id"] == "fast"
    assert call(locked, "GET", "/v1/models/f%61st", KEY).json["id"] == "fast"
    assert call(locked, "GET", "/v1/models/fast", [*KEY, ("anthropic-version", "x")]).json["type"] == "model"
    assert call(locked, "GET", "/v1beta/models/fast", KEY).json["name"] == "models/fast"
    for path in ("/v1/models/never-heard-of", "/v1beta/models/never-heard-of", "/v1/models/"):
        assert call(locked, "GET", path, KEY).status == 404


@pytest.mark.parametrize(
    ("patterns", "seen"),
    [
        (["gpt-4o-mini"], ["gpt-4o-mini", "fast"]),
        (["gpt-*"], ["gpt-4o-mini", "gpt-5", "fast", "best"]),
        (["*"], ["isartor-demo", "gpt-4o-mini", "gpt-5", "fast", "best"]),
        (["isartor-demo", "gpt-5*"], ["isartor-demo", "gpt-5", "best"]),
        (["fast"], []),
        ([], ["isartor-demo", "gpt-4o-mini", "gpt-5", "fast", "best"]),
    ],
)
def test_a_gateway_key_sees_the_models_that_it_may_ask_for(patterns: list[str], seen: list[str]) -> None:
    """In each shape, in the list and one by one; exactly those are not refused when they are asked for."""
    keys = (
        GatewayKey(key=Secret("tenant"), label="t", allowed_models=tuple(patterns)),
        GatewayKey(key=Secret("other"), label="o"),
    )
    aliases = {"fast": "gpt-4o-mini", "best": "gpt-5"}
    app = made(gateway_keys=keys, model_aliases=aliases)
    key, other = [("authorization", "Bearer tenant")], [("authorization", "Bearer other")]
    claude = ("anthropic-version", "2023-06-01")
    shapes: list[tuple[str, Headers, Any]] = [
        ("/v1/models", [], lambda page: [one["id"] for one in page["data"]]),
        ("/v1/models", [claude], lambda page: [one["id"] for one in page["data"]]),
        ("/v1beta/models", [], lambda page: [one["name"].removeprefix("models/") for one in page["models"]]),
    ]
    everything = ["isartor-demo", "gpt-4o-mini", "gpt-5", "fast", "best"]
    for path, headers, names in shapes:
        assert names(call(app, "GET", path, [*key, *headers]).json) == seen
        assert names(call(app, "GET", path, [*other, *headers]).json) == everything
        for name in everything:
            assert call(app, "GET", f"{path}/{name}", [*key, *headers]).status == (200 if name in seen else 404)
    for name in everything:
        body = {"model": name, "messages": [{"role": "user", "content": "hi"}]}
        assert call(app, "POST", "/v1/chat/completions", key, body).status == (200 if name in seen else 403)


# -- the cache by hand


def store(app: App, prompt: str, response: str, headers: Headers | None = None, **more: Any) -> FakeProto:
    """Store a reply."""
    return call(app, "POST", "/api/v1/cache/store", headers, {"prompt": prompt, "response": response, **more})


def lookup(app: App, prompt: str, headers: Headers | None = None, **more: Any) -> FakeProto:
    """Look one up."""
    return call(app, "POST", "/api/v1/cache/lookup", headers, {"prompt": prompt, **more})


def test_what_is_stored_by_hand_is_found_by_hand_and_by_chat(app: App) -> None:
    """`store`, `lookup` and `POST /api/chat` share one entry."""
    assert lookup(app, "q").status == 204
    stored = store(app, "q", "a", model="m")
    assert stored.json == {"stored": True}
    found = lookup(app, "q")
    assert (found.status, found.json["message"], found.json["model"]) == (200, "a", "m")
    assert found.headers["x-isartor-layer"] == "l1a"
    assert found.headers["x-isartor-deflected"] == "true"
    assert found.headers["x-isartor-cache-key"] == stored.headers["x-isartor-cache-key"]
    chat = call(app, "POST", "/api/chat", [], {"prompt": "q"})
    assert (chat.json["message"], chat.headers["x-isartor-layer"]) == ("a", "l1a")


def test_sessions_part_what_is_stored_by_hand(app: App) -> None:
    """By header, at the root and in `metadata`, as for every other request."""
    ways: list[tuple[Headers, dict[str, Any]]] = [
        ([], {}),
        ([("x-session-id", "s")], {}),
        ([("x-isartor-session-id", "s")], {}),
        ([], {"session_id": "s"}),
        ([], {"thread_id": "s"}),
        ([], {"conversation_id": "s"}),
        ([], {"metadata": {"session_id": "s"}}),
    ]
    for number, (headers, more) in enumerate(ways):
        assert lookup(app, "q", headers, **more).status == 204, more
        store(app, "q", str(number), headers, **more)
    for number, (headers, more) in enumerate(ways):
        assert lookup(app, "q", headers, **more).json["message"] == str(number)


def test_entries_are_invalidated_by_key_by_prompt_and_all(app: App) -> None:
    """Each says how many went."""
    keys = [store(app, prompt, "a").headers["x-isartor-cache-key"] for prompt in "abcd"]

    def invalidate(**body: Any) -> Any:
        return call(app, "POST", "/api/v1/cache/invalidate", [], body).json

    assert invalidate(key=keys[0]) == {"invalidated": 1}
    assert invalidate(key=keys[0]) == {"invalidated": 0}
    assert invalidate(prompt="b") == {"invalidated": 1}
    assert [lookup(app, prompt).status for prompt in "abcd"] == [204, 204, 200, 200]
    assert invalidate(all=True) == {"invalidated": 2}
    assert lookup(app, "c").status == 204


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("lookup", b""),
        ("lookup", b"[]"),
        ("lookup", b"{}"),
        ("lookup", b'{"prompt":5}'),
        ("lookup", b'{"prompt":"  "}'),
        ("lookup", b'{"prompt":"\xff"}'),
        ("lookup", b'{"prompt":"x","y":' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
        ("lookup", b'{"prompt":"x","y":' + b'{"a":' * 3000 + b"1" + b"}" * 3000 + b"}"),
        ("lookup", b'{"prompt":"x","y":"\xff"}'),
        ("store", b'{"prompt":"x"}'),
        ("store", b'{"prompt":"x","response":" "}'),
        ("store", b'{"prompt":"","response":"x"}'),
        ("invalidate", b"{}"),
        ("invalidate", b'{"key":"a","prompt":"b"}'),
        ("invalidate", b'{"all":false}'),
        ("invalidate", b'{"all":1}'),
        ("invalidate", b'{"everything":true}'),
        ("invalidate", b'{"prompt":"b","all":true}'),
        ("report", b"{}"),
        ("report", b'{"key":5}'),
        ("report", b'{"key":"abc"}'),
        ("report", b'{"key":"' + b"g" * 64 + b'"}'),
        ("report", b'{"key":"' + b"a" * 64 + b'","all":true}'),
    ],
)
def test_bad_bodies_by_hand_are_400s(operation: str, body: bytes, app: App) -> None:
    """Whatever is sent, the answer is a 400 that says what is wrong."""
    reply = call(app, "POST", f"/api/v1/cache/{operation}", [], body)
    assert reply.status == 400, reply.body
    assert reply.json["message"]


@pytest.mark.parametrize(("operation", "limit"), [("lookup", 64), ("store", 256), ("invalidate", 64), ("report", 64)])
def test_bodies_by_hand_are_limited(operation: str, limit: int, app: App) -> None:
    """Each operation has its own limit, enforced with and without an announced length."""
    body = b"x" * (limit * 1024 + 1)
    for headers in ([], [("content-length", str(len(body)))]):
        assert call(app, "POST", f"/api/v1/cache/{operation}", headers, body).status == 413


def test_lookups_by_hand_are_not_counted(app: App) -> None:
    """Statistics count prompts, not looks."""
    store(app, "q", "a")
    lookup(app, "q")
    assert call(app, "GET", "/debug/stats/prompts").json["total_prompts"] == 0


def test_a_reported_entry_is_gone_under_every_key(app: App) -> None:
    """Once it has been reported it answers no more; a second report finds nothing."""
    key = store(app, "q", "wrong").headers["x-isartor-cache-key"]
    assert call(app, "POST", "/api/v1/cache/report", [], {"key": key.upper()}).json == {"quarantined": 1, "pending": 0}
    assert lookup(app, "q").status == 204
    again = call(app, "POST", "/api/v1/cache/report", [], {"key": key})
    assert (again.status, again.json["error"], again.json["param"]) == (404, "not_found", "key")


def test_without_the_semantic_cache_reports_work_and_nothing_is_listed() -> None:
    """With `cache_mode = exact` an entry can be reported all the same; that there is no list is said."""
    app = made(cache_mode="exact")
    key = store(app, "q", "wrong").headers["x-isartor-cache-key"]
    assert call(app, "POST", "/api/v1/cache/report", [], {"key": key}).json == {"quarantined": 1, "pending": 0}
    assert "cache_mode" in call(app, "GET", "/api/v1/cache/entries").json["message"]
    semantic = call(app, "GET", "/debug/stats/semantic").json
    assert (semantic["state"], semantic["served"]) == ("disabled", 0)


@pytest.mark.parametrize(
    ("query", "limit"), [("", 50), ("?limit=3", 3), ("?limit=-1", 0), ("?limit=x", 50), ("?limit=99999", 1000)]
)
def test_as_many_entries_are_listed_as_asked(query: str, limit: int, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """And only those of the caller's tenant are asked for."""
    asked: list[tuple[bytes, int]] = []

    def entries(tenant: bytes, limit: int) -> list[dict[str, Any]]:
        asked.append((tenant, limit))
        return [{"key": "k"}]

    monkeypatch.setattr(app._gateway.worker, "entries", entries)
    assert call(app, "GET", f"/api/v1/cache/entries{query}").json == {"entries": [{"key": "k"}], "partial": False}
    assert asked == [(bytes(16), limit)]


# -- health and statistics


def test_health_tells_no_secrets(locked: App) -> None:
    """State, version, layers and provider; no key, whole or in part."""
    body = call(locked, "GET", "/health").body
    health = json.loads(body)
    assert health["status"] == "ok"
    assert health["demo_mode"] is True
    assert health["layers"]["l1a"] == "active"
    assert b"secret" not in body


OPENAI = {"demo": False, "llm_provider": "openai", "external_llm_api_key": Secret("k")}
LOCAL = FallbackProvider(provider="ollama", url="http://127.0.0.1:11434/v1")


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ({}, "active"),
        ({"external_llm_api_key": None}, "no_api_key"),
        ({"offline_mode": True}, "offline_mode_active"),
        ({"offline_mode": True, "external_llm_api_key": None}, "offline_mode_active"),
        ({"offline_mode": True, "fallback_providers": (FallbackProvider(provider="groq", api_key=Secret("g")),)}, None),
        ({"offline_mode": True, "fallback_providers": (LOCAL,)}, "active"),
        ({"offline_mode": True, "external_llm_url": "http://127.0.0.1:1/v1"}, "active"),
        ({"offline_mode": True, "external_llm_url": "https://[::1]:1/v1"}, "active"),
        ({"offline_mode": True, "offline_allowed_hosts": ("*.openai.com",)}, "active"),
        (
            {"offline_mode": True, "offline_allowed_hosts": ("*.openai.com",), "external_llm_api_key": None},
            "no_api_key",
        ),
        ({"offline_mode": True, "llm_provider": "ollama", "external_llm_api_key": None}, "active"),
        ({"offline_mode": True, "demo": True}, "demo"),
    ],
)
def test_health_tells_whether_there_is_a_provider_to_ask(settings: dict[str, Any], state: str | None) -> None:
    """If offline mode blocks each of them, it says what a request then gets as its code; one that is left is enough."""
    app = made(**OPENAI | settings)
    state = state or "offline_mode_active"
    assert call(app, "GET", "/health").json["layers"]["l3"] == state
    if state == "offline_mode_active" and settings.get("external_llm_api_key", "k") is not None:
        refused = call(app, "POST", "/api/chat", [], {"prompt": "hi"})
        assert (refused.status, refused.json["error"]) == (503, state)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", 20),
        ("?limit=3", 3),
        ("?limit=0", 0),
        ("?limit=-5", 0),
        ("?limit=x", 20),
        ("?limit=99999", 30),
        ("?limit=", 20),
    ],
)
def test_statistics_show_as_many_as_asked(query: str, expected: int, app: App) -> None:
    """`limit` is taken when it is a number, within its bounds, and never an error."""
    for number in range(30):
        call(app, "POST", "/api/chat", [], {"prompt": f"q{number}"})
    body = call(app, "GET", f"/debug/stats/prompts{query}").json
    assert body["total_prompts"] == 30
    assert len(body["recent"]) == expected
    assert all(one["timestamp"].endswith("Z") for one in body["recent"])


# -- the application


def test_a_prompt_goes_through_the_stack(app: App) -> None:
    """A miss is answered by the provider and counted, a repeat by L1a."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    first = call(app, "POST", "/v1/chat/completions", [], body)
    second = call(app, "POST", "/v1/chat/completions", [], body)
    assert [reply.headers["x-isartor-layer"] for reply in (first, second)] == ["l3", "l1a"]
    assert first.body == second.body
    totals = call(app, "GET", "/debug/stats/prompts").json
    assert (totals["total_prompts"], totals["total_deflected_prompts"]) == (2, 1)


def test_a_stream_goes_through_the_stack(app: App) -> None:
    """Asked as a stream, the reply is one, fresh or stored."""
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    fresh, stored = (call(app, "POST", "/v1/chat/completions", [], body) for _ in range(2))
    assert b"".join(fresh.pieces).endswith(b"data: [DONE]\n\n")
    assert stored.body.endswith(b"data: [DONE]\n\n")
    assert stored.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("path", routes.PROMPTS)
def test_a_bad_body_is_a_400_in_the_surfaces_shape(path: str, app: App) -> None:
    """Counted as an error of L1a, which reads bodies."""
    reply = call(app, "POST", path, [], b"{")
    assert (reply.status, reply.headers["x-isartor-deflected"]) == (400, "false")
    assert "not valid JSON" in reply.body.decode()
    assert call(app, "GET", "/debug/stats/prompts").json["recent"][0]["status_code"] == 400


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/health"])
def test_an_unexpected_fault_is_a_500_without_details(path: str, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of ours reaches the log, and the client as one sentence."""

    async def fail(*_: object) -> None:
        message = "secret detail"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(app, "_answer", fail)
    monkeypatch.setattr(app._gateway.pages._health, "health", lambda: 1 / 0)
    method = "POST" if path.startswith("/v1") else "GET"
    reply = call(app, method, path)
    assert reply.status == 500
    assert b"detail" not in reply.body
    assert b"log" in reply.body
