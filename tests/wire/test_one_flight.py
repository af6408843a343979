"""Identical requests in flight share one upstream call, and nobody's leaving hurts the others."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.stub import Stub
from tests.wire.ask import ANSWERING, body, ended, layer, path, post, said, stream_text
from tests.wire.gateway import Gateway

GatewayOf = Callable[[str], Gateway]
Fresh = Callable[..., str]


@contextlib.contextmanager
def opened(url: str, endpoint: str, prompt: str) -> Iterator[tuple[httpx.Response, Iterator[bytes], bytes]]:
    """Open a stream of its own connection and read its first bytes."""
    with httpx.Client(timeout=30, trust_env=False) as client:
        request = client.stream("POST", url + path(endpoint, stream=True), json=body(endpoint, prompt, stream=True))
        with request as reply:
            chunks = reply.iter_raw()
            yield reply, chunks, next(chunks)


def settle(http: httpx.Client, url: str) -> None:
    """Make the gateway's loop go round, so that what was sent to it before has been taken up."""
    for _ in range(10):
        assert http.get(url + "/healthz").status_code == 200


@pytest.mark.parametrize("endpoint", ANSWERING)
@pytest.mark.parametrize("stream", [False, True])
def test_identical_requests_share_one_call(
    endpoint: str, stream: bool, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """Twenty identical requests at once cost one upstream call, and all get the same answer."""
    gate = fresh()[-8:]
    prompt, url = fresh(f"[[hold=1]][[gate={gate}]]"), gateway_of(endpoint).url
    with ThreadPoolExecutor(20) as pool:
        futures = [pool.submit(post, http, url, endpoint, prompt, stream=stream) for _ in range(20)]
        stub.wait_calls(1, prompt)
        settle(http, url)
        stub.release(gate)
        replies = [future.result() for future in futures]
    assert {reply.status_code for reply in replies} == {200}
    assert len({said(endpoint, reply) for reply in replies}) == 1
    assert len(stub.calls(prompt)) == 1


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_followers_get_bytes_as_they_arrive(endpoint: str, gateway_of: GatewayOf, stub: Stub, fresh: Fresh) -> None:
    """A follower of a stream gets the stream from its first byte before the provider has sent the last."""
    gate = fresh()[-8:]
    prompt, url = fresh(f"[[hold=4]][[gate={gate}]]"), gateway_of(endpoint).url
    with opened(url, endpoint, prompt) as leader, opened(url, endpoint, prompt) as follower:
        (call,) = stub.calls(prompt)
        assert call.state == "open"
        stub.release(gate)
        whole = [first + b"".join(rest) for _, rest, first in (leader, follower)]
    assert whole[0] == whole[1]
    assert ended(endpoint, whole[0])


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_the_leader_leaves(endpoint: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """When the first client goes away the others get the whole stream, and it is stored."""
    gate = fresh()[-8:]
    prompt, url = fresh(f"[[hold=4]][[gate={gate}]]"), gateway_of(endpoint).url
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(contextlib.ExitStack())
        first.enter_context(opened(url, endpoint, prompt))
        _, rest, start = stack.enter_context(opened(url, endpoint, prompt))
        first.close()
        settle(http, url)
        stub.release(gate)
        whole = start + b"".join(rest)
    assert ended(endpoint, whole)
    (call,) = stub.calls(prompt)
    stub.wait_state(call, "done")
    hit = post(http, url, endpoint, prompt)
    assert layer(hit) == "l1a"
    assert said(endpoint, hit) == stream_text(endpoint, whole)


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_all_leave(endpoint: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """When every client has gone away the upstream call is cancelled, and nothing is stored."""
    gate = fresh()[-8:]
    prompt, url = fresh(f"[[hold=4]][[gate={gate}]]"), gateway_of(endpoint).url
    with opened(url, endpoint, prompt), opened(url, endpoint, prompt):
        (call,) = stub.calls(prompt)
    stub.wait_state(call, "cancelled")
    stub.release(gate)
    assert layer(post(http, url, endpoint, prompt, stream=True)) == "l3"


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_a_lone_json_client_leaves(
    endpoint: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """A client that goes away while it waits for JSON does not spoil it for the next one."""
    gate = fresh()[-8:]
    prompt, url = fresh(f"[[hold=head]][[gate={gate}]]"), gateway_of(endpoint).url
    with raw_request(url, endpoint, prompt) as leave:
        stub.wait_calls(1, prompt)
        leave()
    settle(http, url)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(post, http, url, endpoint, prompt)
        settle(http, url)
        stub.release(gate)
        assert "stub answer" in said(endpoint, future.result())


def test_the_leader_of_json_leaves(gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """The others who wait for the same JSON still get it, from the same call."""
    gate = fresh()[-8:]
    prompt, url = fresh(f"[[hold=head]][[gate={gate}]]"), gateway_of("chat").url
    with raw_request(url, "chat", prompt) as leave, ThreadPoolExecutor(3) as pool:
        stub.wait_calls(1, prompt)
        futures = [pool.submit(post, http, url, "chat", prompt) for _ in range(3)]
        settle(http, url)
        leave()
        settle(http, url)
        stub.release(gate)
        replies = [future.result() for future in futures]
    assert {reply.status_code for reply in replies} == {200}
    assert len({said("chat", reply) for reply in replies}) == 1
    assert len(stub.calls(prompt)) <= 2


@contextlib.contextmanager
def raw_request(url: str, endpoint: str, prompt: str) -> Iterator[Callable[[], None]]:
    """Send a request on a bare socket; what is given closes it."""
    import json
    import socket
    from urllib.parse import urlsplit

    where = urlsplit(url)
    content = json.dumps(body(endpoint, prompt)).encode()
    head = f"POST {path(endpoint)} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json\r\n"
    with socket.create_connection((where.hostname, where.port)) as connection:
        connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        yield connection.close


@pytest.mark.parametrize("header", [{"cache-control": "no-store"}, {"x-isartor-session-id": "own"}])
def test_what_may_not_be_shared_is_not(
    header: dict[str, str], gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """Requests that must not be stored, or belong to another session, have their own calls."""
    gate = fresh()[-8:]
    prompt, url = fresh(f"[[hold=head]][[gate={gate}]]"), gateway_of("chat").url
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(post, http, url, "chat", prompt, headers=one) for one in (header, None)]
        stub.wait_calls(2, prompt)
        stub.release(gate)
        texts = {said("chat", future.result()) for future in futures}
    assert len(texts) == 2


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_both_forms_in_flight(
    endpoint: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """Clients of JSON and of streams at the same time each get their own form, complete."""
    gate = fresh()[-8:]
    prompt, url = fresh(f"[[hold=head]][[gate={gate}]]"), gateway_of(endpoint).url
    with ThreadPoolExecutor(8) as pool:
        futures = [
            (stream, pool.submit(post, http, url, endpoint, prompt, stream=stream)) for stream in (True, False) * 4
        ]
        stub.wait_calls(1, prompt)
        settle(http, url)
        stub.release(gate)
        for stream, future in futures:
            reply = future.result()
            assert reply.headers["content-type"].startswith("text/event-stream" if stream else "application/json")
            assert "stub answer" in said(endpoint, reply)
    assert len(stub.calls(prompt)) <= 2


@pytest.mark.parametrize("fault", ["status=500", "status=429", "close", "garbage_http"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_failed_call_fails_for_all(
    fault: str, stream: bool, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """When the shared call fails everyone gets an error, and nobody waits for ever."""
    gate = fresh()[-8:]
    prompt, url = fresh(f"[[{fault}]][[hold=head]][[gate={gate}]]"), gateway_of("chat").url
    with ThreadPoolExecutor(5) as pool:
        futures = [pool.submit(post, http, url, "chat", prompt, stream=stream) for _ in range(5)]
        stub.wait_calls(1, prompt)
        settle(http, url)
        stub.release(gate)
        assert all(future.result().status_code in {500, 429, 502} for future in futures)


def test_a_slow_reader_does_not_hold_up_the_others(
    gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """A client that does not read its stream does not stop one that does."""
    prompt, url = fresh("[[chunks=300]][[size=20000]]"), gateway_of("chat").url
    with opened(url, "chat", prompt) as (_, rest, start):
        quick = post(http, url, "chat", prompt, stream=True)
        assert ended("chat", quick.content)
        assert start + b"".join(rest) == quick.content
    assert len(stub.calls(prompt)) == 1
