"""The server: one protocol object per connection, one task per request, on a loop of its own thread."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import secrets
import socket
import threading
from collections.abc import Iterator
from typing import Any, cast

import uvloop

from tests.stub import models, routes
from tests.stub.plan import Json, Plan, dumps
from tests.stub.record import Call, Record
from tests.stub.wire import Gone, Incoming, Peer, parse


class Stub:
    """The stub provider, on a thread; a context manager, or `start` and `stop`."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen on `port`, or on a free one."""
        self.host = host
        self.port = port
        self.record = Record()
        self.run_id = secrets.token_hex(3)
        self._faults: list[dict[str, Any]] = []
        self._gates: dict[str, asyncio.Event] = {}
        self._loop = uvloop.new_event_loop()
        self._thread: threading.Thread | None = None
        self._number = 0
        self._transports: set[asyncio.Transport] = set()

    # -- running ---------------------------------------------------------------------------------------------------

    def start(self) -> Stub:
        """Start listening; returns when connections are accepted."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="stub", daemon=True)
        self._thread.start()
        if not ready.wait(20):
            msg = "the stub did not start"
            raise RuntimeError(msg)
        return self

    def stop(self) -> None:
        """Stop listening and end the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread:
            self._thread.join(20)

    def __enter__(self) -> Stub:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Connection(self), self.host, self.port, backlog=1024)
        )
        sockets: list[socket.socket] = list(server.sockets)
        self.port = sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._leave())
        self._loop.close()

    async def _leave(self) -> None:
        """Close every connection and wait until the loop has let go of it."""
        for transport in list(self._transports):
            transport.abort()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while self._transports:
            await asyncio.sleep(0)

    # -- what tests ask ----------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The base address, without a path."""
        return f"http://{self.host}:{self.port}"

    def calls(self, text: str | bytes = b"") -> list[Call]:
        """Return the calls whose target or body holds the text; all by default."""
        return self.record.matching(text)

    def wait_calls(self, count: int, text: str = "", timeout: float = 20) -> list[Call]:
        """Wait until that many calls hold the text, and return them."""
        needle = text.encode()
        self.record.wait(
            lambda: sum(needle in c.body or needle in c.target.encode() for c in self.record.calls) >= count,
            f"{count} calls with {text!r}",
            timeout,
        )
        return self.record.matching(text)

    def wait_state(self, call: Call, state: str, timeout: float = 20) -> None:
        """Wait until the call ended so (`done`, `cut`, `cancelled`)."""
        self.record.wait(lambda: call.state == state, f"{state} of call {call.number}, it is {call.state}", timeout)

    def fault(self, options: str, *, match: str = "", times: int = 1) -> None:
        """Add directives (`"status=429,retry_after=3"`) to the next `times` requests whose target or body holds `match`.

        A negative `times` holds until `reset`.
        """
        pairs = (part.partition("=") for part in options.split(","))
        self._faults.append({"options": {a: c for a, _, c in pairs}, "match": match.encode(), "times": times})

    def release(self, gate: str = "") -> None:
        """Let everything on that waits at the gate, and whatever comes to it later."""
        self._loop.call_soon_threadsafe(lambda: self._gate(gate).set())

    def reset(self) -> None:
        """Forget calls, faults and gates."""
        self._faults.clear()
        self.record.clear()
        self._loop.call_soon_threadsafe(self._gates.clear)

    @contextlib.contextmanager
    def counting(self, text: str = "") -> Iterator[list[Call]]:
        """Collect the calls with this text that arrive inside the block."""
        before = {id(call) for call in self.calls(text)}
        found: list[Call] = []
        yield found
        found.extend(call for call in self.calls(text) if id(call) not in before)

    # -- for the connections -------------------------------------------------------------------------------------------

    def _gate(self, name: str) -> asyncio.Event:
        return self._gates.setdefault(name, asyncio.Event())

    def _take_faults(self, target: str, body: bytes) -> dict[str, str]:
        extra: dict[str, str] = {}
        for fault in list(self._faults):
            if fault["times"] and (fault["match"] in body or fault["match"] in target.encode()):
                extra.update(fault["options"])
                fault["times"] -= 1
        return extra

    def _begin(self, incoming: Incoming) -> Call:
        self._number += 1
        path, _, query = incoming.target.partition("?")
        call = Call(
            self._number,
            f"{self.run_id}-{self._number}",
            incoming.method,
            incoming.target,
            path,
            query,
            incoming.headers,
            incoming.body,
            routes.endpoint_of(path),
        )
        self.record.change(lambda: self.record.calls.append(call))
        return call

    def _control(self, incoming: Incoming) -> tuple[int, Json]:
        """Answer `/_stub/calls`, `/stats`, `/reset`, `/release`, `/fault`."""
        name = incoming.target.partition("/_stub/")[2].partition("?")[0]
        given = json.loads(incoming.body or b"{}")
        record = self.record
        if name == "calls":
            return 200, [call.as_dict() for call in record.calls]
        if name == "stats":
            states = [call.state for call in record.calls]
            counts = {state: states.count(state) for state in ("open", "done", "cut", "cancelled")}  # type: ignore[arg-type]
            more = {"connections": record.connections, "open_connections": record.open_connections}
            return 200, {"calls": len(states), **counts, "dropped": record.dropped, **more}
        if name == "reset":
            self._faults.clear()
            self._gates.clear()
            record.clear()
        elif name == "release":
            self._gate(given.get("gate", "")).set()
        elif name == "fault":
            self.fault(given["options"], match=given.get("match", ""), times=given.get("times", 1))
        else:
            return 404, {"error": f"no control path {name!r}"}
        return 200, {"ok": True}


class _Connection(asyncio.Protocol):
    """One connection: requests are answered in the order in which they come."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._buffer = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._call: Call | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._peer = Peer(cast("asyncio.Transport", transport))
        self._stub._transports.add(self._peer.transport)  # noqa: SLF001
        self._stub.record.connections += 1
        self._stub.record.open_connections += 1

    def pause_writing(self) -> None:
        self._peer.pause()

    def resume_writing(self) -> None:
        self._peer.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        record, call, half = self._stub.record, self._call, bool(self._buffer)
        self._peer.lost()
        self._stub._transports.discard(self._peer.transport)  # noqa: SLF001

        def note() -> None:
            record.open_connections -= 1
            if call is not None and call.state == "open":
                call.state = "cancelled"
            if half or (call is not None and call.state == "cancelled"):
                record.dropped += 1

        record.change(note)
        if self._task:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def _next(self) -> None:
        if self._task is not None or self._peer.gone:
            return
        found = parse(self._buffer)
        if found is None:
            return
        incoming, length = found
        del self._buffer[:length]
        self._task = asyncio.get_running_loop().create_task(self._answer(incoming))
        self._task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, Gone):
            asyncio.get_running_loop().call_exception_handler({"message": "stub failed", "exception": error})
            self._peer.transport.abort()
        self._next()

    async def _answer(self, incoming: Incoming) -> None:
        if incoming.target.startswith("/_stub/"):
            status, value = self._stub._control(incoming)  # noqa: SLF001 -- one unit in two classes
            await self._json(status, dumps(value).encode(), [])
            return
        call = self._call = self._stub._begin(incoming)  # noqa: SLF001
        try:
            await self._provide(call, incoming)
            end = "done"
        except _CutOff:
            end = "cut"
        self._call = None
        self._stub.record.change(lambda: setattr(call, "state", end))
        if end == "cut":
            self._peer.transport.close()

    async def _provide(self, call: Call, incoming: Incoming) -> None:
        stub = self._stub
        headers = {name.lower(): value for name, value in incoming.headers}
        extra = stub._take_faults(call.target, call.body)  # noqa: SLF001
        if not call.endpoint:
            known = (
                models.models(call.path, anthropic="anthropic-version" in headers) if "/models" in call.path else None
            )
            status = 200 if known is not None else 404
            value = known if known is not None else {"error": {"message": f"stub has no {call.path}"}}
            await self._json(status, dumps(value).encode(), [])
            return
        refusal, body = routes.refusal(call.endpoint, call.path, headers, call.body)
        plan = routes.plan_for(call.endpoint, body, call.tag, call.number, extra)
        call.options = plan.options
        await self._pause(plan, "head_delay_ms")
        if plan.options.get("hold") == "head":
            await stub._gate(plan.options.get("gate", "")).wait()  # noqa: SLF001
        if await self._broken_head(plan):
            return
        status = refusal or plan.integer("status")
        reply = None if status else routes.reply_for(call.endpoint, call.path, call.query, body, plan)
        shown = _provider_headers(call, plan)
        if plan.flag("redirect"):
            await self._json(302, b"", [("location", plan.options["redirect"])])
            return
        if reply is None or plan.flag("error_body"):
            status = status or (200 if reply else 400)
            value = routes.error_body(call.endpoint, status, plan)
            if plan.flag("retry_after"):
                shown.append(("retry-after", plan.options["retry_after"]))
            await self._json(status, dumps(value).encode(), shown)
            return
        if reply.events is not None and routes.wants_stream(call.endpoint, body, plan):
            await self._stream(call, plan, reply.events, reply.error_event, reply.media_type, shown)
        else:
            await self._whole(plan, dumps(reply.whole).encode(), shown)

    async def _broken_head(self, plan: Plan) -> bool:
        """Do what breaks the exchange before or instead of a reply; tell whether it was done."""
        peer = self._peer
        if plan.flag("never"):
            await asyncio.Event().wait()
        if plan.flag("reset"):
            peer.transport.abort()
            raise _CutOff
        if plan.flag("close"):
            raise _CutOff
        if plan.flag("garbage_http"):
            await peer.send(b"\x16\x03\x01 this is no HTTP at all\r\n\r\n\x00\xff")
            raise _CutOff
        for name, kind, data in (
            ("garbage_json", "application/json", b'{"id": "x", nonsense'),
            ("garbage_sse", "text/event-stream", b"data: {nonsense\n\ndata: \xff\xfe\n\n"),
            ("html", "text/html", b"<html><body>502 from a proxy</body></html>"),
            ("empty", "application/json", b""),
        ):
            if plan.flag(name):
                await self._json(200, data, [], kind)
                return True
        return False

    async def _whole(self, plan: Plan, data: bytes, headers: list[tuple[str, str]]) -> None:
        await self._pause(plan, "delay_ms")
        if plan.flag("hold"):
            await self._stub._gate(plan.options.get("gate", "")).wait()  # noqa: SLF001
        if plan.flag("half_json") or plan.flag("cut"):
            length = [("content-type", "application/json"), ("content-length", str(len(data)))]
            await self._peer.head(200, [*headers, *length])
            await self._peer.send(data[: len(data) // 2])
            raise _CutOff
        if plan.flag("half_json_clean"):
            data = data[: len(data) // 2]
        if plan.flag("gzip"):
            data = gzip.compress(data)
            headers = [*headers, ("content-encoding", "gzip")]
        await self._json(200, data, headers)

    async def _stream(
        self,
        call: Call,
        plan: Plan,
        events: list[bytes],
        failure: bytes,
        kind: str,
        headers: list[tuple[str, str]],
    ) -> None:
        peer = self._peer
        head = [("content-type", kind), ("cache-control", "no-cache"), ("transfer-encoding", "chunked")]
        await peer.head(200, [*headers, *head])
        stops = {name: plan.integer(name, -1) for name in ("hold", "error_event", "cut", "cut_clean")}
        for at in range(len(events) + 1):
            if at == stops["hold"]:
                await self._stub._gate(plan.options.get("gate", "")).wait()  # noqa: SLF001
            if at == stops["cut"]:
                raise _CutOff
            if at == stops["cut_clean"]:
                break
            if at == stops["error_event"]:
                await peer.chunk(failure)
                break
            if at < len(events):
                await self._pause(plan, "delay_ms")
                await peer.chunk(events[at])
                self._stub.record.change(lambda: setattr(call, "events", call.events + 1))
        if plan.flag("trailing"):
            await peer.chunk(plan.options["trailing"].encode() + b"\n\n")
        await peer.chunk(b"")

    async def _json(
        self, status: int, data: bytes, headers: list[tuple[str, str]], kind: str = "application/json"
    ) -> None:
        await self._peer.head(status, [*headers, ("content-type", kind), ("content-length", str(len(data)))])
        await self._peer.send(data)

    async def _pause(self, plan: Plan, name: str) -> None:
        if plan.flag(name):
            await asyncio.sleep(plan.integer(name) / 1000)


class _CutOff(Exception):
    """The stub breaks off on purpose."""


def _provider_headers(call: Call, plan: Plan) -> list[tuple[str, str]]:
    """Return headers as the provider of this endpoint sends them, with some that no client should see."""
    noise = [("set-cookie", "stub=1"), ("strict-transport-security", "max-age=1"), ("alt-svc", 'h3=":443"')]
    if call.endpoint in {"messages", "count_tokens"}:
        limits = [("anthropic-ratelimit-requests-remaining", "49"), ("anthropic-organization-id", "org-stub")]
        return [("request-id", f"req_{plan.tag}"), *limits, *noise]
    if call.endpoint in {"generate", "stream_generate", "gemini_count"}:
        return [("server-timing", "gfet4t7; dur=1"), *noise]
    limits = [("x-ratelimit-remaining-requests", "59"), ("x-ratelimit-reset-requests", "1s")]
    return [
        ("x-request-id", f"req_{plan.tag}"),
        ("openai-processing-ms", "3"),
        ("openai-version", "2020-10-01"),
        *limits,
        *noise,
    ]
