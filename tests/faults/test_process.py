"""The process itself: killed, restarted, asked to end, started where it cannot."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import httpx
import pytest

from tests.stub import Stub
from tests.wire.ask import ANSWERING, PROVIDER_OF, body, ended, layer, path, post
from tests.wire.gateway import Gateway

MakeGateway = Callable[..., Gateway]
Fresh = Callable[..., str]


def test_sigkill_and_restart(make_gateway: MakeGateway, stub: Stub, fresh: Fresh) -> None:
    """Killed in mid-stream it leaves a stale pid file, no process and no port behind, and starts again in the same place."""
    gateway, gate = make_gateway(), fresh()[-8:]
    prompt = fresh(f"[[hold=2]][[gate={gate}]]")
    with httpx.Client(timeout=30, trust_env=False) as client:
        request = client.stream("POST", gateway.url + path("chat"), json=body("chat", prompt, stream=True))
        with request as reply:
            chunks = reply.iter_raw()
            next(chunks)
            assert gateway.process is not None
            os.kill(gateway.process.pid, signal.SIGKILL)
            gateway.process.wait(20)
            stub.wait_state(stub.calls(prompt)[0], "cancelled")
            with pytest.raises(httpx.TransportError):
                list(chunks)
    gateway.start()
    with httpx.Client(timeout=30, trust_env=False) as client:
        assert layer(post(client, gateway.url, "chat", fresh())) == "l3"
    assert gateway.stop() == 0


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_sigterm_in_mid_stream(endpoint: str, make_gateway: MakeGateway, stub: Stub, fresh: Fresh) -> None:
    """Asked to end, it takes no new connections, finishes what streams, and exits with 0."""
    gateway, gate = make_gateway(PROVIDER_OF[endpoint]), fresh()[-8:]
    prompt = fresh(f"[[hold=3]][[gate={gate}]]")
    with httpx.Client(timeout=30, trust_env=False) as client:
        request = client.stream(
            "POST", gateway.url + path(endpoint, stream=True), json=body(endpoint, prompt, stream=True)
        )
        with request as reply:
            chunks = reply.iter_raw()
            whole = next(chunks)
            assert gateway.process is not None
            gateway.process.send_signal(signal.SIGTERM)
            refused(gateway.url)
            assert gateway.process.poll() is None
            stub.release(gate)
            whole += b"".join(chunks)
    assert ended(endpoint, whole)
    assert gateway.process.wait(30) == 0


def refused(url: str) -> None:
    """Try to connect until it is refused."""
    for _ in range(3000):
        try:
            httpx.get(url + "/healthz", timeout=1, trust_env=False)
        except httpx.TransportError:
            return
    msg = "the gateway still takes connections"
    raise AssertionError(msg)


def test_sigterm_has_a_limit(make_gateway: MakeGateway, stub: Stub, fresh: Fresh) -> None:
    """A stream that does not end within `shutdown_grace_secs` does not keep the process."""
    gateway = make_gateway(shutdown_grace_secs="1")
    prompt = fresh("[[hold=2]][[gate=never-opened]]")
    with httpx.Client(timeout=30, trust_env=False) as client:
        request = client.stream("POST", gateway.url + path("chat"), json=body("chat", prompt, stream=True))
        with request as reply:
            next(reply.iter_raw())
            assert gateway.process is not None
            gateway.process.send_signal(signal.SIGTERM)
            assert gateway.process.wait(20) == 0
    stub.wait_state(stub.calls(prompt)[0], "cancelled")


def test_sigterm_when_idle(make_gateway: MakeGateway) -> None:
    """An idle gateway, even one with idle keep-alive connections, ends at once and with 0."""
    gateway = make_gateway()
    with httpx.Client(trust_env=False) as client:
        client.get(gateway.url + "/healthz")
        assert gateway.stop() == 0
    assert gateway.workers() == []


def test_the_port_is_taken(make_gateway: MakeGateway) -> None:
    """A taken port is one line that names the port, and exit code 1."""
    first, second = make_gateway(), make_gateway(start=False)
    second.port = first.port
    second.launch()
    assert second.process is not None
    assert second.process.wait(30) == 1
    lines = [line for line in second.log.splitlines() if str(first.port) in line]
    assert len(lines) == 1, second.log
    assert "Traceback" not in second.log


def test_an_address_for_everyone_needs_a_key(make_gateway: MakeGateway) -> None:
    """Any other address than loopback without a gateway key is refused, unless that is allowed."""
    gateway = make_gateway(start=False, host="0.0.0.0")  # noqa: S104 -- that it is refused is the point
    gateway.launch()
    assert gateway.process is not None
    assert gateway.process.wait(30) == 1
    assert "gateway_api_key" in gateway.log
    assert "Traceback" not in gateway.log
    for more in ({"gateway_api_key": "open-sesame-123"}, {"allow_unauthenticated": "true"}):
        assert make_gateway(host="0.0.0.0", **more).stop() == 0  # noqa: S104 -- allowed now


def test_secrets_are_nowhere(make_gateway: MakeGateway, http: httpx.Client, fresh: Fresh) -> None:
    """Neither key is in what the gateway prints, even at its most talkative and when the provider fails."""
    gateway = make_gateway(gateway_api_key="open-sesame-123", log_level="debug")
    headers = {"x-api-key": "open-sesame-123"}
    for words in ("", "[[status=500]]", "[[close]]", "[[garbage_http]]"):
        post(http, gateway.url, "chat", fresh(words), headers=headers)
    post(http, gateway.url, "chat", fresh(), headers={"x-api-key": "not-the-key-456"})
    gateway.stop()
    for secret in ("open-sesame-123", "sk-upstream-secret", "not-the-key-456"):
        assert secret not in gateway.log
