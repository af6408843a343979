"""The provider cuts, stalls, lies or is not there: the client is told in its own form, and nothing of it is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.stub import Stub
from tests.wire.ask import (
    ANSWERING,
    ENDPOINTS,
    PROVIDER_OF,
    ended,
    events,
    is_error,
    layer,
    path,
    post,
    said,
    stream_error,
)
from tests.wire.gateway import Gateway, free_port

GatewayOf = Callable[[str], Gateway]
MakeGateway = Callable[..., Gateway]
Fresh = Callable[..., str]
SHAPES = ("[[chunks=3]]", "[[chunks=1]] THINK")


@pytest.mark.parametrize("endpoint", ANSWERING)
@pytest.mark.parametrize("words", SHAPES)
@pytest.mark.parametrize("how", ["cut", "cut_clean"])
def test_cut_at_every_chunk(
    endpoint: str, words: str, how: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """Wherever the provider stops, the client sees an error event, or an error before the first byte, and no good end."""
    url = gateway_of(endpoint).url
    whole = post(http, url, endpoint, fresh(words), stream=True)
    count = len(events(whole.content))
    for at in range(count):
        prompt = fresh(f"{words}[[{how}={at}]]")
        reply = post(http, url, endpoint, prompt, stream=True)
        if reply.status_code != 200:
            assert reply.status_code == 502, at
            assert is_error(endpoint, reply.json(), 502), at
        else:
            assert stream_error(endpoint, reply.content), (at, reply.content[-500:])
        again = post(http, url, endpoint, prompt, stream=True)
        assert layer(again) != "l1a", at
        assert len(stub.calls(prompt)) == 2, at


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_what_came_before_the_cut_is_passed_on(
    endpoint: str, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh
) -> None:
    """The bytes that arrived before a cut reach the client."""
    reply = post(http, gateway_of(endpoint).url, endpoint, fresh("[[chunks=30]][[cut=20]]"), stream=True)
    assert b"stub answer" in reply.content


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "fault",
    ["garbage_http", "close", "reset", "garbage_json", "html", "empty", "half_json", "half_json_clean"],
)
def test_garbage_instead_of_json(
    endpoint: str, fault: str, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh
) -> None:
    """What is not the provider's protocol is a 502 in the client's shape."""
    reply = post(http, gateway_of(endpoint).url, endpoint, fresh(f"[[{fault}]]"))
    assert reply.status_code == 502
    assert is_error(endpoint, reply.json(), 502)


@pytest.mark.parametrize("endpoint", ANSWERING)
@pytest.mark.parametrize("fault", ["garbage_http", "close", "reset", "garbage_json", "garbage_sse", "html", "empty"])
def test_garbage_instead_of_a_stream(
    endpoint: str, fault: str, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh
) -> None:
    """Instead of a stream: a 502 before the first byte, or an error event; never JSON with a 200, never a good end."""
    reply = post(http, gateway_of(endpoint).url, endpoint, fresh(f"[[{fault}]]"), stream=True)
    if reply.status_code == 200:
        assert reply.headers["content-type"].startswith("text/event-stream")
        marks = {"responses": b"event: error", "messages": b"event: error"}
        assert marks.get(endpoint, b'"error"') in reply.content or b"response.failed" in reply.content
    else:
        assert reply.status_code == 502
        assert is_error(endpoint, reply.json(), 502)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("status", [418, 451, 500, 502, 503, 504, 529])
def test_the_upstreams_own_status(
    endpoint: str, status: int, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh
) -> None:
    """The provider's own error status and message arrive as they are."""
    reply = post(http, gateway_of(endpoint).url, endpoint, fresh(f"[[status={status}]]"))
    assert reply.status_code == status
    assert f"stub error {status}" in reply.text


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_redirect_is_not_followed(
    endpoint: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """A key never follows a redirect: it is a 502."""
    prompt = fresh(f"[[redirect={stub.url}/elsewhere]]")
    reply = post(http, gateway_of(endpoint).url, endpoint, prompt)
    assert reply.status_code == 502
    assert is_error(endpoint, reply.json(), 502)
    assert [call.target for call in stub.calls(prompt)] == [path(endpoint)]
    assert not [call for call in stub.calls() if call.path == "/elsewhere"]


@pytest.fixture(scope="module")
def hasty(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Gateway]]:
    """Gateways that wait for one second at most."""
    from tests.conftest import settings_for

    limits = {"l3_timeout_secs": "1", "l3_read_timeout_secs": "1", "l3_connect_timeout_secs": "1"}
    gateways = {
        name: Gateway(tmp_path_factory.mktemp("hasty"), settings_for(name, stub) | limits).start()
        for name in ("openai", "anthropic", "gemini")
    }
    yield gateways
    for gateway in gateways.values():
        gateway.stop()
        assert "Traceback" not in gateway.log


@pytest.mark.parametrize("endpoint", ANSWERING)
@pytest.mark.parametrize("stream", [False, True])
def test_never_answering(
    endpoint: str, stream: bool, hasty: dict[str, Gateway], stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """A provider that never answers is a 504 in the client's shape, and the call is given up."""
    prompt = fresh("[[never]]")
    reply = post(http, hasty[PROVIDER_OF[endpoint]].url, endpoint, prompt, stream=stream)
    assert reply.status_code == 504
    assert is_error(endpoint, reply.json(), 504)
    stub.wait_state(stub.calls(prompt)[0], "cancelled")


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_silence_in_a_stream(
    endpoint: str, hasty: dict[str, Gateway], stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """A stream that falls silent ends in an error event, and the call is given up."""
    prompt = fresh("[[hold=3]][[gate=silent]]")
    reply = post(http, hasty[PROVIDER_OF[endpoint]].url, endpoint, prompt, stream=True)
    assert reply.status_code == 200
    assert stream_error(endpoint, reply.content)
    stub.wait_state(stub.calls(prompt)[0], "cancelled")


@pytest.mark.parametrize("endpoint", ["chat", "messages", "generate"])
def test_slow_streams_are_not_cut(endpoint: str, hasty: dict[str, Gateway], http: httpx.Client, fresh: Fresh) -> None:
    """A stream that takes longer than the limit for JSON is whole, as long as it never falls silent."""
    reply = post(http, hasty[PROVIDER_OF[endpoint]].url, endpoint, fresh("[[chunks=16]][[delay_ms=100]]"), stream=True)
    assert ended(endpoint, reply.content)


@pytest.mark.parametrize("endpoint", ["chat", "messages", "generate"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}", "http://no-such-host.invalid"])
def test_nobody_there(
    endpoint: str, stream: bool, address: str, absent: dict[str, Gateway], http: httpx.Client, fresh: Fresh
) -> None:
    """A provider that cannot be reached is a 502 that names it, and no key."""
    gateway = absent[PROVIDER_OF[endpoint] + address]
    reply = post(http, gateway.url, endpoint, fresh(), stream=stream)
    assert reply.status_code == 502
    assert is_error(endpoint, reply.json(), 502)
    assert "sk-upstream" not in reply.text


@pytest.fixture(scope="module")
def absent(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Gateway]]:
    """Gateways whose providers are not there."""
    from tests.conftest import settings_for

    gateways: dict[str, Gateway] = {}
    for address in ("http://127.0.0.1:{port}", "http://no-such-host.invalid"):
        for name in ("openai", "anthropic", "gemini"):
            settings = settings_for(name, stub) | {"external_llm_url": address.format(port=free_port())}
            gateways[name + address] = Gateway(tmp_path_factory.mktemp("absent"), settings).launch()
    for gateway in gateways.values():
        gateway.wait_ready()
    yield gateways
    for gateway in gateways.values():
        gateway.stop()


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_recovery(endpoint: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """After every kind of failure the next request is served as if nothing had been."""
    url = gateway_of(endpoint).url
    for fault in ("close", "garbage_http", "reset", "half_json", "status=500"):
        prompt = fresh()
        stub.fault(fault, match=prompt)
        assert post(http, url, endpoint, prompt).status_code in {500, 502}
        good = post(http, url, endpoint, prompt)
        assert good.status_code == 200
        assert "stub answer" in said(endpoint, good)
