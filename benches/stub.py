"""The upstream of every bench: an OpenAI-style server that costs as little as Python can.

One raw protocol on uvloop, no HTTP library: what it spends is spent on both sides of every comparison, and
its own ceiling stands in the report. It answers `POST` on any path, JSON or SSE by the body's
`"stream":true`, and reads these directives from the prompt: `[[serial=N]]` (comes back in the reply, so
that one request's reply cannot pass for another's), `[[chunks=N]]`, `[[gap_us=N]]` (between chunks),
`[[think_us=N]]` (before the reply), `[[stamp]]` (each chunk carries the monotonic clock of its sending),
`[[reply_bytes=N]]`, `[[key]]` (the reply carries the key that was sent). `GET /_stub/requests` gives the count of POSTs so far.
"""

import argparse
import asyncio
import re
import time
from collections.abc import Callable
from typing import Final

import msgspec
import uvloop

TEXT: Final = b"Paris is the capital of France, with about two million people inside its walls."
WORDS: Final = [word + b" " for word in TEXT.split(b" ")]
DIRECTIVE: Final = re.compile(rb"\[\[(\w+)(?:=(\d+))?\]\]")
LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
KEY: Final = re.compile(rb"\r\nauthorization: *Bearer (\S+)", re.IGNORECASE)
STAMP: Final = re.compile(rb"t=(\d{19});")

JSON_BODY: Final = (
    b'{"id":"chatcmpl-bench%b","object":"chat.completion","created":1700000000,"model":"bench-model",'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":"%b"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":42,"completion_tokens":17,"total_tokens":59}}'
)
CHUNK: Final = (
    b'data: {"id":"chatcmpl-bench%b","object":"chat.completion.chunk","created":1700000000,'
    b'"model":"bench-model","choices":[{"index":0,"delta":%b,"finish_reason":%b}]}\n\n'
)
USAGE: Final = (
    b'data: {"id":"chatcmpl-bench%b","object":"chat.completion.chunk","created":1700000000,'
    b'"model":"bench-model","choices":[],'
    b'"usage":{"prompt_tokens":42,"completion_tokens":17,"total_tokens":59}}\n\n'
)
DONE: Final = b"data: [DONE]\n\n"
JSON_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_%b\r\ncontent-length: %d\r\n\r\n"
)
SSE_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"x-request-id: req_%b\r\ntransfer-encoding: chunked\r\n\r\n"
)


def directives(body: bytes) -> dict[bytes, bytes]:
    """The directives of one request body; a directive without a value maps to an empty one."""
    if b"[[" not in body:
        return {}
    return dict(DIRECTIVE.findall(body))


def json_reply(asked: dict[bytes, bytes]) -> bytes:
    """The body of a JSON reply."""
    text = TEXT
    if size := int(asked.get(b"reply_bytes", 0)):
        text = (TEXT * (size // len(TEXT) + 1))[:size]
    serial = asked.get(b"serial", b"")
    said = [text, serial, b"key=" + asked[b"key"] if b"key" in asked else b""]
    return JSON_BODY % (serial, b" ".join(filter(None, said)))


class Stream(msgspec.Struct, frozen=True):
    """One streamed reply: how many chunks, how far apart, and whether each carries its time of sending."""

    serial: bytes
    count: int
    gap_secs: float
    stamp: bool

    def event(self, number: int) -> bytes:
        """One SSE event: the role goes with the first, the finish reason with the last."""
        content = b"t=%019d;" % time.monotonic_ns() if self.stamp else WORDS[number % len(WORDS)]
        role = b'"role":"assistant",' if number == 0 else b""
        finish = b'"stop"' if number == self.count - 1 else b"null"
        return CHUNK % (self.serial, b'{%b"content":"%b"}' % (role, content), finish)

    def end(self) -> bytes:
        """Give usage, the terminal event and the end of the body."""
        return framed(USAGE % self.serial) + framed(DONE) + b"0\r\n\r\n"


def framed(data: bytes) -> bytes:
    """`data` as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Stub(asyncio.Protocol):
    """One connection. Keep-alive, no pipelining: each request is answered before the next is read."""

    requests = 0

    def __init__(self, later: Callable[..., asyncio.TimerHandle]) -> None:
        self.later = later
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; asyncio promises a full one for a TCP server."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment] # typed by its base in asyncio

    def data_received(self, data: bytes) -> None:
        """Collect one request and answer it."""
        self.buffer = buffer = self.buffer + data if self.buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = LENGTH.search(buffer, 0, end)
        if length is not None and len(buffer) < end + 4 + int(length[1]):
            return
        self.buffer = b""
        if buffer.startswith(b"GET"):
            self.json(b'{"requests":%d}' % Stub.requests, b"")
            return
        Stub.requests += 1
        body = buffer[end + 4 :]
        asked = directives(body)
        if b"key" in asked:
            found = KEY.search(buffer, 0, end)
            asked[b"key"] = found[1] if found else b"none"
        answer = self.stream if b'"stream":true' in body else self.reply
        if think_us := int(asked.get(b"think_us", 0)):
            self.later(think_us / 1e6, answer, asked)
        else:
            answer(asked)

    def reply(self, asked: dict[bytes, bytes]) -> None:
        """Answer in JSON."""
        self.json(json_reply(asked), asked.get(b"serial", b""))

    def json(self, body: bytes, serial: bytes) -> None:
        """Write one JSON reply."""
        self.transport.write(JSON_HEAD % (serial, len(body)) + body)

    def stream(self, asked: dict[bytes, bytes]) -> None:
        """Answer in SSE: at once when no gap is asked for, else chunk by chunk."""
        serial, count = asked.get(b"serial", b""), int(asked.get(b"chunks", 5))
        stream = Stream(serial, count, int(asked.get(b"gap_us", 0)) / 1e6, b"stamp" in asked)
        head = SSE_HEAD % serial
        if stream.gap_secs:
            self.transport.write(head)
            self.step(stream, 0, time.monotonic())
            return
        events = [framed(stream.event(number)) for number in range(count)]
        self.transport.write(b"".join([head, *events, stream.end()]))

    def step(self, stream: Stream, number: int, started: float) -> None:
        """Send one chunk, and plan the next by the stream's own clock, so that delays do not add up."""
        if self.transport.is_closing():
            return
        self.transport.write(framed(stream.event(number)))
        if number == stream.count - 1:
            self.transport.write(stream.end())
            return
        due = started + (number + 1) * stream.gap_secs - time.monotonic()
        self.later(max(due, 0.0), self.step, stream, number + 1, started)


async def serve(port: int) -> None:
    """Listen on the loopback address until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Stub(loop.call_later), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


def main() -> None:
    """`python -m benches.stub --port N`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
