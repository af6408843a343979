"""The chain in a real gateway: what is tried again, with which key, and at which provider of which format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.stub import Stub
from tests.wire.ask import ended, is_error, layer, post, said, stream_error
from tests.wire.gateway import Gateway
from tests.wire.talk import CLIENTS, seen

Fresh = Callable[..., str]
KEYS = ("sk-first-key-0123456789", "sk-second-key-0123456789")
FALLBACK_KEY = "sk-fallback-0123456789"
_TRIES = 3


@pytest.fixture(scope="module")
def chain(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Run a gateway of two providers that speak different formats."""
    from tests.conftest import settings_for

    fallback = {"provider": "gemini", "url": stub.url, "model": "gemini-2.0-flash", "api_key": FALLBACK_KEY}
    settings = settings_for("custom", stub) | {
        "retry__max_attempts": str(_TRIES),
        "retry__max_retry_after_secs": "5",
        "fallback_providers": json.dumps([fallback]),
    }
    gateway = Gateway(tmp_path_factory.mktemp("chain"), settings).start()
    yield gateway
    assert gateway.stop() == 0
    assert "Traceback" not in gateway.log


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ["status=500", "status=529", "status=429", "close", "reset", "cut=0"])
def test_what_fails_once_is_tried_again(
    client: str, stream: bool, fault: str, chain: Gateway, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """The client hears nothing of a failure that is over the next time."""
    prompt = fresh()
    stub.fault(fault, match=prompt)
    reply = post(http, chain.url, client, prompt, stream=stream)
    assert reply.status_code == 200, reply.text
    assert [call.endpoint for call in stub.calls(prompt)] == ["chat", "chat"]
    assert reply.headers["x-isartor-provider"] == "custom"
    assert stub.calls(prompt)[1].tag in said(client, reply)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ["status=503", "status=429,retry_after=60", "close", "cut=0"])
def test_the_next_provider(
    client: str, stream: bool, fault: str, chain: Gateway, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """When the first one fails for good the next one answers, with its own key and model, and nothing of it is stored."""
    prompt = fresh()
    stub.fault(fault, match=prompt, times=1 if "retry_after" in fault else _TRIES)
    reply = post(http, chain.url, client, prompt, stream=stream)
    assert reply.status_code == 200, reply.text
    *failed, last = stub.calls(prompt)
    assert [call.endpoint for call in failed] == ["chat"] * (1 if "retry_after" in fault else _TRIES)
    assert last.endpoint == ("stream_generate" if stream else "generate")
    assert seen(last).model == "gemini-2.0-flash"
    assert last.header("x-goog-api-key") == FALLBACK_KEY
    assert not any(FALLBACK_KEY in value for call in failed for _, value in call.headers)
    assert reply.headers["x-isartor-provider"] == "gemini"
    assert last.tag in said(client, reply)
    if stream:
        assert ended(client, reply.content)
    assert layer(post(http, chain.url, client, prompt, stream=stream)) == "l3"


@pytest.mark.parametrize("client", ["responses", "messages", "generate"])
def test_an_error_at_the_head_of_a_stream(
    client: str, chain: Gateway, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """A translated stream that begins with an error has not begun for the client: the next provider answers."""
    prompt = fresh()
    stub.fault("error_event=0", match=prompt, times=_TRIES)
    reply = post(http, chain.url, client, prompt, stream=True)
    assert ended(client, reply.content)
    assert [call.endpoint for call in stub.calls(prompt)] == ["chat"] * _TRIES + ["stream_generate"]
    assert stub.calls(prompt)[-1].tag in said(client, reply)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("status", [400, 404, 422])
def test_the_clients_own_fault_goes_no_further(
    client: str, status: int, chain: Gateway, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """What one provider refuses is not asked of the next."""
    prompt = fresh(f"[[status={status}]]")
    reply = post(http, chain.url, client, prompt)
    assert reply.status_code == status
    assert is_error(client, reply.json(), status)
    assert len(stub.calls(prompt)) == 1


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("fault", ["cut=3", "error_event=3"])
def test_what_has_begun_is_not_begun_again(
    client: str, fault: str, chain: Gateway, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """After the first byte the client gets its surface's error event, and no other provider is asked."""
    prompt = fresh(f"[[{fault}]]")
    reply = post(http, chain.url, client, prompt, stream=True)
    assert reply.status_code == 200
    assert stream_error(client, reply.content)
    assert len(stub.calls(prompt)) == 1


def test_all_have_failed(chain: Gateway, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """The client gets the last error in its own shape."""
    prompt = fresh("[[status=503]]")
    reply = post(http, chain.url, "messages", prompt)
    assert reply.status_code == 503
    assert is_error("messages", reply.json(), 503)
    assert [call.endpoint for call in stub.calls(prompt)] == ["chat"] * _TRIES + ["generate"] * _TRIES


@pytest.fixture
def pool(make_gateway: Callable[..., Gateway]) -> Gateway:
    """Run a gateway with two keys, the first one preferred."""
    keys = [{"key": key, "priority": at + 1, "label": f"key-{at}"} for at, key in enumerate(KEYS)]
    return make_gateway(external_llm_api_key=None, provider_keys=json.dumps(keys), key_rotation_strategy="priority")


def keys_of(stub: Stub, prompt: str) -> list[int]:
    """Return which key each call came with."""
    return [KEYS.index((call.header("authorization") or "").removeprefix("Bearer ")) for call in stub.calls(prompt)]


def test_a_pool_of_keys(pool: Gateway, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """A key at its limit rests and the next one is used at once; the client hears nothing of it."""
    prompt, later = fresh(), fresh()
    stub.fault("status=429", match=prompt)
    assert post(http, pool.url, "chat", prompt).status_code == 200
    assert post(http, pool.url, "chat", later).status_code == 200
    assert (keys_of(stub, prompt), keys_of(stub, later)) == ([0, 1], [1])


def test_a_pool_of_dead_keys(pool: Gateway, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """A key that is not accepted is left for the next; when all are dead it is a 502 that says so and shows none."""
    prompt, later = fresh(), fresh()
    stub.fault("status=401", match=prompt)
    assert post(http, pool.url, "chat", prompt).status_code == 200
    assert keys_of(stub, prompt) == [0, 1]
    stub.fault("status=403", match=later, times=-1)
    reply = post(http, pool.url, "chat", later)
    assert (reply.status_code, reply.json()["error"]["code"]) == (502, "upstream_credentials_exhausted")
    assert not any(key in reply.text or key in pool.log for key in KEYS)
