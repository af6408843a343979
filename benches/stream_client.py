"""Many streams at once, and how old each chunk is when it arrives.

`python -m benches.stream_client --port N --streams N --chunks N --gap-us N --start N` asks for paced
streams whose chunks carry the monotonic clock of their sending, and prints one line of JSON: streams that
were whole, and percentiles of the age of a chunk on arrival (all processes of a machine share that clock).
With `--messages` it is a client of Anthropic's API instead of OpenAI's.
"""

import argparse
import asyncio
import sys
import time
from typing import Final

import msgspec
import uvloop

from benches.client import HEADERS, MESSAGES_HEADERS, MESSAGES_PATH, PATH
from benches.fixtures import chat, message, numbered, paced
from benches.stub import STAMP

RAMP_SECS: Final = 1.0
KEPT: Final = 64


class Ages(msgspec.Struct, frozen=True):
    """What one run saw; ages in milliseconds."""

    streams: int
    whole: int
    chunks: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class Stream(asyncio.Protocol):
    """One stream: notes the age of every chunk, and whether the terminal event came."""

    def __init__(self, request: bytes, terminal: bytes, ages: list[int]) -> None:
        self.request = request
        self.terminal = terminal
        self.ages = ages
        self.chunks = 0
        self.tail = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment] # typed by its base in asyncio
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Note the age of every whole stamp; a stamp cut in two by TCP is put together."""
        now = time.monotonic_ns()
        data = self.tail + data
        seen = 0
        for stamp in STAMP.finditer(data):
            self.ages.append(now - int(stamp[1]))
            self.chunks += 1
            seen = stamp.end()
        rest = data[seen:]
        self.tail = rest[-KEPT:]
        if self.terminal in rest:
            self.finish(whole=True)

    def connection_lost(self, _error: Exception | None) -> None:
        """A connection that closes before the terminal event was cut."""
        self.finish(whole=False)

    def finish(self, *, whole: bool) -> None:
        """Settle the outcome once."""
        if not self.done.done():
            self.done.set_result(whole)
            self.transport.close()


async def one(port: int, body: bytes, delay: float, ages: list[int], *, messages: bool) -> Stream:
    """One stream, begun after `delay`."""
    await asyncio.sleep(delay)
    path, headers = (MESSAGES_PATH, MESSAGES_HEADERS) if messages else (PATH, HEADERS)
    terminal = b'{"type":"message_stop"}' if messages else b"data: [DONE]"
    lines = [f"POST {path} HTTP/1.1", f"host: 127.0.0.1:{port}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    request = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    loop = asyncio.get_running_loop()
    _, stream = await loop.create_connection(lambda: Stream(request, terminal, ages), "127.0.0.1", port)
    await stream.done
    return stream


async def run(port: int, streams: int, chunks: int, gap_us: int, start: int, *, messages: bool) -> Ages:
    """All streams, begun evenly over `RAMP_SECS`."""
    ages: list[int] = []
    body = paced(chunks, gap_us, message if messages else chat)
    todo = (
        one(port, numbered(body, start + n), n * RAMP_SECS / streams, ages, messages=messages) for n in range(streams)
    )
    ended = await asyncio.gather(*todo)
    ages.sort()
    whole = sum(stream.done.result() and stream.chunks == chunks for stream in ended)
    at = [ages[int((len(ages) - 1) * part)] / 1e6 for part in (0.5, 0.99, 1.0)] if ages else [0.0] * 3
    return Ages(streams, whole, len(ages), *at)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("port", "streams", "chunks", "gap-us", "start"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--messages", action="store_true")
    args = parser.parse_args()
    ages = uvloop.run(run(args.port, args.streams, args.chunks, args.gap_us, args.start, messages=args.messages))
    sys.stdout.write(msgspec.json.encode(ages).decode() + "\n")


if __name__ == "__main__":
    main()
