"""Clients that leave, stall, or read slowly: the gateway frees what they held and serves the others."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from tests.stub import Stub
from tests.wire.ask import ANSWERING, body, ended, layer, path, post
from tests.wire.gateway import Gateway
from tests.wire.raw import head, wire

GatewayOf = Callable[[str], Gateway]
MakeGateway = Callable[..., Gateway]
Fresh = Callable[..., str]


@pytest.mark.parametrize("endpoint", ANSWERING)
@pytest.mark.parametrize("at", [0, 1, 4])
def test_gone_in_mid_stream(
    endpoint: str, at: int, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """A client that leaves in mid-stream has its upstream call cancelled, and its half answer is not stored.

    Before the first event (`at` 0) the provider's head is all there is; see `test_gone_before_the_head` for less.
    """
    prompt, url = fresh(f"[[hold={at}]][[gate=gone]]"), gateway_of(endpoint).url
    content = json.dumps(body(endpoint, prompt, stream=True)).encode()
    with wire(url) as connection:
        connection.send(head("POST", path(endpoint, stream=True), url, f"Content-Length: {len(content)}") + content)
        (call,) = stub.wait_calls(1, prompt)
        if at:
            connection.head()
        else:
            # The client has nothing to read yet. The provider sent the head before it answered these on the same
            # thread, so the gateway has that too.
            for _ in range(3):
                assert post(http, url, endpoint, fresh(), stream=True).status_code == 200
    stub.wait_state(call, "cancelled")
    stub.release("gone-over")
    reply = post(http, url, endpoint, prompt.replace("[[gate=gone]]", "[[gate=gone-over]]"), stream=True)
    assert layer(reply) == "l3"
    assert ended(endpoint, reply.content)


def test_many_leave_at_once(gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """Fifty clients of fifty streams leave together; every call is cancelled and the gateway goes on."""
    from contextlib import ExitStack

    url, prompts = gateway_of("chat").url, [fresh("[[hold=3]][[gate=many]]") for _ in range(50)]
    with ExitStack() as stack:
        for prompt in prompts:
            content = json.dumps(body("chat", prompt, stream=True)).encode()
            connection = stack.enter_context(wire(url))
            connection.send(head("POST", path("chat"), url, f"Content-Length: {len(content)}") + content)
            connection.head()
    for prompt in prompts:
        stub.wait_state(stub.calls(prompt)[0], "cancelled")
    assert post(http, url, "chat", fresh()).status_code == 200


@pytest.mark.parametrize("sent", [0, 10])
def test_gone_inside_the_request(sent: int, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """Clients that leave before their request is whole cost nothing."""
    url = gateway_of("chat").url
    for _ in range(20):
        with wire(url) as connection:
            connection.send(head("POST", path("chat"), url, "Content-Length: 1000") + b"{" * sent)
    assert post(http, url, "chat", fresh()).status_code == 200


def test_a_stalled_body(make_gateway: MakeGateway) -> None:
    """A client that stops sending its body is let go after `body_timeout_secs`."""
    url = make_gateway(body_timeout_secs="1").url
    with wire(url) as connection:
        connection.send(head("POST", path("chat"), url, "Content-Length: 1000") + b"{")
        try:
            status, _, _ = connection.reply()
        except ConnectionError:
            return
        assert status == 408


def test_a_client_that_does_not_read(gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """It costs no more than its own reply, holds up nobody, and gets all of it when it reads again."""
    gateway, size = gateway_of("chat"), 300 * 100_000
    prompt = fresh("[[chunks=300]][[size=100000]]")
    before = gateway.memory()
    with httpx.Client(timeout=60, trust_env=False) as client:
        request = client.stream("POST", gateway.url + path("chat"), json=body("chat", prompt, stream=True))
        with request as reply:
            chunks = reply.iter_raw()
            start = next(chunks)
            for _ in range(20):
                assert post(http, gateway.url, "chat", fresh()).status_code == 200
            assert gateway.memory() - before < 2 * size
            assert len(start) + sum(len(chunk) for chunk in chunks) > size


def test_gone_before_the_head(gateway_of: GatewayOf, stub: Stub, fresh: Fresh) -> None:
    """A client that leaves before the provider has answered has its upstream call cancelled at once."""
    prompt, url = fresh("[[hold=head]][[gate=before-the-head]]"), gateway_of("chat").url
    content = json.dumps(body("chat", prompt)).encode()
    with wire(url) as connection:
        connection.send(head("POST", path("chat"), url, f"Content-Length: {len(content)}") + content)
        (call,) = stub.wait_calls(1, prompt)
    try:
        stub.wait_state(call, "cancelled", timeout=2)
    finally:
        stub.release("before-the-head")
