"""A hundred thousand bodies that nobody would send: no 5xx, no crash, no growth."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import uvloop

from tests.stub import Stub
from tests.wire.ask import ENDPOINTS, body, path
from tests.wire.gateway import Gateway
from tests.wire.recorded import load, names

MakeGateway = Callable[..., Gateway]
BODIES = 100_000
CONNECTIONS = 8
Sample = tuple[str, bytes]

_WORDS = (
    b"null",
    b"true",
    b"-0",
    b"1e999",
    b"[]",
    b"{}",
    b'""',
    b'"\\ud800"',
    b"\xff",
    b"\x00",
    b"NaN",
    b'"x"',
    b"[[[[",
    b"}}",
    b'"stream":true',
    b'"model":"fast"',
    b'"messages":[]',
    b"\\u0000",
    b"99999999999999999999999",
    b"\xef\xbb\xbf",
    b",",
    b":",
)


class Bodies:
    """A seeded source of requests: mutations of real bodies, and bytes of no meaning at all."""

    def __init__(self, seed: int, *, large_share: float = 0.02) -> None:
        """Two sources with the same seed give the same requests."""
        self._random = random.Random(seed)  # noqa: S311 -- a test needs repeatable numbers, not secret ones
        self._large_share = large_share
        seeds = [
            (path(name, stream=stream), json.dumps(body(name, "seed", stream=stream)).encode())
            for name in ENDPOINTS
            for stream in (False, True)
        ]
        seeds.append(("/api/chat", b'{"prompt": "seed", "model": "m"}'))
        seeds += [(f"/api/v1/cache/{name}", b'{"prompt": "seed", "response": "r"}') for name in ("lookup", "store")]
        recorded = [request for request in map(load, names()) if request.raw]
        self._small = seeds + [(one.path, one.raw) for one in recorded if len(one.raw) < 6000]
        self._large = [(one.path, one.raw) for one in recorded if len(one.raw) >= 6000]

    def sample(self) -> Sample:
        """Return the next request: target and body."""
        pick = self._random
        target, content = pick.choice(self._large if pick.random() < self._large_share else self._small)
        if pick.random() < 0.05:
            return target, pick.randbytes(pick.randrange(200))
        changed = bytearray(content)
        for _ in range(pick.randrange(1, 5)):
            self._change(changed)
        return target, bytes(changed)

    def _change(self, content: bytearray) -> None:
        pick = self._random
        at = pick.randrange(len(content) + 1)
        end = min(len(content), at + pick.randrange(1, 40))
        match pick.randrange(7):
            case 0:
                del content[at:end]
            case 1:
                content[at:at] = pick.choice(_WORDS)
            case 2:
                content[at:end] = pick.choice(_WORDS)
            case 3:
                content[at:at] = content[at:end] * pick.randrange(1, 4)
            case 4:
                del content[at:]
            case 5 if at < len(content):
                content[at] ^= 1 << pick.randrange(8)
            case _:
                quotes = [n for n, byte in enumerate(content[:2000]) if byte == 0x3A]
                if quotes:
                    content[(colon := pick.choice(quotes)) + 1 : colon + 1] = pick.choice(_WORDS) + b","


async def send_all(port: int, samples: Iterator[Sample], count: int, statuses: Counter[int], odd: list[str]) -> None:
    """Send requests one after the other over keep-alive connections, opening a new one when it was closed."""
    reader: asyncio.StreamReader | None = None
    for _ in range(count):
        target, content = next(samples)
        if reader is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
        head = f"POST {target} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-length: {len(content)}\r\n\r\n"
        try:
            writer.write(head.encode() + content)
            status, keep = await read_reply(reader)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            odd.append(f"{type(error).__name__} after {target} {content[:300]!r}")
            status, keep = 0, False
        statuses[status] += 1
        if status >= 500 and len(odd) < 20:
            odd.append(f"{status} for {target} {content[:2000]!r}")
        if not keep:
            writer.close()
            reader = None
    if reader is not None:
        writer.close()


async def read_reply(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Read one reply to its end; return its status and whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head[9:12])
    if b"transfer-encoding: chunked" in head:
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readuntil(b"\r\n")
    else:
        at = head.find(b"content-length: ")
        length = int(head[at + 16 : head.index(b"\r\n", at)]) if at >= 0 else 0
        await reader.readexactly(length)
    return status, b"connection: close" not in head


async def storm(port: int, bodies: Bodies, count: int) -> tuple[Counter[int], list[str]]:
    """Send `count` bodies over several connections at once."""
    statuses: Counter[int] = Counter()
    odd: list[str] = []
    samples = iter(bodies.sample, None)
    share = count // CONNECTIONS
    await asyncio.gather(*(send_all(port, samples, share, statuses, odd) for _ in range(CONNECTIONS)))
    return statuses, odd


def test_a_hundred_thousand_bodies(make_gateway: MakeGateway) -> None:
    """None gives a 5xx, none ends a connection without an answer, and memory stays within the cache's bounds."""
    gateway = make_gateway(
        arguments=("--demo",),
        llm_provider=None,
        external_llm_url=None,
        external_llm_api_key=None,
        cache_max_capacity="1000",
        cache_max_bytes="16777216",
    )
    bodies = Bodies(20_261_120)
    warm, odd = uvloop.run(storm(gateway.port, bodies, 5_000))
    before = gateway.memory()
    statuses, more = uvloop.run(storm(gateway.port, bodies, BODIES - 5_000))
    statuses += warm
    assert not odd + more
    assert sum(statuses.values()) == BODIES
    assert {status for status in statuses if status >= 500 or status < 200} == set()
    assert statuses[200] > 1000, statuses
    assert statuses[400] > 10_000, statuses
    assert gateway.memory() - before < 48 * 2**20
    assert "panicked" not in gateway.log


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"])
def test_odd_bodies_through_to_a_provider(provider: str, make_gateway: MakeGateway, stub: Stub) -> None:
    """With a provider behind it the only 5xx are those of formats it does not speak."""
    gateway = make_gateway(provider)
    statuses, odd = uvloop.run(storm(gateway.port, Bodies(7, large_share=0.01), 1600))
    assert not [line for line in odd if not line.startswith("501")]
    assert {status for status in statuses if status >= 500 or status < 200} <= {501}


def test_bytes_that_are_no_http(make_gateway: MakeGateway) -> None:
    """Connections that do not speak HTTP are closed or answered with a 400, and the gateway goes on."""
    gateway = make_gateway()
    pick = random.Random(3)  # noqa: S311 -- repeatable, not secret

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        start = pick.choice(
            [
                b"",
                b"POST ",
                b"POST /v1/messages HTTP/1.1\r\n",
                b"GET / HTTP/9.9\r\n\r\n",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            ]
        )
        writer.write(start + pick.randbytes(pick.randrange(1, 3000)))
        writer.write_eof()
        try:
            data = await reader.read(65536)
        except ConnectionError:
            data = b""
        assert not data.startswith(b"HTTP/1.1 5")
        writer.close()

    async def many() -> None:
        for _ in range(500):
            await one()
        statuses, odd = await storm(gateway.port, Bodies(1), 800)
        assert not [line for line in odd if not line.startswith("50")], odd
        assert statuses[400]

    uvloop.run(many())
