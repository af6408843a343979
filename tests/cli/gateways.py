"""A gateway that answers the command line as told."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Told:
    """Pages by path, and what was asked: path with query, and key."""

    def __init__(self, pages: dict[str, Any], key: str | None = None) -> None:
        self.pages = {"/healthz": {"status": "ok"}, **pages}
        self.key = key
        self.asked: list[tuple[str, str | None]] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def told(pages: dict[str, Any], key: str | None = None) -> Iterator[Told]:
    """Serve `pages`; all but `/healthz` only with `key`."""
    served = Told(pages, key)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            sent = self.headers.get("x-api-key")
            served.asked.append((self.path, sent))
            refused = served.key is not None and path != "/healthz" and sent != served.key
            body = b"{}" if refused else json.dumps(served.pages.get(path, {})).encode()
            self.send_response(401 if refused else 200 if path in served.pages else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
