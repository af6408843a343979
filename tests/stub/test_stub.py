"""The stub does what its directives say, and remembers what it was sent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.stub import Stub
from tests.wire.ask import ANSWERING, ENDPOINTS, ended, events, is_error, post, said, stream_error


@pytest.fixture(scope="module")
def provider() -> Iterator[Stub]:
    """Run a stub of this module's own."""
    with Stub() as running:
        yield running


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_both_forms_say_the_same_kind_of_thing(provider: Stub, http: httpx.Client, endpoint: str) -> None:
    """JSON and stream hold a whole answer each, and the stream has its terminal event."""
    for stream in (False, True):
        reply = post(http, provider.url, endpoint, "hello", stream=stream)
        assert "stub answer" in said(endpoint, reply)
        assert not stream or ended(endpoint, reply.content)


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_cuts_and_error_events(provider: Stub, http: httpx.Client, endpoint: str) -> None:
    """A cut stream has no terminal event; an error event has the surface's form."""
    count = len(events(post(http, provider.url, endpoint, "[[chunks=3]]", stream=True).content))
    for at in range(count):
        with pytest.raises(httpx.RemoteProtocolError):
            post(http, provider.url, endpoint, f"[[chunks=3]][[cut={at}]]", stream=True)
        assert not ended(
            endpoint, post(http, provider.url, endpoint, f"[[chunks=3]][[cut_clean={at}]]", stream=True).content
        )
    failed = post(http, provider.url, endpoint, "[[error_event=2]]", stream=True)
    assert stream_error(endpoint, failed.content)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 529])
def test_errors_by_control(provider: Stub, http: httpx.Client, endpoint: str, status: int) -> None:
    """A control call makes the next matching request fail in the surface's shape, and only that one."""
    provider.fault(f"status={status},retry_after=3", match=f"to fail {status} {endpoint}")
    assert post(http, provider.url, endpoint, "other").status_code == 200
    failed = post(http, provider.url, endpoint, f"to fail {status} {endpoint}")
    assert (failed.status_code, failed.headers["retry-after"]) == (status, "3")
    assert is_error(endpoint, failed.json(), status)
    assert post(http, provider.url, endpoint, f"to fail {status} {endpoint}").status_code == 200


def test_a_wrong_key_and_an_unknown_model(provider: Stub, http: httpx.Client) -> None:
    """A key that says `wrong` is a 401, a model that says `no-such-model` a 404, and no JSON a 400."""
    url = provider.url + "/v1/chat/completions"
    assert http.post(url, json={}, headers={"authorization": "Bearer wrong"}).status_code == 401
    assert http.post(url, json={"model": "no-such-model"}).status_code == 404
    assert http.post(url, content=b"{").status_code == 400


def test_calls_are_remembered(provider: Stub, http: httpx.Client) -> None:
    """Method, target, headers and raw body of each call are kept."""
    url = provider.url + "/v1/messages?beta=true"
    http.post(
        url, content=b'{"model": "m",  "messages":[{"role":"user","content":"remember"}]}', headers={"X-Odd": "1"}
    )
    (call,) = provider.calls("remember")
    assert (call.method, call.target, call.endpoint) == ("POST", "/v1/messages?beta=true", "messages")
    assert call.header("x-odd") == "1"
    assert b'"m",  "messages"' in call.body


def test_a_peer_that_leaves_is_noticed(provider: Stub) -> None:
    """A call whose peer goes away is `cancelled`."""
    with (
        httpx.Client(trust_env=False) as client,
        client.stream(
            "POST",
            provider.url + "/v1/chat/completions",
            json={"stream": True, "messages": [{"role": "user", "content": "leave [[hold=2]]"}]},
        ) as reply,
    ):
        next(reply.iter_raw())
    (call,) = provider.calls("leave")
    provider.wait_state(call, "cancelled")
    assert provider.record.dropped >= 1


def test_it_runs_alone() -> None:
    """`python -m tests.stub` prints its address, and answers control calls."""
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-m", "tests.stub"], cwd=root, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().split()[-1]
        with httpx.Client(trust_env=False) as client:
            client.post(url + "/_stub/fault", json={"options": "status=500"})
            assert client.post(url + "/v1/chat/completions", json={"model": "m"}).status_code == 500
            assert client.get(url + "/_stub/stats").json()["calls"] == 1
            assert json.loads(client.get(url + "/_stub/calls").text)[0]["endpoint"] == "chat"
            assert client.post(url + "/_stub/reset").json() == {"ok": True}
            assert client.get(url + "/_stub/nothing").status_code == 404
        process.terminate()
        assert process.wait(20) == 0
