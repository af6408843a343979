"""L0's limits: gateway keys, their models and rates, and how many requests are handled at once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google.genai import errors as genai_errors

from tests.stub import Stub
from tests.wire.ask import body, is_error, layer, path, post, said
from tests.wire.gateway import Gateway
from tests.wire.raw import head, wire
from tests.wire.sdk import ENDPOINTS, Ask, asker

Fresh = Callable[..., str]
MakeGateway = Callable[..., Gateway]
SURFACES = ("chat", "responses", "messages", "generate", "native")
ERRORS = (openai.APIStatusError, anthropic.APIStatusError, genai_errors.APIError)
LIMIT = 3


def keys() -> list[dict[str, Any]]:
    """Return the gateway keys: for each endpoint one of few requests and one of few models, and some more."""
    return [
        *({"key": f"few-{name}", "label": f"few {name}", "requests_per_minute": LIMIT} for name in (*SURFACES, "x")),
        *({"key": f"told-{name}", "label": f"told {name}", "requests_per_minute": 50} for name in SURFACES),
        {"key": "models", "label": "models", "allowed_models": ["gpt-4o-mini", "claude-opus-*"]},
        {"key": "tokens", "label": "tokens", "tokens_per_minute": 5000},
        {"key": "poor", "label": "poor", "daily_token_limit": 1},
        {"key": "free", "label": "free"},
        {"key": "other", "label": "other"},
    ]


@pytest.fixture(scope="module")
def limited(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Run a gateway with many keys."""
    from tests.conftest import settings_for

    settings = settings_for("openai", stub) | {"gateway_keys": json.dumps(keys()), "gateway_api_key": "single"}
    gateway = Gateway(tmp_path_factory.mktemp("limited"), settings).start()
    yield gateway
    assert gateway.stop() == 0
    assert "Traceback" not in gateway.log


def ask(
    gateway: Gateway, http: httpx.Client, key: str, prompt: str, endpoint: str = "chat", **how: Any
) -> httpx.Response:
    """Ask with a gateway key."""
    return post(http, gateway.url, endpoint, prompt, headers={"x-api-key": key}, **how)


def test_each_key_opens_and_has_its_own_cache(limited: Gateway, http: httpx.Client, fresh: Fresh) -> None:
    """What one tenant has asked, another has not; any other key is refused."""
    prompt = fresh()
    for key in ("free", "other", "single"):
        assert [layer(ask(limited, http, key, prompt)) for _ in range(2)] == ["l3", "l1a"]
    assert ask(limited, http, "wrong", prompt).status_code == 401


def test_usage_is_told_by_label(limited: Gateway, http: httpx.Client, fresh: Fresh) -> None:
    """The label is the tenant of the usage log."""
    ask(limited, http, "other", fresh())
    file = limited.folder / ".isartor" / "usage.jsonl"
    end = time.monotonic() + 10
    while not (file.exists() and '"tenant":"other"' in file.read_text()):
        assert time.monotonic() < end
        threading.Event().wait(0.05)


@pytest.mark.parametrize("endpoint", SURFACES)
def test_a_model_that_is_not_allowed(
    endpoint: str, limited: Gateway, http: httpx.Client, fresh: Fresh, stub: Stub
) -> None:
    """403 in the client's own shape, in both forms, and the provider hears nothing of it; an allowed one passes."""
    prompt, headers = fresh(), {"x-api-key": "models"}

    def say(model: str, *, stream: bool) -> httpx.Response:
        content = body(endpoint, prompt, stream=stream, model=model)
        if endpoint != "generate":  # whose path names it
            content["model"] = model
        url = limited.url + path(endpoint, stream=stream, model=model)
        return http.post(url, json=content, headers=headers)

    for stream in (False, True):
        reply = say("gpt-5", stream=stream)
        assert reply.status_code == 403, reply.text
        assert is_error(endpoint, reply.json(), 403)
        assert "'gpt-5'" in reply.text
        assert layer(reply) == "l0"
    assert stub.calls(prompt) == []
    assert say("gpt-4o-mini", stream=False).status_code == 200


def test_the_openai_sdk_knows_the_code(limited: Gateway, fresh: Fresh) -> None:
    """`model_not_allowed`, of the parameter `model`."""
    with pytest.raises(openai.PermissionDeniedError) as caught:
        asker("chat", stream=False).run(Ask(limited.url, fresh(), key="models", model="gpt-5"))
    assert (caught.value.code, caught.value.param) == ("model_not_allowed", "model")


@pytest.mark.parametrize("endpoint", [name for name in ENDPOINTS if name != "completions"])
def test_sdks_understand_a_rate_limit(endpoint: str, limited: Gateway, fresh: Fresh) -> None:
    """One request too many is a 429 to each SDK, and says when to come back."""
    for number in range(LIMIT):
        asker(endpoint, stream=number % 2 == 1).run(Ask(limited.url, fresh(), key=f"few-{endpoint}"))
    for stream in (False, True):
        with pytest.raises(ERRORS) as caught:
            asker(endpoint, stream=stream).run(Ask(limited.url, fresh(), key=f"few-{endpoint}"))
        error: Any = caught.value
        if endpoint == "generate":
            assert (error.code, error.status) == (429, "RESOURCE_EXHAUSTED")
            kinds = {detail["@type"].rpartition(".")[2]: detail for detail in error.details["error"]["details"]}
            assert 0 < float(kinds["RetryInfo"]["retryDelay"].removesuffix("s")) <= 60 / LIMIT
            assert kinds["QuotaFailure"]["violations"][0]["quotaId"] == "GatewayKeyPerMinute"
        else:
            assert isinstance(error, openai.RateLimitError | anthropic.RateLimitError)
            assert 1 <= int(error.response.headers["retry-after"]) <= 60 / LIMIT


@pytest.mark.parametrize(
    ("endpoint", "names"),
    [
        ("chat", "x-ratelimit-{}-requests"),
        ("responses", "x-ratelimit-{}-requests"),
        ("messages", "anthropic-ratelimit-requests-{}"),
        ("native", "ratelimit-{}"),
    ],
)
def test_every_reply_tells_what_is_left(
    endpoint: str, names: str, limited: Gateway, http: httpx.Client, fresh: Fresh
) -> None:
    """A reply of the provider, whole or a stream, one from the store, and an error, in the surface's own headers."""
    limit, remaining, reset = (names.format(what) for what in ("limit", "remaining", "reset"))
    prompt, key = fresh(), f"told-{endpoint}"
    streams = {} if endpoint == "native" else {"stream": True}
    replies = [
        ask(limited, http, key, prompt, endpoint),
        ask(limited, http, key, prompt, endpoint),
        ask(limited, http, key, fresh(), endpoint, **streams),
        http.post(limited.url + path(endpoint), content=b"{", headers={"x-api-key": key}),
    ]
    assert [layer(reply) for reply in replies] == ["l3", "l1a", "l3", "l0"]
    assert [reply.headers[limit] for reply in replies] == ["50"] * 4
    left = [int(reply.headers[remaining]) for reply in replies]
    assert all(49 - number <= count <= 49 for number, count in enumerate(left)), left
    assert left[-1] < 49
    for reply in replies:
        if endpoint == "messages":
            moment = datetime.strptime(reply.headers[reset], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            assert abs((moment - datetime.now(UTC)).total_seconds()) < 30
        else:
            assert reply.headers[reset]
        assert all(len(reply.headers.get_list(name)) == 1 for name in (limit, remaining, reset))


def test_a_key_without_a_limit_is_told_nothing(limited: Gateway, http: httpx.Client, fresh: Fresh) -> None:
    """What the provider says of its own limits stays."""
    for _ in range(2):
        reply = ask(limited, http, "free", fresh())
        assert not [name for name in reply.headers if name.startswith("ratelimit-")]


def test_tokens_a_minute(limited: Gateway, http: httpx.Client, fresh: Fresh) -> None:
    """What replies really took counts; what is in the store is still given when there are none left."""
    first = fresh()
    reply = ask(limited, http, "tokens", first)
    used = reply.json()["usage"]["total_tokens"]
    assert reply.headers["x-ratelimit-limit-tokens"] == "5000"
    hit = ask(limited, http, "tokens", first)
    assert layer(hit) == "l1a"
    assert 5000 - used - 5 <= int(hit.headers["x-ratelimit-remaining-tokens"]) <= 5000
    large = "word " * 40_000  # more than a minute's tokens: it waits for a full minute of them
    statuses = [ask(limited, http, "tokens", fresh() + large).status_code for _ in range(3)]
    assert 429 in statuses
    refused = ask(limited, http, "tokens", fresh() + large)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "rate_limited"
    assert "5,000 tokens a minute" in refused.text
    assert int(refused.headers["retry-after"]) >= 1
    assert layer(ask(limited, http, "tokens", first)) == "l1a"


def test_a_keys_budget(limited: Gateway, http: httpx.Client, fresh: Fresh, stub: Stub) -> None:
    """The quota of a gateway key is its own: 429 until the window ends, and the provider is not asked."""
    prompt = fresh()
    reply = ask(limited, http, "poor", prompt)
    assert (reply.status_code, reply.json()["error"]["code"]) == (429, "quota_exceeded")
    assert "'poor'" in reply.text
    assert 1 <= int(reply.headers["retry-after"]) <= 86400
    assert stub.calls(prompt) == []
    assert ask(limited, http, "free", prompt).status_code == 200


def test_workers_share_one_limit(make_gateway: MakeGateway, fresh: Fresh) -> None:
    """Whichever worker a connection meets."""
    gateway = make_gateway(arguments=("--workers", "2"), rate_limit__requests_per_minute="12")
    statuses = []
    begin = time.monotonic()
    for _ in range(30):
        with httpx.Client(timeout=30, trust_env=False) as http:
            statuses.append(post(http, gateway.url, "chat", fresh()).status_code)
    filled = (time.monotonic() - begin) * 12 / 60
    assert 12 <= statuses.count(200) <= 13 + filled, statuses
    assert set(statuses) == {200, 429}
    assert statuses[:12] == [200] * 12


class Narrow:
    """A gateway that handles one request at once, and a pool of clients."""

    def __init__(self, gateway: Gateway, pool: ThreadPoolExecutor) -> None:
        """`pool`: runs each request."""
        self.gateway = gateway
        self._pool = pool

    def ask(self, prompt: str, endpoint: str = "chat", **how: Any) -> Future[httpx.Response]:
        """Ask, without waiting."""

        def run() -> httpx.Response:
            with httpx.Client(timeout=30, trust_env=False) as http:
                return post(http, self.gateway.url, endpoint, prompt, **how)

        return self._pool.submit(run)

    def settle(self) -> None:
        """Make the gateway's loop go round, so that what was sent to it before has been taken up."""
        with httpx.Client(timeout=30, trust_env=False) as http:
            for _ in range(20):
                assert http.get(self.gateway.url + "/healthz").status_code == 200


@pytest.fixture
def narrow(make_gateway: MakeGateway) -> Iterator[Callable[..., Narrow]]:
    """Make a gateway that handles one request at once."""
    with ThreadPoolExecutor(16) as pool:
        yield lambda **settings: Narrow(
            make_gateway(concurrency__min="1", concurrency__max="1", **settings),
            pool,
        )


def test_who_finds_no_room_is_told(narrow: Callable[..., Narrow], stub: Stub, fresh: Fresh) -> None:
    """503 `gateway_busy` in the client's shape with `retry-after`; what needs no turn is answered."""
    by = narrow(concurrency__queue_length="0")
    for endpoint in SURFACES:
        prompt = fresh(f"[[hold=head]][[gate=busy {endpoint}]]")
        first = by.ask(prompt)
        stub.wait_calls(1, prompt)
        reply = by.ask(fresh(), endpoint).result()
        assert reply.status_code == 503
        assert is_error(endpoint, reply.json(), 503)
        assert int(reply.headers["retry-after"]) >= 1
        assert layer(reply) == "l0"
        assert httpx.get(by.gateway.url + "/health", trust_env=False).status_code == 200
        stub.release(f"busy {endpoint}")
        assert first.result().status_code == 200
        assert by.ask(fresh(), endpoint).result().status_code == 200


def test_a_stream_takes_room_until_its_end(narrow: Callable[..., Narrow], stub: Stub, fresh: Fresh) -> None:
    """The next request waits for its turn, and then gets it."""
    by = narrow()
    prompt, second = fresh("[[hold=2]][[gate=streaming]]"), fresh()
    with (
        httpx.Client(timeout=30, trust_env=False) as http,
        http.stream("POST", by.gateway.url + path("chat"), json=body("chat", prompt, stream=True)) as stream,
    ):
        pieces = stream.iter_bytes()
        assert next(pieces)
        waiting = by.ask(second)
        by.settle()
        assert stub.calls(second) == []
        stub.release("streaming")
        assert b"[DONE]" in b"".join(pieces)
    assert said("chat", waiting.result())
    assert len(stub.calls(second)) == 1


def test_a_wait_is_bounded(narrow: Callable[..., Narrow], stub: Stub, fresh: Fresh) -> None:
    """503 when the time in the queue is over, while the one inside goes on."""
    by = narrow(concurrency__queue_timeout_ms="200")
    prompt = fresh("[[hold=head]][[gate=waits]]")
    first = by.ask(prompt)
    stub.wait_calls(1, prompt)
    reply = by.ask(fresh()).result()
    assert reply.status_code == 503
    assert "concurrency.queue_timeout_ms" in reply.text
    assert not first.done()
    stub.release("waits")
    assert first.result().status_code == 200


def test_clients_that_go_make_room(narrow: Callable[..., Narrow], stub: Stub, fresh: Fresh) -> None:
    """Inside and in the queue: whoever still waits gets the turn, and nobody's place is lost."""
    by = narrow(concurrency__queue_length="2")
    prompt, gone, stays = fresh("[[hold=head]][[gate=never opened]]"), fresh(), fresh()
    content = {name: json.dumps(body("chat", name)).encode() for name in (prompt, gone)}
    url = by.gateway.url
    with wire(url) as inside:
        inside.send(head("POST", path("chat"), url, f"Content-Length: {len(content[prompt])}") + content[prompt])
        stub.wait_calls(1, prompt)
        with wire(url) as queued:
            queued.send(head("POST", path("chat"), url, f"Content-Length: {len(content[gone])}") + content[gone])
            by.settle()
        waiting = by.ask(stays)
        by.settle()
        assert not waiting.done()
    assert waiting.result().status_code == 200
    for _ in range(5):
        assert by.ask(fresh()).result().status_code == 200


def test_what_is_in_the_queue_is_served_in_full(narrow: Callable[..., Narrow], fresh: Fresh) -> None:
    """A crowd larger than the room gets its answers, each its own."""
    by = narrow()
    prompts = [fresh() for _ in range(60)]
    replies = [by.ask(prompt, stream=number % 2 == 0) for number, prompt in enumerate(prompts)]
    assert {reply.result().status_code for reply in replies} == {200}
    assert len({reply.result().headers["x-isartor-cache-key"] for reply in replies}) == len(prompts)
