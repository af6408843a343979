"""The network under the providers: what goes over the wire, what comes back, and how it fails."""

from __future__ import annotations

import asyncio
import gzip
import os
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from isartor.errors import NoProviderError, UpstreamError, UpstreamTimeoutError
from isartor.providers.base import Limits
from isartor.providers.transport import Transport

from .upstream import CHUNKED, OK, Peer, Script, Seen, answering, running, upstream

if TYPE_CHECKING:
    from isartor.providers.transport import UpstreamResponse

PATIENT = Limits(l3_connect_timeout_secs=5, l3_read_timeout_secs=5, l3_timeout_secs=5)
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxy_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def post(transport: Transport, *, stream: bool = False) -> UpstreamResponse:
    return await transport.send("POST", "/v1/x", [("content-type", "application/json")], b"{}", stream=stream)


async def post_all(transport: Transport, *, stream: bool = False) -> bytes:
    response = await post(transport, stream=stream)
    try:
        return await response.read_all(1 << 20)
    finally:
        await response.close()


@running
async def test_request_arrives_as_given() -> None:
    """Method, target, headers and body arrive as given; the client adds its encoding only."""
    async with upstream(answering(OK)) as server:
        transport = Transport("openai", server.url, PATIENT)
        headers = [
            ("accept", "*/*"),
            ("user-agent", "cli/1"),
            ("anthropic-beta", "a"),
            ("anthropic-beta", "b"),
        ]
        response = await transport.send("POST", "/v1/x?beta=true", headers, b'{"a": 1}', stream=False)
        assert response.status == 200
        assert await response.read_all(100) == b"{}"
        await response.close()
        await transport.close()
    (seen,) = server.seen
    assert (seen.method, seen.target, seen.body) == ("POST", "/v1/x?beta=true", b'{"a": 1}')
    rest = [line for line in seen.headers if line[0] not in {"host", "content-length"}]
    assert rest == [*headers, ("accept-encoding", "gzip")]


@running
async def test_stream_comes_as_it_is_sent() -> None:
    """Each piece can be read before the next one is sent."""
    go = asyncio.Event()

    async def script(_: Seen, peer: Peer) -> None:
        await peer.send(CHUNKED + b"3\r\none\r\n")
        await go.wait()
        await peer.send(b"3\r\ntwo\r\n0\r\n\r\n")

    async with upstream(script) as server:
        transport = Transport("openai", server.url, PATIENT)
        response = await post(transport, stream=True)
        assert await response.read() == b"one"
        go.set()
        assert await response.read() == b"two"
        assert await response.read() is None
        await response.close()
        await transport.close()
    assert server.seen[0].header("accept-encoding") == "identity"


@pytest.mark.parametrize("stream", [False, True])
@running
async def test_compressed_reply(stream: bool) -> None:
    """A compressed body comes back decoded, also where compression was declined."""
    body = gzip.compress(b"hello " * 100)
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(body)}\r\n\r\n"
    async with upstream(answering(head.encode() + body)) as server:
        transport = Transport("openai", server.url, PATIENT)
        response = await post(transport, stream=stream)
        assert response.headers == []
        assert await response.read_all(1000) == b"hello " * 100
        await response.close()
        await transport.close()


@running
async def test_reply_headers() -> None:
    """Allowed reply headers come back in order; one that is not text costs only itself."""
    head = b"HTTP/1.1 429 x\r\nRetry-After: 7\r\nSet-Cookie: a=b\r\nRequest-Id: r\xff\r\nX-Request-Id: q\r\n"
    async with upstream(answering(head + b"content-length: 0\r\n\r\n")) as server:
        transport = Transport("openai", server.url, PATIENT)
        response = await post(transport)
        assert response.status == 429
        assert sorted(response.headers) == [("retry-after", "7"), ("x-request-id", "q")]
        await response.close()
        await transport.close()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@running
async def test_redirect_is_not_followed(status: int) -> None:
    """A key does not follow a redirect; the error says what to set."""
    head = f"HTTP/1.1 {status} x\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    async with upstream(answering(head.encode())) as server:
        transport = Transport("openai", server.url, PATIENT)
        with pytest.raises(UpstreamError, match="redirect") as caught:
            await post(transport)
        await transport.close()
    assert (caught.value.status, caught.value.code) == (502, "upstream_redirect")
    assert server.url.removeprefix("http://") in caught.value.message


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (b"", "upstream_invalid_reply"),
        (b"\x00\x01 no http\r\n\r\n", "upstream_invalid_reply"),
        (b"HTTP/1.1 200 OK\r\ncontent-le", "upstream_invalid_reply"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "upstream_cut"),
        (CHUNKED + b"4\r\nhalf\r\n", "upstream_cut"),
        (CHUNKED + b"4\r\nhalf\r\nZZ\r\n", "upstream_cut"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nhalf", "upstream_cut"),
    ],
)
@running
async def test_broken_reply(reply: bytes, code: str, stream: bool) -> None:
    """What is no HTTP, or breaks off, is a 502 that names the provider, and never a short body."""
    async with upstream(answering(reply)) as server:
        transport = Transport("openai", server.url, PATIENT)
        with pytest.raises(UpstreamError, match="openai") as caught:
            await post_all(transport, stream=stream)
        await transport.close()
    assert (caught.value.status, caught.value.code, caught.value.fault) == (502, code, "upstream")
    assert caught.value.retryable
    assert "/v1/x" not in caught.value.message


@running
async def test_refused_connection() -> None:
    """A closed port is a 502 that says where and why."""
    async with upstream(answering(OK)) as server:
        pass
    transport = Transport("openai", server.url, PATIENT)
    with pytest.raises(UpstreamError, match="refused") as caught:
        await post(transport)
    await transport.close()
    assert (caught.value.status, caught.value.code) == (502, "upstream_unreachable")
    assert server.url.removeprefix("http://") in caught.value.message
    assert caught.value.retryable


@running
async def test_unknown_host() -> None:
    """A name that does not resolve is a 502 that names it."""
    transport = Transport("openai", "http://nothing.invalid", PATIENT)
    with pytest.raises(UpstreamError, match=r"nothing\.invalid") as caught:
        await post(transport)
    await transport.close()
    assert caught.value.code == "upstream_unreachable"


async def silent(_: Seen, peer: Peer) -> None:
    await peer.gone()


async def stalling(_: Seen, peer: Peer) -> None:
    await peer.send(CHUNKED + b"3\r\none\r\n")
    await peer.gone()


@running
async def test_total_limit() -> None:
    """A reply that is no stream and does not end is a 504 that names the total limit."""
    async with upstream(stalling) as server:
        transport = Transport("openai", server.url, Limits(l3_timeout_secs=0.1, l3_read_timeout_secs=9))
        with pytest.raises(UpstreamTimeoutError, match="l3_timeout_secs") as caught:
            await post_all(transport)
        await server.closed.wait()
        await transport.close()
    assert caught.value.status == 504


@pytest.mark.parametrize("stream", [False, True])
@running
async def test_no_reply(stream: bool) -> None:
    """An upstream that never answers is a 504 that names the limit of silence."""
    async with upstream(silent) as server:
        transport = Transport("openai", server.url, Limits(l3_read_timeout_secs=0.1))
        with pytest.raises(UpstreamTimeoutError, match=r"begin its reply.*l3_read_timeout_secs"):
            await post_all(transport, stream=stream)
        await server.closed.wait()
        await transport.close()


async def only_a_head(_: Seen, peer: Peer) -> None:
    await peer.send(CHUNKED)
    await peer.gone()


@pytest.mark.parametrize(("script", "stream"), [(silent, False), (silent, True), (only_a_head, True)])
@running
async def test_first_byte_limit(script: Script, stream: bool) -> None:
    """A reply that does not begin, or a stream without a first piece, is a 504 that names the limit."""
    limits = Limits(l3_first_byte_timeout_secs=0.1, l3_read_timeout_secs=9, l3_timeout_secs=9)
    async with upstream(script) as server:
        transport = Transport("openai", server.url, limits)
        with pytest.raises(
            UpstreamTimeoutError, match=r"begin its reply.*0\.1 s.*l3_first_byte_timeout_secs"
        ) as caught:
            await post(transport, stream=stream)
        await transport.close()
    assert caught.value.status == 504
    assert caught.value.retryable


@pytest.mark.parametrize("stream", [False, True])
@running
async def test_first_byte_limit_is_over_with_the_first_byte(stream: bool) -> None:
    """Once a reply has begun, the limit of its first byte does not end it."""
    go = asyncio.Event()

    async def script(_: Seen, peer: Peer) -> None:
        await peer.send(CHUNKED + b"3\r\none\r\n")
        await go.wait()
        await peer.send(b"3\r\ntwo\r\n0\r\n\r\n")

    limits = Limits(l3_first_byte_timeout_secs=0.1, l3_read_timeout_secs=9, l3_timeout_secs=9)
    async with upstream(script) as server:
        transport = Transport("openai", server.url, limits)
        response = await post(transport, stream=stream)
        asyncio.get_running_loop().call_later(0.15, go.set)
        assert await response.read_all(100) == b"onetwo"
        await response.close()
        await transport.close()


@running
async def test_stalled_stream() -> None:
    """A stream is bounded by its silence, not by its whole time."""
    limits = Limits(l3_read_timeout_secs=0.1, l3_timeout_secs=0.01)
    async with upstream(stalling) as server:
        transport = Transport("openai", server.url, limits)
        response = await post(transport, stream=True)
        assert await response.read() == b"one"
        with pytest.raises(UpstreamTimeoutError, match=r"send anything more.*l3_read_timeout_secs"):
            await response.read()
        await response.close()
        await server.closed.wait()
        await transport.close()


@running
async def test_connect_limit() -> None:
    """A server that accepts and says nothing in TLS passes the connect limit, which is named."""
    async with upstream(silent) as server:
        origin = server.url.replace("http://", "https://")
        transport = Transport("openai", origin, Limits(l3_connect_timeout_secs=0.1))
        with pytest.raises(UpstreamTimeoutError, match="l3_connect_timeout_secs"):
            await post(transport)
        await transport.close()


@running
async def test_cancelled_before_the_reply() -> None:
    """A call that is cancelled while it waits ends at once, and so does its connection: nobody works for nobody."""
    async with upstream(silent) as server:
        transport = Transport("openai", server.url, PATIENT)
        task = asyncio.ensure_future(post(transport))
        await server.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.closed.wait()
        await transport.close()


@running
async def test_closed_in_the_middle() -> None:
    """Closing an unfinished stream closes the connection at once; a second close does nothing."""
    async with upstream(stalling) as server:
        transport = Transport("openai", server.url, PATIENT)
        response = await post(transport, stream=True)
        await response.close()
        await response.close()
        await server.closed.wait()
        with pytest.raises(UpstreamError, match="cancelled"):
            await response.read()
        await transport.close()


@running
async def test_closed_while_another_task_reads() -> None:
    """`close` ends a read in flight with an error; the reading task itself lives on."""
    async with upstream(stalling) as server:
        transport = Transport("openai", server.url, PATIENT)
        response = await post(transport, stream=True)
        assert await response.read() == b"one"

        async def read() -> str:
            try:
                await response.read()
            except UpstreamError as error:
                await asyncio.sleep(0)
                return error.code
            return "read"

        task = asyncio.ensure_future(read())
        await asyncio.sleep(0)
        before = asyncio.get_running_loop().time()
        await response.close()
        assert await task == "upstream_cancelled"
        await server.closed.wait()
        assert asyncio.get_running_loop().time() - before < PATIENT.l3_read_timeout_secs / 2
        await transport.close()


@running
async def test_cancelled_read() -> None:
    """Cancelling the reading task is a cancellation, and `close` after it is prompt."""
    async with upstream(stalling) as server:
        transport = Transport("openai", server.url, PATIENT)
        response = await post(transport, stream=True)
        assert await response.read() == b"one"
        task = asyncio.ensure_future(response.read())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await response.close()
        await server.closed.wait()
        await transport.close()


@running
async def test_connection_is_used_again() -> None:
    """A reply that was read to its end, and closed, leaves its connection to the next call."""
    connections = 0

    async def script(_: Seen, peer: Peer) -> None:
        nonlocal connections
        connections += 1
        await peer.send(OK)
        while await peer.reader.read(65536):
            await peer.send(OK)

    async with upstream(script) as server:
        transport = Transport("openai", server.url, PATIENT)
        for stream in (False, True, False):
            assert await post_all(transport, stream=stream) == b"{}"
        await transport.close()
    assert connections == 1


@running
async def test_reply_over_the_limit() -> None:
    """A body over the limit is an error and ends the call."""
    async with upstream(answering(CHUNKED + b"5\r\nhello\r\n" * 100)) as server:
        transport = Transport("openai", server.url, PATIENT)
        response = await post(transport, stream=True)
        with pytest.raises(UpstreamError, match="more than 12 bytes"):
            await response.read_all(12)
        await transport.close()


@running
async def test_offline_mode() -> None:
    """Offline mode refuses an outside host before anything is sent; this machine stays reachable."""
    transport = Transport("openai", "https://api.openai.com", PATIENT, offline=True)
    with pytest.raises(NoProviderError, match=r"api\.openai\.com") as caught:
        await post(transport)
    assert (caught.value.status, caught.value.code) == (503, "offline_mode_active")
    async with upstream(answering(OK)) as server:
        local = Transport("openai", server.url, PATIENT, offline=True)
        assert await post_all(local) == b"{}"
        await local.close()


@running
async def test_offline_mode_never_uses_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """An allowed host is not asked through a proxy, which may stand outside."""
    async with upstream(answering(OK)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        hosts = ["nothing.invalid"]
        transport = Transport("x", "http://nothing.invalid", PATIENT, offline=True, offline_allowed_hosts=hosts)
        with pytest.raises(UpstreamError):
            await post(transport)
        await transport.close()
    assert proxy.seen == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@running
async def test_http_proxy(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """A proxy from the environment is used, with its credentials."""
    async with upstream(answering(OK)) as proxy:
        monkeypatch.setenv(variable, proxy.url.replace("http://", "http://user:pw@"))
        transport = Transport("openai", "http://llm.example", PATIENT)
        assert await post_all(transport) == b"{}"
        await transport.close()
    (seen,) = proxy.seen
    assert seen.target == "http://llm.example/v1/x"
    assert seen.header("proxy-authorization") == "Basic dXNlcjpwdw=="


@running
async def test_https_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS goes through the proxy as a tunnel, which a refusing proxy makes an error of connection."""
    async with upstream(answering(b"HTTP/1.1 403 no\r\ncontent-length: 0\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        transport = Transport("openai", "https://llm.example", PATIENT)
        with pytest.raises(UpstreamError) as caught:
            await post(transport)
        await transport.close()
    assert caught.value.code == "upstream_unreachable"
    assert (proxy.seen[0].method, proxy.seen[0].target) == ("CONNECT", "llm.example:443")


@running
async def test_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """`NO_PROXY` excepts a host, and this machine is excepted always."""
    async with upstream(answering(OK)) as proxy, upstream(answering(OK)) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "nothing.invalid")
        excepted = Transport("openai", "http://nothing.invalid", PATIENT)
        with pytest.raises(UpstreamError):
            await post(excepted)
        monkeypatch.delenv("NO_PROXY")
        local = Transport("openai", server.url, PATIENT)
        assert await post_all(local) == b"{}"
        await excepted.close()
        await local.close()
    assert proxy.seen == []


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return a certificate authority that no system knows."""
    return trustme.CA()


def tls(authority: trustme.CA, *protocols: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.set_alpn_protocols(protocols)
    return context


@running
async def test_unknown_certificate(authority: trustme.CA) -> None:
    """An untrusted certificate is refused; the error says what helps, and that repeating does not."""
    async with upstream(answering(OK), tls=tls(authority, "http/1.1")) as server:
        transport = Transport("openai", server.url, PATIENT)
        with pytest.raises(UpstreamError, match="SSL_CERT_FILE") as caught:
            await post(transport)
        await transport.close()
    assert caught.value.code == "upstream_tls"
    assert not caught.value.retryable


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
@running
async def test_certificates_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, authority: trustme.CA, variable: str
) -> None:
    """A private authority is trusted by either variable."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "ca.pem" if variable == "SSL_CERT_FILE" else tmp_path))
    async with upstream(answering(OK), tls=tls(authority, "http/1.1")) as server:
        transport = Transport("openai", server.url, PATIENT)
        assert await post_all(transport) == b"{}"
        await transport.close()


@running
async def test_missing_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A variable that leads nowhere gives an error that names it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing"))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    transport = Transport("openai", "https://api.openai.com", PATIENT)
    with pytest.raises(UpstreamError, match="SSL_CERT_FILE") as caught:
        await post(transport)
    assert caught.value.code == "no_ca_certificates"


@running
async def test_http2_is_negotiated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, authority: trustme.CA) -> None:
    """Where TLS offers HTTP/2, it is taken."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with upstream(answering(b"not http/2"), tls=tls(authority, "h2", "http/1.1")) as server:
        transport = Transport("openai", server.url, PATIENT)
        with pytest.raises(UpstreamError):
            await post(transport)
        await transport.close()
    assert server.protocols == ["h2"]


@running
async def test_unencodable_header() -> None:
    """A header value that HTTP cannot carry is an error and no crash."""
    transport = Transport("openai", "http://127.0.0.1:1", PATIENT)
    with pytest.raises(UpstreamError):
        await transport.send("POST", "/", [("user-agent", "a\nb")], b"", stream=False)
    await transport.close()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such policy")
@running
async def test_the_thread_does_not_interrupt() -> None:
    """The client's own thread is one that preempts nobody; who began it is as before."""
    transport = Transport("openai", "http://127.0.0.1:1", PATIENT)
    with pytest.raises(UpstreamError):
        await post(transport)
    await transport.close()
    threads = Path("/proc/self/task").iterdir()
    ours = [int(thread.name) for thread in threads if (thread / "comm").read_text() == "isartor-http\n"]
    assert [os.sched_getscheduler(thread) for thread in ours] == [os.SCHED_BATCH]
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such policy")
@running
async def test_a_system_that_forbids_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a sandbox or the C library has no scheduling policies, calls are made all the same."""

    def refused(_: int) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "sched_getscheduler", refused)
    async with upstream(answering(OK)) as server:
        transport = Transport("openai", server.url, PATIENT)
        assert await post_all(transport) == b"{}"
        await transport.close()
