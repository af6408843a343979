"""The client that checks answers and times single requests: blocking sockets, kept alive, nothing between."""

import socket
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import msgspec

HEADERS: Final = {
    "content-type": "application/json",
    "user-agent": "OpenAI/Python 3.52.0",
    "authorization": "Bearer sk-bench",
}
PATH: Final = "/v1/chat/completions"
MESSAGES_HEADERS: Final = {
    "content-type": "application/json",
    "user-agent": "Anthropic/Python 1.20.0",
    "x-api-key": "sk-bench",
    "anthropic-version": "2023-06-01",
}
MESSAGES_PATH: Final = "/v1/messages"


class Answer(msgspec.Struct, frozen=True):
    """One reply. Times are seconds after the first byte of the request was sent."""

    status: int
    headers: dict[str, str]
    body: bytes
    first_byte_secs: float
    whole_secs: float


class Connection:
    """One keep-alive connection to a server on the loopback address."""

    def __init__(self, port: int, *, timeout_secs: float = 60.0, headers: Mapping[str, str] = HEADERS) -> None:
        self.port = port
        self.headers = headers
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_secs)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def post(self, body: bytes, path: str = PATH) -> Answer:
        """Send a POST and read the whole reply."""
        lines = [f"POST {path} HTTP/1.1", f"host: 127.0.0.1:{self.port}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return self.exchange("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def get(self, path: str) -> Answer:
        """Send a GET and read the whole reply."""
        return self.exchange(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\n\r\n".encode())

    def exchange(self, request: bytes) -> Answer:
        """Send the bytes of a request and read the whole reply."""
        started = time.perf_counter()
        self.socket.sendall(request)
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.receive()
        status_line, *header_lines = data[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in header_lines)}
        data = data[end + 4 :]
        chunked = "chunked" in headers.get("transfer-encoding", "")
        length = int(headers.get("content-length", 0))
        if not data and (chunked or length):
            data = self.receive()
        first = time.perf_counter() - started
        parts, size = [data], len(data)
        while not (data.endswith(b"0\r\n\r\n") if chunked else size >= length):
            parts.append(self.receive())
            size += len(parts[-1])
            data = (data + parts[-1])[-16:]
        whole = time.perf_counter() - started
        body = b"".join(parts)
        return Answer(int(status_line.split()[1]), headers, unchunked(body) if chunked else body, first, whole)

    def receive(self) -> bytes:
        """More bytes, or an error when the server has closed."""
        data = self.socket.recv(1 << 20)
        if not data:
            msg = f"the server on port {self.port} closed the connection within a reply"
            raise ConnectionError(msg)
        return data


def unchunked(data: bytes) -> bytes:
    """The payload of a chunked body."""
    parts: list[bytes] = []
    while True:
        size, _, data = data.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if not length:
            return b"".join(parts)
        parts.append(data[:length])
        data = data[length + 2 :]


def post(port: int, body: bytes, *, path: str = PATH, headers: Mapping[str, str] = HEADERS) -> Answer:
    """One POST on a connection of its own."""
    with Connection(port, headers=headers) as connection:
        return connection.post(body, path)


def get(port: int, path: str) -> Answer:
    """One GET on a connection of its own."""
    with Connection(port) as connection:
        return connection.get(path)


def answers(port: int, path: str) -> bool:
    """Whether anything on the port answers HTTP."""
    try:
        with Connection(port, timeout_secs=5.0) as connection:
            connection.get(path)
    except (OSError, ValueError, IndexError):
        return False
    return True
