"""What a gateway on Granian could at best be: the least an RSGI application can do for the same request.

`python -m benches.baselines APP --port N [--upstream URL]` serves one of them with the very keyword
arguments that `isartor up` gives to Granian.
"""

import argparse
import os
from typing import TYPE_CHECKING, Final

from granian.constants import Interfaces
from granian.server import Server

if TYPE_CHECKING:
    from granian._granian import RSGIHTTPProtocol as HTTPProtocol
    from granian.rsgi import Scope
    from pyreqwest.client import Client

JSON: Final = [("content-type", "application/json")]
SSE: Final = [("content-type", "text/event-stream")]
ANSWER: Final = b'{"ok":true}'
UPSTREAM: Final = "BENCH_UPSTREAM"


class Empty:
    """Answers at once, without reading the body."""

    async def __rsgi__(self, _scope: "Scope", proto: "HTTPProtocol") -> None:
        """Answer."""
        proto.response_bytes(200, JSON, ANSWER)


class ReadBody:
    """Reads the whole body, then answers."""

    async def __rsgi__(self, _scope: "Scope", proto: "HTTPProtocol") -> None:
        """Read, then answer."""
        await proto()
        proto.response_bytes(200, JSON, ANSWER)


class Transport:
    """The bare HTTP client inside the same server: body up, reply down, only the stream flag looked at."""

    client: "Client | None" = None

    async def __rsgi__(self, _scope: "Scope", proto: "HTTPProtocol") -> None:
        """Forward one request."""
        if self.client is None:
            # Only here: the other applications are to stay without it.
            from pyreqwest.client import ClientBuilder

            self.url = os.environ[UPSTREAM] + "/v1/chat/completions"
            self.client = ClientBuilder().build()
        body = await proto()
        request = self.client.post(self.url).body_bytes(body).header("content-type", "application/json")
        if b'"stream":true' not in body:
            reply = await request.build().send()
            proto.response_bytes(200, JSON, bytes(await reply.bytes()))
            return
        # Without this limit the library would hand nothing over before 64 KiB of the stream have come.
        async with request.streamed_read_buffer_limit(1).build_streamed() as reply:
            out = proto.response_stream(200, SSE)
            while (chunk := await reply.body_reader.read_chunk()) is not None:
                await out.send_bytes(bytes(chunk))


class Own:
    """Isartor's own transport in the place of the library: what is left is what the gateway itself costs."""

    upstream = None

    async def __rsgi__(self, _scope: "Scope", proto: "HTTPProtocol") -> None:
        """Forward one request, whole."""
        if self.upstream is None:
            from isartor.providers.base import Limits
            from isartor.providers.transport import Transport as Native

            self.upstream = Native("bench", os.environ[UPSTREAM], Limits())
        reply = await self.upstream.send("POST", "/v1/chat/completions", JSON, await proto(), stream=False)
        proto.response_bytes(200, JSON, await reply.read_all(1 << 20))


empty: Final = Empty()
read_body: Final = ReadBody()
transport: Final = Transport()
own: Final = Own()


def main() -> None:
    """Serve one baseline as `isartor up` would serve the gateway."""
    from isartor import config
    from isartor.server.run import granian_options

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("app", choices=["empty", "own", "read_body", "transport"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", default="")
    args = parser.parse_args()
    os.environ[UPSTREAM] = args.upstream
    options = granian_options(config.load())
    options |= {"address": "127.0.0.1", "port": args.port, "interface": Interfaces.RSGI}
    # What belongs to Isartor's own application and no baseline has.
    for key in ("target", "factory", "process_name"):
        options.pop(key, None)
    Server(f"benches.baselines:{args.app}", **options).serve()


if __name__ == "__main__":
    main()
