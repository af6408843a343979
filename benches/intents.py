"""The upstream of row 14: it answers a text with the name of its intent, and counts what it was asked.

`python -m benches.intents --port N FILE...` reads lines of `{"intent": ..., "text": ...}`. A text that is in none of the
files gets a 404, so that nothing can be answered by chance.
"""

import argparse
import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

import msgspec
import uvloop

from benches.stub import LENGTH

HEAD: Final = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class Said(msgspec.Struct, frozen=True):
    """What somebody wrote, and what they wanted."""

    intent: str
    text: str


class Message(msgspec.Struct):
    """A message of a chat request."""

    role: str
    content: str


class Chat(msgspec.Struct):
    """A chat request."""

    messages: list[Message]


def read(file: Path) -> list[Said]:
    """All lines of a file."""
    return [msgspec.json.decode(line, type=Said) for line in file.read_bytes().splitlines() if line.strip()]


def shuffled(file: Path, seed: int) -> list[Said]:
    """The lines in an order that is always the same."""
    found = read(file)
    random.Random(seed).shuffle(found)
    return found


def reply(intent: str) -> bytes:
    """A chat completion that says it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": intent}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 42, "completion_tokens": 17, "total_tokens": 59}
    return msgspec.json.encode(
        {"id": "chatcmpl-bench", "object": "chat.completion", "created": 1_700_000_000, "model": "bench-model",
         "choices": [choice], "usage": usage}
    )  # fmt: skip


class Provider(asyncio.Protocol):
    """One connection: keep-alive, each request answered before the next is read."""

    requests = 0
    intents: ClassVar[dict[str, str]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.buffer = b""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment] # typed by its base in asyncio

    def data_received(self, data: bytes) -> None:
        """Collect one request and answer it."""
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = LENGTH.search(self.buffer, 0, end)
        body = self.buffer[end + 4 :]
        if length is not None and len(body) < int(length[1]):
            return
        get, self.buffer = self.buffer.startswith(b"GET"), b""
        if get:
            self.write(b"200 OK", b'{"requests":%d}' % Provider.requests)
            return
        Provider.requests += 1
        question = msgspec.json.decode(body, type=Chat).messages[-1].content
        intent = Provider.intents.get(question)
        if intent is None:
            self.write(b"404 Not Found", b'{"error":{"message":"not one of the bench\'s texts"}}')
        else:
            self.write(b"200 OK", reply(intent))

    def write(self, status: bytes, body: bytes) -> None:
        """Write one reply."""
        self.transport.write(HEAD % (status, len(body)) + body)


async def serve(port: int) -> None:
    """Listen on the loopback address until killed."""
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", port)
    await server.serve_forever()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the files, then serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("files", type=Path, nargs="+")
    args = parser.parse_args(arguments)
    Provider.intents = {said.text: said.intent for file in args.files for said in read(file)}
    uvloop.run(serve(args.port))


if __name__ == "__main__":
    main()
